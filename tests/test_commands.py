"""The commands of `flask --app app`: on real databases, on real files, and killed in the middle."""

import contextlib
import json
import os
import re
import shlex
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pages import one_engine

import backup
import database
import doctor
import settings
import upgrade
from journal import Journal
from upgrade import Refused

ROOT = Path(__file__).parent.parent
DAY = 86400
COMMANDS = {
    "backup",
    "copy-to",
    "create-user",
    "demo",
    "doctor",
    "list-users",
    "purge",
    "reset-password",
    "restore",
    "upgrade",
}
#: What no engine may change on the way.
TITLES = ["😀 (:D 'quoted' \"twice\" `ticks` \\n ; -- 100 %", "é" * 500, "👩‍👩‍👧" * 100, "مرحبا", "\t\n"]


@pytest.fixture
def file(tmp_path):
    """Where a SQLite database is, or will be."""
    return tmp_path / "database.db"


@pytest.fixture
def address(new_database):
    """An empty database on each engine."""
    return new_database()


def run(site, *arguments, **options):
    """Run a command in this process; returns its `exit_code` and `output`."""
    return site.app.test_cli_runner().invoke(args=arguments, **options)


def flask(file, *arguments, **environment):
    """Run a command as people do, on that database; returns it with `returncode`, `stdout` and `stderr`."""
    address = file if "://" in str(file) else f"sqlite:///{file}"
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", ROOT / "app.py", *arguments],
        env=os.environ | {"DATABASE_URL": address} | environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def assert_refused(ended, *words, code=1):
    """It ended with that code and one sentence that has these words."""
    assert ended.returncode == code, ended
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert "Traceback" not in line
    for word in words:
        assert word in line


@contextlib.contextmanager
def opened(address):
    """A database of ours, brought up to date."""
    db = database.SQL(address if "://" in str(address) else f"sqlite:///{address}")
    try:
        upgrade.prepare(db)
        yield db
    finally:
        db.close()


def add_person(db, username="mira"):
    return db.execute(
        """
        INSERT INTO users (username, username_key, password_hash, first_name, last_name, created_at)
        VALUES (?, ?, 'hash', 'Mira', 'Kovač', 7)
        """,
        username, username,
    )  # fmt: skip


def add_ticket(db, user_id, title, **columns):
    """Add a ticket by the journal; returns its id."""
    with Journal(db).action(user_id, "add") as action:
        values = {"user_id": user_id, "title": title, "status": "todo", "status_since": 0, "position": 1 / 3}
        action.ticket_id = action.add("tickets", **values | columns)
        return action.ticket_id


def make(path, *titles):
    """A database of ours with these tickets, closed."""
    with opened(path) as db:
        user_id = add_person(db)
        for title in titles:
            add_ticket(db, user_id, title)


