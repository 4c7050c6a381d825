"""database.SQL: what it takes, gives, raises and survives; and each fault of cs50 that it is there for."""

import contextlib
import datetime
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import cs50
import pytest
import sqlalchemy
from conftest import hang_up
from hostile import HOSTILE_TEXTS

import backup
import database
import upgrade

ROOT = Path(__file__).parent.parent

NOTES = """
    CREATE TABLE notes (
        id {identity},
        text {long},
        number INTEGER UNIQUE CHECK (number < 1000),
        note_id INTEGER REFERENCES notes (id)
    ) {table}
"""


def only(*engines):
    """A test of what only these engines can show."""
    return pytest.mark.parametrize("engine", engines, indirect=True)


@pytest.fixture(scope="session")
def address(new_database):
    """One database for all of these tests."""
    return new_database()


@pytest.fixture
def notes(address):
    """The database with one empty table."""
    db = database.SQL(address)
    db.execute("DROP TABLE IF EXISTS notes")
    db.execute(upgrade.fill(NOTES, db.kind))
    yield db
    db.close()


@pytest.fixture
def stock(notes, address):
    """The same database through cs50's own class."""
    db = cs50.SQL(with_driver(address))
    yield db
    db._disconnect()
    db._engine.dispose()


@pytest.fixture
def impatient(notes, address):
    """The same database for a writer who waits for a second at most."""
    db = database.SQL(address, wait=1)
    yield db
    db.close()


@pytest.fixture
def elsewhere(notes, address):
    """The same database through another client, which knows nothing of NIKKO's queue."""
    engine = sqlalchemy.create_engine(with_driver(address))
    with contextlib.closing(engine.raw_connection()) as connection:
        yield connection
        connection.rollback()
    engine.dispose()


def with_driver(address):
    url = sqlalchemy.make_url(address)
    return url.set(drivername=database.DRIVERS[url.get_backend_name()]).render_as_string(False)


def add(db, text="x", **columns):
    names = ", ".join(["text", *columns])
    return db.execute(f"INSERT INTO notes ({names}) VALUES (?{', ?' * len(columns)})", text, *columns.values())


def text_of(db, note_id):
    return db.execute("SELECT text FROM notes WHERE id = ?", note_id)[0]["text"]


def texts(db):
    return [row["text"] for row in db.execute("SELECT text FROM notes ORDER BY id")]


def together(*functions):
    """Run these at the same time, each in a thread of its own, and return the exceptions that they raised."""
    start, raised = threading.Barrier(len(functions)), []

    def run(function):
        start.wait()
        try:
            function()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def start(script, *args, **options):
    """A Python process that runs `script` beside the program."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, args)],
        cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": ""},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def output(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


# What cs50 does


@pytest.mark.parametrize("text", ["(:D", '{"a":1}', "#:tag", "😀:ok"])
def test_cs50_chokes_on_a_colon_in_a_text_that_we_keep(notes, stock, text):
    with pytest.raises(sqlalchemy.exc.StatementError):
        add(stock, text)
    assert text_of(notes, add(notes, text)) == text


@pytest.mark.parametrize(
    ("engine", "text", "becomes"),
    [
        ("sqlite", "::x", r"\::x"),
        ("postgresql", "::x", r"\::x"),
        ("sqlite", r"a\:b", "a:b"),
        ("postgresql", r"a\:b", "a:b"),
        ("mysql", r"a\:b", "a:b"),
        ("mysql", "100%", "100%%%%"),
    ],
    indirect=["engine"],
)
def test_cs50_changes_a_text_that_we_keep(notes, stock, text, becomes):
    assert text_of(notes, add(stock, text)) == becomes
    assert text_of(notes, add(notes, text)) == text


@only("sqlite")
def test_cs50_fails_the_request_after_a_failed_one_and_we_do_not(notes, stock):
    with pytest.raises(sqlalchemy.exc.StatementError):
        add(stock, "(:D")
    with pytest.raises(RuntimeError, match="within a transaction"):
        add(stock, "fine")
    with pytest.raises(RuntimeError):
        notes.execute("INSERT INTO nowhere (text) VALUES (?)", "(:D")
    assert text_of(notes, add(notes, "fine")) == "fine"


@only("sqlite")
def test_cs50_stays_in_manual_mode_for_all_threads_after_one_transaction_and_we_do_not(notes, stock):
    for statement in ("BEGIN", "COMMIT"):
        stock.execute(statement)
    assert not stock._autocommit
    with notes.transaction():
        pass
    assert texts(notes) == []
    add(notes, "kept at once")
    with contextlib.closing(sqlite3.connect(notes.path)) as file:
        assert file.execute("SELECT text FROM notes").fetchall() == [("kept at once",)]


REQUESTS = """
import os, signal, sys, flask, cs50, database
db = {"cs50": cs50.SQL, "database": database.SQL}[sys.argv[1]]("sqlite:///" + sys.argv[2])
app = flask.Flask("requests")

