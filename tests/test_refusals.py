"""Nothing that a browser or a script sends gives a 500, and no refusal loses what was typed."""

import contextlib
import re
from urllib.parse import urlencode

import hypothesis
import pytest
import sqlalchemy
from conftest import hang_up
from hostile import HOSTILE_TEXTS
from hypothesis import strategies as st
from pages import contents, kept, one_engine, parse, problems

import database

FORM = "application/x-www-form-urlencoded"
FIELDS = ("title", "text", "was", "key", "status", "before", "done", "action", "next", "theme", "username", "password",
          "first_name", "last_name", "current_password", "new_password", "your_password", "session", "on", "until",
          "back", "quick", "due", "labels", "label", "name", "colour", "into", "time_zone")  # fmt: skip


@pytest.fixture(autouse=True)
def quick_hashes(site, monkeypatch):
    """Hashes that take no time: these tests log in with nonsense hundreds of times."""
    monkeypatch.setattr(site.helpers, "HASH_METHOD", "pbkdf2:sha256:1")
    monkeypatch.setattr(site.helpers, "NOBODYS_HASH", "pbkdf2:sha256:1$x$00")


@pytest.fixture
def paths(mira):
    """Each address to which a form can be sent, with ids that are there."""
    ticket, gone = mira.add_tickets("one", "gone")
    todo, _ = mira.add_todos(ticket, "a", "b")
    mira.post(f"/tickets/{gone}/delete")
    mira.post(f"/tickets/{ticket}/labels", labels="home")
    [label] = mira.ids("SELECT id FROM labels WHERE user_id = ? LIMIT ?", 1)
    return posts(mira.site, ticket, todo, label)


def posts(site, ticket, todo, label=1):
    """The address of every POST route."""
    rules = [rule.rule for rule in site.app.url_map.iter_rules() if "POST" in rule.methods]
    paths = [rule.replace("<id:ticket_id>", str(ticket)).replace("<id:todo_id>", str(todo)) for rule in rules]
    paths = [path.replace("<id:label_id>", str(label)) for path in paths]
    paths = [path.replace("<code>", "wrong") for path in paths]
    assert not [path for path in paths if "<" in path], "a route with another kind of part"
    return paths


def every_field(value):
    return "&".join(f"{name}={value}" for name in FIELDS).encode()


