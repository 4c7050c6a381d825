"""The application as the server calls it: what a request becomes, who waits for whom, and what breaks off."""

import asyncio
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import PASSWORD

import database
import journal
import serving

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # on the others each request has a thread

FORM = [(b"content-type", b"application/x-www-form-urlencoded"), (b"sec-fetch-site", b"same-origin")]


def in_a_loop(coroutine):
    """Run it in an event loop of a thread of its own, for Playwright leaves one that runs in this thread."""
    with ThreadPoolExecutor(1, "loop") as thread:
        return thread.submit(asyncio.run, coroutine).result(60)


async def ask(site, method, path, headers=(), parts=(b"",), then=None):
    """Send a request in these parts; after them comes `then`. Returns (status, headers, body), None for no answer."""
    if parts != (b"",) and not any(name == b"content-length" for name, _ in headers):
        headers = [*headers, (b"transfer-encoding", b"chunked")]
    path, _, query = path.partition("?")
    scope = {
        "type": "http", "http_version": "1.1", "scheme": "http",
        "method": method, "raw_path": path.encode(), "query_string": query.encode(),
        "server": ("127.0.0.1", "5000"), "client": ("192.0.2.7", "40000"),
        "headers": [(b"host", b"localhost"), *headers],
    }  # fmt: skip
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages[-1] = messages[-1] | {"more_body": then is not None}
    sent = []

    async def receive():
        return messages.pop(0) if messages else await then()

    async def send(message):
        sent.append(message)

    await site.served(scope, receive, send)
    if not sent:
        return None
    assert [message.get("more_body", False) for message in sent[1:]] == [True] * (len(sent) - 2) + [False]
    body = b"".join(message["body"] for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body.decode()


def cookie(person):
    return [(b"cookie", f"nikko={person.client.get_cookie('nikko').value}".encode())]


@pytest.fixture
def threads(monkeypatch):
    """For each time that the application was called, whether the event loop did it."""
    threads, run = [], serving.Served.run

    def noting(self, environ):
        threads.append(threading.current_thread().name.startswith("loop"))
        return run(self, environ)

    monkeypatch.setattr(serving.Served, "run", noting)
    return threads


def test_a_page_is_drawn_in_the_loop_and_what_takes_long_in_a_thread(site, mira, threads):
    (ticket_id,) = mira.add_tickets("Fix the tap")
    for path, begun in {
        "/": [True],
        f"/platform/{ticket_id}": [True],
        f"/platform/{ticket_id}?edit=title": [True],
        "/?q=tap": [True, False],
        "/?done=1": [True, False],
        "/insights": [True, False],
        "/insights?done=1": [True, False],
        "/account": [True, False],
        "/healthz": [True],
        "/nowhere": [True],
        "/import": [True, False],
    }.items():
        threads.clear()
        status, _, page = in_a_loop(ask(site, "GET", path, cookie(mira)))
        assert (status, threads) == (404 if path == "/nowhere" else 200, begun), path
        assert "</html>" in page or page == "ok"


@pytest.mark.parametrize(("characters", "begun"), [(10, [True]), (5_001, [True, False])])
def test_a_change_on_the_page_of_a_long_description_is_made_in_a_thread(site, mira, threads, characters, begun):
    (ticket_id,) = mira.add_tickets("Fix the tap")
    mira.post(f"/tickets/{ticket_id}/description", description="x" * characters)
    headers = [*FORM, *cookie(mira), (b"x-requested-with", b"XMLHttpRequest")]
    form = f"title=Fix+it&back=/platform/{ticket_id}".encode()
    status, _, page = in_a_loop(ask(site, "POST", f"/tickets/{ticket_id}/title", headers, [form]))
    assert (status, threads, "x" * characters in page) == (200, begun, True)
    assert mira.board()["todo"] == ["Fix it"]


@pytest.mark.parametrize(("characters", "begun"), [(1_000, [True]), (61_000, [False])])
def test_a_large_form_is_taken_apart_in_a_thread(site, mira, threads, characters, begun):
    in_a_loop(ask(site, "POST", "/nowhere", [*FORM, *cookie(mira)], [b"%41" * (characters // 3)]))
    assert threads == begun


@pytest.mark.parametrize(("long", "begun"), [(200_000, [True]), (10, [True, False])])
def test_a_short_step_is_undone_in_the_loop_and_a_long_one_in_a_thread(site, mira, threads, monkeypatch, long, begun):
    mira.add_tickets("Fix the tap")
    monkeypatch.setattr(journal, "LONG", long)
    assert in_a_loop(ask(site, "POST", "/undo", [*FORM, *cookie(mira)], [b"x=1"]))[0] == 303
    assert threads == begun
    assert not any(mira.board().values())


def test_a_login_is_checked_in_a_thread_with_all_that_was_typed(site, mira):
    form = f"username={mira.username}&password={PASSWORD.replace(' ', '+')}".encode()
    status, headers, _ = in_a_loop(ask(site, "POST", "/login", FORM, [form[:5], form[5:]]))
    assert (status, headers[b"location"]) == (303, b"/")


def test_a_form_in_pieces_of_unknown_length_is_whole(site, mira):
    form = [b"title=Fix", b"+the", b"+tap"]
    assert in_a_loop(ask(site, "POST", "/tickets", [*FORM, *cookie(mira)], form))[0] == 303
    assert mira.board()["todo"] == ["Fix the tap"]


@pytest.mark.parametrize("length", [[], [(b"content-length", b"2000010")]])
def test_a_form_above_the_limit_is_refused_in_words(site, mira, length):
    form = [b"title=", *[b"x" * 100_000] * 20]
    status, _, page = in_a_loop(ask(site, "POST", "/tickets", [*FORM, *cookie(mira), *length], form))
    assert status == 413
    assert "more than a form can hold" in page
    assert not any(mira.board().values())


def test_a_form_that_stops_coming_is_ended_and_changes_nothing(site, mira, monkeypatch):
    monkeypatch.setattr(serving, "FORM_SECONDS", 0.05)
    sender = [*FORM, *cookie(mira)]
    status, headers, _ = in_a_loop(ask(site, "POST", "/tickets", sender, [b"title=Fix"], lambda: asyncio.sleep(60)))
    assert (status, headers[b"connection"]) == (408, b"close")
    assert not any(mira.board().values())


def test_a_page_with_a_body_that_stops_coming_is_ended_as_well(site, mira, monkeypatch):
    monkeypatch.setattr(serving, "FORM_SECONDS", 0.05)
    assert in_a_loop(ask(site, "GET", "/", cookie(mira), [b"x"], lambda: asyncio.sleep(60)))[0] == 408


def test_more_forms_than_there_is_room_for_are_told_to_come_again(site, mira, monkeypatch):
    monkeypatch.setattr(site.served, "room", 100_000)
    sender = [*FORM, *cookie(mira)]
    status, headers, page = in_a_loop(ask(site, "POST", "/tickets", sender, [b"title=", b"x" * 100_000]))
    assert (status, headers[b"retry-after"], headers[b"cache-control"]) == (503, b"5", b"no-store")
    assert b"content-security-policy" in headers
    assert "Nothing was saved" in page
    assert site.served.room == 100_000
    site.served.room = 0  # others hold it all
    assert in_a_loop(ask(site, "POST", "/tickets", sender, [b"title=Fix"]))[0] == 303


def test_every_route_that_runs_in_the_loop_is_there(site):
    assert {None, *(rule.endpoint for rule in site.app.url_map.iter_rules())} > site.QUICK


def test_a_file_in_pieces_of_unknown_length_is_taken(site, mira):
    head = [(b"content-type", b"multipart/form-data; boundary=x"), FORM[1]]
    table = b"Title\r\n" + b"Fix the tap,\r\n" * 100_000
    begin = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    parts = [begin, *(table[at : at + 60_000] for at in range(0, len(table), 60_000)), b"\r\n--x--\r\n"]
    status, headers, _ = in_a_loop(ask(site, "POST", "/import/file", [*head, *cookie(mira)], parts))
    assert (status, headers[b"location"]) == (303, b"/import#found-head")
    assert site.uploads.waiting(site.db, mira.id)["name"] == "a.csv"


def test_a_file_that_stops_coming_is_ended_too(site, mira, monkeypatch):
    monkeypatch.setattr(serving, "FORM_SECONDS", 0.05)
    head = [(b"content-type", b"multipart/form-data; boundary=x"), (b"content-length", b"2000000"), FORM[1]]
    begun = [b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nTitle\r\n']
    answer = in_a_loop(ask(site, "POST", "/import/file", [*head, *cookie(mira)], begun, lambda: asyncio.sleep(60, {})))
    assert answer[0] == 408
    assert "took too long" in answer[2]
    assert site.uploads.waiting(site.db, mira.id) is None


def test_a_form_that_breaks_off_is_refused_and_changes_nothing(site, mira):
    gone = lambda: asyncio.sleep(0, {"type": "http.disconnect"})  # noqa: E731
    status, headers, said = in_a_loop(ask(site, "POST", "/tickets", [*FORM, *cookie(mira)], [b"title=Fix"], gone))
    assert (status, said) == (400, "Nothing was saved: the form broke off. Try again in a moment.\n")
    assert b"content-security-policy" in headers
    assert not any(mira.board().values())


def test_a_header_with_an_underscore_is_no_other_header(site, mira):
    """`X_Forwarded_For` would stand in the environment where X-Forwarded-For stands."""
    scope = {
        "method": "GET", "raw_path": b"/%C3%BC/%ff", "query_string": b"q=%C3%BC", "http_version": "1.1",
        "scheme": "http", "server": ("127.0.0.1", "5000"), "client": ("192.0.2.7", "40000"),
        "headers": [(b"x" * 64, b"1"),
                    (b"x_forwarded_for", b"1"), (b"sec_fetch_site", b"none"), (b"content_length", b"7"),
                    (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"accept", b"x"), (b"accept", b"y")],
    }  # fmt: skip
    environ = serving.environ_of(scope)
    assert {name: value for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_"))} == {
        "HTTP_COOKIE": "a=1;b=2",
        "HTTP_ACCEPT": "x,y",
    }
    assert environ["PATH_INFO"] == "/\u00c3\u00bc/\u00ff"  # bytes, as WSGI has them


@pytest.mark.parametrize("path", ["/%ff", "/%00", "/platform/%ED%A0%80", "*"])
def test_an_address_that_is_no_text_is_not_found(site, mira, path):
    assert in_a_loop(ask(site, "GET", path, cookie(mira)))[0] == 404


def test_who_would_wait_for_another_writer_holds_nobody_up(site, mira):
    """Its form goes on in a thread, and is carried out once, when the other has done."""
    mira.get("/")

    async def together():
        begun, done = threading.Event(), threading.Event()

        def write():
            with site.db.transaction():
                begun.set()
                done.wait(30)

        writer = asyncio.to_thread(write)
        task = asyncio.ensure_future(writer)
        await asyncio.to_thread(begun.wait, 30)
        forms = [
            asyncio.ensure_future(ask(site, "POST", "/tickets", [*FORM, *cookie(mira)], [f"title={n}".encode()]))
            for n in range(3)
        ]
        await asyncio.sleep(0.1)
        assert not any(form.done() for form in forms)
        before = time.monotonic()
        for _ in range(10):
            assert (await ask(site, "GET", "/", cookie(mira)))[0] == 200
        took = time.monotonic() - before
        done.set()
        await task
        return took, [(await form)[0] for form in forms]

    took, answers = in_a_loop(together())
    assert took < 5  # alone the forms would have waited for 10 s
    assert answers == [303] * 3
    assert sorted(mira.board()["todo"]) == ["0", "1", "2"]


def test_what_was_written_is_not_written_again_when_the_rest_would_have_to_wait(site, mira):
    """A request may begin again only as long as it wrote nothing."""
    with site.db.kept(hurried=True):
        assert site.db.is_hurried()
        site.db.execute("UPDATE users SET theme = 'dark' WHERE id = ?", mira.id)
        assert not site.db.is_hurried()
    with site.db.kept(hurried=True):
        assert site.db.is_hurried()
        with pytest.raises(LookupError), site.db.transaction():  # noqa: PT012
            site.db.execute("UPDATE users SET theme = 'dark' WHERE id = ?", mira.id)
            raise LookupError
        assert site.db.is_hurried()  # it was rolled back
    assert not site.db.is_hurried()


def test_a_hurried_statement_gives_up_soon_when_another_program_holds_the_file(site, mira):
    other = sqlite3.connect(site.db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with site.db.kept(hurried=True):
            began = time.monotonic()
            for _ in range(3):
                with pytest.raises(database.TakesLong):
                    site.db.execute("UPDATE users SET theme = 'dark' WHERE id = ?", mira.id)
            assert time.monotonic() - began < 5
    finally:
        other.execute("ROLLBACK")
        other.close()
    with site.db.kept(hurried=True):
        assert site.db.execute("UPDATE users SET theme = 'dark' WHERE id = ?", mira.id) == 1