@app.get("/add/<text>")
def add(text):
    db.execute("INSERT INTO notes (text) VALUES (?)", text)
    return "ok"

@app.get("/fail")
def fail():
    if sys.argv[1] == "cs50":
        db.execute("BEGIN")
        add("half")
        raise LookupError
    with db.transaction():
        add("half")
        raise LookupError

client = app.test_client()
print([client.get(path).status_code for path in ("/add/first", "/fail", "/add/later")], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@only("sqlite")
@pytest.mark.parametrize(("library", "kept"), [("cs50", ["first"]), ("database", ["first", "later"])])
def test_cs50_loses_what_was_acknowledged_after_a_failing_view_and_we_keep_it(notes, library, kept):
    process = start(REQUESTS, library, notes.path)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert out.strip() == "[200, 500, 200]"
    assert texts(notes) == kept


@only("postgresql")
def test_cs50_fails_inserts_that_were_stored_and_we_do_not(notes, stock):
    def add_many(db):
        errors = 0
        for _ in range(25):
            try:
                add(db)
            except Exception:
                errors += 1
        db._disconnect()
        failed.append(errors)

    failed = []
    together(*[lambda: add_many(stock)] * 8)
    assert sum(failed) > 0
    assert len(texts(notes)) == 8 * 25
    failed = []
    together(*[lambda: add_many(notes)] * 8)
    assert sum(failed) == 0
    assert len(texts(notes)) == 2 * 8 * 25


@only("mysql")
def test_cs50_runs_what_stands_in_a_value_and_we_do_not(notes, stock):
    add(notes, "a secret")
    injection = r"\' OR 1=1 -- "
    search = "SELECT text FROM notes WHERE text = ?"
    assert stock.execute(search, injection) == [{"text": "a secret"}]
    assert notes.execute(search, injection) == []


def test_cs50_refuses_a_file_that_is_not_there_and_we_create_it(tmp_path):
    with pytest.raises(RuntimeError, match="does not exist"):
        cs50.SQL(f"sqlite:///{tmp_path}/new.db")
    assert not (tmp_path / "new.db").exists()
    with contextlib.closing(database.SQL(f"sqlite:///{tmp_path}/new.db")) as db:
        db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    assert (tmp_path / "new.db").stat().st_size


@only("sqlite")
def test_cs50_leaves_a_closure_behind_for_every_statement_and_we_do_not(notes, stock):
    import flask

    app = flask.Flask("statements")
    with app.app_context():
        for _ in range(5):
            notes.execute("SELECT 1")
        assert len(app.teardown_appcontext_funcs) == 0
        for _ in range(5):
            stock.execute("SELECT 1")
        assert len(app.teardown_appcontext_funcs) == 5


STREAMS = """
import logging, sys
def streams():
    return [sys.stdout, sys.stderr, sys.excepthook, *logging.root.handlers, logging.root.level]
before = streams()
import {library}
same = streams() == before
sys.__stdout__.write(str(same))
"""


@pytest.mark.parametrize(("library", "same"), [("cs50", "False"), ("database", "True")])
def test_cs50_replaces_the_standard_streams_and_we_put_them_back(library, same):
    assert output(start(STREAMS.format(library=library))) == same


CLOSED_PIPE = """
import os, sys, {library}
sys.stdin.read()
print("a line")
try:
    sys.stdout.flush()
except BrokenPipeError:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
"""


@pytest.mark.parametrize(("library", "shown"), [("cs50", True), ("database", False)])
def test_cs50_makes_a_traceback_of_a_closed_pipe_and_we_do_not(library, shown):
    process = start(CLOSED_PIPE.format(library=library), stdin=subprocess.PIPE)
    process.stdout.close()
    process.stdin.close()
    assert ("BrokenPipeError" in process.stderr.read()) == shown
    process.stderr.close()
    process.wait(60)


# What it takes


def test_every_hostile_text_is_kept_as_it_is(notes):
    with notes.transaction():
        ids = {text: add(notes, text) for text in HOSTILE_TEXTS}
    assert [text for text in HOSTILE_TEXTS if text_of(notes, ids[text]) != text] == []


def test_every_hostile_text_is_found_and_nothing_else(notes):
    with notes.transaction():
        ids = {text: add(notes, text) for text in HOSTILE_TEXTS}
    search = "SELECT id FROM notes WHERE text = ?"
    assert [text for text in ids if notes.execute(search, text) != [{"id": ids[text]}]] == []


def test_the_hostile_texts_differ_and_hold_nothing_that_nikko_trims_or_refuses():
    assert len(set(HOSTILE_TEXTS)) == len(HOSTILE_TEXTS)
    assert [text for text in HOSTILE_TEXTS if text != text.strip() or set(text) & set("\r\n\0")] == []


@pytest.mark.parametrize("text", HOSTILE_TEXTS[:12])
def test_a_hostile_text_is_kept_by_every_kind_of_placeholder(notes, text):
    assert notes.execute("SELECT ? AS x, ? AS y", text, 1) == [{"x": text, "y": 1}]
    assert notes.execute("SELECT :text AS x, :one AS y", text=text, one=1) == [{"x": text, "y": 1}]
    assert notes.execute("SELECT :2 AS x, :1 AS y", 1, text) == [{"x": text, "y": 1}]
    note = add(notes, text)
    assert notes.execute("SELECT text FROM notes WHERE text IN (?)", [text, "y"]) == [{"text": text}]
    assert notes.execute("DELETE FROM notes WHERE text = :text AND id = :id", text=text, id=note) == 1


def test_a_named_or_numbered_value_may_be_used_twice(notes):
    assert notes.execute("SELECT :a AS x, :b AS y, :a AS z", a=1, b=2) == [{"x": 1, "y": 2, "z": 1}]
    assert notes.execute("SELECT :2 AS x, :1 AS y, :2 AS z", 1, 2) == [{"x": 2, "y": 1, "z": 2}]


@pytest.mark.parametrize("values", [[1, 3], (1, 3), [3], [], list(range(200))])
def test_a_list_takes_as_many_placeholders_as_it_has_values(notes, values):
    for number in range(5):
        add(notes, number=number)
    rows = notes.execute("SELECT number FROM notes WHERE number IN (?) AND text = ? ORDER BY number", values, "x")
    assert [row["number"] for row in rows] == [number for number in range(5) if number in values]


@pytest.mark.parametrize("values", [[], ["x"]])
def test_a_percent_sign_in_a_statement_stays_one(notes, values):
    assert notes.execute("SELECT '100%' AS a") == [{"a": "100%"}]
    assert notes.execute("SELECT '100%' AS a, '%s' AS b, ? AS c", 1) == [{"a": "100%", "b": "%s", "c": 1}]
    assert notes.execute("SELECT '100%' AS a WHERE 'y' IN (?) OR 1 = 1", values) == [{"a": "100%"}]


def test_what_is_quoted_or_a_comment_is_no_placeholder(notes):
    row = notes.execute(
        """
        -- whose? :name :1
        SELECT '?' AS a, ':name' AS b, 'it''s ?' AS c, ? AS "what?" /* ? :x
        ? ; */, ';' AS d  -- ?; x
        """,
        7,
    )
    assert row == [{"a": "?", "b": ":name", "c": "it's ?", "what?": 7, "d": ";"}]


@only("postgresql")
def test_a_cast_is_no_placeholder(notes):
    assert notes.execute("SELECT '1'::int + ? AS x", 2) == [{"x": 3}]
    assert notes.execute("SELECT '1'::int + :int AS x", int=2) == [{"x": 3}]


def test_a_semicolon_may_end_a_statement(notes):
    assert notes.execute("SELECT 1 AS x;") == [{"x": 1}]
    assert notes.execute(" SELECT 1 AS x ; \n") == [{"x": 1}]


def test_dates_and_times_are_written_as_cs50_writes_them(notes, stock):
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678)
    for value, text in (
        (moment, "2026-01-02 03:04:05"),
        (moment.date(), "2026-01-02"),
        (moment.time(), "03:04:05"),
    ):
        assert [text_of(notes, add(db, value)) for db in (notes, stock)] == [text, text]