def titles(path):
    """The titles of the tickets in a whole database of ours."""
    with opened(path) as db:
        assert db.execute("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        assert db.execute("PRAGMA foreign_key_check") == []
        return [row["title"] for row in db.execute("SELECT title FROM tickets ORDER BY id")]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def contents(folder):
    """Every file of a folder but the lock of its writers, with its bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(".lock")}


# All of them


def test_these_are_the_commands(site):
    assert set(site.app.cli.commands) == COMMANDS


@one_engine
def test_every_command_stands_in_the_readme(site):
    table = re.findall(r"^\| `([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert set(site.app.cli.commands) <= set(table)


@one_engine
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_what_it_does(site, name):
    ended = run(site, name, "--help")
    assert ended.exit_code == 0
    assert len(ended.output.split("\n\n")[1].strip()) > 30


@one_engine
@pytest.mark.parametrize(
    "arguments",
    [
        ["backup"],
        ["backup", "a", "b"],
        ["restore"],
        ["restore", "--force", "a"],
        ["copy-to"],
        ["create-user"],
        ["create-user", "noor", "Noor"],
        ["doctor", "now"],
        ["purge", "--all"],
        ["list-users", "noor"],
        ["upgrade", "3"],
        ["copy-to", "nonsense"],
        ["copy-to", "oracle://x:geheim@y/z"],
        ["copy-to", "postgresql://x:geheim@127.0.0.1:1/x"],
        ["copy-to", "sqlite:////nowhere/at/all.db"],
        ["backup", "/nowhere/at/all.db"],
        ["restore", "/nowhere/at/all.db"],
        ["restore", "/"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_end_a_command_with_a_sentence(site, arguments):
    ended = run(site, *arguments)
    assert ended.exit_code != 0
    assert isinstance(ended.exception, SystemExit)
    assert re.search(r"\w+ \w+ .*\w+", ended.output)
    assert "Traceback" not in ended.output
    assert "geheim" not in ended.output


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ("flask --app app doctor", "doctor"),
        ("flask -A app --debug backup restore", "backup"),
        ("flask --app=app create-user doctor Who Tardis", "create-user"),
        ("flask --app app", None),
        ("flask --version", None),
        ("", None),
    ],
)
def test_a_process_knows_its_command(monkeypatch, arguments, command):
    monkeypatch.setattr(sys, "argv", arguments.split())
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    assert settings.command() == command
    monkeypatch.delenv("FLASK_RUN_FROM_CLI")
    assert settings.command() is None  # the server's, or the tests'


# People


def test_a_new_user_logs_in_with_the_password_that_was_printed(site, visitor):
    ended = run(site, "create-user", " Élodie ", "Élodie", "de  la Tour")
    assert ended.exit_code == 0, ended.output
    [password] = re.findall(r"^Élodie can log in with the password (\S{16})$", ended.output, re.MULTILINE)
    assert visitor.post("/login", username="élodie", password=password).headers["Location"] == "/"
    assert site.db.execute("SELECT first_name, last_name FROM users WHERE username = 'Élodie'") == [
        {"first_name": "Élodie", "last_name": "de la Tour"}
    ]


@one_engine
def test_a_password_that_was_asked_for_is_not_printed(site, visitor):
    password = "three words, typed twice"
    ended = run(site, "create-user", "asked", "A", "B", "--ask", input=f"{password}\n{password}\n")
    assert ended.exit_code == 0, ended.output
    assert password not in ended.output
    assert visitor.post("/login", username="asked", password=password).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("names", "typed"),
    [
        (["TAKEN", "T", "T"], None),
        (["", "N", "N"], None),
        (["two words", "N", "N"], None),
        (["n" * 51, "N", "N"], None),
        (["nobody", " ", "N"], None),
        (["nobody", "N", "n" * 101], None),
        (["nobody", "N", "\udcff"], None),
        (["\udcff", "N", "N"], None),
        (["nobody", "N", "N", "--ask"], "short\nshort\n"),
        (["nobody", "N", "N", "--ask"], "password1\npassword1\n"),
        (["nobody", "N", "N", "--ask"], ""),
    ],
    ids=str,
)
@one_engine
def test_a_user_who_can_not_be_is_refused_and_nothing_is_added(site, names, typed):
    if not site.db.execute("SELECT id FROM users WHERE username_key = 'taken'"):
        add_person(site.db, "taken")
    before = site.db.execute("SELECT id FROM users ORDER BY id")
    ended = run(site, "create-user", *names, input=typed)
    assert ended.exit_code == 1
    assert isinstance(ended.exception, SystemExit)
    assert site.db.execute("SELECT id FROM users ORDER BY id") == before


def test_the_list_of_users_has_names_and_counts_and_no_secrets(site, new_person):
    person = new_person("Noor\x1b[2J", "Haddad")
    kept, gone = person.add_tickets("one", "two")
    person.post(f"/tickets/{gone}/delete")
    ended = run(site, "list-users")
    [line] = [line for line in ended.output.splitlines() if line.startswith(f"{person.username} ")]
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert re.fullmatch(rf"{person.username} +{today} +1  Noor\ufffd\[2J Haddad", line)
    assert "scrypt" not in ended.output
    assert kept


def test_an_empty_nikko_says_that_it_has_no_users(file):
    ended = flask(file, "list-users")
    assert (ended.returncode, ended.stdout) == (0, "Nobody has an account.\n")


def test_a_purge_removes_what_is_past_its_time_and_nothing_else(site, mira):
    run(site, "purge")  # what other tests have left
    now = int(time.time())
    ids = mira.add_tickets("old", "young", "kept")
    for ticket_id, days in zip(ids, (31, 29)):
        mira.post(f"/tickets/{ticket_id}/delete")
        site.db.execute("UPDATE tickets SET deleted_at = ? WHERE id = ?", now - days * DAY, ticket_id)
    for number, (seen, made) in enumerate([(31, 31), (1, 181), (29, 179)]):
        site.db.execute(
            "INSERT INTO sessions (id, user_id, data, created_at, seen_at) VALUES (?, ?, '{}', ?, ?)",
            f"{mira.id}-{number}".rjust(64, "0"), mira.id, now - made * DAY, now - seen * DAY,
        )  # fmt: skip
    ended = run(site, "purge")
    assert ended.output == "Removed 1 tickets and to-dos from the trash, and 2 sessions that had ended.\n"
    left = site.db.execute("SELECT id FROM tickets WHERE user_id = ? ORDER BY id", mira.id)
    assert [row["id"] for row in left] == sorted(ids[1:])
    assert len(site.db.execute("SELECT id FROM sessions WHERE user_id = ?", mira.id)) == 2  # one is mira's own
    assert run(site, "purge").output == "Removed 0 tickets and to-dos from the trash, and 0 sessions that had ended.\n"


# Backup


def test_a_backup_is_one_whole_file_for_its_owner_alone(file):
    make(file, *TITLES)
    target = file.with_name("backup.db")
    before = os.umask(0)
    try:
        ended = flask(file, "backup", target)
    finally:
        os.umask(before)
    assert ended.returncode == 0, ended
    assert "5 tickets" in ended.stdout
    assert mode(target) == 0o600
    assert [path.name for path in file.parent.iterdir() if path.name.startswith("backup")] == ["backup.db"]
    assert titles(target) == TITLES


def test_a_backup_taken_while_a_thread_writes_holds_all_that_was_acknowledged_when_it_began(file):
    make(file)
    with opened(file) as db:
        [user] = db.execute("SELECT id FROM users")
        acknowledged, enough, stop = [], threading.Semaphore(0), threading.Event()

        def write():
            while not stop.is_set():
                acknowledged.append(add_ticket(db, user["id"], f"ticket {len(acknowledged)}"))
                enough.release()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                for _ in range(20):
                    enough.acquire(timeout=30)
                before = len(acknowledged)
                backup.take(str(file), str(file.with_name(f"{number}.db")))
                held = titles(file.with_name(f"{number}.db"))
                assert len(held) >= before
                assert held == [f"ticket {place}" for place in range(len(held))]
        finally:
            stop.set()
            writer.join()
    assert titles(file) == [f"ticket {place}" for place in range(len(acknowledged))]


def test_a_backup_overwrites_nothing(file):
    make(file, "one")
    for name in ("letter.txt", "database.db"):
        target = file.with_name(name)
        before = target.write_bytes(b"Dear Sir") and target.read_bytes() if name == "letter.txt" else file.read_bytes()
        assert_refused(flask(file, "backup", target), str(target), "is there already")
        assert target.read_bytes() == before
    dangling = file.with_name("dangling.db")
    dangling.symlink_to(file.with_name("elsewhere.db"))
    assert_refused(flask(file, "backup", dangling), "is there already")
    partial = file.with_name("other.db.part")
    partial.write_text("of another backup")
    assert_refused(flask(file, "backup", file.with_name("other.db")), str(partial))
    assert partial.read_text() == "of another backup"


def test_a_backup_of_no_database_or_a_damaged_one_leaves_nothing(file):
    assert_refused(flask(file, "backup", file.with_name("backup.db")), "no database")
    assert list(file.parent.iterdir()) == []
    make(file, *(f"{number}" * 500 for number in range(10)))
    with opened(file) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(file, "r+b") as damaged:
        damaged.seek(3 * 4096)
        damaged.write(os.urandom(file.stat().st_size - 5 * 4096))
    before = file.read_bytes()
    assert_refused(flask(file, "backup", file.with_name("backup.db")), "damaged", str(file))
    assert file.read_bytes() == before
    assert list(file.parent.glob("backup*")) == []


@pytest.mark.parametrize(
    ("address", "command"),
    [
        (
            "postgresql://mira:geheim@db.example:5433/nik?sslmode=require",
            ["pg_dump", "--format=custom", "--file=my backup", "postgresql://mira@db.example:5433/nik?sslmode=require"],
        ),
        (
            "mysql://mira:geheim@db.example:3307/nik",
            [
                *("mariadb-dump", "--host=db.example", "--port=3307", "--user=mira", "--password"),
                *("--single-transaction", "--result-file=my backup", "nik"),
            ],
        ),
    ],
)
def test_on_a_server_it_names_the_command_without_the_password(address, command):
    ended = flask(address, "backup", "my backup")
    assert_refused(ended, "for SQLite")
    assert "geheim" not in ended.stderr
    assert shlex.split(ended.stderr)[-len(command) - 1 :] == ["&&", *command]
    assert_refused(flask(address, "restore", "my backup"), "for SQLite", "pg_restore")


# Restore


@pytest.fixture
def taken(file):
    """A database that has “new”, and a backup from when it had “old”."""
    make(file, "old")
    taken = file.with_name("backup.db")
    backup.take(str(file), str(taken))
    with opened(file) as db:
        db.execute("UPDATE tickets SET title = 'new'")
    return taken


def kept_aside(file):
    """The databases that were kept aside by restoring."""
    return sorted(file.parent.glob("database.db.before-restore-*[0-9]Z"))


def test_a_backup_that_is_restored_is_the_database_and_what_was_is_kept(file, taken):
    ended = flask(file, "restore", taken)
    assert ended.returncode == 0, ended
    [kept] = kept_aside(file)
    assert str(kept) in ended.stdout
    assert titles(file) == ["old"]
    assert titles(kept) == ["new"]
    assert titles(taken) == ["old"]
    assert mode(file) == mode(kept) == 0o600
    assert [path for path in file.parent.iterdir() if "restoring" in path.name] == []


def test_what_was_only_in_the_write_ahead_log_is_kept_too(file, taken):
    crashed = file.with_name("crashed")
    crashed.mkdir()
    with opened(file) as db:
        db.execute("UPDATE tickets SET title = 'newest'")
        for end in ("", "-wal"):  # as a killed process leaves them
            shutil.copy(f"{file}{end}", crashed / f"database.db{end}")
    backup.put_back(str(crashed / "database.db"), str(taken))
    assert titles(crashed / "database.db") == ["old"]
    assert titles(kept_aside(crashed / "database.db")[0]) == ["newest"]


def test_where_there_is_no_database_a_backup_can_be_restored(file, taken):
    file.unlink()
    ended = flask(file, "restore", taken)
    assert ended.returncode == 0, ended
    assert "none before" in ended.stdout
    assert titles(file) == ["old"]


@pytest.mark.parametrize("damage", [b"", b"Dear Sir or Madam, " * 300, None])
def test_a_damaged_database_is_replaced_and_kept_as_it_was(file, taken, damage):
    if damage is None:
        os.truncate(file, file.stat().st_size - 5000)
    else:
        file.write_bytes(damage)
    file.with_name("database.db-wal").write_bytes(b"a log that fits nothing")
    before = file.read_bytes()
    if damage != b"":
        assert flask(file, "list-users").returncode == 1  # NIKKO can't start on it
    ended = flask(file, "restore", taken)
    assert ended.returncode == 0, ended
    assert titles(file) == ["old"]
    [kept] = kept_aside(file)
    assert kept.read_bytes() == before


def spoil(file, taken, how):
    """Make a backup one that can't be restored; returns what is to be restored."""
    if how == "truncated":
        os.truncate(taken, taken.stat().st_size - 5000)
    elif how == "cut short":
        os.truncate(taken, 1000)
    elif how == "empty":
        os.truncate(taken, 0)
    elif how == "missing":
        taken.unlink()
    elif how == "a text":
        taken.write_text("Dear Sir or Madam, " * 500)
    elif how == "the database":
        return file
    else:
        with contextlib.closing(sqlite3.connect(taken)) as other:
            other.execute(how)
            other.commit()
    return taken


@pytest.mark.parametrize(
    "how",
    [
        "truncated",
        "cut short",
        "empty",
        "missing",
        "a text",
        "the database",
        "DROP TABLE nikko",
        "DELETE FROM nikko",
        "UPDATE nikko SET version = 1000",
        "DROP TABLE actions",
        "ALTER TABLE tickets DROP COLUMN title_folded",
        "INSERT INTO todos VALUES (7, 1234, '', '', 0, 0, 0, NULL, NULL)",
    ],
)
def test_what_is_no_whole_backup_changes_nothing(file, taken, how):
    target = spoil(file, taken, how)
    before = contents(file.parent)
    assert_refused(flask(file, "restore", target), str(target))
    assert contents(file.parent) == before


HOLD = """
import sqlite3, sys
file = sqlite3.connect(sys.argv[1], isolation_level=None)
file.execute(sys.argv[2])
file.execute("SELECT * FROM users").fetchall()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("use", ["PRAGMA journal_mode = WAL", "BEGIN IMMEDIATE"])
@pytest.mark.parametrize("damaged", [False, True])
def test_a_database_that_somebody_has_open_is_not_replaced(file, taken, use, damaged):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, file, use], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "ready\n"
        if damaged:
            with open(file, "r+b") as other:
                other.write(b"not any more")
        assert_refused(flask(file, "restore", taken), "in use", "Stop NIKKO")
        assert kept_aside(file) == []
    finally:
        holder.communicate()
    if not damaged:
        assert titles(file) == ["new"]


# Restores copies of a folder, each killed one step later than the one before, until one is not killed any more.
KILLED = """
import itertools, os, shutil, signal, sys
import backup

def restore(folder, steps):
    left = iter(range(steps))

    def step(event, arguments):
        if event != "os.kill" and event.split(".")[0] in ("open", "os", "sqlite3", "fcntl"):
            next(left, None) is None and os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(step)
    backup.put_back(f"{folder}/database.db", f"{folder}/backup.db")

for steps in itertools.count():
    folder = f"{sys.argv[1]}-{steps}"
    shutil.copytree(sys.argv[1], folder)
    child = os.fork()
    if not child:
        restore(folder, steps)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL:
        break
print(steps)
"""


def test_a_restore_that_is_killed_leaves_a_whole_database_at_every_step(tmp_path):
    start = tmp_path / "start"
    start.mkdir()
    file = tmp_path / "database.db"
    make(file, "old")
    backup.take(str(file), str(start / "backup.db"))
    with opened(file) as db:
        db.execute("UPDATE tickets SET title = 'new'")
        for end in ("", "-wal"):  # as a killed process leaves them
            shutil.copy(f"{file}{end}", start / f"database.db{end}")
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, start], cwd=ROOT, capture_output=True, text=True, timeout=100, check=True
    )
    assert ended.stderr == ""
    steps = int(ended.stdout)
    found = []
    for number in range(steps + 1):
        file = tmp_path / f"start-{number}" / "database.db"
        found += titles(file)
        if found[-1] == "old":
            assert [titles(kept) for kept in kept_aside(file)] == [["new"]]
        backup.put_back(str(file), str(file.with_name("backup.db")))  # what was left is in nobody's way
        assert titles(file) == ["old"]
    assert steps > 10
    assert found == ["new"] * found.count("new") + ["old"] * found.count("old")
    assert "new" in found
    assert found.count("old") > 1


# Upgrade


def test_an_upgrade_says_what_it_did(site, monkeypatch):
    assert run(site, "upgrade").output == f"The database is up to date (schema {upgrade.VERSION}).\n"
    monkeypatch.setitem(upgrade.STEPS, upgrade.VERSION, ["UPDATE users SET theme = 'dark' WHERE id < 0"])
    site.db.execute("UPDATE nikko SET version = ?", upgrade.VERSION - 1)
    try:
        if site.db.kind != "sqlite":
            ended = run(site, "upgrade")
            assert ended.exit_code == 1
            assert "-dump" in ended.output or "pg_dump" in ended.output
            assert site.db.execute("SELECT version FROM nikko") == [{"version": upgrade.VERSION - 1}]
        ended = run(site, "upgrade", *(["--yes"] if site.db.kind != "sqlite" else []))
        assert ended.exit_code == 0, ended.output
        assert f"from schema {upgrade.VERSION - 1} to {upgrade.VERSION}" in ended.output
        assert site.db.execute("SELECT version FROM nikko") == [{"version": upgrade.VERSION}]
        if site.db.kind == "sqlite":
            assert Path(ended.output.split()[-1].rstrip(".")).exists()
    finally:
        site.db.execute("UPDATE nikko SET version = ?", upgrade.VERSION)


def test_an_upgrade_makes_what_is_missing_and_refuses_what_is_not_ours(file):
    ended = flask(file, "upgrade")
    assert (ended.returncode, ended.stdout) == (0, f"Made NIKKO's tables (schema {upgrade.VERSION}).\n")
    with opened(file) as db:
        db.execute("UPDATE nikko SET version = 1000")
    assert_refused(flask(file, "upgrade"), "newer NIKKO")
    file.write_text("Dear Sir or Madam, " * 100)
    assert_refused(flask(file, "upgrade"), "not a SQLite database")
    assert file.read_text() == "Dear Sir or Madam, " * 100


# Doctor


def examined(address):
    """What the doctor finds: {level: [sentences]}."""
    found = {doctor.OK: [], doctor.WARNING: [], doctor.FAULT: []}
    now = int(time.time())
    for level, sentence in doctor.examine(address, now, now - 30 * DAY):
        found[level].append(sentence)
    return found


def test_the_doctor_finds_nothing_where_nothing_is_wrong(db, address):
    with opened(address) as db:
        ticket_id = add_ticket(db, add_person(db), TITLES[0])
        with Journal(db).action(1, "delete", ticket_id) as action:
            action.change("tickets", ticket_id, deleted_at=action.now)
        found = examined(address)
    assert found[doctor.WARNING] == found[doctor.FAULT] == []
    assert len(found[doctor.OK]) >= 5


@pytest.mark.parametrize(
    ("sql", "level", "word"),
    [
        ("UPDATE nikko SET version = 0", doctor.WARNING, "flask --app app upgrade"),
        ("UPDATE nikko SET version = 1000", doctor.FAULT, "newer NIKKO"),
        ("DELETE FROM nikko", doctor.FAULT, "empty"),
        ("DROP TABLE todos", doctor.FAULT, "missing"),
        ("ALTER TABLE users DROP COLUMN theme", doctor.FAULT, "missing"),
        ("UPDATE actions SET changes = '[['", doctor.FAULT, "can't be read"),
        ("UPDATE actions SET changes = '7'", doctor.FAULT, "can't be read"),
        ("UPDATE actions SET changes = '[[\"users\", 1, {}, {}]]'", doctor.FAULT, "can't be read"),
        ('UPDATE actions SET changes = \'[["tickets", 1, {"x": 1}, {}]]\'', doctor.FAULT, "can't be read"),
        ("UPDATE actions SET changes = '[[\"todos\", 1, {}, {}]]'", doctor.WARNING, "rows that are gone"),
        ("UPDATE tickets SET deleted_at = 7", doctor.WARNING, "flask --app app purge"),
        ("INSERT INTO sessions VALUES ('x', NULL, '{}', 0, 0)", doctor.WARNING, "flask --app app purge"),
    ],
)
def test_the_doctor_finds_what_is_wrong_and_says_what_to_do(address, sql, level, word):
    with opened(address) as db:
        add_ticket(db, add_person(db), "one")
        db.execute(sql)
        found = examined(address)
    [sentence] = found[doctor.WARNING] + found[doctor.FAULT]
    assert found[level] == [sentence]
    assert word in sentence


@pytest.mark.parametrize("many", [1, 2, 7])
def test_the_doctor_reads_the_journal_part_by_part(address, monkeypatch, many):
    monkeypatch.setattr(doctor, "MANY", many)
    with opened(address) as db:
        user_id = add_person(db)
        tickets = [add_ticket(db, user_id, str(number)) for number in range(5)]
        with Journal(db).action(user_id, "move") as action:
            for ticket_id in tickets:
                action.change("tickets", ticket_id, status="done")
        assert examined(address)[doctor.WARNING] == []
        db.execute("UPDATE actions SET changes = ? WHERE ticket_id = ?", '[["tickets", 1000000, {}, {}]]', tickets[3])
        assert examined(address)[doctor.WARNING][0].startswith("1 actions name rows that are gone")
        db.execute("DELETE FROM tickets WHERE id = ?", tickets[1])
        assert examined(address)[doctor.WARNING][0].startswith("2 actions name rows that are gone")


def test_the_doctor_finds_rows_that_belong_to_none(file):
    make(file, "one")
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.execute("UPDATE tickets SET user_id = 1234")
        other.commit()
    ended = flask(file, "doctor")
    assert ended.returncode == 2
    assert re.search(r"^fault +1 rows belong to .* restore", ended.stdout, re.MULTILINE)


def test_the_doctor_looks_at_who_can_open_the_file(file):
    make(file, "one")
    assert flask(file, "doctor").returncode == 0
    file.chmod(0o644)
    ended = flask(file, "doctor")
    assert ended.returncode == 1
    assert f"chmod 600 {file}" in ended.stdout
    assert all(line.startswith(("ok  ", "warning  ")) for line in ended.stdout.splitlines())


@pytest.mark.parametrize("damage", [None, b"", b"Dear Sir or Madam, " * 300])
def test_the_doctor_changes_nothing_about_a_file_that_is_not_ours_or_not_there(file, damage):
    if damage is not None:
        file.write_bytes(damage)
    before = contents(file.parent)
    ended = flask(file, "doctor")
    assert ended.returncode == 2
    assert len(ended.stdout.splitlines()) == 1
    assert contents(file.parent) == before


def test_the_doctor_finds_a_damaged_database(file):
    make(file, *(f"{number}" * 500 for number in range(10)))
    with open(file, "r+b") as damaged:
        damaged.seek(3 * 4096)
        damaged.write(os.urandom(file.stat().st_size - 5 * 4096))
    ended = flask(file, "doctor")
    assert ended.returncode == 2
    assert "restore" in ended.stdout


@pytest.mark.parametrize("address", ["postgresql://x:geheim@127.0.0.1:1/x", "mysql://x:geheim@127.0.0.1:1/x"])
def test_the_doctor_says_when_the_server_does_not_answer(address):
    ended = flask(address, "doctor")
    assert ended.returncode == 2
    assert ended.stdout.startswith("fault ")
    assert "geheim" not in ended.stdout


# Copying to another engine


def every_row(db):
    """All that is in a database, by table; the tables are those that the database says it has."""
    tables = {row["name"] for row in db.execute(upgrade.TABLES[db.kind])} - {"sqlite_sequence"}
    return {
        table: sorted((sorted(row.items()) for row in db.execute(f"SELECT * FROM {table}")), key=repr)
        for table in tables
    }


def fill(db):
    """Every kind of row and value in every table, with gaps between the ids."""
    user_id = add_person(db, "Ünïcødé😀")
    other_id = add_person(db, "noor")
    journal = Journal(db)
    for title in TITLES:
        ticket_id = add_ticket(db, user_id, title)
    with journal.action(user_id, "todo_add", ticket_id, form_key="k" * 64) as action:
        for number in range(3):
            action.add("todos", ticket_id=ticket_id, text=TITLES[number], done=number % 2, position=-1e-300 * number)
    with journal.action(user_id, "delete", ticket_id) as action:
        action.change("tickets", ticket_id, deleted_at=7)
    journal.purge(user_id, 8)
    with journal.action(other_id, "add") as action:
        ticket_id = action.add("tickets", user_id=other_id, title="other", status="done", status_since=0, position=0.1)
        action.add("todos", ticket_id=ticket_id, text="😀" * 500, done=1, position=2**0.5)
        action.add("labels", user_id=other_id, name="Café", name_key="cafe", colour="blue")
    journal.undo(other_id)
    upload_id = db.execute("INSERT INTO uploads (user_id, name, created_at) VALUES (?, 'board.csv', 7)", user_id)
    db.execute("INSERT INTO upload_parts (upload_id, number, content) VALUES (?, 1, ?)", upload_id, "A" * 70_000)
    db.execute("INSERT INTO attempts (whose, failures, since) VALUES (?, 3, 2000000000000)", "a" * 64)
    db.execute("INSERT INTO resets (code, user_id, expires_at) VALUES (?, ?, 2000000000000)", "c" * 64, user_id)
    for number, owner in enumerate((user_id, None)):
        data = json.dumps({"text": "é" * 70_000})
        db.execute("INSERT INTO sessions VALUES (?, ?, ?, 2000000000000, 0)", f"{number:064}", owner, data)


def copy(file, address):
    """Copy as people do."""
    return flask(file, "copy-to", address)


def test_a_copy_has_every_row_of_every_table_and_can_be_copied_back(file, address):
    with opened(file) as db:
        fill(db)
        here = every_row(db)
    assert [table for table, rows in here.items() if not rows] == [], "put a row of it into fill()"
    ended = copy(file, address)
    assert ended.returncode == 0, ended
    assert f"tickets: {len(here['tickets'])} of {len(here['tickets'])} rows" in ended.stdout
    with opened(address) as db:
        assert every_row(db) == here
    returned = file.with_name("returned.db")
    assert copy(address, f"sqlite:///{returned}").returncode == 0
    with opened(returned) as db:
        assert every_row(db) == here


def test_the_address_of_a_copy_needs_to_stand_in_no_command(file, address):
    """Everybody on the machine sees the arguments of a command while it runs, and the password in them."""
    make(file, "one")
    ended = flask(file, "copy-to", TARGET_URL=address)
    assert ended.returncode == 0, ended
    with opened(address) as db:
        assert db.execute("SELECT title FROM tickets") == [{"title": "one"}]


def test_a_copy_to_nowhere_says_how_to_name_it(file):
    make(file)
    assert_refused(flask(file, "copy-to"), "TARGET_URL")


def test_what_is_added_to_a_copy_gets_an_id_of_its_own(file, address):
    with opened(file) as db:
        fill(db)
        before = every_row(db)
    assert copy(file, address).returncode == 0
    with opened(address) as db:
        user_id = add_person(db, "later")
        ticket_id = add_ticket(db, user_id, "later")
        assert user_id > max(dict(row)["id"] for row in before["users"])
        assert ticket_id > max(dict(row)["id"] for row in before["tickets"])
        assert db.execute("SELECT id FROM actions WHERE user_id = ?", user_id)


def test_an_empty_board_can_be_copied_and_used(file, address):
    make(file)
    assert copy(file, address).returncode == 0
    with opened(address) as db:
        [user] = db.execute("SELECT id FROM users")
        assert add_ticket(db, user["id"], "first") == 1


def test_many_rows_are_copied_page_by_page(file, address, monkeypatch):
    monkeypatch.setattr(backup, "PAGE", 3)
    with opened(file) as source, opened(address) as target:
        fill(source)
        told = []
        backup.copy_to(source, target, lambda *progress: told.append(progress))
        assert every_row(target) == every_row(source)
    actions = [progress for progress in told if progress[0] == "actions"]
    assert [copied for _, copied, _ in actions][:2] == [3, 6]
    assert actions[-1][1] == actions[-1][2]


def test_a_database_that_holds_anything_is_no_target(file, address):
    make(file, "one")
    with opened(address) as db:
        add_person(db, "somebody")
        before = every_row(db)
        assert_refused(copy(file, address), "holds something already")
        assert every_row(db) == before


def test_another_programs_database_is_no_target(file, address):
    make(file, "one")
    db = database.SQL(address)
    with contextlib.closing(db):
        db.execute("CREATE TABLE letters (name VARCHAR(9))")
        assert_refused(copy(file, address), "another program's")
        assert every_row(db) == {"letters": []}


@pytest.mark.parametrize("engine", ["postgresql", "mysql"], indirect=True)
def test_a_copy_that_fails_leaves_no_row_and_can_be_made_again(file, address):
    with opened(file) as db:
        fill(db)
        db.execute("UPDATE tickets SET status_since = 'yesterday' WHERE title = 'other'")  # SQLite takes it
    ended = copy(file, address)
    assert ended.returncode == 1
    assert ended.stderr.startswith("A row of tickets can't be stored there (")
    with opened(address) as db:
        assert [table for table, rows in every_row(db).items() if rows] == ["nikko"]
    with opened(file) as db:
        db.execute("UPDATE tickets SET status_since = 7 WHERE title = 'other'")
    assert copy(file, address).returncode == 0


@pytest.mark.parametrize("engine", ["mysql"], indirect=True)
def test_a_row_that_does_not_arrive_as_it_was_is_noticed(file, address):
    with opened(file) as source, opened(address) as target:
        fill(source)
        target.execute("ALTER TABLE tickets MODIFY position FLOAT NOT NULL")
        with pytest.raises(Refused, match="tickets did not arrive"):
            backup.copy_to(source, target, lambda *progress: None)
        assert every_row(target)["users"] == []
