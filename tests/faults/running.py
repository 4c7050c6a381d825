"""What the faults share: the real server in its own process group, browsers that keep their connection, and writers."""

import contextlib
import http.client
import os
import random
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # run by name, pytest has not done so

from real_input import STATUSES, WHOLE_BOARD, Page  # noqa: E402

PASSWORD = "ein Tritt in den Schnee"
SETTINGS = ("HOST", "PORT", "DATABASE_URL", "WORKERS", "REGISTRATION", "PROXIES", "HOSTS")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, what, seconds=30):
    """Ask again until it holds, and return what it gave. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not (held := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)
    return held


class Server:
    """`python app.py` on a database in `folder`; may be stopped, killed and started again on the same port.

    `before` are the words of a command that runs it, `environment` is added to this process's own.
    """

    def __init__(self, folder, before=(), **environment):
        self.folder, self.before, self.port, self.process = Path(folder), before, free_port(), None
        self.file, self.log = self.folder / "database.db", self.folder / "log"
        self.environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        self.environment |= {"PORT": str(self.port), "WORKERS": "2", "DATABASE_URL": f"sqlite:///{self.file}"}
        self.environment |= environment

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def launch(self, **environment):
        """Start it, with this added to its environment, without waiting for anything."""
        command = [*self.before, sys.executable, str(ROOT / "app.py")]
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment | environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def start(self, **environment):
        """As `launch`, and wait until it answers."""
        self.launch(**environment)
        until(self.answers, "the server answers")

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError), contextlib.closing(Browser(self.port)) as browser:
            return browser.get("/healthz").status == 200

    def stop(self):
        """As Ctrl+C does."""
        self.process.terminate()
        assert self.process.wait(30) == 0

    def kill(self):
        """SIGKILL for the whole process group, and wait until nobody listens any more."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
        until(lambda: not listening(self.port), "the port is free")

    def processes(self):
        """The ids of the processes of its group."""
        for entry in filter(str.isdecimal, os.listdir("/proc")):
            with contextlib.suppress(ProcessLookupError):
                if os.getpgid(int(entry)) == self.process.pid:
                    yield int(entry)

    def execute(self, sql):
        """Look into its file with SQLite's own client."""
        with contextlib.closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(sql).fetchall()


def listening(port):
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


