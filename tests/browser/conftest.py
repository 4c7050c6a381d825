"""A real server and a real browser: NIKKO on a free port, Chromium in front of it, and people who are logged in."""

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from conftest import PASSWORD_HASH, WHOLE_BOARD, missing, numbers, shown_board, shown_todos

import database
from sessions import DatabaseCache

from .screen import DESK, Device, Screen

ROOT = Path(__file__).parent.parent.parent
#: The first because tests run as root in a container, the others so that nothing leaves the machine.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

DEVICES = [
    Device(width, touch, script) for width, touch in ((1360, False), (390, True)) for script in (True, False)
]  # fmt: skip


def pytest_generate_tests(metafunc):
    """Each test of a screen runs on every device, unless it or its module names others."""
    named = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if "device" in metafunc.fixturenames and "device" not in named:
        metafunc.parametrize("device", getattr(metafunc.module, "DEVICES", DEVICES), ids=str)


@pytest.fixture(scope="session")
def directory(tmp_path_factory):
    """Where the server has its database and its log."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def server(directory):
    """The address of a NIKKO that runs as it does at home, on an empty SQLite file."""
    with running(directory, free_port()) as address:
        yield address


def free_port():
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(directory, port):
    """A server on the database in the directory; gives its address, and stops it in the end."""
    environment = {
        **os.environ,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATABASE_URL": f"sqlite:///{directory}/database.db",
        "WORKERS": "1",
        "REGISTRATION": "open",
    }
    log = directory / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
    usual = re.compile(r"\S+Z (?!error|database)[a-z-]+ id=")
    said = [line for line in log.read_text().splitlines() if not usual.match(line)]
    assert len(said) == 1, said  # where it is, and no complaint after that


def wait_for(address, process, log):
    """Return when the server answers; fail with its log when it doesn't."""
    for _ in range(200):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    pytest.fail(f"The server doesn't answer at {address}:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright is not installed (pip install -r tests/requirements.txt)")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium or not os.access(chromium, os.X_OK):
        missing(f"there is no Chromium ({chromium or 'apt install chromium'}); CHROMIUM can say where it is")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


class Person:
    """Somebody with an account, who works through plain HTTP: to make ready what a test begins with, from outside."""

    def __init__(self, server, username, cookie):
        self.server, self.username, self.cookie = server, username, cookie

    def get(self, path, form=None):
        """A page, as text."""
        headers = {"Cookie": f"nikko={self.cookie}", "Sec-Fetch-Site": "same-origin"}
        with urllib.request.urlopen(urllib.request.Request(self.server + path, form, headers), timeout=60) as answer:
            return answer.read().decode()

    def post(self, path, **fields):
        """Send a form; returns the page to which it leads."""
        return self.get(path, urllib.parse.urlencode(fields).encode())

    def session(self):
        """The cookies of a browser in which this person is logged in."""
        return [{"name": "nikko", "value": self.cookie, "url": self.server}]

    def add_tickets(self, *titles, status="todo"):
        """Add tickets; returns their ids in the order of the titles, which is that of the column."""
        page = self.post("/tickets", title="\n".join(titles), status=status)
        column = page.partition(f'id="tickets-{status}"')[2]
        return [int(each) for each in re.findall(r'<li[^>]* id="ticket-(\d+)"', column)[: len(titles)]]

    def add_todos(self, ticket_id, *texts):
        """Add to-dos; returns their ids in the order of the texts."""
        page = self.post(f"/tickets/{ticket_id}/todos", text="\n".join(texts))
        return [int(each) for each in re.findall(r'<li[^>]* id="todo-(\d+)"', page)[-len(texts) :]]

    def board(self):
        """What is stored, as a page says it: {status: [titles]}."""
        return shown_board(self.get(WHOLE_BOARD))

    def todos(self, ticket_id):
        """What is stored, as a page says it: [(text, done)]."""
        return shown_todos(self.get(f"/platform/{ticket_id}"))


@pytest.fixture(scope="session")
def db(server, directory):
    """The server's database."""
    db = database.SQL(f"sqlite:///{directory}/database.db")
    yield db
    db.close()


def add_person(server, db):
    """A new person, logged in without the third of a second that a password takes; it is PASSWORD."""
    username, cookie = f"mira{next(numbers)}", secrets.token_hex()
    user_id = db.execute(
        """
        INSERT INTO users (username, username_key, password_hash, first_name, last_name, created_at)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        username, username, PASSWORD_HASH, "Mira", "Kovač", int(time.time()),
    )  # fmt: skip
    DatabaseCache(db).add(cookie, {"user_id": user_id, "_permanent": True})
    return Person(server, username, cookie)


@pytest.fixture
def new_person(server, db):
    """A function that makes a person, logged in."""
    return lambda: add_person(server, db)


@pytest.fixture
def person(new_person):
    """A new person, logged in."""
    return new_person()


@pytest.fixture
def provoked():
    """What a test provokes on purpose and Chromium reports: statuses, or a part of the message."""
    return []


@pytest.fixture
def new_page(browser, server, provoked):
    """A function that opens a page on a device; any complaint of the browser that wasn't provoked fails the test."""
    contexts, complaints = [], []

    def note(message):
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def make(device, cookies=(), **options):
        context = browser.new_context(
            base_url=server,
            viewport={"width": device.width, "height": 820 if device.width > 760 else 844},
            has_touch=device.touch,
            is_mobile=device.touch,
            java_script_enabled=device.script,
            **options,
        )
        contexts.append(context)
        context.add_cookies(list(cookies))
        page = context.new_page()
        context.on("console", note)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page.set_default_timeout(10_000)
        return page

    yield make
    for context in contexts:
        context.close()
    wanted = [f"with a status of {each} " if isinstance(each, int) else each for each in provoked]
    assert [each for each in complaints if not any(part in each for part in wanted)] == []
    assert [part for part in wanted if not any(part in each for each in complaints)] == [], "was not provoked"


@pytest.fixture
def blank(device, new_page):
    """A screen on which nobody is logged in."""
    return Screen(new_page(device), device)


@pytest.fixture
def screen(device, new_page, person):
    """A screen on which the person is logged in."""
    return Screen(new_page(device, person.session()), device)


@pytest.fixture
def page(screen):
    """The page of that screen."""
    return screen.page


@pytest.fixture
def board(screen, person):
    """A screen with the board A, B, C · D · E; `ids` has their ids."""
    screen.ids = dict(zip("ABC", person.add_tickets("A", "B", "C")))
    screen.ids["D"] = person.add_tickets("D", status="in_progress")[0]
    screen.ids["E"] = person.add_tickets("E", status="done")[0]
    screen.open()
    return screen


@pytest.fixture
def platform(screen, person):
    """A screen with a ticket's to-dos x, y, z; `ticket_id` is the ticket's, `ids` has theirs."""
    (screen.ticket_id,) = person.add_tickets("Ticket")
    screen.ids = dict(zip("xyz", person.add_todos(screen.ticket_id, "x", "y", "z")))
    screen.open(f"/platform/{screen.ticket_id}")
    return screen


@pytest.fixture
def other(new_page, person):
    """Another browser in which the same person is logged in."""
    return Screen(new_page(DESK, person.session()), DESK)
