"""What the tests share: a database on each engine, the app on it, and people who are logged in."""

import importlib
import itertools
import os
import re
import sys
from pathlib import Path

import pytest
import sqlalchemy
from werkzeug.security import generate_password_hash

sys.path.insert(0, str(Path(__file__).parent.parent))

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
