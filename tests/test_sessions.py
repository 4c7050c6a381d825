"""Sessions in the database; and each fault of Flask-Session's ready back ends that ours is there for."""

import json
import pickle
import time
from pathlib import Path

import flask
import pytest
from cachelib.file import FileSystemCache
from flask_session import Session

import database
import sessions
import upgrade
from sessions import ABSOLUTE, DAY, IDLE, DatabaseSessions

HTTP, HTTPS = "http://localhost", "https://localhost"
NAMES = {HTTP: "nikko", HTTPS: "__Host-nikko"}


@pytest.fixture(scope="module")
def shared(new_database):
    """One database for all of these tests: making one takes longer than most of them."""
    db = database.SQL(new_database())
    upgrade.prepare(db)
    yield db
    db.close()


@pytest.fixture
def db(shared):
    """That database, emptied."""
    for table in ("sessions", "users"):
        shared.execute(f"DELETE FROM {table}")
    return shared


@pytest.fixture
def user(db):
    return db.execute(
        """
        INSERT INTO users (username, username_key, password_hash, first_name, last_name, created_at)
        VALUES ('Mira', 'mira', '', '', '', 0)
        """
    )


@pytest.fixture
def app(db, user):
    """A small site with our sessions."""
    app = site(user)
    app.session_interface = DatabaseSessions(db)
    return app


@pytest.fixture
def stock(tmp_path, user):
    """The same site with Flask-Session's file back end, as its documentation sets it up."""
    app = site(user)
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=FileSystemCache(str(tmp_path / "sessions"), 5))
    Session(app)
    return app


def site(user):
    app = flask.Flask("sessions")
    app.config.update(PERMANENT_SESSION_LIFETIME=ABSOLUTE, SESSION_COOKIE_SAMESITE="Lax", TESTING=True)
    app.meanwhile = lambda: None

    @app.get("/")
    def home():
        return {"session": {name: value for name, value in flask.session.items() if name != "_permanent"}}

    @app.get("/static")
    def nothing():
        return "no session is looked at"

    @app.post("/login")
    def login():
        flask.session.clear()
        flask.session["user_id"] = user
        app.session_interface.regenerate(flask.session)
        return "in"

    @app.post("/set/<name>/<value>")
    def put(name, value):
        flask.session[name] = value
        app.meanwhile()
        return "set"

    @app.post("/clear")
    def clear():
        flask.session.clear()
        return "out"

    @app.post("/clear-and-set")
    def clear_and_set():
        flask.session.clear()
        flask.session["user_id"] = user
        return "in"

    return app


def client_of(app, base=HTTP):
    """A browser at that address."""
    client = app.test_client()
    client.base = base
    return client


def get(client, path="/", **options):
    return client.get(path, base_url=client.base, **options)


def post(client, path):
    return client.post(path, base_url=client.base)


def held(client):
    return get(client).json["session"]


def logged_in(app, base=HTTP):
    client = client_of(app, base)
    post(client, "/login")
    return client


def sid(client, name=None):
    cookie = client.get_cookie(name or NAMES[client.base], "localhost")
    return cookie and cookie.value


def rows(db):
    return db.execute("SELECT id, user_id, data, created_at, seen_at FROM sessions ORDER BY created_at, id")


def age(db, **seconds):
    """Let the sessions have been seen or created that long ago."""
    for name, ago in seconds.items():
        db.execute(f"UPDATE sessions SET {name} = ?", int(time.time()) - ago)


# What the ready back ends do


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_file_back_end_forgets_live_sessions_past_its_threshold_and_ours_does_not(app, stock, user):
    def still_in(site):
        people = [logged_in(site) for _ in range(20)]
        return [held(person) for person in people].count({"user_id": user})

    assert still_in(stock) < 20
    assert still_in(app) == 20


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_file_back_end_pickles_and_ours_is_json(db, app, stock, user):
    logged_in(stock)
    path = stock.config["SESSION_CACHELIB"]._path
    stored = [file.read_bytes()[4:] for file in Path(path).iterdir()]  # a time comes first
    assert user in [pickle.loads(one)["user_id"] for one in stored if b"user_id" in one]
    logged_in(app)
    assert json.loads(rows(db)[0]["data"])["user_id"] == user


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_cleared_session_keeps_its_id_and_regenerate_gives_it_a_new_one(app, stock):
    for site_, name in ((stock, "session"), (app, "nikko")):
        client = client_of(site_)
        post(client, "/set/theme/dark")
        first = sid(client, name)
        post(client, "/clear-and-set")
        assert sid(client, name) == first
        post(client, "/login")
        assert sid(client, name) not in (first, None)


def finish_after_logout(site, name):
    """A request that is still under way while its session is ended elsewhere, and then stores something."""
    client = logged_in(site)
    stolen = sid(client, name)
    other = client_of(site)
    other.set_cookie(name, stolen, domain="localhost")

    def end():
        site.meanwhile = lambda: None
        post(other, "/clear")

    site.meanwhile = end
    answer = post(client, "/set/a/b")
    thief = client_of(site)
    thief.set_cookie(name, stolen, domain="localhost")
    return held(thief), answer


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_slow_request_brings_a_session_back_after_logout_with_the_file_back_end(stock, user):
    assert finish_after_logout(stock, "session")[0] == {"user_id": user, "a": "b"}