class Browser:
    """Somebody's browser without JavaScript: one kept connection, a cookie, and forms; `headers` go with each."""

    def __init__(self, port, cookie="", **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookie, self.headers = cookie, {"Sec-Fetch-Site": "same-origin", **headers}

    def close(self):
        self.connection.close()

    def get(self, path="/"):
        """Open a page; the answer has `status`, `headers` and `text`."""
        return self._ask("GET", path)

    def post(self, path, **fields):
        """Send a form."""
        return self._ask("POST", path, urlencode(fields))

    def register(self):
        """Make an account, logged in."""
        self.username = f"mira-{secrets.token_hex(6)}"
        names = {"username": self.username, "first_name": "Mira", "last_name": "Kovač"}
        assert self.post("/register", password=PASSWORD, **names).status == 303
        return self

    def log_in(self):
        return self.post("/login", username=self.username, password=PASSWORD).status

    def board(self):
        """What the board shows: [(status, id, title)] in its order."""
        page = self.get(WHOLE_BOARD)
        assert page.status == 200, (page.status, page.text)
        return Page(page.text).tickets

    def titles(self):
        return [title for _, _, title in self.board()]

    def _ask(self, method, path, body=None):
        headers = {"Cookie": self.cookie, **self.headers}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            answer.text = answer.read().decode()
        except BaseException:
            self.close()  # the next one connects again
            raise
        if cookie := answer.headers["Set-Cookie"]:
            self.cookie = cookie.partition(";")[0]
        return answer


class Writer(threading.Thread):
    """Somebody who changes a board until `stop` is set or the server is gone, and knows what it has to show.

    A board is a tuple of (status, title). `boards` are those to which undo leads back, the last is what was
    acknowledged; `uncertain` is the same with a form that got no answer or a refusal, else None. `refused` has
    (when it was sent, status) of what was answered with anything but success, and `carried_out` counts the
    uncertain forms that were found on the board. `past` has every board that was acknowledged, in their order.
    """

    def __init__(self, browser, stop):
        super().__init__(daemon=True)
        self.browser, self.stop = browser, stop
        self.boards, self.uncertain, self.failure = [()], None, None
        self.past, self.refused, self.carried_out = [()], [], 0

    def again(self, stop):
        """The same person, who goes on in another thread: all but `boards` begins anew."""
        other = Writer(self.browser, stop)
        other.boards, other.past = self.boards, self.boards[-1:]
        return other

    @property
    def acknowledged(self):
        """How many forms were."""
        return len(self.past) - 1

    def run(self):
        try:
            while not self.stop.is_set():
                self.write()
        except (OSError, http.client.HTTPException):
            pass  # the server is gone
        except Exception as error:
            self.failure = error

    def write(self):
        """Look at the board and send one form."""
        page = self.answered(self.browser.get, WHOLE_BOARD)
        if page.status != 200:
            return
        ids = self.check(Page(page.text).tickets)
        path, fields, boards = self.choose(ids)
        self.uncertain = boards
        if self.answered(self.browser.post, path, **fields).status == 303:
            self.boards, self.uncertain = boards, None
            self.past.append(boards[-1])

    def answered(self, function, *args, **fields):
        """Send it; a refusal is noted and waited for."""
        began = time.monotonic()
        answer = function(*args, **fields)
        if answer.status >= 400:
            self.refused.append((began, answer.status))
            self.stop.wait(0.05)
        return answer

    def check(self, tickets):
        """The board has to be what was acknowledged, or that and the whole of the uncertain form; returns its ids."""
        ids = {(status, title): ticket_id for status, ticket_id, title in tickets}
        shown = tuple(ids)
        if self.uncertain and shown == self.uncertain[-1]:
            self.boards, self.carried_out = self.uncertain, self.carried_out + 1
        self.uncertain = None
        assert shown == self.boards[-1], f"shown {shown}, acknowledged {self.boards[-1]}"
        return ids

    def settle(self):
        """Check the board now that nobody writes any more."""
        if self.failure:
            raise self.failure
        self.browser.close()  # the server ends a connection on which nothing came for ten seconds
        self.check(self.browser.board())

    def choose(self, ids):
        """A form (its address and fields), and the boards when it will have been carried out."""
        board = self.boards[-1]
        ways = ["paste", "move", "delete", "undo"] if board else ["paste"]
        way = random.choice(ways[len(board) > 60 :])
        if way == "undo":
            return "/undo", {}, self.boards[:-1]
        if way == "paste":
            new, gone = [("todo", secrets.token_hex(6)) for _ in range(20)], None
            path, fields = "/tickets", {"title": "\n".join(title for _, title in new), "key": secrets.token_hex(6)}
        else:
            gone = random.choice(board)
            path, fields, new = f"/tickets/{ids[gone]}/delete", {}, []
        if way == "move":
            status = random.choice([status for status in STATUSES if status != gone[0]])
            path, fields, new = f"/tickets/{ids[gone]}/status", {"status": status}, [(status, gone[1])]
        after = sorted(
            [*new, *(ticket for ticket in board if ticket != gone)], key=lambda each: STATUSES.index(each[0])
        )
        return path, fields, [*self.boards, tuple(after)]

    def undo_everything(self):
        """Undo step by step to the empty board, which shows that each step was journalled as it was carried out."""
        while len(self.boards) > 1:
            assert self.browser.post("/undo").status == 303
            self.boards = self.boards[:-1]
            self.settle()
        assert self.browser.post("/undo").status == 409
