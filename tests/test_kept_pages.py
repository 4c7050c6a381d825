"""Pages that are kept as they were drawn: nobody sees an old one, or another person's."""

import gzip
import re

import pytest
from conftest import log_in, shown_board
from pages import counted, one_engine
from test_plans import FORMS, MORE_FORMS, Planner

from drawing import Pages

FRAGMENTS = {"X-Requested-With": "XMLHttpRequest"}
PATHS = ("/", "/?open={ticket}", "/?q=tap+hole", "/platform/{ticket}", "/insights", "/archive", "/trash", "/labels")


def without_key(html):
    """A page, but for the key of its form, which is another one each time that it is drawn."""
    return re.sub(r'name="key" value="[^"]*"', "", html)


def test_a_page_is_drawn_once_until_something_changes(mira):
    [ticket] = mira.add_tickets("one")
    for path in ("/", f"/platform/{ticket}", "/insights", "/archive", "/trash", "/labels"):
        first = mira.get(path)
        with counted(mira.site.db) as statements:
            second = mira.get(path)
        assert len(statements) == 1, "who is logged in"
        assert (without_key(first.text), first.headers) == (without_key(second.text), second.headers)
        mira.post(f"/tickets/{ticket}/title", title=f"seen {path}")
        with counted(mira.site.db) as statements:
            mira.get(path)
        assert len(statements) > 1


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0)])
def test_the_script_the_browser_and_one_without_compression_each_get_their_own(mira, order):
    mira.add_tickets("one")
    ways = [{}, {"Accept-Encoding": "gzip"}, FRAGMENTS, {**FRAGMENTS, "Accept-Encoding": "gzip"}]
    for _ in range(2):
        answers = {number: mira.get("/", headers=ways[number]) for number in order}
        assert [answers[number].headers.get("Content-Encoding") for number in range(4)] == [None, "gzip"] * 2
        page, part = answers[0].text, answers[2].text
        assert page.startswith("<!doctype html>")
        assert not part.startswith("<!doctype html>")
        for plain, packed in ((page, answers[1]), (part, answers[3])):
            assert without_key(gzip.decompress(packed.data).decode()) == without_key(plain)


def test_a_page_that_asks_whether_it_is_up_to_date_costs_one_statement_and_one_line(mira, capfd):
    mira.add_tickets("one")
    page = mira.get("/", headers=FRAGMENTS)
    known = {**FRAGMENTS, "If-None-Match": page.headers["ETag"]}
    capfd.readouterr()
    with counted(mira.site.db) as statements:
        answer = mira.get("/", headers=known)
    assert (answer.status_code, answer.data, len(statements)) == (304, b"", 1)
    assert answer.headers["ETag"] == page.headers["ETag"]
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
    line = capfd.readouterr().err
    assert re.fullmatch(
        rf"\S+Z request id=\w{{8}} method=GET path=/ status=304 ms=\d+ user={mira.id} from=127.0.0.1\n", line
    )
    mira.post("/logout")
    assert mira.get("/", headers=known).status_code == 401


