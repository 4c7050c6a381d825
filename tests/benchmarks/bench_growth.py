"""What growth costs: a board of 50,000 tickets beside one of 50, and a database of 1,000,000 beside one of 10,000.

    python tests/benchmarks/bench_growth.py [TICKETS]

TICKETS (1,000,000; try 100,000 first) is how many the largest database has, 100 of each person; it takes 0.8 GB for
each million, in the folder for temporary files, and is removed afterwards. The data is written straight in SQL. What is
printed are medians of the time that the server needs for a request, without the network; all ways take turns.
"""

import importlib
import itertools
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
from conftest import log_in  # noqa: E402
from plans import faults, gathered  # noqa: E402

import upgrade  # noqa: E402
from database import SQL  # noqa: E402

ROUNDS, SEARCH_ROUNDS = 60, 40
NOW = int(time.time())
DAY = 86400
#: A person of the large database: what of 100 tickets is where.
USUAL = {"todo": 15, "in_progress": 5, "done": 75, "trash": 5}
LARGE = {"todo": 30, "in_progress": 10, "done": 44_960, "trash": 5_000}
SMALL = {"todo": 30, "in_progress": 10, "done": 10, "trash": 5}
NOUNS = ["login", "invoice", "kitchen", "printer", "domain", "venue", "letter", "garden", "report", "backup", "window"]
VERBS = ["repair", "replace", "renew", "book", "write", "measure", "answer", "paint", "call", "sort"]
SEARCHES = {
    "often": "kitchen",
    "seldom": "zebra",
    "never": "xylophone",
    "two words": "kitchen repair",
    "is:done": "is:done",
}

# The data


def progress(done, total, what):
    """A bar on standard error."""
    width = 40 * done // total
    end = "\n" if done == total else ""
    print(f"\r{what:32} [{'#' * width:40}] {done:,} of {total:,}", end=end, file=sys.stderr, flush=True)


def fill(path, people):
    """A new database with these people, each as {status or trash: how many tickets}; the first one has id 1.

    The people's tickets stand between each other's, as they do where people work at the same time.
    """
    with closing(SQL(f"sqlite:///{path}")) as db:
        upgrade.prepare(db)
    total = sum(sum(person.values()) for person in people)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "foreign_keys = OFF"):
            file.execute(f"PRAGMA {pragma}")
        indexes = file.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql > ''").fetchall()
        file.execute("BEGIN")
        for name, _ in indexes:  # made at the end they are sorted once
            file.execute(f"DROP INDEX {name}")
        file.executemany(
            "INSERT INTO users (id, username, username_key, password_hash, first_name, last_name, created_at,"
            " todo, in_progress, done) VALUES (?, ?, ?, '', 'Mira', 'Kovač', ?, ?, ?, ?)",
            (
                (number, f"mira{number}", f"mira{number}", NOW, has["todo"], has["in_progress"], has["done"])
                for number, has in enumerate(people, 1)
            ),
        )
        rows = enumerate(tickets(people), 1)
        for done in range(0, total, 20_000):
            progress(done, total, Path(path).name)
            add(file, list(itertools.islice(rows, 20_000)))
        progress(total, total, Path(path).name)
        for number, (_, sql) in enumerate(indexes, 1):
            file.execute(sql)
            progress(number, len(indexes), "  indexes")
        file.execute("COMMIT")


def tickets(people):
    """Each person's tickets in turn, as (user id, status or trash, place in the column)."""
    columns = [
        [(number, status, place) for status, count in has.items() for place in range(count)]
        for number, has in enumerate(people, 1)
    ]
    return filter(None, itertools.chain.from_iterable(itertools.zip_longest(*columns)))