def test_a_slow_request_does_not_bring_a_session_back_after_logout(app, db):
    found, answer = finish_after_logout(app, "nikko")
    assert found == {}
    assert rows(db) == []
    assert "Set-Cookie" not in answer.headers


def test_a_slow_request_does_not_put_back_the_cookie_of_before_a_login(app):
    """The browser keeps the last cookie that it gets: the one of the login must stay."""
    client = client_of(app)
    post(client, "/set/theme/dark")
    app.meanwhile = lambda: app.session_interface.cache.delete(sid(client))
    assert "Set-Cookie" not in post(client, "/set/theme/light").headers


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_every_read_rewrites_the_file_back_end_and_not_ours(app, stock, db, monkeypatch):
    client, written = logged_in(stock), []
    cache = stock.config["SESSION_CACHELIB"]
    write = cache.set
    monkeypatch.setattr(cache, "set", lambda *args, **values: written.append(1) or write(*args, **values))
    for _ in range(3):
        get(client)
    assert len(written) == 3
    client, words, run = logged_in(app), [], db._run
    monkeypatch.setattr(
        db, "_run", lambda connection, sql, *more: words.append(sql.split()[0]) or run(connection, sql, *more)
    )
    for _ in range(3):
        get(client)
    assert words == ["SELECT"] * 3


# Who stores what


def test_an_anonymous_visit_stores_nothing_and_sets_no_cookie(app, db):
    for path in ("/", "/static"):
        assert "Set-Cookie" not in get(client_of(app), path).headers
    assert rows(db) == []


def test_what_is_under_the_path_without_sessions_does_not_read_one(app, db, user, monkeypatch):
    client, sent, run = logged_in(app), [], db._run
    app.session_interface.without = "/static"
    monkeypatch.setattr(db, "_run", lambda connection, sql, *more: sent.append(sql) or run(connection, sql, *more))
    answer = get(client, "/static")
    assert (answer.status_code, sent) == (200, [])
    assert "Set-Cookie" not in answer.headers
    assert held(client) == {"user_id": user}


def test_clearing_no_session_stores_nothing_and_sets_no_cookie(app, db):
    assert "Set-Cookie" not in post(client_of(app), "/clear").headers
    assert rows(db) == []


def test_an_id_that_someone_made_up_is_not_taken_over(app, db, user):
    client = client_of(app)
    client.set_cookie("nikko", "made-up", domain="localhost")
    assert held(client) == {}
    post(client, "/clear-and-set")
    assert sid(client) != "made-up"
    assert held(client) == {"user_id": user}
    assert [row["id"] for row in rows(db)] == [sessions.hashed(sid(client))]


@pytest.mark.parametrize("value", ["", "x" * 4000, "ü", "\\", "' OR '1'='1", "%ED%A0%80", "😀"])
def test_a_strange_cookie_is_nobodys_session(app, db, value):
    answer = app.test_client().get("/", headers={"Cookie": f"nikko={value}".encode().decode("latin-1")})
    assert answer.json == {"session": {}}
    assert rows(db) == []


def test_what_is_stored_is_a_hash_of_the_id_the_user_and_json(app, db, user):
    client = logged_in(app)
    post(client, "/set/name/Jürgen 😀")
    row = rows(db)[0]
    assert row["id"] == sessions.hashed(sid(client))
    assert len(row["id"]) == 64
    assert sid(client) not in repr(row)
    assert row["user_id"] == user
    assert json.loads(row["data"]) == {"_permanent": True, "user_id": user, "name": "Jürgen 😀"}
    assert held(client) == {"user_id": user, "name": "Jürgen 😀"}


def test_the_hash_in_the_table_opens_no_session(app, db):
    logged_in(app)
    thief = client_of(app)
    thief.set_cookie("nikko", rows(db)[0]["id"], domain="localhost")
    assert held(thief) == {}


def test_an_id_has_256_bits_and_is_never_the_same(app):
    ids = {sid(logged_in(app)) for _ in range(5)}
    assert len(ids) == 5
    assert {len(each) for each in ids} == {43}


def test_a_login_ends_the_session_before_it(app, db, user):
    client = logged_in(app)
    first = sid(client)
    post(client, "/login")
    assert [row["id"] for row in rows(db)] == [sessions.hashed(sid(client))]
    thief = client_of(app)
    thief.set_cookie("nikko", first, domain="localhost")
    assert held(thief) == {}
    assert held(client) == {"user_id": user}


def test_a_login_keeps_the_sessions_of_other_browsers(app, db, user):
    first, second = logged_in(app), logged_in(app)
    assert held(first) == held(second) == {"user_id": user}
    post(first, "/clear")
    assert (held(first), held(second)) == ({}, {"user_id": user})


def test_a_session_ends_with_its_user(app, db, user):
    client = logged_in(app)
    db.execute("DELETE FROM users WHERE id = ?", user)
    assert rows(db) == []
    assert held(client) == {}


