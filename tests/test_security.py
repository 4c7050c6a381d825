"""Who may do what from where, and what every answer says to the browser."""

import html
import re
import sys
from pathlib import Path

import pytest
from conftest import PASSWORD, Person
from pages import contents, counted, kept, one_engine, parse, problems, read

from sessions import hashed

ROOT = Path(__file__).parent.parent
CSP = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def send(person, path, fetch_site=None, cookie=True, host="localhost", **headers):
    """Send a form with just these headers, from a browser or a script."""
    client = person.client if cookie else person.site.app.test_client()
    kept_header = client.environ_base.pop("HTTP_SEC_FETCH_SITE", None)
    if fetch_site:
        headers["Sec-Fetch-Site"] = fetch_site
    if cookie:  # the same session, whatever the address by which this NIKKO is reached
        client.set_cookie("nikko", client.get_cookie("nikko").value, domain=re.sub(r":\d+$", "", host).lower())
    try:
        fields = {"title": "typed text", "username": "x", "password": "y"}
        return client.post(path, data=fields, headers=headers, base_url=f"http://{host}")
    finally:
        if kept_header:
            client.environ_base["HTTP_SEC_FETCH_SITE"] = kept_header


# Forged requests


@one_engine
@pytest.mark.parametrize("origin", [None, "http://localhost", "http://evil.example", "null"])
@pytest.mark.parametrize("fetch_site", ["cross-site", "same-site", "nonsense", "SAME-ORIGIN", "same-origin, none"])
def test_a_form_of_another_site_is_refused_and_changes_nothing(mira, fetch_site, origin):
    before = contents(mira.site)
    response = send(mira, "/tickets", fetch_site, **({"Origin": origin} if origin else {}))
    assert response.status_code == 403
    assert contents(mira.site) == before
    assert kept(parse(response)) == ["typed text"]


@one_engine
@pytest.mark.parametrize("fetch_site", ["same-origin", "none"])
@pytest.mark.parametrize("origin", [None, "http://localhost", "http://proxy.example"])
def test_what_the_browser_says_is_the_same_origin_passes(mira, fetch_site, origin):
    assert send(mira, "/tickets", fetch_site, **({"Origin": origin} if origin else {})).status_code == 303


@one_engine
@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost", "http://localhost"),
        ("192.168.1.5:5000", "http://192.168.1.5:5000"),
        ("NIKKO.home", "http://nikko.home"),
        ("nikko.home", "https://NIKKO.home"),
    ],
)
def test_without_fetch_metadata_the_origin_has_to_be_this_host(mira, host, origin):
    assert send(mira, "/tickets", host=host, Origin=origin).status_code == 303
    assert mira.board()["todo"] == ["typed text"]


@one_engine
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://192.168.1.5",
        "http://192.168.1.5:5001",
        "http://192.168.1.55:5000",
        "http://192.168.1.5:5000.evil.example",
        "http://192.168.1.5:5000@evil.example",
        "http://evil.example/192.168.1.5:5000",
        "192.168.1.5:5000",
        "null",
        "",
        "://",
        "file://",
        "é",
    ],
)
@pytest.mark.parametrize("cookie", [True, False])
def test_another_origin_is_refused_with_or_without_a_cookie(mira, origin, cookie):
    before = contents(mira.site)
    response = send(mira, "/tickets", host="192.168.1.5:5000", cookie=cookie, Origin=origin)
    assert response.status_code == 403
    assert contents(mira.site) == before


def test_a_cookie_without_any_word_of_where_from_is_refused(mira):
    before = contents(mira.site)
    assert send(mira, "/tickets").status_code == 403
    assert contents(mira.site) == before


def test_a_script_without_a_cookie_passes_the_guard(mira):
    assert send(mira, "/tickets", cookie=False).status_code == 401
    assert send(mira, "/login", cookie=False).status_code == 422
    assert send(mira, "/tickets", cookie=False, host="[::1]:5000", Origin="http://[::1]:5000").status_code == 401


def test_the_refusal_names_both_hosts_and_the_setting_for_a_proxy(mira):
    response = send(mira, "/tickets", host="127.0.0.1:5000", Origin="https://nikko.example")
    [message] = problems(parse(response))
    for words in ("https://nikko.example", "127.0.0.1:5000", "PROXIES=1", "X-Forwarded-Host"):
        assert words in message
    assert "did not say its address" in problems(parse(send(mira, "/tickets", "cross-site")))[0]


def test_the_guard_covers_every_form(mira):
    [ticket] = mira.add_tickets("one")
    [todo] = mira.add_todos(ticket, "a")
    before = contents(mira.site)
    for rule in rules(mira.site, "POST"):
        path = path_of(rule, ticket=ticket, todo=todo)
        assert send(mira, path, "cross-site").status_code == 403, path
        assert send(mira, path, Origin="http://evil.example").status_code == 403, path
        assert send(mira, path, cookie=False, Origin="http://evil.example").status_code == 403, path
    assert contents(mira.site) == before
    assert mira.get("/").status_code == 200


