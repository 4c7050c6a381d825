"""What was acknowledged survives: the faults that seconds can show, on the real server. README.md lists them all."""

import contextlib
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import kill
import load
import pytest
import restart
from conftest import hang_up, missing
from running import ROOT, Browser, Server, Writer, until
from test_database import only
from test_upgrade import NEXT, NEXT_VERSION, add_rows, tables, titles

import database
import upgrade


@pytest.fixture
def server(tmp_path):
    """A server of this test's own; it is not started yet, and gone afterwards."""
    server = Server(tmp_path)
    yield server
    if server.process:
        server.kill()


def test_what_was_acknowledged_survives_two_kills_while_people_write(tmp_path):
    for line in kill.rounds(tmp_path, 2, people=2):
        print(line)


def test_each_change_is_on_the_disk_before_it_is_acknowledged(tmp_path):
    """A power cut takes what no fsync has brought there: one has to end between any two answers."""
    if not shutil.which("strace"):
        missing("strace isn't here")
    trace = tmp_path / "trace"
    calls = "trace=fsync,fdatasync,write,writev,sendto,sendmsg"
    with Server(tmp_path, ["strace", "-f", "-o", str(trace), "-s", "12", "-e", calls], WORKERS="1") as server:
        browser = Browser(server.port).register()
        for number in range(10):
            assert browser.post("/tickets", title=f"Ticket {number}").status == 303
        until(lambda: trace.read_text().count("HTTP/1.1 303") == 11, "all is written down")
    steps = re.findall(r'sync(?:\(\d+\)| resumed>\)) += 0|"HTTP/1\.1 303', trace.read_text())
    answers = [number for number, step in enumerate(steps) if "HTTP" in step]
    assert all("sync" in steps[number - 1] for number in answers), steps


@contextlib.contextmanager
def small_folder(folder):
    """A disk of 2 MB."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk; the limit shows the same")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def limit_files(server, size):
    """Let no file of the running server grow beyond that."""
    for process in server.processes():
        resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.parametrize("disk", ["2 MB", "a limit"])
def test_a_full_disk_is_said_keeps_what_was_typed_and_is_over_when_there_is_room(server, disk):
    with contextlib.ExitStack() as stack:
        if disk == "2 MB":
            stack.enter_context(small_folder(server.folder))
            (server.folder / "ballast").write_bytes(b"x" * 1_000_000)
        server.start()
        stack.callback(server.kill)
        browser, written = Browser(server.port).register(), []
        if disk == "a limit":
            limit_files(server, 500_000)
        for number in range(100):
            titles = [f"{number}-{line} " + "x" * 400 for line in range(100)]
            answer = browser.post("/tickets", title="\n".join(titles))
            if answer.status != 303:
                break
            written = titles + written
        assert answer.status == 507
        assert all(title in answer.text for title in titles)
        assert browser.titles() == written
        assert [browser.get(path).status for path in ("/platform", "/trash", "/healthz")] == [303, 200, 200]
        if disk == "2 MB":
            (server.folder / "ballast").unlink()
        else:
            limit_files(server, resource.RLIM_INFINITY)
        assert browser.post("/tickets", title="\n".join(titles)).status == 303
        assert browser.titles() == titles + written
        assert server.execute("PRAGMA integrity_check") == [("ok",)]


def random_bytes(file):
    file.write_bytes(os.urandom(50_000))


def truncated(file):
    db = database.SQL(f"sqlite:///{file}")
    upgrade.prepare(db)
    db.close()
    os.truncate(file, 20_480)  # whole pages


def another_programs(file):
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE users (id INTEGER PRIMARY KEY)")


@pytest.mark.parametrize("make", [random_bytes, truncated, another_programs])
def test_a_file_that_is_not_ours_or_damaged_ends_the_start_and_keeps_every_byte(server, make):
    make(server.file)
    before = server.file.read_bytes()
    server.launch()
    assert server.process.wait(60) == 1
    assert re.fullmatch(
        r"NIKKO can't start: .*database.db is .* Move it away with its -wal, or .*\n", server.log.read_text()
    )
    assert server.file.read_bytes() == before


def test_a_file_that_is_gone_while_its_log_is_there_ends_the_start_and_keeps_the_log(server):
    server.start()
    Browser(server.port).register().post("/tickets", title="one")
    server.kill()
    log = server.file.with_name("database.db-wal")
    before = log.read_bytes()
    server.file.rename(server.folder / "away.db")
    server.launch()
    assert server.process.wait(60) == 1
    assert "database.db-wal beside it holds what a database wrote last" in server.log.read_text()
    assert log.read_bytes() == before


def test_a_stop_finishes_what_it_is_doing(server):
    """SIGTERM, as a service manager sends it, while passwords are being checked."""
    server.start()
    browsers = [Browser(server.port) for _ in range(4)]
    answers = []
    threads = [threading.Thread(target=lambda each=each: answers.append(each.register())) for each in browsers]
    for thread in threads:
        thread.start()
    until(lambda: server.execute("SELECT COUNT(*) FROM users") != [(0,)], "the first has an account")
    server.stop()
    for thread in threads:
        thread.join()
    assert len(answers) == 4


def test_a_stop_while_the_workers_start_ends_them(server):
    server.launch()
    until(lambda: len(list(server.processes())) == 3, "the workers are there, before they answer")
    server.stop()


def test_two_hundred_people_get_no_error_and_each_their_own_board(server):
    server.start()
    for line in load.together(server, 3, 0.5, logins=2):
        print(line)


@only("postgresql", "mysql")
def test_a_database_that_hangs_up_on_people_at_work_refuses_nobody_twice_and_loses_nothing(tmp_path, new_database):
    address = new_database()
    with Server(tmp_path, DATABASE_URL=address) as server:
        _, told = restart.writing_through(restart.people(server), lambda: hang_up(address))
        print(told)


HOUR, DAY = 3600, 86400


def at(seconds):
    """An environment whose clock is so many seconds off."""
    if library := next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None):
        return {"LD_PRELOAD": str(library), "FAKETIME": f"{seconds:+}", "DONT_FAKE_MONOTONIC": "1"}
    return {"PYTHONPATH": str(Path(__file__).parent / "clock"), "CLOCK_SHIFT": str(seconds)}


def test_a_clock_that_goes_wrong_ends_sessions_when_it_should_and_undo_goes_by_order(server):
    server.start()
    writer = Writer(Browser(server.port).register(), threading.Event())
    for shift in (HOUR, -HOUR):
        server.kill()
        server.start(**at(shift))
        writer.browser.close()
        for _ in range(5):
            writer.write()
    assert writer.acknowledged == 10
    writer.undo_everything()
    server.kill()
    server.start(**at(40 * DAY))
    writer.browser.close()
    assert writer.browser.get().headers["Location"] == "/login?next=/"
    writer.browser.log_in()
    assert writer.browser.titles() == []


UPGRADE = """
import os, signal, sys, database, upgrade
from test_upgrade import NEXT, NEXT_VERSION
db = database.SQL(sys.argv[1])
run, left = db._run, int(sys.argv[2])
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def run_or_die(connection, sql, values=None):
    global left
    left -= not sql.startswith("SELECT")
    return die() if not left else run(connection, sql, values)