@one_engine
def test_a_page_that_asks_again_with_a_broken_cookie_or_of_a_broken_database_gets_an_answer(site, mira, monkeypatch):
    etag = mira.get("/").headers["ETag"]
    headers = {"If-None-Match": etag, "Cookie": "nikko=\u00ff"}
    answer = site.app.test_client(use_cookies=False).get("/", headers=headers)
    assert (answer.status_code, "Content-Security-Policy" in answer.headers) == (303, True)

    def damaged(*_):
        raise RuntimeError("database disk image is malformed")

    monkeypatch.setattr(site.app.session_interface.cache, "get", damaged)
    monkeypatch.setitem(site.app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = mira.get("/", headers={"If-None-Match": etag})
    assert (answer.status_code, "Content-Security-Policy" in answer.headers) == (500, True)


@one_engine
def test_a_page_that_asks_again_is_refused_under_another_name(another_site):
    site = another_site(HOSTS="localhost")
    mira = log_in(site, site.insert_user("mira", "mira", "", "Mira", "Kovač"), "mira")
    etag, cookie = mira.get("/").headers["ETag"], mira.client.get_cookie("nikko").value
    for host, status in (("localhost", 304), ("evil.example", 400)):
        browser = site.app.test_client()
        browser.set_cookie("nikko", cookie, domain=host)
        answer = browser.get("/", headers={"If-None-Match": etag}, base_url=f"http://{host}")
        assert answer.status_code == status


def test_what_was_just_done_is_said_once(mira):
    mira.add_tickets("one")
    [action] = mira.ids("SELECT id FROM actions WHERE user_id = ? LIMIT ?", 1)
    assert "Undo</button>" not in mira.get("/").text
    for _ in range(2):
        assert "Undo</button>" in mira.get(f"/?done={action}").text
    assert "Undo</button>" not in mira.get("/").text


@one_engine
def test_after_every_form_each_page_is_the_one_that_is_drawn_anew(site, new_person):
    forms = [*FORMS.items(), *MORE_FORMS]
    for name, fields in forms:
        rule = next(rule for rule in site.app.url_map.iter_rules() if rule.rule == name and "POST" in rule.methods)
        site.db.execute("DELETE FROM attempts")
        planner = Planner(new_person())
        if name == "/redo":
            planner.person.post("/undo")
            planner.values["action"] = planner.latest("actions")
        paths = [path.format(**planner.values) for path in PATHS]
        for path in paths:
            assert without_key(planner.person.get(path).text) == without_key(planner.person.get(path).text)
        planner.send(rule, fields)
        if planner.person.get("/").headers.get("X-Person") != str(planner.person.id):  # logged out, or in as another
            continue
        anew = planner.person.another_browser()
        for path in paths:
            assert without_key(planner.person.get(path).text) == without_key(anew.get(path).text), (name, path)


def test_a_page_goes_to_nobody_but_the_session_for_which_it_was_drawn(mira):
    mira.add_tickets("one")
    mira.get("/")
    with counted(mira.site.db) as statements:
        mira.another_browser().get("/")
    assert len([sql for sql in statements if "FROM tickets" in sql]) == 1
    mira.post("/logout")
    assert mira.get("/").status_code == 303


def test_who_works_on_a_template_sees_each_page_drawn_anew(mira, monkeypatch):
    mira.get("/")
    monkeypatch.setattr(mira.site.app, "debug", True)
    for _ in range(2):
        with counted(mira.site.db) as statements:
            mira.get("/")
        assert len(statements) > 1


def test_what_clears_up_is_seen_at_once(mira):
    mira.add_tickets("one")
    [ticket] = mira.add_tickets("two", status="done")
    mira.post("/archive/after", days=1)
    mira.get("/")
    db = mira.site.db
    db.execute("UPDATE tickets SET status_since = 1 WHERE id = ?", ticket)
    db.execute("UPDATE sessions SET seen_at = seen_at - 4000 WHERE user_id = ?", mira.id)
    page = mira.get("/")
    [user] = db.execute("SELECT version, archived FROM users WHERE id = ?", mira.id)
    assert user["archived"] == 1
    assert mira.board()["done"] == shown_board(page.text)["done"] == []
    assert page.headers["ETag"].endswith(f'-{user["version"]}"')


@pytest.mark.parametrize("options", [{"query_string": {"x": "y" * 5_000}}, {"data": {"days": "77"}}])
def test_what_no_browser_asks_for_is_not_kept(mira, options):
    for _ in range(2):
        with counted(mira.site.db) as statements:
            assert mira.get("/archive", **options).status_code == 200
        assert len(statements) > 1
    assert 'value="77"' not in mira.get("/archive").text


def test_what_is_not_there_is_not_there_the_second_time(mira):
    for _ in range(2):
        assert mira.get("/platform/2000000000").status_code == 404


def test_no_page_has_what_stands_for_a_key(mira):
    [ticket] = mira.add_tickets("one")
    for path in (
        "/",
        f"/?open={ticket}",
        f"/platform/{ticket}",
        "/import",
        "/archive",
        "/trash",
        "/labels",
        "/account",
    ):
        for headers in ({}, FRAGMENTS):
            assert mira.site.FORM_KEY not in mira.get(path, headers=headers).data


def test_so_many_pages_are_kept_as_there_is_room_for():
    pages = Pages(100_000, 60)
    pages.keep("too large", [bytes(100_000)])
    assert pages.get("too large") is None
    for number in range(20):
        pages.keep(number, [bytes(4_000), bytes(6_000)])
        assert pages.get(0)  # so it was asked for last
    assert [number for number in range(20) if pages.get(number)] == [0, *range(14, 20)]


def test_a_page_is_not_kept_for_longer_than_it_should():
    now = [0]
    pages = Pages(100_000, 60, lambda: now[0])
    pages.keep("first", [b"text"])
    now[0] = 59
    assert pages.get("first") == [b"text"]
    pages.keep("second", [b"text"])
    now[0] = 61
    assert pages.get("first") is None
    assert pages.get("second")