@one_engine
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "post"])
def test_the_guard_covers_every_method_that_might_change_something(mira, method):
    response = mira.client.open("/tickets", method=method, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code in (403, 405)


def test_the_guard_lets_links_of_other_sites_in(mira):
    assert mira.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


# Headers


def answers(person, monkeypatch):
    """An answer of each kind: (name, answer)."""
    [ticket_id] = person.add_tickets("one")
    stylesheet = read(person, "/").all("link", rel="stylesheet")[0].attributes["href"]
    yield "page", person.get("/")
    yield "redirect", person.post("/tickets", title="x")
    yield "static file", person.get(stylesheet)
    yield "missing static file", person.get("/static/nothing.css")
    yield "stale", person.post(f"/tickets/{ticket_id}/title", title="x", was="y")
    yield "ajax", person.ajax("/tickets", title="x")
    yield "health", person.get("/healthz")
    yield 400, person.post("/tickets", title="x", status=["todo", "todo"])
    yield 401, person.site.app.test_client().post("/tickets", data={"title": "x"})
    yield 403, send(person, "/tickets", "cross-site")
    yield 404, person.get("/nothing")
    yield 405, person.get("/tickets")
    yield 413, person.client.post("/tickets", data={"title": "x" * 1_000_001})
    yield 415, person.client.post("/tickets", json={"title": "x"})
    yield 422, person.post("/tickets", title="")
    monkeypatch.setitem(person.site.app.view_functions, "trash", lambda: 1 / 0)
    yield 500, person.get("/trash")


def test_every_answer_has_the_headers(mira, monkeypatch):
    for kind, response in answers(mira, monkeypatch):
        if isinstance(kind, int):
            assert response.status_code == kind
        assert {name: response.headers.get(name) for name in HEADERS} == HEADERS, kind
        if kind != "static file":
            assert response.headers["Cache-Control"] == "no-store", kind
        assert "Strict-Transport-Security" not in response.headers, kind


def test_no_page_is_kept_so_that_back_after_logout_shows_nothing(mira):
    [ticket] = mira.add_tickets("one")
    for rule in rules(mira.site, "GET"):
        path = path_of(rule, ticket=ticket, todo=1)
        for headers in ({}, {"X-Requested-With": "XMLHttpRequest"}):
            response = mira.get(path, headers=headers)
            assert response.headers.getlist("Cache-Control") == ["no-store"], path
            if etag := response.headers.get("ETag"):
                again = mira.get(path, headers=headers | {"If-None-Match": etag})
                assert (again.status_code, again.headers.getlist("Cache-Control")) == (304, ["no-store"]), path
    mira.post("/logout")
    for path in ("/", "/platform", f"/platform/{ticket}", "/insights", "/trash", "/account"):
        assert mira.get(path).status_code == 303, path


def test_every_error_is_a_page_in_our_look_without_anything_of_the_inside(mira, monkeypatch):
    for kind, response in answers(mira, monkeypatch):
        if isinstance(kind, int) and kind >= 400:
            page = parse(response)
            assert problems(page), kind
            assert page.all("a", href="/") or page.all("a", href="/login"), kind
            for secret in ("Traceback", "ZeroDivision", "werkzeug", "SELECT", ".py"):
                assert secret not in response.text.replace("python app.py", ""), kind


def test_an_error_has_a_number_to_find_it_by_in_the_log(mira, monkeypatch, caplog, capsys):
    monkeypatch.setitem(mira.site.app.view_functions, "trash", lambda: 1 / 0)
    [message] = problems(parse(mira.get("/trash")))
    number = re.search(r"The log has it as (\w{8})", message)[1]
    assert f" error id={number} " in capsys.readouterr().err
    assert "ZeroDivisionError" in caplog.text


def test_over_https_the_browser_is_told_to_stay_there_and_the_cookie_is_bound(mira):
    response = mira.client.get("/", base_url="https://localhost")
    assert response.headers["Strict-Transport-Security"].startswith("max-age=")


def test_a_static_file_sets_no_cookie_and_reads_no_session(mira):
    stylesheet = read(mira, "/").all("link", rel="stylesheet")[0].attributes["href"]
    with counted(mira.site.db) as statements:
        response = mira.get(stylesheet)
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert statements == []


@one_engine
@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/x/../../app.py",
        "/static/x/%2e%2e%2fapp.py",
        "/static/x/..%2f..%2fschema.sql",
        "/app.py",
    ],
)
def test_nothing_but_the_static_files_is_served(mira, path):
    assert mira.get(path).status_code == 404