# What it gives


def test_rows_are_a_list_of_dicts(notes):
    assert notes.execute("SELECT id, text FROM notes") == []
    note = add(notes, "x")
    assert notes.execute("SELECT id, text, note_id FROM notes") == [{"id": note, "text": "x", "note_id": None}]
    assert notes.execute("WITH t AS (SELECT text FROM notes) SELECT text FROM t") == [{"text": "x"}]


def test_an_insert_gives_the_new_id(notes):
    first = add(notes)
    assert isinstance(first, int)
    assert add(notes) > first
    assert add(notes, id=77) == 77


def test_an_insert_without_one_new_id_gives_none(notes):
    add(notes)
    assert notes.execute("INSERT INTO notes (text) SELECT text FROM notes WHERE 1 = 0") is None
    assert notes.execute("INSERT INTO notes (text) VALUES (?), (?)", "a", "b") is None


@only("postgresql", "mysql")
def test_an_insert_into_a_table_whose_key_is_a_text_gives_none(notes):
    notes.execute("DROP TABLE IF EXISTS keys_only")
    notes.execute("CREATE TABLE keys_only (id CHAR(3) PRIMARY KEY)")
    assert notes.execute("INSERT INTO keys_only (id) VALUES (?)", "abc") is None


def test_update_and_delete_give_the_number_of_rows_that_matched(notes):
    for number in range(3):
        add(notes, "same", number=number)
    assert notes.execute("UPDATE notes SET text = ? WHERE number > 0", "new") == 2
    assert notes.execute("UPDATE notes SET text = ? WHERE number > 0", "new") == 2
    assert notes.execute("UPDATE notes SET text = ? WHERE number > 7", "new") == 0
    assert notes.execute("DELETE FROM notes WHERE number < ?", 2) == 2
    assert notes.execute("DELETE FROM notes WHERE number < ?", 2) == 0