BODIES = {
    "nothing": (b"", FORM),
    "no field": (b"x=1", FORM),
    "broken UTF-8": (b"title=good&" + b"&".join(name.encode() + b"=\xff\xfe" for name in FIELDS), FORM),
    "broken UTF-8, encoded": (every_field("%FF%FE"), FORM),
    "a broken name": (b"%FF=1&ti%FFtle=x&" + every_field("x"), FORM),
    "a surrogate": (every_field("%ED%A0%80"), FORM),
    "an overlong letter": (every_field("%C0%80"), FORM),
    "too high a letter": (every_field("%F4%90%80%80"), FORM),
    "a cut letter": (every_field("%F0%9F%98"), FORM),
    "NUL": (b"&".join(name.encode() + b"=a\0b" for name in FIELDS), FORM),
    "NUL, encoded": (every_field("a%00b"), FORM),
    "percent signs": (b"%=%&%zz=%zz&" + every_field("%"), FORM),
    "brackets": (b"title[]=x&text[0]=x&title[a][b]=x", FORM),
    "only signs": (b"&&==&=&;;", FORM),
    "no values": (b"&".join(name.encode() for name in FIELDS), FORM),
    "doubled fields": (every_field("x") + b"&" + every_field("y"), FORM),
    "thousands of fields": (b"&".join(b"f%d=x" % number for number in range(5000)), FORM),
    "one field thousands of times": (b"&".join([b"title=x"] * 5000), FORM),
    "a hundred thousand signs": (b"&" * 100_000, FORM),
    "a huge number": (every_field("9" * 5000), FORM),
    "a number too high": (every_field("2147483648"), FORM),
    "a number far too high": (every_field("9223372036854775808"), FORM),
    "a negative number": (every_field("-1"), FORM),
    "a fraction": (every_field("1.5"), FORM),
    "other digits": (every_field("%D9%A1"), FORM),
    "raised digits": (every_field("%C2%B2"), FORM),
    "zero": (every_field("0"), FORM),
    "blanks": (every_field("+%09"), FORM),
    "the longest form": (b"title=" + b"x" * 999_000, FORM),
    "more than a form can hold": (b"title=" + b"x" * 1_000_001, FORM),
    "multipart": (
        b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nx\r\n--b--\r\n', "multipart/form-data; boundary=b",
    ),
    "multipart without a boundary": (b"--b\r\n\r\n", "multipart/form-data"),
    "multipart with a file": (
        b'--b\r\nContent-Disposition: form-data; name="title"; filename="x"\r\n\r\nx\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
    ),
    "JSON": (b'{"title":"x"}', "application/json"),
    "plain text": (b"title=x", "text/plain"),
    "no type": (every_field("x"), None),
    "an empty type": (every_field("x"), ""),
    "no type at all": (every_field("x"), "/;;=\x7f"),
    "another charset": (every_field("x"), FORM + "; charset=utf-16"),
    "an unknown charset": (every_field("%E4"), FORM + "; charset=klingon"),
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
def test_no_body_breaks_a_route(mira, paths, body):
    data, content_type = BODIES[body]
    for path in paths:
        if path == "/logout":
            continue  # tried last: it ends the session
        for headers in ({}, {"X-Requested-With": "XMLHttpRequest"}):
            response = mira.client.post(path, data=data, content_type=content_type, headers=headers)
            assert response.status_code < 500, (path, response.text)
    assert mira.get("/").status_code == 200
    response = mira.client.post("/logout", data=data, content_type=content_type)
    assert response.status_code < 500


NOT_FORMS = [
    name for name in BODIES if re.match("broken UTF-8|a surrogate|.*letter|.*more than|multipart|JSON|plain", name)
]


@pytest.mark.parametrize("body", NOT_FORMS)
def test_a_body_that_is_no_form_in_utf_8_is_refused_with_a_message_and_changes_nothing(mira, paths, body):
    before = contents(mira.site)
    data, content_type = BODIES[body]
    for path in paths:
        response = mira.client.post(path, data=data, content_type=content_type)
        assert response.status_code in (413, 415, 422), path
        assert len(problems(parse(response))) == 1
    assert contents(mira.site) == before


def test_what_can_be_read_of_a_broken_text_is_kept(mira):
    response = mira.client.post("/tickets", data=b"title=a+long%0Astory+%FF&status=todo", content_type=FORM)
    assert response.status_code == 422
    assert kept(parse(response)) == ["a long\nstory \ufffd"]


PLACES = ["/platform/{}", "/tickets/{}/title", "/tickets/{}/status", "/tickets/{}/position", "/tickets/{}/delete",
          "/tickets/{}/todos", "/todos/{}/text", "/todos/{}/done", "/todos/{}/position", "/todos/{}/delete",
          "/trash/tickets/{}/restore", "/trash/todos/{}/restore"]  # fmt: skip
STRANGE_IDS = ["0", "-1", "+1", "1.0", "1e3", "x", "%00", "%20", "%FF", "1%00", "2147483648", "9223372036854775808",
               "9" * 400, "9" * 5000, "%D9%A1", "%C2%B2", "1;", "1'", "..", "%2e%2e", "1%2F..",
               "None", "null", "👍"]  # fmt: skip


@pytest.mark.parametrize("strange", STRANGE_IDS, ids=lambda text: text[:20])
def test_a_strange_id_in_an_address_is_not_found(mira, strange):
    before = contents(mira.site)
    for place in PLACES:
        fields = {"title": "x", "text": "x", "status": "done", "done": "1", "before": ""}
        for response in (mira.get(place.format(strange)), mira.post(place.format(strange), **fields)):
            assert response.status_code in (303, 308, 404, 405), place
    assert contents(mira.site) == before


@one_engine
@pytest.mark.parametrize(
    "query",
    ["?", "??", "?&&", "?=", "?%", "?%FF=%FF", "?edit=%FF", "?done=%ED%A0%80", "?done=1&done=2", "?next=%00",
     "?edit=" + "9" * 5000, "?move=%00", "?empty=%FF", "?add=%3Cscript%3E", "?" + "a=1&" * 5000, "?done=" + "x" * 9000,
     "?q=%F0%9F"],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_no_query_breaks_a_page(mira, visitor, query):
    [ticket] = mira.add_tickets("one")
    for path in (
        "/",
        "/platform",
        f"/platform/{ticket}",
        "/trash",
        "/login",
        "/register",
        "/healthz",
        "/nothing",
        "/static/x/y",
    ):
        assert mira.get(path + query).status_code < 500, path
        assert visitor.get(path + query).status_code < 500, path
    for path in (f"/tickets/{ticket}/title", "/tickets", "/undo"):
        assert mira.post(path + query, title="").status_code < 500, path


@one_engine
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": ""},
        {"Host": "a b"},
        {"Host": "é"},
        {"Host": "x" * 9000},
        {"Host": "[::1"},
        {"Host": "localhost:99999999"},
        {"Host": "localhost:x"},
        {"Host": "a,b"},
        {"Host": "<script>"},
        {"Host": "localhost/evil"},
        {"Host": "user@localhost"},
        {"Referer": "http://["},
        {"Referer": "http://[::1"},
        {"Referer": "\xff\xfe"},
        {"Referer": "http://localhost/platform/" + "9" * 5000},
        {"Referer": "http://localhost/platform/\xd9\xa1"},
        {"Referer": "http://localhost:x/"},
        {"Referer": "http://localhost/%00"},
        {"Referer": "http://localhost\u2100/".encode().decode("latin-1")},
        {"Cookie": "nikko="},
        {"Cookie": "nikko"},
        {"Cookie": "nikko=\xff"},
        {"Cookie": 'nikko="\\377"'},
        {"Cookie": "nikko=a; nikko=b"},
        {"Cookie": "nikko=" + "x" * 9000},
        {"Cookie": ";;;=;=;\x01"},
        {"Content-Length": "-1"},
        {"Content-Length": "x"},
        {"Content-Length": "9" * 30},
        {"Accept-Encoding": "gzip;q=x, \xff"},
        {"Accept-Encoding": "gzip;q=0"},
        {"If-None-Match": '"'},
        {"If-None-Match": "W/*, \xff"},
        {"If-Modified-Since": "yesterday"},
        {"Range": "bytes=9-1"},
        {"X-Requested-With": "\xff"},
        {"X-Forwarded-For": "x", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "ftp"},
        {"Origin": "\xff"},
        {"Sec-Fetch-Site": "\xff"},
        {"Content-Type": "\xff"},
        {"Transfer-Encoding": "chunked"},
        {"Authorization": "Basic \xff"},
    ],
    ids=lambda headers: " ".join(headers) + " " + ascii(next(iter(headers.values())))[:20],
)
def test_no_header_breaks_a_page(mira, site, headers):
    [ticket] = mira.add_tickets("one")
    client = site.app.test_client(use_cookies=False) if "Cookie" in headers else mira.client
    for path in ("/", f"/platform/{ticket}", "/login", "/nothing"):
        assert client.get(path, headers=headers).status_code < 500, path
    for path in ("/tickets", f"/tickets/{ticket}/title", "/login", "/undo"):
        for fields in ({"title": "x"}, {"title": ""}):
            assert client.post(path, data=fields, headers=headers).status_code < 500, path