def test_no_page_has_inline_scripts_or_styles(mira):
    one, two = mira.add_tickets("one", "two")
    todo, _ = mira.add_todos(one, "a", "b")
    mira.post(f"/tickets/{two}/delete")
    mira.post(f"/tickets/{one}/description", description="# Why\n\n<b onclick=x style=y>\n\n```js\nx")
    states = [f"/platform/{one}?{state}" for state in ("edit=description", "edit=todos", "edit=todo", f"carry={todo}")]
    for path in ("/", f"/?edit={one}", f"/?move={one}", f"/platform/{one}", *states, "/trash?empty=1", "/nothing"):
        page = parse(mira.get(path))
        for element in page.all():
            assert element.tag != "style", path
            assert element.tag != "script" or (element.attributes.get("src") and not element.text.strip()), path
            assert not [name for name in element.attributes if name == "style" or name.startswith("on")], path
            for name in ("src", "href", "action", "formaction"):
                assert re.match(r"[/#](?!/)", element.attributes.get(name) or "/"), (path, element.attributes)


# The address by which NIKKO is reached


@pytest.fixture
def named(another_site):
    """A NIKKO that is reached under certain names only."""
    return another_site(HOSTS="Board.example.org localhost:5000,192.0.2.7")


def ask(site, host, path="/login", method="GET"):
    client = site.app.test_client()
    headers = {"Host": host, "Sec-Fetch-Site": "same-origin"}
    return client.open(path, method=method, headers=headers, data={"title": "typed text"} if method == "POST" else None)


@one_engine
def test_under_one_of_its_names_it_answers_whatever_the_port(named):
    for host in ("board.example.org", "board.example.org:8443", "localhost:5000", "localhost", "192.0.2.7:80"):
        assert ask(named, host).status_code == 200, host
        assert ask(named, host, "/healthz").text == "ok", host
        assert ask(named, host, "/tickets", "POST").status_code == 401, host


@one_engine
@pytest.mark.parametrize(
    "host",
    ["evil.example", "board.example.org.evil.example", "xboard.example.org", "x.board.example.org", "example.org", "",
     "board.example.org@evil.example", "evil.example#board.example.org", "evil.example:x", "a b", "[::1]:5000", "é"],
    ids=ascii,
)  # fmt: skip
def test_under_another_name_every_address_is_a_400_in_our_look(named, host):
    before = contents(named)
    for path, method in (
        ("/login", "GET"),
        ("/", "GET"),
        ("/nothing", "GET"),
        ("/static/x/y", "GET"),
        ("/tickets", "POST"),
        ("/login", "POST"),
    ):
        response = ask(named, host, path, method)
        assert response.status_code == 400, path
        assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
        assert response.headers["Cache-Control"] == "no-store"
        assert "Who runs it can add this one to HOSTS." in problems(parse(response))[0]
        assert host not in ("evil.example", *response.headers.values())[1:]
        assert kept(parse(response)) == (["typed text"] if method == "POST" else [])
    assert ask(named, host, "/healthz").status_code == 400
    assert contents(named) == before


@one_engine
@pytest.mark.parametrize("proxies", ["0", "1"])
def test_the_address_that_a_proxy_names_counts_only_behind_one(another_site, proxies, capsys):
    site = another_site(HOSTS="board.example.org", PROXIES=proxies)
    person = Person(site, site.app.test_client())
    username = f"noor{site.time.time_ns()}"
    forwarded = {
        "X-Forwarded-For": "192.0.2.66, 192.0.2.7",  # the first is what the visitor forged
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example, board.example.org",
        "Host": "127.0.0.1:5000" if proxies == "1" else "board.example.org",
    }
    fields = {"first_name": "Noor", "last_name": "A", "username": username, "password": PASSWORD}
    response = person.client.post("/register", data=fields, headers=forwarded)
    assert response.status_code == 303
    cookie, log = response.headers["Set-Cookie"], capsys.readouterr().err
    if proxies == "1":
        assert " from=192.0.2.7\n" in log
        assert cookie.startswith("__Host-nikko=")
        assert "Secure" in cookie.split("; ")
        assert response.headers["Strict-Transport-Security"].startswith("max-age=")
    else:
        assert " from=127.0.0.1\n" in log
        assert cookie.startswith("nikko=")
        assert "Secure" not in cookie.split("; ")
        assert "Strict-Transport-Security" not in response.headers
    assert "192.0.2.66" not in log


@one_engine
def test_behind_a_proxy_each_visitor_has_a_count_of_their_own(another_site):
    site = another_site(PROXIES="1")
    client = site.app.test_client()

    def fail(address, forged):
        headers = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-For": f"{forged}, {address}"}
        return client.post("/login", data={"username": "noor", "password": "wrong"}, headers=headers).status_code

    assert [fail("192.0.2.7", f"198.51.100.{number}") for number in range(11)] == [422] * 10 + [429]
    assert fail("192.0.2.8", "192.0.2.7") == 422


