"""What the tests share: a database on each engine, the app on it, and people who are logged in."""

import contextlib
import html
import importlib.util
import itertools
import os
import re
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy
from werkzeug.security import generate_password_hash

sys.path.insert(0, str(Path(__file__).parent.parent))

from real_input import WHOLE_BOARD

import database
import upgrade

#: Where the servers are; each test run makes a database of its own there and drops it.
SERVERS = {
    "postgresql": os.environ.get("TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres"),
    "mysql": os.environ.get("TEST_MARIADB", "mysql://root@127.0.0.1:3306/mysql"),
}
#: Set by .ci/run: what can't be tested here fails instead of being skipped.
REQUIRED = os.environ.get("REQUIRE_ALL") == "1"

PASSWORD = "ein Tritt in den Schnee"
PASSWORD_HASH = generate_password_hash(PASSWORD, "scrypt:32768:8:3")
numbers = itertools.count(1)


def missing(what):
    """Skip a test for which something isn't there, or fail where everything has to be."""
    (pytest.fail if REQUIRED else pytest.skip)(f"not tested: {what}")


@pytest.fixture(scope="session", params=["sqlite", "postgresql", "mysql"])
def engine(request):
    """Each of the three engines in turn."""
    return request.param


@pytest.fixture(scope="session")
def new_database(engine, tmp_path_factory):
    """A function that makes an empty database and returns its address."""
    if engine == "sqlite":
        yield lambda: f"sqlite:///{tmp_path_factory.mktemp('data')}/database.db"
        return
    try:
        server = database.SQL(SERVERS[engine])
    except RuntimeError as error:
        missing(f"{engine} doesn't answer at {SERVERS[engine]} ({error})")
    names = []

    def make():
        names.append(f"nikko_test_{os.getpid()}_{next(numbers)}")
        server.execute(f"CREATE DATABASE {names[-1]}")
        return sqlalchemy.make_url(SERVERS[engine]).set(database=names[-1]).render_as_string(False)

    yield make
    for name in names:
        server.execute(f"DROP DATABASE {name}" + (" WITH (FORCE)" if engine == "postgresql" else ""))
    server.close()


def hang_up(address):
    """End each connection to that database on PostgreSQL or MariaDB; NIKKO may end some itself when it notices."""
    with contextlib.closing(database.SQL(address)) as db:
        if db.kind == "postgresql":
            others = (
                "SELECT pid AS id FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            end = "SELECT pg_terminate_backend({id}, 5000)"
        else:
            others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
            end = "KILL {id}"
        connections = db.execute(others)
        assert connections, "nobody is connected"
        for connection in connections:
            with contextlib.suppress(RuntimeError):
                db.execute(end.format_map(connection))


@pytest.fixture
def db(new_database):
    """An empty database with NIKKO's tables."""
    db = database.SQL(new_database())
    upgrade.prepare(db)
    yield db
    db.close()


@pytest.fixture(scope="session")
def site(new_database):
    """The module app.py, on a database of its own."""
    os.environ["DATABASE_URL"] = new_database()
    sys.modules.pop("app", None)
    site = importlib.import_module("app")
    yield site
    site.db.close()


@pytest.fixture
def another_site(new_database, monkeypatch):
    """A function that starts a NIKKO of its own with these settings, on an empty database."""
    started = []

    def start(**environment):
        for name, value in {"DATABASE_URL": new_database(), **environment}.items():
            monkeypatch.setenv(name, value)
        name = f"app_{next(numbers)}"
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent.parent / "app.py")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        started.append((name, module))
        spec.loader.exec_module(module)
        return module

    yield start
    for name, module in started:
        del sys.modules[name]
        if module.__dict__.get("db"):
            module.db.close()


class Person:
    """Somebody with an account and a browser without JavaScript; `id`, `username`, and what a browser does."""

    def __init__(self, site, client, user_id=None, username=None):
        self.site, self.client, self.id, self.username = site, client, user_id, username
        client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"

    def get(self, path, **options):
        """Open a page."""
        return self.client.get(path, **options)

    def post(self, path, page=None, **fields):
        """Send a form that stood on `page`; a list sends its field several times."""
        headers = {"Referer": f"http://localhost{page}"} if page else {}
        return self.client.post(path, data=fields, headers=headers)

    def ajax(self, path, **fields):
        """Send a form as the page's script does."""
        return self.client.post(path, data=fields, headers={"X-Requested-With": "XMLHttpRequest"})

    def another_browser(self):
        """The same person, logged in on another device."""
        return log_in(self.site, self.id, self.username)

    def add_tickets(self, *titles, status="todo"):
        """Add tickets by the form; returns their ids in the order of the titles."""
        assert self.post("/tickets", title="\n".join(titles), status=status).status_code == 303
        return self.ids("SELECT id FROM tickets WHERE user_id = ? ORDER BY id DESC LIMIT ?", len(titles))

    def add_todos(self, ticket_id, *texts):
        """Add to-dos by the form; returns their ids in the order of the texts."""
        assert self.post(f"/tickets/{ticket_id}/todos", text="\n".join(texts)).status_code == 303
        return self.ids(
            """
            SELECT todos.id
            FROM todos JOIN tickets ON tickets.id = todos.ticket_id
            WHERE tickets.user_id = ?
            ORDER BY todos.id DESC
            LIMIT ?
            """,
            len(texts),
        )

    def ids(self, sql, count):
        return [row["id"] for row in reversed(self.site.db.execute(sql, self.id, count))]

    def board(self):
        """What the board page shows: {status: [titles]}."""
        return shown_board(self.get(WHOLE_BOARD).text)

    def todos(self, ticket_id):
        """What the platform page shows: [(text, done)]."""
        return shown_todos(self.get(f"/platform/{ticket_id}").text)


def shown_board(page):
    """The titles on a board page, by status, in their order."""
    return {
        status: [html.unescape(title) for title in re.findall(r"<h3><a [^>]*>(.*?)</a></h3>", column, re.DOTALL)]
        for status, column in re.findall(r'<ol class="tickets" id="tickets-(\w+)"(.*?)</ol>', page, re.DOTALL)
    }


def shown_todos(page):
    """The to-dos on a platform page as (text, done), in their order."""
    todos = re.findall(
        r'role="checkbox"[^>]* aria-checked="(\w+)".*?<span class="text"[^>]*>(.*?)</span>', page, re.DOTALL
    )
    return [(html.unescape(text), checked == "true") for checked, text in todos]


def log_in(site, user_id, username):
    """A browser in which that person is logged in, without the third of a second that a password takes."""
    client = site.app.test_client()
    with client.session_transaction() as session:
        session["user_id"] = user_id
    return Person(site, client, user_id, username)


@pytest.fixture
def visitor(site):
    """Somebody without an account, who comes from the address of all tests."""
    site.db.execute("DELETE FROM attempts")
    return Person(site, site.app.test_client())


@pytest.fixture
def new_person(site):
    """A function that makes a person with an account (their password is PASSWORD), logged in."""

    def make(first_name="Mira", last_name="Kovač"):
        username = f"mira{next(numbers)}"
        user_id = site.db.execute(
            """
            INSERT INTO users (username, username_key, password_hash, first_name, last_name, created_at)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            username, username, PASSWORD_HASH, first_name, last_name, int(time.time()),
        )  # fmt: skip
        return log_in(site, user_id, username)

    return make


@pytest.fixture
def mira(new_person):
    """A person who is logged in."""
    return new_person()