@one_engine
@pytest.mark.parametrize(
    "method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "GET", "HEAD", "OPTIONS", "x"]
)
def test_no_method_breaks_a_route(mira, paths, method):
    for path in paths:
        response = mira.client.open(path, method=method)
        assert response.status_code < 500, path
        if method not in ("GET", "HEAD", "OPTIONS"):
            assert response.status_code in (403, 405), path


# Whatever comes

values = st.one_of(
    st.sampled_from(HOSTILE_TEXTS),
    st.text(max_size=30),
    st.sampled_from(["", "0", "1", "todo", "in_progress", "done", "auto", "a\nb", "x" * 501, "\0"]),
    st.integers(-5, 2**70).map(str),
)
#: What somebody types into the forms of these paths, by their ends; None: nothing, it is chosen.
OWN_FIELDS = {"text": "text", "todos": "text", "description": "description", "due": "due", "labels": "labels"}
OWN_FIELDS |= {"preview": "description", "todo": None, "carry": None}
fields = st.lists(st.tuples(st.sampled_from(FIELDS), values), max_size=8)
forms = st.lists(st.tuples(st.integers(0, 99), fields), min_size=1, max_size=5)


@hypothesis.settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)
@hypothesis.given(forms=forms)
def test_no_form_breaks_a_route(new_person, forms):
    mira = new_person()
    [ticket] = mira.add_tickets("one")
    [todo] = mira.add_todos(ticket, "a")
    paths = [path for path in posts(mira.site, ticket, todo) if path not in ("/logout", "/login", "/register")]
    for number, fields in forms:
        path = paths[number % len(paths)]
        response = mira.client.post(
            path,
            data=urlencode(fields, errors="surrogatepass"),
            content_type=FORM,
            headers={"Referer": f"http://localhost/platform/{ticket}"},
        )
        assert response.status_code < 500, path
        if response.status_code >= 400 and path.startswith(("/tickets", "/todos")):
            field = OWN_FIELDS.get(path.rpartition("/")[2], "title")
            page = parse(response)
            inputs = [each for each in page.all("input") if each.attributes.get("type") != "hidden"]
            shown = [text.replace("\r\n", "\n") for text in kept(page)]
            shown += [each.attributes.get("value", "") for each in inputs]
            for name, value in fields:
                if name == field and value.strip():
                    assert any(readable(value) in readable(text) for text in shown), (path, value, shown)
    assert mira.get("/").status_code == 200