# Reading changes nothing


def rules(site, method):
    return [rule for rule in site.app.url_map.iter_rules() if method in rule.methods]


def path_of(rule, **ids):
    """The address of a route, with these ids; without that of a label it is one that isn't there."""
    names, ids = {"ticket_id": "ticket", "todo_id": "todo", "label_id": "label"}, {"label": 2**31 - 1, **ids}
    path = re.sub(r"<id:(\w+)>", lambda match: str(ids[names[match[1]]]), rule.rule)
    return re.sub(r"<\w+>", "x", path)


def test_no_get_changes_anything(mira):
    [ticket, gone] = mira.add_tickets("one", "gone")
    [todo, _] = mira.add_todos(ticket, "a", "b")
    mira.post(f"/tickets/{gone}/delete")
    mira.post("/undo")
    before = contents(mira.site)
    for rule in mira.site.app.url_map.iter_rules():
        path = path_of(rule, ticket=ticket, todo=todo)
        for query in (
            "",
            "?done=1&edit=1&move=1&carry=1&labels=1&date=1&label=1&due=week&text=fri&add=done&empty=1&title=x&status=done"
            "&action=1&next=/",
        ):
            for method in ("GET", "HEAD", "OPTIONS"):
                response = mira.client.open(path + query, method=method)
                assert response.status_code < 500, path
                if rule.methods.isdisjoint({"GET"}) and method == "GET":
                    assert response.status_code == 405, path
    assert contents(mira.site) == before


# Other people's things

#: Each route, and the fields with which it works; a new route needs a row.
ROUTES = {
    "GET /": {},
    "GET /account": {},
    "GET /account/export.<kind>": {},
    "GET /calendar/<key>.ics": {},
    "GET /dates": {},
    "GET /healthz": {},
    "GET /import": {},
    "GET /insights": {},
    "GET /labels": {},
    "GET /login": {},
    "GET /manifest.webmanifest": {},
    "GET /platform": {},
    "GET /platform/<id:ticket_id>": {},
    "GET /register": {},
    "GET /reset/<code>": {},
    "GET /static/<digest>/<name>": {},
    "GET /archive": {},
    "GET /trash": {},
    "POST /account/calendar": {"on": "1"},
    "POST /account/delete": {"your_password": "not the password"},
    "POST /account/name": {"first_name": "typed text", "last_name": "typed text"},
    "POST /account/password": {"current_password": PASSWORD, "new_password": "another long one"},
    "POST /account/sessions": {"session": "others"},
    "POST /account/shortcuts": {"on": "0"},
    "POST /account/theme": {"theme": "dark"},
    "POST /import/file": {},
    "POST /import/run": {"upload": "1"},
    "POST /import/discard": {},
    "POST /account/zone": {"time_zone": "Europe/Zagreb"},
    "POST /labels/<id:label_id>/colour": {"colour": "pink"},
    "POST /labels/<id:label_id>/delete": {},
    "POST /labels/<id:label_id>/merge": {"into": ""},
    "POST /labels/<id:label_id>/name": {"name": "typed text"},
    "POST /login": {"username": "nobody", "password": "nothing"},
    "POST /logout": {},
    "POST /redo": {},
    "POST /register": {"first_name": "N", "last_name": "A", "username": "nobody", "password": "short"},
    "POST /reset/<code>": {"password": "another long one"},
    "POST /tickets": {"title": "typed text"},
    "POST /tickets/<id:ticket_id>/title": {"title": "typed text"},
    "POST /tickets/<id:ticket_id>/status": {"status": "done"},
    "POST /tickets/<id:ticket_id>/position": {"status": "done", "before": ""},
    "POST /tickets/<id:ticket_id>/top": {},
    "POST /tickets/<id:ticket_id>/delete": {},
    "POST /tickets/<id:ticket_id>/due": {"due": "tomorrow"},
    "POST /tickets/<id:ticket_id>/labels": {"labels": "typed text"},
    "POST /tickets/<id:ticket_id>/todos": {"text": "typed text"},
    "POST /todos/<id:todo_id>/text": {"text": "typed text"},
    "POST /todos/<id:todo_id>/done": {"done": "1"},
    "POST /todos/<id:todo_id>/position": {"before": ""},
    "POST /todos/<id:todo_id>/delete": {},
    "POST /todos/<id:todo_id>/carry": {"ticket": "1"},
    "POST /todos/<id:todo_id>/ticket": {},
    "POST /tickets/<id:ticket_id>/description": {"description": "typed text"},
    "POST /tickets/<id:ticket_id>/description/preview": {"description": "typed text"},
    "POST /tickets/<id:ticket_id>/todo": {"ticket": "1"},
    "POST /tickets/<id:ticket_id>/todos/text": {"text": "typed text"},
    "POST /archive/done": {},
    "POST /archive/after": {"days": "30"},
    "POST /archive/tickets/<id:ticket_id>/restore": {},
    "POST /tickets/<id:ticket_id>/archive": {},
    "POST /trash/empty": {},
    "POST /trash/tickets/<id:ticket_id>/restore": {},
    "POST /trash/todos/<id:todo_id>/restore": {},
    "POST /undo": {},
}
#: Those that work for who isn't logged in; all others must not.
PUBLIC = {"calendar", "healthz", "login", "logout", "manifest", "register", "reset_password", "static_file"}
OWNED = {name: fields for name, fields in ROUTES.items() if "<id:" in name}
#: Refused texts must not tell either.
BAD_FIELDS = [
    {"title": "", "text": "", "ticket": ""},
    {"title": "x" * 501, "text": "x" * 501, "description": "x" * 20_001},
    {"was": "something else"},
]


