"""What three requests cost, and what of it is the database: beside stock cs50 and the bare driver, in one run.

    python tests/benchmarks/bench_statements.py [DATABASE_URL]

Without an address it makes a SQLite file and removes it afterwards. A server's database should be an empty one of
its own; it is left with what was measured in it. All ways take turns, and what is printed are medians.
"""

import contextlib
import functools
import importlib
import itertools
import logging
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
from conftest import Person  # noqa: E402  (a browser without JavaScript, as the tests have it)

from database import DRIVERS, SQL, cs50  # noqa: E402

ROUNDS = 300


def make_requests(site):
    """A board of 50 tickets, one with 30 to-dos, and {name: a function that sends the request}."""
    mira = Person(site, site.app.test_client())
    name = f"bench{time.time_ns()}"
    mira.post("/register", username=name, password="ein Tritt in den Schnee", first_name="Mira", last_name="Kovač")
    mira.id = site.db.execute("SELECT id FROM users WHERE username = ?", name)[0]["id"]
    ids = mira.add_tickets(*[f"Login fails with an umlaut, ticket {number}" for number in range(50)])
    mira.add_todos(ids[0], *[f"Look at the case with the colon: (:{number}" for number in range(30)])
    statuses = itertools.cycle(["in_progress", "todo"])

    def change_status():  # without the page that a browser opens next
        assert mira.post(f"/tickets/{ids[20]}/status", status=next(statuses)).status_code == 303

    def open_page(path):
        assert mira.get(path).status_code == 200

    return {
        "status change": change_status,
        "board, 50 tickets": lambda: open_page("/"),
        "platform, 30 to-dos": lambda: open_page(f"/platform/{ids[0]}"),
    }


def record(db, request):
    """What the request sends, as [(sql, values)]: to `execute` (values None: BEGIN, COMMIT), and to the driver."""
    executed, sent, execute, run = [], [], db.execute, db._run

    def noting_execute(sql, *values):
        executed.append((sql, values))
        return execute(sql, *values)

    def noting_run(connection, sql, values=()):
        if sql in ("BEGIN", "BEGIN IMMEDIATE", "COMMIT"):
            executed.append((sql, None))
        sent.append((sql, values))
        return run(connection, sql, values)

    db.execute, db._run = noting_execute, noting_run
    try:
        request()
    finally:
        del db.execute, db._run
    return executed, sent


def replay_ours(db, executed):
    """The statements through our wrapper, those of a transaction in one."""
    with contextlib.ExitStack() as transaction:
        for sql, values in executed:
            if sql == "COMMIT":
                transaction.close()
            elif values is None:
                transaction.enter_context(db.transaction())
            else:
                db.execute(sql, *values)


def replay_stock(db, executed):
    """The same through cs50, each statement committed for itself: it has no transaction that can be trusted."""
    for sql, values in executed:
        if values is not None:
            # It takes the colons of the journal's JSON for placeholders, and raises.
            db.execute(sql, *[value.replace(":", ";") if isinstance(value, str) else value for value in values])


def replay_bare(connection, sent):
    """The same as the driver gets it, with rows as tuples."""
    cursor = connection.cursor()
    for sql, values in sent:
        cursor.execute(sql, values) if values else cursor.execute(sql)
        if cursor.description:
            cursor.fetchall()


def medians(ways, rounds=ROUNDS):
    """{name: microseconds}; the ways take turns, so that a busy moment meets all of them."""
    times = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter_ns()
            way()
            times[name].append((time.perf_counter_ns() - began) / 1000)
    return {name: statistics.median(taken) for name, taken in times.items()}


def main(url, folder):
    os.environ["DATABASE_URL"] = url
    site = importlib.import_module("app")  # it reads the address when it is imported
    requests = make_requests(site)
    whole = medians(requests)
    recorded = {name: record(site.db, request) for name, request in requests.items()}
    site.db.close()

    # Each of the three works on a copy of its own; on a server they share the database.
    urls = dict.fromkeys(("ours", "stock", "bare"), url)
    if site.db.kind == "sqlite":
        for name in urls:
            shutil.copy(site.db.path, f"{folder}/{name}.db")
            urls[name] = f"sqlite:///{folder}/{name}.db"
    scheme, _, address = urls["stock"].partition("://")
    ours, stock = SQL(urls["ours"]), cs50.SQL(f"{DRIVERS[scheme]}://{address}")
    bare = SQL(urls["bare"])._engine.raw_connection().driver_connection  # the driver's own, set up as ours are
    logging.getLogger("cs50").disabled = True

    print(f"{site.db.kind}, medians of {ROUNDS} rounds, in microseconds")
    line = "{:20}{:>9.0f}{:>12}{:>9.0f}{:>9.0f}{:>9.0f}{:>11.2f}{:>12.1f}".format
    print(f"{'':20}  request  statements     ours     bare    stock  ours/bare  stock/ours")
    for name, (executed, sent) in recorded.items():
        ways = {
            "ours": functools.partial(replay_ours, ours, executed),
            "bare": functools.partial(replay_bare, bare, sent),
            "stock": functools.partial(replay_stock, stock, executed),
        }
        we, they, it = medians(ways).values()
        print(line(name, whole[name], len(sent), we, they, it, we / they, it / we))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/bench.db", folder)