def add(file, rows):
    """Write these tickets, one or two to-dos in most of them, and what added and moved them."""
    written, todos, actions = [], [], []
    for ticket_id, (user_id, status, place) in rows:
        noun, verb = NOUNS[ticket_id % len(NOUNS)], VERBS[ticket_id % len(VERBS)]
        title = f"{verb.title()} the {noun} {'zebra ' if ticket_id % 5000 == 7 else ''}before number {ticket_id}"
        deleted_at = NOW - place % 20 * DAY if status == "trash" else None
        status = "done" if status == "trash" else status
        written.append((ticket_id, user_id, title, title.lower(), status, NOW, place, NOW, deleted_at))
        for number in range(30 if place == 0 and status == "todo" else ticket_id % 3):
            text = f"{VERBS[(ticket_id + number) % 7].title()} it, step {number} of the {noun}"
            todos.append((ticket_id, text, text.lower(), number % 2, number, NOW))
        added = {"user_id": user_id, "status": "todo", "title": title, "position": 0.0, "deleted_at": None}
        changes = json.dumps([["tickets", ticket_id, {"deleted_at": NOW}, added]])
        actions.append((user_id, ticket_id, "add", changes, NOW))
        moved = json.dumps([["tickets", ticket_id, {"position": 7.0}, {"position": float(place)}]])
        for _ in range(60 if place == 0 and status == "todo" else 1):
            actions.append((user_id, ticket_id, "move", moved, NOW))
    file.executemany(
        "INSERT INTO tickets (id, user_id, title, title_folded, status, status_since, position, created_at, deleted_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        written,
    )
    file.executemany(
        "INSERT INTO todos (ticket_id, text, text_folded, done, position, created_at) VALUES (?, ?, ?, ?, ?, ?)", todos
    )
    file.executemany(
        "INSERT INTO actions (user_id, ticket_id, kind, state, changes, created_at) VALUES (?, ?, ?, 1, ?, ?)", actions
    )


# The requests


class Board:
    """One person of a database, with a request for each route."""

    def __init__(self, site, user_id):
        self.site, self.user_id = site, user_id
        self.mira = log_in(site, user_id, f"mira{user_id}")
        self.ticket, self.other = (row["id"] for row in self.rows("tickets.position < 2 AND tickets.status = 'todo'"))
        self.trashed = self.rows("tickets.deleted_at IS NOT NULL")[0]["id"]
        self.todo = site.db.execute("SELECT MIN(id) AS id FROM todos WHERE ticket_id = ?", self.ticket)[0]["id"]
        self.statuses, self.ticks = itertools.cycle(["in_progress", "todo"]), itertools.cycle([1, 0])

    def rows(self, condition):
        return self.site.db.execute(
            f"SELECT id FROM tickets WHERE user_id = ? AND {condition} ORDER BY position, id LIMIT 2", self.user_id
        )

    def get(self, path, status=200):
        response = self.mira.get(path)
        assert response.status_code == status, response.text

    def post(self, path, page="/", **fields):
        """As the page's script does: the answer is what changes on that page."""
        headers = {"X-Requested-With": "XMLHttpRequest", "Referer": f"http://localhost{page}"}
        response = self.mira.client.post(path, data=fields, headers=headers)
        assert response.status_code == 200, response.text

    def ways(self):
        """{name: a function that sends the request}, in an order in which undo finds something."""
        place, page = f"/tickets/{self.other}", f"/platform/{self.ticket}"
        return {
            "board": lambda: self.get("/"),
            "board, search": lambda: self.get("/?q=kitchen"),
            "platform, history of 50": lambda: self.get(page),
            "/platform": lambda: self.get("/platform", 303),
            "trash": lambda: self.get("/trash"),
            "account": lambda: self.get("/account"),
            "add": lambda: self.post("/tickets", title="Repair the kitchen door", status="todo"),
            "status change": lambda: self.post(f"{place}/status", status=next(self.statuses)),
            "undo": lambda: self.post("/undo"),
            "redo": lambda: self.post("/redo"),
            "move": lambda: self.post(f"{place}/position", status="todo", before=self.ticket),
            "to the end of Done": lambda: self.post(f"{place}/position", status="done"),
            "rename": lambda: self.post(f"{place}/title", title=f"Repair the door {time.time_ns()}"),
            "delete": lambda: self.post(f"{place}/delete"),
            "restore": lambda: self.post(f"/trash{place}/restore", "/trash"),
            "tick": lambda: self.post(f"/todos/{self.todo}/done", page, done=next(self.ticks)),
            "to-do, add and delete": self.add_todo,
            "login's clearing up": lambda: self.site.clear_up(self.user_id),
        }

    def add_todo(self):
        page = f"/platform/{self.ticket}"
        self.post(f"/tickets/{self.ticket}/todos", page, text="Measure it")
        self.post("/undo", page)