def routes(site):
    """Each route as ROUTES names it."""
    return {f"{method} {rule.rule}": rule for method in ("GET", "POST") for rule in rules(site, method)}


def test_every_route_has_a_row_here(site):
    assert routes(site).keys() == ROUTES.keys()
    assert {rule.endpoint for rule in routes(site).values()} >= PUBLIC


def everything_of(person):
    """All that the database holds of a person."""
    db, mine = person.site.db, person.id
    return [
        db.execute("SELECT * FROM users WHERE id = ?", mine),
        db.execute("SELECT * FROM sessions WHERE user_id = ? ORDER BY id", mine),
        db.execute("SELECT * FROM resets WHERE user_id = ?", mine),
        db.execute("SELECT * FROM tickets WHERE user_id = ? ORDER BY id", mine),
        db.execute("SELECT * FROM labels WHERE user_id = ? ORDER BY id", mine),
        db.execute("SELECT * FROM actions WHERE user_id = ? ORDER BY id", mine),
        db.execute(
            """
            SELECT todos.* FROM todos JOIN tickets ON tickets.id = todos.ticket_id
            WHERE tickets.user_id = ? ORDER BY todos.id
            """,
            mine,
        ),
    ]


@pytest.fixture
def noor(new_person):
    """Somebody with a ticket, a to-do, something in the trash, something undone, and two browsers."""
    noor = new_person("secret", "secret")
    noor.ticket, trashed = noor.add_tickets("secret ticket", "secret rubbish")
    noor.todo, _ = noor.add_todos(noor.ticket, "secret to-do", "secret rubbish")
    noor.post(f"/todos/{_}/delete")
    noor.post(f"/tickets/{trashed}/delete")
    noor.post("/undo")
    noor.post(f"/tickets/{noor.ticket}/labels", labels="secret label")
    [noor.label] = noor.ids("SELECT id FROM labels WHERE user_id = ? LIMIT ?", 1)
    noor.elsewhere = noor.another_browser()
    [noor.action] = noor.ids("SELECT id FROM actions WHERE user_id = ? AND kind = 'undo' LIMIT ?", 1)
    return noor


@pytest.mark.parametrize("trashed", [False, True], ids=["live", "in the trash"])
def test_no_route_shows_or_changes_anything_of_somebody_else_by_any_id(new_person, noor, trashed):
    mira = new_person()
    if trashed:
        noor.post(f"/todos/{noor.todo}/delete")
        noor.post(f"/tickets/{noor.ticket}/delete")
    before = everything_of(noor)
    mira.site.db.execute("DELETE FROM attempts")
    everything = {
        "user_id": noor.id, "id": noor.ticket, "ticket_id": noor.ticket, "todo_id": noor.todo,
        "before": noor.todo, "action": noor.action, "done": noor.action, "edit": noor.ticket, "move": noor.ticket,
        "labels": noor.ticket, "date": noor.ticket, "label": noor.label, "into": noor.label,
        "open": noor.ticket, "ticket": noor.ticket, "carry": noor.todo, "q": "secret",
        "session": hashed(noor.client.get_cookie("nikko").value),
        "back": f"/platform/{noor.ticket}?open={noor.ticket}", "until": "99999999999", "username": noor.username,
    }  # fmt: skip
    for name, rule in routes(mira.site).items():
        path, method = path_of(rule, ticket=noor.ticket, todo=noor.todo, label=noor.label), name.split()[0]
        for ajax in (False, True):
            headers = {"X-Requested-With": "XMLHttpRequest"} if ajax else {}
            headers["Referer"] = f"http://localhost/platform/{noor.ticket}?open={noor.ticket}&edit={noor.ticket}"
            for fields in (ROUTES[name], ROUTES[name] | everything, everything | ROUTES[name]):
                person = mira.another_browser()  # some of them end the session
                how = {"query_string" if method == "GET" else "data": fields}
                response = person.client.open(path, method=method, headers=headers, **how)
                assert response.status_code < 500, name
                text = html.unescape(response.text)
                for searched in ('value="secret"', "“secret”", 'href="/?q=secret"'):  # what mira herself looks for
                    text = text.replace(searched, "")
                assert "secret" not in text, name
    assert everything_of(noor) == before
    assert noor.get("/").status_code == noor.elsewhere.get("/").status_code == 200