def test_other_statements_give_true(notes):
    assert notes.execute("CREATE TABLE IF NOT EXISTS others (id INTEGER)") is True
    assert notes.execute("DROP TABLE others") is True


def test_a_decimal_is_given_as_a_float(notes):
    for number in (1, 2):
        add(notes, number=number)
    row = notes.execute("SELECT AVG(number) AS mean, CAST(1.5 AS DECIMAL(5, 2)) AS exact FROM notes")[0]
    assert row == {"mean": 1.5, "exact": 1.5}
    assert {type(value) for value in row.values()} == {float}


@only("postgresql")
def test_binary_data_is_given_as_bytes(notes):
    value = notes.execute("SELECT CAST(? AS BYTEA) AS x", b"\0\xff")[0]["x"]
    assert (value, type(value)) == (b"\0\xff", bytes)


def test_a_text_of_a_megabyte_is_kept(notes):
    text = "😀\\'" * 250_000
    assert text_of(notes, add(notes, text)) == text


# What it raises


@pytest.mark.parametrize(
    "columns",
    [
        {"number": 1},
        {"number": 1000},
        {"note_id": 12345},
        {"number": 2**40},
        {"number": -(2**40)},
        {"number": 2**70},
        {"text": "\ud800"},
        {"text": "a\udcc3\udca9"},
    ],
    ids=["unique", "check", "foreign key", "too big", "too small", "far too big", "surrogate", "escaped bytes"],
)
def test_a_value_that_the_database_refuses_is_a_value_error_and_nothing_is_written(notes, columns):
    add(notes, "first", number=1)
    if columns == {"number": -(2**40)} and notes.kind == "sqlite":
        assert add(notes, **columns)  # it has 64 bits for every number
        return
    with pytest.raises(ValueError):  # noqa: PT011 (each engine has its own words)
        add(notes, **columns)
    assert texts(notes) == ["first"]


@only("postgresql")
def test_a_nul_is_a_value_error_where_it_cannot_be_stored(notes):
    with pytest.raises(ValueError, match="NUL"):
        add(notes, "a\0b")


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELEC 1", ()),
        ("SELECT nothing FROM notes", ()),
        ("SELECT 1 FROM nowhere", ()),
        ("INSERT INTO notes (text) VALUES (?", ("x",)),
        ("", ()),
        ("  ;", ()),
        ("-- nothing", ()),
        ("SELECT ?", ()),
        ("SELECT 1", (1,)),
        ("SELECT ?", (1, 2)),
        ("SELECT ?, ?", (1,)),
        ("SELECT :1, :2", (1,)),
        ("SELECT :1", (1, 2)),
        ("SELECT :1, ?", (1, 2)),
        ("SELECT '?'", (1,)),
    ],
)
def test_wrong_sql_and_a_wrong_number_of_values_are_runtime_errors(notes, sql, values):
    with pytest.raises(RuntimeError) as error:
        notes.execute(sql, *values)
    assert not isinstance(error.value, database.Unavailable)
    assert notes.execute("SELECT 1 AS x") == [{"x": 1}]


@pytest.mark.parametrize(
    ("sql", "args", "names"),
    [
        ("SELECT :a", (), {}),
        ("SELECT :a", (), {"b": 1}),
        ("SELECT :a", (), {"a": 1, "b": 2}),
        ("SELECT 1", (), {"a": 1}),
        ("SELECT ?", (), {"a": 1}),
        ("SELECT ?, :a", (1,), {"a": 1}),
    ],
)
def test_names_that_do_not_match_are_a_runtime_error(notes, sql, args, names):
    with pytest.raises(RuntimeError):
        notes.execute(sql, *args, **names)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "DELETE FROM notes; DROP TABLE notes",
        "DELETE FROM notes;DROP TABLE notes;",
        "DELETE FROM notes WHERE text = ';'; DROP TABLE notes",
        "DELETE FROM notes /* ; */ ; /* x */ DROP TABLE notes",
    ],
)
def test_two_statements_at_once_are_refused(notes, sql):
    add(notes)
    with pytest.raises(RuntimeError, match="too many statements"):
        notes.execute(sql)
    assert texts(notes) == ["x"]


