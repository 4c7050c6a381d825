"""upgrade.prepare: what is ours is brought up to date, what isn't is refused and left as it was."""

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import database
import upgrade
from upgrade import Refused

ROOT = Path(__file__).parent.parent
TABLES = set(upgrade.blueprint())

#: What an invented next version changes.
NEXT_VERSION = upgrade.VERSION + 1
NEXT = {
    NEXT_VERSION: [
        "ALTER TABLE tickets ADD COLUMN colour {long}",
        "UPDATE tickets SET colour = 'red'",
        "CREATE TABLE moods (id {identity}, name {long}) {table}",
    ]
}


@pytest.fixture
def address(new_database):
    return new_database()


@pytest.fixture
def empty(address):
    """A database without tables."""
    db = database.SQL(address)
    yield db
    db.close()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "database.db"


def tables(db):
    return {row["name"] for row in db.execute(upgrade.TABLES[db.kind])} - {"sqlite_sequence"}


def add_rows(db):
    user = db.execute(
        """
        INSERT INTO users (username, username_key, password_hash, first_name, last_name, created_at)
        VALUES ('Mira', 'mira', 'x', 'Mira', 'B', 7)
        """
    )
    for title in ("one", "two: (:D"):
        db.execute(
            """
            INSERT INTO tickets (user_id, title, title_folded, status, status_since, position, created_at)
            VALUES (?, ?, '', 'todo', 0, 0, 0)
            """,
            user, title,
        )  # fmt: skip


def titles(db):
    return [row["title"] for row in db.execute("SELECT title FROM tickets ORDER BY id")]


def open_file(path):
    return contextlib.closing(database.SQL(f"sqlite:///{path}"))


def make(path, rows=0):
    """A database of ours, closed."""
    with open_file(path) as db:
        upgrade.prepare(db)
        if rows:
            add_rows(db)
        for number in range(rows):
            db.execute("INSERT INTO sessions VALUES (?, NULL, ?, 0, 0)", f"{number:064}", "x" * 1000)


def refused(path, match):
    """Prepare that file; it must be refused, and keep every byte as it was."""
    before = path.read_bytes()
    with open_file(path) as db, pytest.raises(Refused, match=match):
        upgrade.prepare(db)
    assert path.read_bytes() == before


def test_an_empty_database_gets_all_tables_and_the_version(empty):
    upgrade.prepare(empty)
    assert tables(empty) == TABLES
    assert empty.execute("SELECT version FROM nikko") == [{"version": upgrade.VERSION}]


def test_preparing_twice_changes_nothing(empty):
    upgrade.prepare(empty)
    add_rows(empty)
    upgrade.prepare(empty)
    assert titles(empty) == ["one", "two: (:D"]
    assert empty.execute("SELECT version FROM nikko") == [{"version": upgrade.VERSION}]


def test_the_schema_has_its_checks_and_keys_on_every_engine(empty):
    upgrade.prepare(empty)
    add_rows(empty)
    for sql in (
        "UPDATE tickets SET status = 'lost'",
        "UPDATE tickets SET user_id = 12345",
        "INSERT INTO todos (ticket_id, text, text_folded, done, position, created_at) "
        "SELECT id, '', '', 2, 0, 0 FROM tickets",
        """
        INSERT INTO users (username, username_key, password_hash, first_name, last_name, created_at)
        VALUES ('x', 'mira', 'x', 'x', 'x', 0)
        """,
    ):
        with pytest.raises(ValueError):  # noqa: PT011 (each engine has its own words)
            empty.execute(sql)
    assert empty.execute("DELETE FROM users") == 1
    assert titles(empty) == []


PREPARE = """
import sys, database, upgrade
db = database.SQL(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
steps = ["ALTER TABLE tickets ADD COLUMN colour {long}", "CREATE TABLE moods (id {identity}) {table}"]
upgrade.prepare(db, {upgrade.VERSION + 1: steps}, int(sys.argv[2]))
print(db.execute("SELECT version FROM nikko"))
"""


def prepare_at_once(address, version):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PREPARE, address, str(version)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.close()
        process.stdin = None
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert err == ""
        assert out == f"[{{'version': {version}}}]\n"


def test_four_processes_prepare_an_empty_database_at_once(address, empty):
    prepare_at_once(address, upgrade.VERSION)
    assert tables(empty) == TABLES
    assert len(empty.execute("SELECT version FROM nikko")) == 1


def test_four_processes_bring_an_older_database_up_to_date_at_once(address, empty):
    upgrade.prepare(empty)
    add_rows(empty)
    prepare_at_once(address, NEXT_VERSION)
    assert tables(empty) == TABLES | {"moods"}
    assert titles(empty) == ["one", "two: (:D"]