def owned(site):
    """Each route with an id in its path, as OWNED names it."""
    return {name: rule for name, rule in routes(site).items() if name in OWNED}


@pytest.mark.parametrize("ajax", [False, True], ids=["form", "ajax"])
@pytest.mark.parametrize("trashed", [False, True], ids=["live", "in the trash"])
def test_other_peoples_things_are_exactly_like_things_that_do_not_exist(new_person, ajax, trashed):
    mira, noor = new_person(), new_person()
    mira.add_tickets("mine")
    [theirs] = noor.add_tickets("secret ticket")
    [todo] = noor.add_todos(theirs, "secret to-do")
    noor.post(f"/tickets/{theirs}/labels", labels="secret label")
    [label] = noor.ids("SELECT id FROM labels WHERE user_id = ? LIMIT ?", 1)
    if trashed:
        noor.post(f"/todos/{todo}/delete")
        noor.post(f"/tickets/{theirs}/delete")
    before = contents(mira.site)
    for name, rule in owned(mira.site).items():
        for fields in [OWNED[name], *[OWNED[name] | bad for bad in BAD_FIELDS]]:
            answers = []
            for ids in ({"ticket": theirs, "todo": todo, "label": label}, {"ticket": 2**31 - 1, "todo": 2**31 - 1}):
                path, headers = path_of(rule, **ids), {"Referer": "http://localhost/"}
                if ajax:
                    headers["X-Requested-With"] = "XMLHttpRequest"
                response = mira.client.open(path, method=name.split()[0], data=fields, headers=headers)
                assert response.status_code == 404, (name, fields)
                answers.append((response.text.replace(path, ""), sorted(response.headers)))
            assert answers[0] == answers[1], name
            assert "secret" not in answers[0][0]
    assert contents(mira.site) == before


def test_ids_in_a_form_are_checked_as_well(new_person):
    mira, noor = new_person(), new_person()
    [mine], [theirs] = mira.add_tickets("mine"), noor.add_tickets("secret")
    [my_todo], [their_todo] = mira.add_todos(mine, "mine"), noor.add_todos(theirs, "secret")
    before = contents(mira.site)
    for path, there, nowhere in [
        (f"/tickets/{mine}/position", {"status": "todo", "before": theirs}, {"status": "todo", "before": 2**31 - 1}),
        (f"/tickets/{mine}/todo", {"ticket": theirs}, {"ticket": 2**31 - 1}),
        (f"/todos/{my_todo}/carry", {"ticket": theirs}, {"ticket": 2**31 - 1}),
        (f"/todos/{my_todo}/position", {"before": their_todo}, {"before": 2**31 - 1}),
    ]:
        one, other = mira.post(path, **there), mira.post(path, **nowhere)
        assert one.status_code == other.status_code == 404
        assert one.text == other.text
    assert contents(mira.site) == before


def test_posted_columns_are_ignored(new_person):
    mira, noor = new_person(), new_person()
    extra = {"user_id": noor.id, "id": 1, "deleted_at": 1, "position": 99, "created_at": 1, "ticket_id": 1, "done": 1}
    mira.post("/tickets", title="a\nb", **extra)
    [a, _] = mira.site.db.execute("SELECT id, user_id, deleted_at FROM tickets WHERE user_id = ? ORDER BY id", mira.id)
    assert (a["id"] > 1, a["user_id"], a["deleted_at"]) == (True, mira.id, None)
    mira.post(f"/tickets/{a['id']}/title", title="A", **extra)
    mira.post(f"/tickets/{a['id']}/todos", text="x", **extra)
    assert mira.board()["todo"] == ["A", "b"]
    assert mira.todos(a["id"]) == [("x", False)]
    assert noor.get("/").text.count("<h3>") == 0


def test_a_registration_can_not_choose_its_id_or_hash(site, visitor, monkeypatch):
    monkeypatch.setattr(site.helpers, "HASH_METHOD", "pbkdf2:sha256:1")
    username = f"noor{site.time.time_ns()}"
    fields = {"username": username, "first_name": "Noor", "last_name": "A", "password": "much too long to guess"}
    assert visitor.post("/register", **fields, id=1, password_hash="x", version=9, user_id=1).status_code == 303
    [row] = site.db.execute("SELECT id, version, password_hash FROM users WHERE username = ?", username)
    assert row["version"] == 0
    assert row["password_hash"] != "x"
    assert row["id"] > 1


# Fields