@pytest.mark.parametrize(
    "sql",
    [
        "BEGIN",
        "begin immediate",
        "START TRANSACTION",
        "COMMIT",
        "END",
        "ROLLBACK",
        "SAVEPOINT x",
        "RELEASE x",
        "/* x */ BEGIN",
        "-- x\nCOMMIT",
    ],
)
def test_a_raw_begin_or_commit_is_refused(notes, sql):
    with pytest.raises(RuntimeError, match=r"with db.transaction\(\)"):
        notes.execute(sql)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres@127.0.0.1:1/postgres",
        "postgresql://postgres@127.0.0.1:5432/there_is_none",
        "mysql://root@127.0.0.1:1/mysql",
        "mysql://root@127.0.0.1:3306/there_is_none",
        "sqlite:////there/is/none.db",
        "sqlite://",
        "oracle://x",
        "not an address",
        "",
    ],
)
def test_what_cannot_be_reached_is_a_runtime_error_from_the_start(url):
    with pytest.raises(RuntimeError):
        database.SQL(url)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://nikko:s3cret@127.0.0.1:1/nikko",
        "mysql://nikko:s3cret@127.0.0.1:1/nikko",
        "postgresql://nikko:a@s3cret@127.0.0.1:1/nikko",
        "mysql://nikko:a@s3cret@127.0.0.1:1/nikko",
        "postgresql://nikko:s3cret@127.0.0.1:x/nikko",
        "postgresql://nikko:s3cret@127.0.0.1:1/nikko?nothing=1",
        "mysql://nikko:s3cret@127.0.0.1:1/nikko?nothing=1",
        "postgresql:/nikko:s3cret@127.0.0.1/nikko",
        "postgres//nikko:s3cret@127.0.0.1/nikko",
        " postgresql://nikko:s3cret@127.0.0.1/nikko",
        "oracle://nikko:s3cret@127.0.0.1/nikko",
        "sqlite://nikko:s3cret@127.0.0.1/nikko",
    ],
)
def test_no_error_about_an_address_has_its_password(address):
    with pytest.raises(RuntimeError) as refused:
        database.SQL(address)
    assert "s3cret" not in str(refused.value)
    try:
        said = backup.sqlite_file(address) or backup.how_to_dump(address, "nikko.dump")
    except RuntimeError as error:
        said = str(error)
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("with space.db", "with space.db"),
        ("größe.db", "größe.db"),
        ("a+b.db", "a+b.db"),
        ("50%25.db", "50%.db"),
        ("%20.db", " .db"),
    ],
)
def test_a_file_may_have_any_name(tmp_path, written, name):
    with contextlib.closing(database.SQL(f"sqlite:///{tmp_path}/{written}")) as db:
        db.execute("CREATE TABLE notes (id INTEGER)")
    with contextlib.closing(sqlite3.connect(tmp_path / name)) as file:
        assert file.execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]


# Transactions


