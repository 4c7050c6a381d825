"""200 people at once on kept connections, nine reads to a write, and ten logins at the same moment.

    python tests/faults/load.py [SECONDS]

For half of the time they do something twice a second each, for the other half as fast as they are answered. No page
and no form may be answered with a 5xx, and each board must show what was acknowledged at any time. Then a board is
timed alone and while 50 logins a second are thrown at the server: those may be turned away, the board may not.
"""

import collections
import itertools
import json
import random
import secrets
import sqlite3
import statistics
import sys
import tempfile
import threading
import time

from running import PASSWORD, Browser, Server, Writer

import sessions  # after running, which says where it is


class Clocked(Browser):
    """A browser that notes (method, status, seconds) of each request in `answers`."""

    def __init__(self, *args):
        super().__init__(*args)
        self.answers = []

    def _ask(self, method, path, body=None):
        began = time.perf_counter()
        answer = super()._ask(method, path, body)
        self.answers.append((method, answer.status, time.perf_counter() - began))
        return answer


class Reader(Writer):
    """Who thinks for `pause` seconds before each request, and opens nine pages for each change."""

    def __init__(self, browser, stop, pause):
        super().__init__(browser, stop)
        self.pause = pause

    def write(self):
        if self.stop.wait(random.uniform(0, 2 * self.pause)):
            return
        if random.randrange(9):
            self.browser.get(random.choice(["/", "/", "/platform", "/trash"]))
        else:
            super().write()


def crowd(server, count):
    """That many people with a session; only the first one's password takes its fifth of a second."""
    first, now = Browser(server.port).register(), int(time.time())
    with sqlite3.connect(server.file) as file:
        for _ in range(count):
            name, sid = secrets.token_hex(8), secrets.token_urlsafe(32)
            user_id = file.execute(
                """
                INSERT INTO users (username, username_key, password_hash, first_name, last_name, created_at)
                SELECT ?, ?, password_hash, first_name, last_name, created_at FROM users WHERE username = ?
                """,
                (name, name, first.username),
            ).lastrowid
            data = json.dumps({"user_id": user_id})
            file.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", (sessions.hashed(sid), user_id, data, now, now))
            browser = Clocked(server.port, f"nikko={sid}")
            browser.username = name
            yield browser
    file.close()


def throw_logins(server, people, rate, statuses):
    """Log these people in, `rate` a second, whether answered or not, each from an address of their own; wait for all.

    From one address, or for one person, most would be throttled before their password is looked at.
    """

    def log_in(username):
        address = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"
        visitor = Browser(server.port, **{"X-Forwarded-For": address})
        statuses.append(visitor.post("/login", username=username, password=PASSWORD).status)

    threads = [threading.Timer(n / rate, log_in, [person.username]) for n, person in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def times(answers):
    seconds = [each[2] * 1000 for each in answers]
    return f"p50 {statistics.median(seconds):.0f} ms, p99 {statistics.quantiles(seconds, n=100)[98]:.0f} ms"


def together(server, seconds, pause, people=200, logins=10):
    """So many people for so long; yields a line on each thing that held, the last one on the logins."""
    stop, statuses = threading.Event(), []
    readers = [Reader(browser, stop, pause) for browser in crowd(server, people)]
    thrower = threading.Timer(seconds / 3, throw_logins, [server, list(crowd(server, logins)), 1000, statuses])
    thrower.start()
    for reader in readers:
        reader.start()
    time.sleep(seconds)
    stop.set()
    for thread in (*readers, thrower):
        thread.join()
    answers = [answer for reader in readers for answer in reader.browser.answers]
    found = collections.Counter(status for _, status, _ in answers)
    yield f"{people} people, {seconds:g} s, a pause of {pause} s: {len(answers) / seconds:.0f} answers a second"
    for method in ("GET", "POST"):
        yield f"{method}: {times([answer for answer in answers if answer[0] == method])}"
    assert max(found) < 500, found
    for reader in readers:
        reader.settle()
    yield f"{sum(reader.acknowledged for reader in readers)} acknowledged writes, and every board shows its own"
    assert set(statuses) <= ({303, 503} if pause == 0 else {303}), statuses
    yield f"{logins} logins at once: {dict(collections.Counter(statuses))}"


def beside_logins(server, seconds, rate=50):
    """A board alone and beside `rate` logins a second; yields a line on each."""
    (browser, *others), statuses = crowd(server, 1 + rate * seconds), []
    assert browser.post("/tickets", title="\n".join(f"Ticket {number}" for number in range(50))).status == 303
    for what, people in (("alone", []), (f"beside {rate} logins a second", others)):
        thrower = threading.Thread(target=throw_logins, args=[server, people, rate, statuses])
        thrower.start()
        browser.answers, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            assert browser.get().status == 200
        thrower.join()
        yield f"a board {what}: {times(browser.answers)}"
    assert set(statuses) <= {303, 503}, statuses
    yield f"the logins: {dict(collections.Counter(statuses))}"


def main(seconds=60):
    with tempfile.TemporaryDirectory() as folder, Server(folder, PROXIES="1") as server:
        steps = together(server, seconds / 2, 0.5), together(server, seconds / 2, 0), beside_logins(server, 10)
        for line in itertools.chain(*steps):
            print(line, flush=True)
    print("held: no 5xx, nothing that was acknowledged is lost, and logins don't stop the board")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