#: What else a route reads, beside what ROUTES has.
MORE_FIELDS = {
    "POST /import/run": ["key"],
    "POST /login": ["next"],
    "POST /redo": ["action"],
    "POST /tickets": ["status", "key", "quick"],
    "POST /tickets/<id:ticket_id>/description": ["was"],
    "POST /tickets/<id:ticket_id>/title": ["was"],
    "POST /tickets/<id:ticket_id>/todos/text": ["was"],
    "POST /tickets/<id:ticket_id>/todos": ["key"],
    "POST /todos/<id:todo_id>/text": ["was"],
    "POST /trash/empty": ["until"],
    "POST /undo": ["action"],
}
#: Without it there is another meaning, or none is needed.
OPTIONAL = {"before", "upload"}


def test_a_doubled_or_missing_field_is_refused_by_every_route_and_changes_nothing(site, mira, monkeypatch):
    monkeypatch.setattr(site.helpers, "HASH_METHOD", "pbkdf2:sha256:1")
    site.db.execute("DELETE FROM attempts")
    [ticket] = mira.add_tickets("one")
    [todo] = mira.add_todos(ticket, "a")
    link = site.app.test_cli_runner().invoke(args=["reset-password", mira.username]).output.rpartition("/reset/")[2]
    mira.post(f"/tickets/{ticket}/labels", labels="home")
    [label] = mira.ids("SELECT id FROM labels WHERE user_id = ? LIMIT ?", 1)
    before = contents(site)
    for name, rule in routes(site).items():
        path = path_of(rule, ticket=ticket, todo=todo, label=label).replace("/reset/x", f"/reset/{link.strip()}")
        for field in (*ROUTES[name], *MORE_FIELDS.get(name, ())) if name.startswith("POST") else ():
            value = ROUTES[name].get(field, "1")
            response = mira.post(path, **{**ROUTES[name], field: [value, value]})
            assert response.status_code == 400, (name, field)
            assert f"the form has the field “{field}” more than once" in problems(parse(response))[0]
            if field in ROUTES[name] and field not in OPTIONAL:
                response = mira.post(path, **{other: value for other, value in ROUTES[name].items() if other != field})
                assert response.status_code == 422, (name, field)
                assert f"the form lacks the field “{field}”" in problems(parse(response))[0]
    assert contents(site) == before


def test_a_form_has_a_megabyte_and_a_thousand_fields_at_most(site, mira):
    config = site.app.config
    assert (config["MAX_CONTENT_LENGTH"], config["MAX_FORM_MEMORY_SIZE"]) == (1_000_000, 1_000_000)
    assert config["MAX_FORM_PARTS"] == 1000
    before = contents(site)
    fields = [f"f{number}=x" for number in range(1000)]
    for body, status in (("&".join(["title=", *fields]), 422), ("&".join(["title=", *fields, "x=x"]), 413)):
        response = mira.client.post("/tickets", data=body, content_type="application/x-www-form-urlencoded")
        assert response.status_code == status
    for length in ("²", "9" * 5000, "-1", "+1", "1_0", " 6"):
        assert mira.client.get("/", environ_overrides={"CONTENT_LENGTH": length}).status_code == 200
    assert contents(site) == before


# What people typed

TYPED = "\u05d0 <b>typed</b> \u202e text"


def test_what_people_typed_is_isolated_from_the_text_around_it(new_person):
    mira = new_person(TYPED, TYPED)
    mira.site.db.execute("UPDATE users SET username = ? WHERE id = ?", f"{TYPED}{mira.id}"[-50:], mira.id)
    ticket, trashed = mira.add_tickets(TYPED, TYPED)
    todo, rubbish = mira.add_todos(ticket, TYPED, TYPED)
    mira.post(f"/todos/{rubbish}/delete")
    mira.post(f"/tickets/{trashed}/delete")
    pages = [f"/?open={ticket}", f"/?edit={ticket}", f"/?move={ticket}", "/?q=typed", "/trash", "/trash?empty=1"]
    pages += [
        "/account",
        "/insights",
        f"/platform/{ticket}",
        f"/platform/{ticket}?edit={todo}",
        f"/platform/{ticket}?edit=title",
    ]
    answers = [(path, mira.get(path)) for path in pages]
    for path in (f"/tickets/{ticket}/title", f"/todos/{todo}/text", "/tickets", "/tickets/999999/title"):
        fields = {"title": f"{TYPED} {'x' * 500}", "text": f"{TYPED} {'x' * 500}"}
        answers.append((path, mira.post(path, page=f"/?open={ticket}", **fields)))
    answers.append(("stale", mira.post(f"/tickets/{ticket}/title", title=f"{TYPED} new", was="another")))
    answers.append(("toast", mira.get(mira.post(f"/tickets/{ticket}/status", page="/", status="done").location)))
    for path, response in answers:
        page = parse(response)
        assert "<b>" not in response.text, path
        assert any(TYPED in text for element in page.all() for text in [element.text]) or path == "/?q=typed", path
        for element in page.all():
            for text in element.children:
                if isinstance(text, str) and "\u202e" in text and element.tag != "title":
                    assert is_isolated(element), (path, element.tag, element.attributes, text)