def test_an_older_database_is_brought_up_to_date_with_its_rows(empty):
    upgrade.prepare(empty)
    add_rows(empty)
    upgrade.prepare(empty, NEXT, NEXT_VERSION)
    assert empty.execute("SELECT title, colour FROM tickets ORDER BY id") == [
        {"title": "one", "colour": "red"},
        {"title": "two: (:D", "colour": "red"},
    ]
    assert tables(empty) == TABLES | {"moods"}
    assert empty.execute("SELECT version FROM nikko") == [{"version": NEXT_VERSION}]
    upgrade.prepare(empty, NEXT, NEXT_VERSION)


def test_several_versions_are_caught_up_in_their_order(empty):
    upgrade.prepare(empty)
    add_rows(empty)
    upgrade.prepare(
        empty,
        {**NEXT, NEXT_VERSION + 1: ["UPDATE tickets SET colour = colour || ' wine'"], NEXT_VERSION + 2: []},
        NEXT_VERSION + 2,
    )
    assert {row["colour"] for row in empty.execute("SELECT colour FROM tickets")} == {"red wine"}
    assert empty.execute("SELECT version FROM nikko") == [{"version": NEXT_VERSION + 2}]


#: Every schema that NIKKO ever had, as it made it, with a board that it filled.
SCHEMAS = sorted(Path(__file__).parent.glob("schemas/*.sql"))


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda path: path.stem)
def test_a_board_of_every_older_nikko_is_whole_after_the_upgrade(empty, schema):
    tables_part, data_part = schema.read_text(encoding="utf-8").split("-- What a board held")
    for statement in upgrade.statements(tables_part):
        empty.execute(upgrade.fill(statement, empty.kind))
    for line in data_part.splitlines()[1:]:
        empty.execute(line)
    held = {table: empty.execute(f"SELECT * FROM {table} ORDER BY 1") for table in tables(empty)}
    upgrade.prepare(empty)
    for table, rows in held.items():
        now = empty.execute(f"SELECT * FROM {table} ORDER BY 1")
        if table == "nikko":
            assert now == [{"version": upgrade.VERSION}]
        else:
            assert [{name: new[name] for name in old} for old, new in zip(rows, now, strict=True)] == rows
    kept = empty.execute("SELECT username, todo, in_progress, done, shortcuts FROM users ORDER BY id")
    assert kept == [
        {"username": "Mira", "todo": 1, "in_progress": 1, "done": 2, "shortcuts": 1},
        {"username": "noor", "todo": 0, "in_progress": 0, "done": 0, "shortcuts": 1},
    ]


def test_there_is_a_board_of_every_older_nikko_to_try():
    assert [int(path.stem) for path in SCHEMAS] == list(range(1, upgrade.VERSION))


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda path: path.stem)
def test_an_upgraded_database_has_the_tables_of_a_new_one(empty, new_database, schema):
    for statement in upgrade.statements(schema.read_text(encoding="utf-8").split("-- What a board held")[0]):
        empty.execute(upgrade.fill(statement, empty.kind))
    empty.execute("INSERT INTO nikko (version) VALUES (?)", int(schema.stem))
    upgrade.prepare(empty)
    with contextlib.closing(database.SQL(new_database())) as new:
        upgrade.prepare(new)
        assert columns(empty) == columns(new)
        assert empty.execute(INDEXES[empty.kind]) == new.execute(INDEXES[empty.kind])


#: A table's columns, as each engine tells them.
COLUMNS = """
    SELECT column_name AS name, data_type AS type, is_nullable AS is_null
    FROM information_schema.columns
    WHERE table_name = ? AND table_schema = {}
    ORDER BY 1
    """
COLUMNS = {
    "sqlite": 'SELECT name, type, "notnull" FROM pragma_table_info(?) ORDER BY 1',
    "postgresql": COLUMNS.format("current_schema()"),
    "mysql": COLUMNS.format("DATABASE()"),
}
#: Its indexes.
INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() ORDER BY indexname",
    "mysql": """
        SELECT table_name, index_name, seq_in_index, column_name
        FROM information_schema.statistics
        WHERE table_schema = DATABASE()
        ORDER BY table_name, index_name, seq_in_index
        """,
}


def columns(db):
    return {table: db.execute(COLUMNS[db.kind], table) for table in TABLES}


def test_the_copy_from_before_holds_the_old_data_for_its_owner_alone(file):
    make(file)
    with open_file(file) as db:
        add_rows(db)  # still in the write-ahead log when it is copied
        upgrade.prepare(db, NEXT, NEXT_VERSION)
    copy = file.with_name(f"database.db.before-{NEXT_VERSION}")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir() if ".part" in path.name] == []
    with contextlib.closing(sqlite3.connect(copy)) as old:
        assert old.execute("SELECT title FROM tickets ORDER BY id").fetchall() == [("one",), ("two: (:D",)]
        assert old.execute("SELECT version FROM nikko").fetchall() == [(upgrade.VERSION,)]
        assert old.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert "colour" not in [column[1] for column in old.execute("PRAGMA table_info(tickets)")]