def test_a_replayed_cookie_fails_after_logout(app, db):
    client = logged_in(app)
    stolen = sid(client)
    post(client, "/clear")
    assert rows(db) == []
    thief = client_of(app)
    thief.set_cookie("nikko", stolen, domain="localhost")
    assert held(thief) == {}


# The cookie


def attributes(answer):
    """The one cookie of an answer: its name, and its attributes in small letters."""
    [cookie] = answer.headers.getlist("Set-Cookie")
    pair, *rest = cookie.split("; ")
    parts = {key.lower(): value for key, _, value in (part.partition("=") for part in rest)}
    return pair.partition("=")[0], pair.partition("=")[2], parts


@pytest.mark.parametrize("base", [HTTP, HTTPS])
def test_the_cookie_is_kept_from_scripts_and_from_other_sites(app, base):
    name, value, parts = attributes(post(client_of(app, base), "/login"))
    assert name == NAMES[base]
    assert value
    assert parts.keys() == {"expires", "path", "httponly", "samesite"} | ({"secure"} if base == HTTPS else set())
    assert (parts["path"], parts["samesite"]) == ("/", "Lax")


@pytest.mark.parametrize("base", [HTTP, HTTPS])
def test_the_cookie_is_deleted_as_it_was_set(app, base):
    """A browser ignores a `__Host-` cookie without Secure, and so would keep the old one."""
    name, value, parts = attributes(post(logged_in(app, base), "/clear"))
    assert (name, value) == (NAMES[base], "")
    assert parts["max-age"] == "0"
    assert (parts["path"], parts["samesite"], "httponly" in parts) == ("/", "Lax", True)
    assert "domain" not in parts
    assert ("secure" in parts) == (base == HTTPS)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_flask_session_deletes_the_cookie_without_secure(stock):
    stock.config.update(SESSION_COOKIE_SECURE=True)
    client = logged_in(stock, HTTPS)
    assert "secure" not in attributes(post(client, "/clear"))[2]


def test_a_cookie_of_plain_http_is_nobodys_under_https(app):
    client = logged_in(app)
    stolen = sid(client)
    secure = client_of(app, HTTPS)
    secure.set_cookie("nikko", stolen, domain="localhost")
    assert held(secure) == {}


def test_only_a_changed_session_sets_the_cookie_again(app):
    client = logged_in(app)
    assert "Set-Cookie" not in get(client).headers
    assert "Set-Cookie" in post(client, "/set/a/b").headers


def test_an_answer_that_depends_on_the_session_says_so_to_caches(app):
    client = logged_in(app)
    assert "Cookie" in get(client).headers["Vary"]
    assert "Cookie" in post(client, "/clear").headers["Vary"]


# How long it lasts


@pytest.mark.parametrize(
    ("ages", "lasts"),
    [
        ({"seen_at": IDLE - 60}, True),
        ({"seen_at": IDLE + 1}, False),
        ({"seen_at": 0, "created_at": ABSOLUTE - 60}, True),
        ({"seen_at": 0, "created_at": ABSOLUTE + 1}, False),
    ],
)
def test_a_session_ends_after_30_idle_days_and_after_180_in_any_case(app, db, user, ages, lasts):
    client = logged_in(app)
    age(db, **ages)
    assert held(client) == ({"user_id": user} if lasts else {})


def test_the_lifetimes_are_30_and_180_days():
    assert (IDLE, ABSOLUTE) == (30 * 86400, 180 * 86400)


def test_a_session_that_is_over_stays_over(app, db):
    client = logged_in(app)
    age(db, seen_at=IDLE + 1)
    held(client)
    post(client, "/set/a/b")
    assert "user_id" not in held(client)


def test_a_visit_is_noted_once_an_hour(app, db):
    client = logged_in(app)
    now = int(time.time())
    age(db, seen_at=3500)
    noted = rows(db)[0]["seen_at"]
    get(client)
    assert rows(db)[0]["seen_at"] == noted
    age(db, seen_at=3700)
    get(client)
    assert rows(db)[0]["seen_at"] >= now


def test_a_visit_does_not_make_the_session_any_younger(app, db):
    client = logged_in(app)
    age(db, created_at=100 * DAY, seen_at=DAY)
    created = rows(db)[0]["created_at"]
    get(client)
    post(client, "/set/a/b")
    assert rows(db)[0]["created_at"] == created


@pytest.mark.parametrize("tag", ['W/"x"', '"x"', "*"])
def test_a_page_that_asks_whether_it_is_up_to_date_does_not_extend_the_session(app, db, user, tag):
    client = logged_in(app)
    age(db, seen_at=DAY)
    before = rows(db)
    assert get(client, headers={"If-None-Match": tag}).json == {"session": {"user_id": user}}
    assert rows(db) == before
    age(db, seen_at=IDLE + 1)
    assert get(client, headers={"If-None-Match": tag}).json == {"session": {}}


def test_what_is_noted_about_the_visit_is_not_part_of_the_session(app, db, user):
    client = logged_in(app)
    post(client, "/set/a/b")
    assert held(client) == {"user_id": user, "a": "b"}
    assert "seen_at" not in json.loads(rows(db)[0]["data"])