def is_isolated(element):
    """Whether it is drawn apart from what is around it, or not drawn at all but read out."""
    if element.tag in ("bdi", "textarea", "option") or "dir" in element.attributes:  # whichever it is, it isolates
        return True
    return element.attributes.get("class") == "hidden" or (element.parent is not None and is_isolated(element.parent))


def test_no_template_calls_anything_safe_but_its_own_words(site):
    for file in ROOT.glob("templates/*"):
        template = file.read_text(encoding="utf-8")
        own = re.findall(r"""\{\{-? '[^'{}]*' \| safe if """, template)
        assert len(re.findall(r"\bsafe\b", template)) == len(own), file.name
        assert "autoescape" not in template
    programs = {file.name: file.read_text(encoding="utf-8") for file in ROOT.glob("*.py")}
    assert {name for name, program in programs.items() if "Markup(" in program} == {"description.py", "drawing.py"}
    assert site.app.jinja_env.autoescape("x.html") is True


# Calling out


@one_engine
def test_nikko_makes_no_outgoing_request(site, mira, new_person):
    calls, watching = [], [True]

    def watch(event, values):
        if watching[0] and event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen"):
            calls.append((event, values))

    sys.addaudithook(watch)  # for good, so it has to know when it is over
    [ticket] = mira.add_tickets("https://evil.example/x.png")
    [todo] = mira.add_todos(ticket, "http://evil.example")
    for name, rule in routes(site).items():
        person = mira.another_browser()
        path = path_of(rule, ticket=ticket, todo=todo)
        person.client.open(path, method=name.split()[0], data=ROUTES[name] if name.startswith("POST") else None)
    watching[0] = False
    assert calls == []


def test_a_new_nikko_has_no_accounts_and_no_debugger(another_site):
    site = another_site()
    assert site.db.execute("SELECT id FROM users") == []
    assert site.app.debug is False
    assert not [rule for rule in site.app.url_map.iter_rules() if "console" in rule.rule]


# SECURITY.md


def test_every_test_that_the_security_page_names_is_there():
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| What")]
    assert len(rows) > 40
    for row in rows:
        named = re.findall(r"`(\w+)\.py::(\w+)`", row)
        assert named or "there is no" in row, row
        for file, test in named:
            assert re.search(rf"^def {test}\(", (ROOT / f"tests/{file}.py").read_text(encoding="utf-8"), re.M), test


# Visitors


def test_a_visitor_is_sent_to_the_login_page_and_back(visitor, site):
    for rule in rules(site, "GET"):
        if rule.endpoint in PUBLIC:
            continue
        path = path_of(rule, ticket=1, todo=1)
        response = visitor.get(path + "?q=a%26b")
        assert response.status_code == 303, path
        assert response.location.startswith("/login?next="), path
        hidden = parse(visitor.get(response.location)).one("input", name="next")
        assert hidden.attributes["value"] == path + "?q=a%26b"


def test_a_visitors_forms_are_refused_and_the_text_kept(visitor, site):
    before = contents(site)
    for rule in rules(site, "POST"):
        if rule.endpoint in PUBLIC:
            continue
        path = path_of(rule, ticket=1, todo=1)
        response = visitor.post(path, title="first text", text="second\r\ntext")
        assert response.status_code == 401, path
        assert kept(parse(response)) == ["first text", "second\r\ntext"]
        assert parse(response).all("a", href="/login")
        response = visitor.ajax(path, title="first text")
        assert response.status_code == 401, path
        assert response.mimetype == "text/plain"
        assert "<" not in response.text
    assert contents(site) == before


def test_a_visitors_script_is_told_so_and_never_gets_the_login_page(visitor, site):
    for rule in rules(site, "GET"):
        if rule.endpoint in PUBLIC:
            continue
        path = path_of(rule, ticket=1, todo=1)
        response = visitor.get(path, headers={"X-Requested-With": "XMLHttpRequest"})
        assert response.status_code == 401, path
        assert response.mimetype == "text/plain"


def test_a_script_gets_refusals_as_plain_text_that_is_not_markup(mira):
    response = mira.ajax("/tickets", title="x", status="<b>")
    assert response.status_code == 422
    assert response.mimetype == "text/plain"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_deleted_persons_session_is_worth_nothing(new_person):
    mira = new_person()
    mira.site.db.execute("DELETE FROM users WHERE id = ?", mira.id)
    assert mira.get("/").status_code == 303
    assert mira.post("/tickets", title="x").status_code == 401