if left:
    db._run = run_or_die
else:
    os.replace = die  # the copy is complete, but hasn't its name
upgrade.prepare(db, NEXT, NEXT_VERSION)
"""
#: What an upgrade runs: BEGIN, the three statements of the step, the new version, COMMIT.
STATEMENTS = 6


@only("sqlite", "postgresql")
def test_an_upgrade_that_is_killed_before_any_of_its_statements_loses_nothing_and_can_be_run_again(
    new_database, engine
):
    for statement in range(engine == "postgresql", STATEMENTS + 2):  # only SQLite has a copy to be killed in
        address = new_database()
        with contextlib.closing(database.SQL(address)) as db:
            upgrade.prepare(db)
            add_rows(db)
            command = [sys.executable, "-c", UPGRADE, address, str(statement)]
            path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
            ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}).returncode
            assert ended == (-signal.SIGKILL if statement <= STATEMENTS else 0)
            version = upgrade.VERSION if statement <= STATEMENTS else NEXT_VERSION
            assert db.execute("SELECT version FROM nikko") == [{"version": version}]
            assert ("moods" in tables(db)) == (statement > STATEMENTS)
            upgrade.prepare(db, NEXT, NEXT_VERSION)
            assert titles(db) == ["one", "two: (:D"]


def test_a_backup_taken_while_people_write_holds_all_that_was_acknowledged_when_it_began(server, tmp_path_factory):
    server.start()
    stop = threading.Event()
    writers = [Writer(Browser(server.port).register(), stop) for _ in range(4)]
    for writer in writers:
        writer.start()
    until(lambda: min(writer.acknowledged for writer in writers) > 5, "everybody has written")
    before = [writer.acknowledged for writer in writers]
    command = [sys.executable, "-m", "flask", "--app", ROOT / "app.py", "backup", "backup.db"]
    subprocess.run(command, cwd=server.folder, env=server.environment, check=True)
    stop.set()
    for writer in writers:
        writer.join()
        writer.settle()
    elsewhere = Server(tmp_path_factory.mktemp("elsewhere"))
    shutil.move(server.folder / "backup.db", elsewhere.file)
    with elsewhere:
        for writer, known in zip(writers, before):
            tickets = Browser(elsewhere.port, writer.browser.cookie).board()
            assert tuple((status, title) for status, _, title in tickets) in writer.past[known:]
        assert elsewhere.execute("PRAGMA integrity_check") == [("ok",)]