def open_site(path):
    """The module app.py on that database."""
    os.environ["DATABASE_URL"] = f"sqlite:///{path}"
    sys.modules.pop("app", None)
    site = importlib.import_module("app")
    site.logs.write = lambda *_, **__: None
    return site


def medians(orders, rounds, what):
    """{name: (median, least)}, in milliseconds; `orders` of the same ways take turns, for who is first is slower."""
    times = {name: [] for name in orders[0]}
    for number in range(rounds):
        for name, way in orders[number % len(orders)].items():
            began = time.perf_counter_ns()
            way()
            times[name].append((time.perf_counter_ns() - began) / 1e6)
        progress(number + 1, rounds, what)
    return {name: (statistics.median(taken), min(taken)) for name, taken in times.items()}


def compare(small, large, names, limits, what):
    """A table of two boards' routes; says where the ratio is above its limit."""
    pairs = [[((name, 0), way), ((name, 1), large.ways()[name])] for name, way in small.ways().items()]
    orders = [dict(itertools.chain(*pairs)), dict(itertools.chain(*map(reversed, pairs)))]
    times = {name: median for name, (median, _) in medians(orders, ROUNDS, what).items()}
    print(f"\n{what}, ms{names[0]:>31}{names[1]:>18}   ratio")
    for name in small.ways():
        ratio = times[name, 1] / times[name, 0]
        limit = limits.get(name, limits.get("each"))
        verdict = f"   more than {limit}" if limit and ratio > limit else ""
        print(f"{name:24}{times[name, 0]:20.2f}{times[name, 1]:18.2f}{ratio:8.2f}{verdict}")


def read_plans(board):
    """Every route's statements, and the first lines of the plans that read what isn't the person's."""
    with gathered(board.site.db) as statements:
        for way in board.ways().values():
            way()
    bad = {fault: sql for sql, values in statements for fault in faults(board.site.db, sql, values)}
    print(f"\n{len({sql for sql, _ in statements})} statements, {len(bad)} that read what isn't the person's")
    for fault, sql in bad.items():
        print(f"  {fault}: {' '.join(sql.split())[:150]}")


def main(size, folder):
    boards = f"{folder}/boards.db"
    fill(boards, [LARGE, SMALL])
    site = open_site(boards)
    large = Board(site, 1)
    compare(Board(site, 2), large, ("50 tickets", "50,000"), {"board": 1.3}, "one board")

    sent = itertools.count()  # each address is another, or the page would be the one that was kept
    ways = {name: lambda query=query: large.get(f"/?q={query}&sent={next(sent)}") for name, query in SEARCHES.items()}
    times = medians([ways], SEARCH_ROUNDS, "search")
    print("\nsearch in 50,000 tickets, ms      median       least")
    for name, (median, least) in times.items():
        print(f"{name:24}{median:16.1f}{least:12.1f}{'   more than 50' if median > 50 else ''}")
    read_plans(large)
    site.db.close()

    paths = {name: f"{folder}/{name}.db" for name in ("few", "many")}
    for path, count in zip(paths.values(), (10_000, size)):
        fill(path, [USUAL] * (count // 100))
    few, many = (Board(open_site(path), 50) for path in paths.values())
    compare(few, many, ("10,000 tickets", f"{size:,}"), {"each": 2}, "all people")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, folder)
