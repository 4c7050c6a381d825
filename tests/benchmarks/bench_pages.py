"""How fast NIKKO's pages are, as a share of what a bare Flask app does on the same server.

    python tests/benchmarks/bench_pages.py [ROUNDS [SECONDS]]

Starts both with the same settings, loads them in turn with wrk (a package of most systems), 16 connections,
and prints the medians: requests a second, and the ratio to the bare app, or to its two raw writes for a change.
The board has 50 tickets, 30 of them open; the platform page has 30 to-dos, and beside it stand 8 open tickets.
"Drawn" is each time another address, so that it can't be the page that was kept since it was drawn before.
"""

import functools
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parent.parent.parent
NIKKO, BARE = "http://127.0.0.1:5181", "http://127.0.0.1:5182"
BOARD = {"todo": 20, "in_progress": 10, "done": 20}
SMALL_BOARD = {"todo": 5, "in_progress": 3}
CHANGES = """
local statuses, sent = {"in_progress", "done", "todo"}, 0
request = function()
  sent = sent + 1
  local status = statuses[math.floor(sent / 50) % 3 + 1]
  return wrk.format("POST", "/tickets/" .. (sent % 50 + 1) .. "/status", nil, "status=" .. status)
end
"""
DRAWN = """
local sent = 0
request = function()
  sent = sent + 1
  return wrk.format("GET", wrk.path .. "?sent=" .. sent)
end
"""


def start(target, port, folder):
    """Start the server of app.py with `target` on it and wait until it answers."""
    environment = {**os.environ, "PORT": str(port), "DATABASE_URL": f"sqlite:///{folder}/nikko.db"}
    environment |= {"BARE_DATABASE": f"{folder}/bare.db", "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"}
    command = [sys.executable, "-c", f"import app, serving; serving.serve({target!r}, app.config, app.db)"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/login" if port == 5181 else f"http://127.0.0.1:{port}/")
            return process
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{target} did not start")


class Person:
    """Somebody who has just registered, with a browser's cookies."""

    def __init__(self, username, tickets):
        self.jar = CookieJar()
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.browser.addheaders = [("Sec-Fetch-Site", "same-origin")]
        self.post("/register", username=username, password="ein Tritt in den Schnee", first_name="M", last_name="K")
        for status, count in tickets.items():
            titles = "\n".join(f"Ticket {number} with a title of some words" for number in range(count))
            self.post("/tickets", title=titles, status=status)

    def post(self, path, **fields):
        return self.browser.open(NIKKO + path, urlencode(fields).encode())

    @property
    def cookie(self):
        return "Cookie: " + "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)


def prepare():
    """Two people: one with a board of 50 tickets, one with 30 to-dos in ticket 51."""
    board, platform = Person("board", BOARD), Person("platform", SMALL_BOARD)
    for ticket_id in range(2, 51, 2):
        board.post(f"/tickets/{ticket_id}/todos", text="Read the file\nMap the columns\nShow a preview")
    platform.post("/tickets/51/todos", text="\n".join(f"To-do {number} of this ticket" for number in range(30)))
    for todo_id in range(76, 106, 3):
        platform.post(f"/todos/{todo_id}/done", done=1)
    return board, platform


def load(url, seconds, *headers, script=None):
    """Requests a second that wrk gets answered; stops the program at any error."""
    command = ["wrk", "-t1", "-c16", f"-d{seconds}", *(part for header in headers for part in ("-H", header)), url]
    answer = subprocess.run(command + (["-s", script] if script else []), capture_output=True, text=True, check=True)
    if re.search("Non-2xx|Socket errors", answer.stdout):
        raise SystemExit(answer.stdout)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", answer.stdout)[1])


def main(rounds=5, seconds=3):
    with tempfile.TemporaryDirectory() as folder:
        bare_database = sqlite3.connect(f"{folder}/bare.db")
        bare_database.executescript(
            "PRAGMA journal_mode = WAL; CREATE TABLE tickets (id INTEGER PRIMARY KEY, status);"
            "CREATE TABLE actions (id INTEGER PRIMARY KEY, changes); INSERT INTO tickets VALUES (1, 0);"
        )
        Path(folder, "changes.lua").write_text(CHANGES)
        Path(folder, "drawn.lua").write_text(DRAWN)
        Path(folder, "write.lua").write_text('wrk.method = "POST"')
        servers = [start("app:served", 5181, folder), start("bare:served", 5182, folder)]
        try:
            board, platform = prepare()
            etag, gzip = board.browser.open(NIKKO + "/").headers["ETag"], "Accept-Encoding: gzip"
            script = ["Sec-Fetch-Site: same-origin", "X-Requested-With: XMLHttpRequest", f"Referer: {NIKKO}/"]
            form = "Content-Type: application/x-www-form-urlencoded"
            cases = {"bare": lambda: load(BARE + "/", seconds)}
            for name, url, cookie in (
                ("board", NIKKO + "/", board.cookie),
                ("platform", NIKKO + "/platform/51", platform.cookie),
            ):
                cases[name] = functools.partial(load, url, seconds, cookie)
                cases[f"{name}, gzip"] = functools.partial(load, url, seconds, cookie, gzip)
                cases[f"{name}, drawn"] = functools.partial(load, url, seconds, cookie, script=f"{folder}/drawn.lua")
                cases[f"{name}, drawn, gzip"] = functools.partial(
                    load, url, seconds, cookie, gzip, script=f"{folder}/drawn.lua"
                )
            cases["board, 304"] = lambda: load(NIKKO + "/", seconds, board.cookie, f"If-None-Match: {etag}")
            changes = {
                "raw writes": lambda: load(BARE + "/write", seconds, script=f"{folder}/write.lua"),
                "status change": lambda: load(
                    NIKKO, seconds, board.cookie, *script, form, script=f"{folder}/changes.lua"
                ),
            }
            for group in (cases, changes):  # a change makes the ETag old
                figures = {name: [] for name in group}
                for number in range(rounds):
                    for name, case in group.items():
                        figures[name].append(case())
                        print(f"round {number + 1} of {rounds}: {name}".ljust(60), end="\r", file=sys.stderr)
                base = statistics.median(next(iter(figures.values())))
                for name, values in figures.items():
                    median = statistics.median(values)
                    print(f"{name:24}{median:9.0f} /s{median / base:8.3f} of {next(iter(figures))}")
        finally:
            for server in servers:
                server.terminate()
                server.wait()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