def test_the_copy_can_be_used_as_it_is(file):
    make(file)
    with open_file(file) as db:
        add_rows(db)
        upgrade.prepare(db, NEXT, NEXT_VERSION)
    with open_file(file.with_name(f"database.db.before-{NEXT_VERSION}")) as db:
        upgrade.prepare(db)
        assert titles(db) == ["one", "two: (:D"]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True)
def test_a_step_that_fails_leaves_the_old_database_as_it_was(empty):
    upgrade.prepare(empty)
    add_rows(empty)
    with pytest.raises(RuntimeError):
        upgrade.prepare(
            empty,
            {NEXT_VERSION: [*NEXT[NEXT_VERSION], "DELETE FROM tickets", "UPDATE nowhere SET x = 1"]},
            NEXT_VERSION,
        )
    assert tables(empty) == TABLES
    assert titles(empty) == ["one", "two: (:D"]
    upgrade.prepare(empty)
    upgrade.prepare(empty, NEXT, NEXT_VERSION)
    assert {row["colour"] for row in empty.execute("SELECT colour FROM tickets")} == {"red"}


def test_a_step_that_fails_keeps_no_one_else_waiting(empty, address):
    upgrade.prepare(empty)
    with pytest.raises(RuntimeError):
        upgrade.prepare(empty, {NEXT_VERSION: ["UPDATE nowhere SET x = 1"]}, NEXT_VERSION)
    with contextlib.closing(database.SQL(address, wait=1)) as other:
        upgrade.prepare(other, NEXT, NEXT_VERSION)
        assert other.execute("SELECT version FROM nikko") == [{"version": NEXT_VERSION}]


def test_a_newer_database_is_refused_with_its_rows_untouched(empty):
    upgrade.prepare(empty)
    add_rows(empty)
    upgrade.prepare(empty, NEXT, NEXT_VERSION)
    with pytest.raises(Refused, match="newer NIKKO"):
        upgrade.prepare(empty)
    assert titles(empty) == ["one", "two: (:D"]
    assert empty.execute("SELECT version FROM nikko") == [{"version": NEXT_VERSION}]


def test_another_programs_tables_are_refused(empty):
    empty.execute("CREATE TABLE accounts (id INTEGER)")
    empty.execute("INSERT INTO accounts (id) VALUES (7)")
    with pytest.raises(Refused, match="another program's"):
        upgrade.prepare(empty)
    assert tables(empty) == {"accounts"}
    assert empty.execute("SELECT id FROM accounts") == [{"id": 7}]


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_another_programs_file_is_refused_and_untouched(file, mode):
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.execute(f"PRAGMA journal_mode = {mode}")
        other.execute("CREATE TABLE accounts (id INTEGER)")
        other.execute("INSERT INTO accounts VALUES (7)")
        other.commit()
    before = file.read_bytes()
    with open_file(file) as db, pytest.raises(Refused, match="another program's"):
        upgrade.prepare(db)
    assert file.read_bytes() == before
    with contextlib.closing(sqlite3.connect(file)) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == (mode,)
        assert other.execute("SELECT id FROM accounts").fetchall() == [(7,)]


@pytest.mark.parametrize("size", [2, 15, 100, 4096, 50_000])
def test_random_bytes_are_refused_and_untouched(file, size):
    file.write_bytes(os.urandom(size - 1) + b"x")
    refused(file, "not a SQLite database")
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("text", ["hello\n", "<html></html>" * 1000])
def test_a_text_file_is_refused_and_untouched(file, text):
    file.write_text(text)
    refused(file, "not a SQLite database")


@pytest.mark.parametrize("kept", [50, 1000, 4096, 20_000])
def test_a_truncated_file_of_ours_is_refused_and_untouched(file, kept):
    make(file, rows=50)
    assert file.stat().st_size > 50_000
    os.truncate(file, kept)
    refused(file, "damaged")


def test_a_file_of_ours_whose_beginning_was_overwritten_is_refused_and_untouched(file):
    make(file, rows=50)
    with open(file, "r+b") as damaged:
        damaged.seek(100)
        damaged.write(os.urandom(3000))
    refused(file, "damaged")


def test_an_empty_file_is_accepted(file):
    file.touch()
    make(file)
    with open_file(file) as db:
        assert tables(db) == TABLES


def test_a_new_file_is_for_its_owner_alone(file):
    before = os.umask(0)
    try:
        make(file)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes["database.db"] == 0o600
    assert set(modes.values()) == {0o600}