def readable(text):
    """What is left of a text when a page has brought it home: no line breaks' kinds, no surrogates, no controls."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]+", "", text)


# When the database can't


@pytest.fixture
def impatient(site, monkeypatch):
    """The site waits for a lock for a second at most."""
    monkeypatch.setattr(site.db, "_wait", 1)
    site.db.close()  # the next connections are set up so
    yield
    monkeypatch.undo()
    site.db.close()


@pytest.fixture
def elsewhere(site):
    """The site's database through another client, which knows nothing of NIKKO's queue."""
    url = sqlalchemy.make_url(site.config.database_url)
    engine = sqlalchemy.create_engine(url.set(drivername=database.DRIVERS[url.get_backend_name()]))
    with contextlib.closing(engine.raw_connection()) as connection:
        yield connection
        connection.rollback()
    engine.dispose()


def test_a_database_that_is_busy_is_a_503_that_keeps_what_was_typed(mira, impatient, elsewhere):
    elsewhere.cursor().execute(f"UPDATE users SET version = version WHERE id = {mira.id}")
    response = mira.post("/tickets", title="a long story\nand more")
    assert response.status_code == 503
    assert response.headers["Retry-After"].isdigit()
    assert problems(parse(response)) == ["Nothing was saved: the database is busy or away. Try again in a moment."]
    assert kept(parse(response)) == ["a long story\nand more"]
    elsewhere.rollback()
    assert mira.post("/tickets", title="a long story\nand more").status_code == 303
    assert mira.board()["todo"] == ["a long story", "and more"]


@pytest.mark.parametrize("engine", ["postgresql", "mysql"], indirect=True)
def test_a_database_that_hung_up_between_two_requests_is_noticed_by_nobody(mira, engine):
    mira.get("/")
    hang_up(mira.site.config.database_url)
    assert mira.post("/tickets", title="a long story").status_code == 303
    hang_up(mira.site.config.database_url)
    assert mira.board()["todo"] == ["a long story"]


@pytest.mark.parametrize("engine", ["postgresql", "mysql"], indirect=True)
def test_a_database_that_hangs_up_during_a_change_is_a_503_once(mira, engine):
    with before(mira.site.db, "INSERT INTO tickets", lambda: hang_up(mira.site.config.database_url)) as left:
        response = mira.post("/tickets", title="a long story")
    assert left == [0]
    assert response.status_code == 503
    assert response.headers["Retry-After"].isdigit()
    assert kept(parse(response)) == ["a long story"]
    assert mira.post("/tickets", title="a long story").status_code == 303
    assert mira.board()["todo"] == ["a long story"]


@contextlib.contextmanager
def before(db, statement, happen, times=1):
    """That happens before the statement, so many times; after that the statement just works."""
    execute, left = db.execute, [times]

    def run(sql, *values, **named):
        if statement in sql and left[0]:
            left[0] -= 1
            happen()
        return execute(sql, *values, **named)

    db.execute = run
    try:
        yield left
    finally:
        del db.execute


def failing(db, error, statement, times):
    """That statement fails so many times, and then works."""

    def fail():
        raise error("on purpose")

    return before(db, statement, fail, times)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_request_that_lost_a_deadlock_is_done_again(mira, times):
    with failing(mira.site.db, database.Deadlock, "INSERT INTO actions", times) as left:
        assert mira.post("/tickets", title="one\ntwo").status_code == 303
    assert left == [0]
    assert mira.board()["todo"] == ["one", "two"]


def test_after_three_times_it_is_a_503_that_keeps_what_was_typed(mira):
    with failing(mira.site.db, database.Deadlock, "INSERT INTO actions", 9) as left:
        response = mira.post("/tickets", title="one\ntwo")
    assert left == [9 - 4]
    assert response.status_code == 503
    assert response.headers["Retry-After"].isdigit()
    assert kept(parse(response)) == ["one\ntwo"]
    assert mira.get("/").text.count("<h3>") == 0


@pytest.mark.parametrize("statement", ["FROM sessions", "FROM tickets", "FROM actions"])
@pytest.mark.parametrize("path", ["/?done={}", "/platform/{}?done={}", "/trash?done={}"])
def test_a_page_for_which_the_database_is_away_is_a_503(mira, statement, path):
    [ticket] = mira.add_tickets("one")
    path = path.format(ticket, mira.site.db.execute("SELECT MAX(id) AS id FROM actions")[0]["id"])
    with failing(mira.site.db, database.Unavailable, statement, 99) as left:
        response = mira.get(path)
    assert left[0] < 99
    assert response.status_code == 503
    assert response.headers["Retry-After"].isdigit()
    assert "Content-Security-Policy" in response.headers
    assert mira.get("/").status_code == 200


def test_a_full_disk_is_a_507_that_keeps_what_was_typed(mira):
    with failing(mira.site.db, database.Full, "INSERT INTO tickets", 1):
        response = mira.post("/tickets", title="a long story")
    assert response.status_code == 507
    assert kept(parse(response)) == ["a long story"]


def test_health_says_whether_the_database_answers(visitor):
    assert visitor.get("/healthz").text == "ok"
    with failing(visitor.site.db, database.Unavailable, "nikko", 1):
        assert visitor.get("/healthz").status_code == 503
    assert visitor.get("/healthz").status_code == 200