def test_a_transaction_keeps_all_of_it(notes):
    with notes.transaction() as db:
        add(db, "a")
        add(notes, "b")
    assert texts(notes) == ["a", "b"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_transaction_that_fails_keeps_nothing_and_the_next_one_works(notes, error):
    with pytest.raises(error), notes.transaction():  # noqa: PT012
        add(notes, "a")
        raise error
    assert texts(notes) == []
    with notes.transaction():
        add(notes, "b")
    assert texts(notes) == ["b"]


def test_a_transaction_is_not_seen_by_others_before_it_ends(notes):
    seen = []
    with notes.transaction():
        add(notes, "a")
        assert texts(notes) == ["a"]
        assert together(lambda: seen.append(texts(notes))) == []
    assert together(lambda: seen.append(texts(notes))) == []
    assert seen == [[], ["a"]]


def test_a_nested_transaction_can_fail_alone(notes):
    with notes.transaction():
        add(notes, "a", number=1)
        with pytest.raises(ValueError), notes.transaction():  # noqa: PT011, PT012
            add(notes, "b")
            with notes.transaction():
                add(notes, "c")
            add(notes, "d", number=1)
        with notes.transaction():
            add(notes, "e")
    assert texts(notes) == ["a", "e"]


def test_a_nested_transaction_ends_with_the_outer_one(notes):
    with pytest.raises(LookupError), notes.transaction():  # noqa: PT012
        with notes.transaction():
            add(notes, "a")
        raise LookupError
    assert texts(notes) == []


def test_a_refusal_that_was_caught_in_a_transaction_loses_nothing_in_silence(notes):
    """PostgreSQL gives up the transaction at its first error; then its end must say so."""

    def catch():
        with notes.transaction():
            add(notes, "a", number=1)
            with contextlib.suppress(ValueError):
                add(notes, "b", number=1)

    if notes.kind == "postgresql":
        with pytest.raises(RuntimeError, match="nothing of it was kept"):
            catch()
        assert texts(notes) == []
    else:
        catch()
        assert texts(notes) == ["a"]
    assert add(notes, "c")


@only("sqlite")
def test_few_connections_stay_open_after_many_at_once_and_none_after_close(notes):
    def connections():
        files = [os.readlink(file) for file in Path("/proc/self/fd").iterdir() if os.path.lexists(file)]
        return files.count(f"{notes.path}-wal")

    everybody = threading.Barrier(40)

    def read():
        with notes.kept():
            assert texts(notes) == []
            everybody.wait(60)

    notes.close()
    with notes.kept():
        assert texts(notes) == []
    for _ in range(3):
        with notes.kept():
            assert texts(notes) == []
        assert connections() == 1
    assert together(*[read] * 40) == []
    assert 1 < connections() <= 2 * database.POOL_SIZE
    notes.close()
    assert connections() == 0
    with notes.kept():
        assert texts(notes) == []


def test_a_failed_statement_leaves_nothing_behind_for_the_next_thread(notes):
    for _ in range(20):
        with pytest.raises(RuntimeError):
            notes.execute("INSERT INTO nowhere (text) VALUES (?)", "x")
    assert together(*[lambda: add(notes)] * 8) == []
    assert len(texts(notes)) == 8


# Many at once


def test_eight_threads_insert_at_once_and_each_gets_its_own_id(notes):
    ids = []

    def add_many():
        for _ in range(20):
            text = f"{threading.get_ident()}-{len(ids)}"
            note = add(notes, text)
            assert text_of(notes, note) == text
            ids.append(note)

    assert together(*[add_many] * 8) == []
    assert len(set(ids)) == len(texts(notes)) == 8 * 20


COUNT_UP = """
import sys, database
db = database.SQL(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
for _ in range(int(sys.argv[2])):
    with db.transaction():
        db.execute("UPDATE notes SET number = number + 1 WHERE text = 'count'")
        number = db.execute("SELECT number FROM notes WHERE text = 'count'")[0]["number"]
        db.execute("INSERT INTO notes (text, note_id) SELECT 'one', id FROM notes WHERE number = ?", number)
"""


def test_two_processes_write_at_once_and_nothing_is_lost(notes, address):
    add(notes, "count", number=0)
    processes = [start(COUNT_UP, address, 60, stdin=subprocess.PIPE) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.close()
        process.stdin = None
    for process in processes:
        output(process)
    assert notes.execute("SELECT number FROM notes WHERE text = 'count'") == [{"number": 120}]
    assert texts(notes).count("one") == 120


HOLD = """
import sys, database
db = database.SQL(sys.argv[1])
with db.transaction():
    db.execute("UPDATE notes SET text = 'theirs'")
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def held_by_another_process(address):
    process = start(HOLD, address, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.stdin.close()
        process.stdin = None
        process.communicate(timeout=60)


def test_a_lock_that_another_process_holds_is_unavailable_and_then_works(notes, impatient, address):
    note = add(notes, "ours")
    with held_by_another_process(address):
        assert texts(impatient) == ["ours"]
        with pytest.raises(database.Unavailable):
            impatient.execute("UPDATE notes SET text = ? WHERE id = ?", "later", note)
        with pytest.raises(database.Unavailable), impatient.transaction():
            impatient.execute("UPDATE notes SET text = ? WHERE id = ?", "later", note)
    assert texts(notes) == ["theirs"]
    assert impatient.execute("UPDATE notes SET text = ? WHERE id = ?", "later", note) == 1


def test_a_writer_that_was_killed_holds_up_nobody(notes, address):
    add(notes, "ours")
    with held_by_another_process(address) as process:
        process.kill()
        process.wait(60)
        assert notes.execute("UPDATE notes SET number = 1") == 1
    assert texts(notes) == ["ours"]


def test_a_lock_that_another_program_holds_is_unavailable_and_then_works(notes, impatient, elsewhere):
    note = add(notes, "ours")
    cursor = elsewhere.cursor()
    if notes.kind == "sqlite":
        cursor.execute("BEGIN IMMEDIATE")
    cursor.execute("UPDATE notes SET text = 'theirs'")
    with pytest.raises(database.Unavailable):
        impatient.execute("UPDATE notes SET text = ? WHERE id = ?", "later", note)
    elsewhere.rollback()
    assert impatient.execute("UPDATE notes SET text = ? WHERE id = ?", "later", note) == 1


def test_a_lock_that_another_thread_holds_is_unavailable_and_then_works(notes, impatient):
    note = add(notes, "ours")
    held, done = threading.Event(), threading.Event()

    def hold():
        with impatient.transaction():
            impatient.execute("UPDATE notes SET text = ? WHERE id = ?", "theirs", note)
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        with pytest.raises(database.Unavailable):
            impatient.execute("UPDATE notes SET text = ? WHERE id = ?", "later", note)
    finally:
        done.set()
        thread.join()
    assert impatient.execute("UPDATE notes SET number = 1 WHERE id = ?", note) == 1
    assert texts(notes) == ["theirs"]


def cross(db, body):
    """Two threads that lock the same two rows in opposite order; returns what was raised."""
    notes = [add(db, "first"), add(db, "second")]
    both_hold_one = threading.Barrier(2)

    def take(first, second):
        with db.transaction():
            db.execute("UPDATE notes SET text = ? WHERE id = ?", "mine", first)
            both_hold_one.wait()
            body(second)

    return together(lambda: take(*notes), lambda: take(*reversed(notes)))


@only("postgresql", "mysql")
def test_a_deadlock_ends_one_of_the_two_and_the_other_is_kept(notes):
    raised = cross(notes, lambda note: notes.execute("UPDATE notes SET text = ? WHERE id = ?", "mine", note))
    assert [type(error) for error in raised] == [database.Deadlock]
    assert texts(notes) == ["mine", "mine"]
    assert add(notes)


@only("postgresql", "mysql")
def test_a_deadlock_that_was_caught_writes_nothing_of_what_follows(notes):
    """The engine has rolled back what came before; the rest must not be kept without it."""

    def go_on(note):
        try:
            notes.execute("UPDATE notes SET text = ? WHERE id = ?", "mine", note)
        except database.Deadlock:
            add(notes, "alone")

    raised = cross(notes, go_on)
    assert len(raised) == 1
    assert isinstance(raised[0], RuntimeError)
    assert texts(notes) == ["mine", "mine"]


@only("sqlite")
def test_a_transaction_is_the_only_writer_from_its_first_line_on(notes, elsewhere):
    """Else what it has read could change under it, and its first write would be refused."""
    elsewhere.execute("PRAGMA busy_timeout = 0")
    with notes.transaction():
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            elsewhere.execute("BEGIN IMMEDIATE")
        add(notes)
    elsewhere.execute("BEGIN IMMEDIATE")


@only("sqlite")
def test_two_transactions_on_sqlite_take_turns_instead_of_a_deadlock(notes):
    notes_of_two = [add(notes, "first"), add(notes, "second")]

    def take(first, second):
        for note in (first, second):
            with notes.transaction():
                notes.execute("UPDATE notes SET text = ? WHERE id = ?", text_of(notes, note) + "+", note)

    assert together(lambda: take(*notes_of_two), lambda: take(*reversed(notes_of_two))) == []
    assert texts(notes) == ["first++", "second++"]


# What goes wrong outside


@only("postgresql", "mysql")
def test_a_lost_connection_is_unavailable_once_and_then_works(notes, address):
    together(*[lambda: notes.execute("SELECT 1")] * 4)
    add(notes, "before")
    hang_up(address)
    with pytest.raises(database.Unavailable):
        add(notes, "lost")
    assert add(notes, "after")
    assert together(*[lambda: notes.execute("SELECT 1")] * 4) == []
    assert texts(notes) == ["before", "after"]


@only("postgresql", "mysql")
def test_who_only_reads_does_not_notice_a_lost_connection(notes, address):
    add(notes, "kept")
    hang_up(address)
    assert texts(notes) == ["kept"]
    with notes.kept():
        assert texts(notes) == ["kept"]
        hang_up(address)
        assert texts(notes) == ["kept"]


@only("postgresql", "mysql")
@pytest.mark.parametrize("depth", [1, 2])
def test_a_connection_lost_in_a_transaction_is_unavailable_and_nothing_of_it_is_kept(notes, address, depth):
    with pytest.raises(database.Unavailable), contextlib.ExitStack() as stack:  # noqa: PT012
        for _ in range(depth):
            stack.enter_context(notes.transaction())
        add(notes, "lost")
        hang_up(address)
        add(notes, "lost too")
    assert texts(notes) == []
    assert add(notes, "after")


@only("postgresql", "mysql")
def test_a_lost_connection_that_was_caught_in_a_transaction_writes_nothing_of_what_follows(notes, address):
    with pytest.raises(database.Unavailable), notes.transaction():  # noqa: PT012
        add(notes, "lost")
        hang_up(address)
        with contextlib.suppress(database.Unavailable):
            add(notes, "lost too")
        add(notes, "alone")
    assert texts(notes) == []


@only("mysql")
def test_a_statement_that_was_interrupted_gives_nobody_else_its_answer(notes):
    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            notes.execute("SELECT SLEEP(5) AS x")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert notes.execute("SELECT 7 AS x") == [{"x": 7}]


def leave_room(db, pages):
    """Let the one idle connection of this database add no more pages than that."""
    db.execute("VACUUM")
    pages += db.execute("PRAGMA page_count")[0]["page_count"]
    db.execute(f"PRAGMA max_page_count = {pages}")


@only("sqlite")
def test_a_full_disk_is_said_and_reading_goes_on_and_it_recovers(notes):
    add(notes, "before")
    leave_room(notes, 2)
    with pytest.raises(database.Full):
        add(notes, "x" * 100_000)
    assert texts(notes) == ["before"]
    assert add(notes, "y" * 100_000)


@only("sqlite")
def test_a_full_disk_that_was_caught_in_a_transaction_writes_nothing_of_what_follows(notes):
    leave_room(notes, 2)
    with pytest.raises(RuntimeError), notes.transaction():  # noqa: PT012
        add(notes, "lost")
        with contextlib.suppress(database.Full):
            add(notes, "x" * 100_000)
        add(notes, "alone")
    assert texts(notes) == []


LIMITED = """
import resource, sys, database
db = database.SQL(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
kept = 0
try:
    for kept in range(1000):
        db.execute("INSERT INTO notes (text) VALUES (?)", "x" * 10_000)
except database.Full:
    print(kept, len(db.execute("SELECT id FROM notes")))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(db.execute("INSERT INTO notes (text) VALUES (?)", "after") > 0)
"""


@only("sqlite")
def test_a_file_that_may_not_grow_is_a_full_disk_and_loses_nothing(notes, address):
    counts, recovered = output(start(LIMITED, address)).splitlines()
    acknowledged, stored = map(int, counts.split())
    assert acknowledged == stored > 0
    assert recovered == "True"
    assert notes.execute("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def in_child(function):
    """Run it in a fork and tell whether it returned without raising."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            function()
            code = 0
        finally:
            os._exit(code)
    return pid


def ended_well(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_parent_and_child_both_work_after_a_fork(notes):
    add(notes, "before")
    assert ended_well(in_child(lambda: add(notes, "child")))
    assert not ended_well(in_child(lambda: notes.execute("nonsense")))
    add(notes, "after")
    assert texts(notes) == ["before", "child", "after"]


@only("postgresql", "mysql")
def test_a_child_has_connections_of_its_own(notes):
    own = "SELECT pg_backend_pid() AS id" if notes.kind == "postgresql" else "SELECT CONNECTION_ID() AS id"
    parents = notes.execute(own)
    assert ended_well(in_child(lambda: exit_unless(notes.execute(own) != parents)))
    assert notes.execute(own) == parents


def test_a_child_forked_while_another_thread_writes_can_write_too(notes):
    """On SQLite: while it has its turn. (SQLite itself forbids to fork within a transaction.)"""
    held, done = threading.Event(), threading.Event()

    def hold():
        with notes._queue.turn(hurried=False) if notes._queue else notes.transaction():
            held.set()
            done.wait()
        add(notes, "parent")

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    pid = in_child(lambda: add(notes, "child"))
    done.set()
    thread.join()
    assert ended_well(pid)
    assert sorted(texts(notes)) == ["child", "parent"]


def test_a_child_forked_in_a_transaction_is_not_in_it(notes):
    with pytest.raises(LookupError), notes.transaction():  # noqa: PT012
        add(notes, "parent")
        assert ended_well(in_child(lambda: exit_unless(texts(notes) == [])))
        raise LookupError
    assert texts(notes) == []


def exit_unless(condition):
    assert condition


# SQLite's file


@only("sqlite")
def test_every_connection_has_the_settings_that_keep_what_was_acknowledged(notes):
    settings = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    seen, everyone_has_one = [], threading.Barrier(3)

    def look():
        with notes._connection(writes=False) as connection:
            everyone_has_one.wait()
            seen.append({name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in settings})

    assert together(look, look, look) == []
    assert seen == [settings] * 3


@only("sqlite")
def test_the_database_and_what_lies_beside_it_is_readable_by_its_owner_alone(notes):
    add(notes)
    files = list(Path(notes.path).parent.iterdir())
    assert {file.name for file in files} >= {"database.db", "database.db-wal", "database.db.lock"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@only("mysql")
def test_mariadb_has_the_settings_that_make_its_sql_like_the_others(notes):
    assert notes.execute("SELECT @@tx_isolation AS level") == [{"level": "READ-COMMITTED"}]
    assert notes.execute("""SELECT 'a' || ? AS "joined" """, "b") == [{"joined": "ab"}]
