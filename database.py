"""cs50's SQL with bound values, threads and transactions, on SQLite, PostgreSQL and MariaDB.

`SQL` keeps the calls and the answers of cs50 and replaces what is under them: a value never becomes
part of the SQL text, every statement runs on a connection of its thread's own from SQLAlchemy's pool,
and a transaction is a `with` block that cannot be left open.
"""

import datetime
import decimal
import fcntl
import functools
import itertools
import logging
import os
import re
import sys
import threading
import time
from contextlib import contextmanager
from typing import NamedTuple

import sqlalchemy

# cs50 wraps the standard streams and makes the root logger print everything; both are the program's own.
_streams, _handlers, _level = (sys.stdout, sys.stderr, sys.excepthook), logging.root.handlers[:], logging.root.level
import cs50  # noqa: E402

sys.stdout, sys.stderr, sys.excepthook = _streams
logging.root.handlers[:] = _handlers
logging.root.setLevel(_level)

DRIVERS = {
    "sqlite": "sqlite+pysqlite",  # not just "sqlite": cs50 looks whether the file is there, but not for %C3%B6
    "postgres": "postgresql+psycopg2",
    "postgresql": "postgresql+psycopg2",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
READS = {"SELECT", "WITH", "VALUES", "EXPLAIN", "PRAGMA", "SHOW"}
CONTROLS = {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"}
SCALARS = {str, int, float, bytes, type(None)}
POOL_SIZE = 16  # connections that stay open while nobody uses them
PATIENCE = 0.02  # seconds for which who is in a hurry waits for another writer

# What is quoted or a comment is passed over; then come a cast, a placeholder, and the end of a statement.
_TOKENS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/ | ::
        | (?P<placeholder> \? | (?<!\w):(?:\d+|[A-Za-z]\w*))
        | (?P<second> ;\s*[^\s;])""",
    re.VERBOSE | re.DOTALL,
)


class Unavailable(RuntimeError):
    """The database can't do this now, but may later; nothing was written."""


class Full(Unavailable):
    """There is no room on the disk; nothing was written."""


class Lost(Unavailable):
    """The connection is gone; what its transaction wrote was not kept, unless it was lost at the very COMMIT."""


class Deadlock(Unavailable):
    """The engine gave this transaction up for another one; the same again may well work."""


class TakesLong(BaseException):
    """What follows would hold others up; nothing was written, so the same can begin again where there is time.

    Raised only in a block that is `kept(hurried=True)`. No Exception, for nobody but who opened it has an answer.
    """


class Waits(TakesLong):
    """Another one writes; soon it may not."""


# Error codes that say more than "wrong SQL", by engine: SQLite's primary result codes,
# PostgreSQL's SQLSTATE, MariaDB's error numbers (4025 is a failed CHECK, which PyMySQL calls operational).
FAULTS = {
    "sqlite": {5: Unavailable, 6: Unavailable, 8: Unavailable, 10: Full, 13: Full, 14: Unavailable},
    "postgresql": {"40001": Deadlock, "40P01": Deadlock, "53100": Full, "55P03": Unavailable, "53300": Unavailable},
    "mysql": {
        1213: Deadlock,
        1020: Deadlock,
        1205: Unavailable,
        1021: Full,
        1114: Full,
        1040: Unavailable,
        4025: ValueError,
    },
}


class Statement(NamedTuple):
    """One SQL statement, taken apart at its placeholders."""

    texts: tuple[str, ...]
    names: tuple[str, ...]
    command: str
    returning: bool
    whole: str
    in_order: bool

    def bind(self, mark, args, kwargs):
        """Return the SQL in the driver's style, and the values in the order of its marks (None: it has no marks).

        A list or tuple takes as many marks as it has values, as `IN (?)` wants it.
        Raises RuntimeError when placeholders and values don't match.
        """
        if kwargs or not self.in_order:
            args = self._in_order(args, kwargs)
        if len(args) != len(self.names):
            raise RuntimeError(f"{len(self.names)} placeholders but {len(args)} values in: {self.whole}")
        if SCALARS.issuperset(map(type, args)):
            return self.whole, args if self.names else None
        sql, values = [self.texts[0]], []
        for text, value in zip(self.texts[1:], args):
            several = value if isinstance(value, (list, tuple)) else (value,)
            sql += [", ".join([mark] * len(several)) or "NULL", text]
            values += map(_plain, several)
        return "".join(sql), tuple(values)

    def _in_order(self, args, kwargs):
        wanted = {name[1:] for name in self.names}
        numbered = {str(number): value for number, value in enumerate(args, 1)}
        if (args and kwargs) or wanted != numbered.keys() | kwargs.keys():
            raise RuntimeError(f"placeholders and values differ in: {self.whole}")
        values = numbered | kwargs
        return tuple(values[name[1:]] for name in self.names)


@functools.lru_cache(1024)
def parse(sql, mark):
    """Take one SQL statement apart; `mark` is what the driver writes for a value (`?` or `%s`)."""
    sql = sql.strip().rstrip(";")
    texts, names, bare, end = [""], [], [], 0
    for token in _TOKENS.finditer(sql):
        before = sql[end : token.start()]
        bare.append(before)
        end = token.end()
        if token["second"] and "CREATE TRIGGER" not in sql.upper():
            raise RuntimeError("too many statements at once")
        if token["placeholder"]:
            texts[-1] += before
            texts.append("")
            names.append(token[0])
        else:
            texts[-1] += before + token[0]
    texts[-1] += sql[end:]
    words = re.findall(r"\w+", " ".join([*bare, sql[end:]]).upper())
    if not words:
        raise RuntimeError("missing statement")
    command = words[0]
    if command == "WITH":
        command = next((word for word in words if word in ("INSERT", "UPDATE", "DELETE")), command)
    if mark == "%s" and names:
        texts = [text.replace("%", "%%") for text in texts]
    in_order = set(names) <= {"?"}
    return Statement(tuple(texts), tuple(names), command, "RETURNING" in words, mark.join(texts), in_order)


@functools.lru_cache(1024)
def dicts(*names):
    """The function that makes a list of dicts of rows which have these columns.

    Its keys are written out, as namedtuple does it: that takes a quarter of the time of `dict(zip(names, row))`.
    """
    columns = range(len(names))
    pairs = ", ".join(f"{names[number]!r}: _{number}" for number in columns)
    values = "".join(f"_{number}, " for number in columns)
    return eval(f"lambda rows: [{{{pairs}}} for {values} in rows]")  # noqa: S307  (a name is within its repr)


def _plain(value):
    """Write dates and times as cs50 does."""
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M:%S")
    if isinstance(value, datetime.date):
        return str(value)
    return value


def _coerce(value):
    """Read numbers and bytes as SQLite gives them."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    return bytes(value) if isinstance(value, memoryview) else value


def parse_address(address):
    """Take a database's address apart. Raises RuntimeError, in which the address isn't: it may have a password."""
    try:
        url = sqlalchemy.make_url(address)
        url = url.set(drivername=DRIVERS[url.get_backend_name()])
    except (sqlalchemy.exc.ArgumentError, KeyError, ValueError):
        raise RuntimeError(
            "that is not a database address. Write sqlite:///file, postgresql://user:password@host/name "
            "or mysql://user:password@host/name."
        ) from None
    if "@" in (url.host or ""):  # the driver would name the rest of the password as the host that it can't find
        raise RuntimeError("the database address has two @. Write %40 for the one in the password.")
    return url


class WriterQueue:
    """One writer at a time: threads wait for a lock, processes for `flock` on a file.

    SQLite's own busy timeout asks ever more seldom, so that two processes which write a lot starve each other.
    """

    def __init__(self, path, seconds):
        self.path, self.seconds = path, seconds
        self.reset()

    def reset(self):
        self.lock, self.file, self.was_late = threading.Lock(), None, False

    @contextmanager
    def turn(self, hurried):
        """Wait for the turn. Raises Unavailable; if `hurried` Waits: soon, and sooner after the last one had to."""
        if hurried:
            patience, self.was_late = PATIENCE / 10 if self.was_late else PATIENCE, True
            self._enter(patience, Waits)
            self.was_late = False
        else:
            self._enter(self.seconds, Unavailable)
        try:
            yield
        finally:
            fcntl.flock(self.file, fcntl.LOCK_UN)
            self.lock.release()

    def _enter(self, seconds, late):
        if not self.lock.acquire(timeout=seconds):
            raise late("database is locked")
        try:
            if self.file is None:
                self.file = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            self._lock_file(seconds, late)
        except BaseException as error:
            self.lock.release()
            if isinstance(error, OSError):
                raise Unavailable(f"can't lock {self.path}: {error.strerror}") from None
            raise

    def _lock_file(self, seconds, late):
        """Ask again at short notice, for a `flock` that waits can't give up when its time is over."""
        end = time.monotonic() + seconds
        for attempt in itertools.count():
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > end:
                    raise late("database is locked") from None
                time.sleep(0.00005 if attempt < 200 else 0.002)


class SQL(cs50.SQL):
    """`cs50.SQL` that can be trusted with people's data.

    `execute(sql, *args, **kwargs)` takes `?`, `:1` or `:name` and gives a list of dicts for rows, the new
    id for one INSERT, the number of rows for UPDATE and DELETE. It raises ValueError for a value that the
    database refuses, Unavailable (or Full, Deadlock) for what may work later, RuntimeError for wrong SQL.
    """

    def __init__(self, url, wait=10):
        """Connect to `url`; a SQLite file that isn't there is created, readable by its owner alone.

        `wait` is how many seconds a writer waits for others. Raises RuntimeError when there is no such database.
        """
        url = parse_address(url)
        self.kind = url.get_backend_name()
        self._mark = "?" if self.kind == "sqlite" else "%s"
        self._wait, self._thread, self._idle, self._queue = wait, threading.local(), {True: [], False: []}, None
        self.path = url.database if self.kind == "sqlite" else None
        options = {"max_overflow": 48}
        if self.kind == "sqlite":
            if not self.path or url.host:  # sqlite://file has one slash too few
                raise RuntimeError("a SQLite address names a file: sqlite:///database.db")
            try:
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            except OSError as error:
                raise RuntimeError(f"can't open {self.path}: {error.strerror}") from None
            self._queue = WriterQueue(self.path + ".lock", wait)
            options["max_overflow"] = 500  # a connection is a file; there are never more than threads
        elif self.kind == "mysql":
            options["connect_args"] = {"charset": "utf8mb4"}
        try:  # as cs50's __init__ does, but that loads SQLAlchemy's ORM, which nobody uses: 5 MB of each worker
            self._engine = sqlalchemy.create_engine(
                url, pool_size=POOL_SIZE, pool_timeout=wait, pool_recycle=1800, pool_reset_on_return=None, **options
            )
            self._engine.connect().close()
        except (sqlalchemy.exc.SQLAlchemyError, TypeError) as error:  # it is away; an option that there isn't
            raise RuntimeError(getattr(error, "orig", error)) from None
        self.close()  # this connection was not prepared
        sqlalchemy.event.listen(self._engine, "connect", self._prepare)
        os.register_at_fork(after_in_child=self._forked)

    def close(self):
        """Close every idle connection; the next statement opens a new one."""
        for idle in self._idle.values():
            while idle:
                idle.pop().close()
        self._engine.dispose()

    def execute(self, sql, *args, **kwargs):
        """Run one statement; see the class for what it takes, gives and raises."""
        statement = parse(sql, self._mark)
        command = statement.command
        if command in CONTROLS:
            raise RuntimeError("transactions are written: with db.transaction():")
        sql, values = statement.bind(self._mark, args, kwargs)
        new_id = command in ("INSERT", "REPLACE") and not statement.returning
        if new_id and self.kind == "postgresql":
            sql += "\nRETURNING *"
        thread = self._thread.__dict__
        connection = thread.get("connection")  # of the open transaction
        if not connection and self.kind == "sqlite" and command in READS and thread.get("keeps"):
            connection = self._kept()  # the shortest way for what is done most
        if connection:
            cursor, rows = self._run(connection, sql, values)
        else:
            try:
                cursor, rows = self._run_alone(command, sql, values)
            except Lost:
                if command not in READS:
                    raise
                cursor, rows = self._run_alone(command, sql, values)  # it was hung up on while idle: try a new one
        if new_id:
            if cursor.rowcount != 1:
                return None
            new_id = rows[0][0] if rows else cursor.lastrowid
            return new_id if isinstance(new_id, int) and new_id else None
        if rows is not None:
            if self.kind != "sqlite":
                rows = [map(_coerce, row) for row in rows]
            return dicts(*[column[0] for column in cursor.description])(rows)
        return cursor.rowcount if command in ("UPDATE", "DELETE") else True

    def _run_alone(self, command, sql, values):
        """Run it outside a transaction."""
        with self._connection(writes=command not in READS) as connection:
            return self._run(connection, sql, values)

    @contextmanager
    def transaction(self):
        """All or nothing: `with db.transaction():` commits at its end and rolls back on any exception.

        On SQLite it is the only writer from its first line on (BEGIN IMMEDIATE). Inside another one it is a
        savepoint, so that a refused statement can be caught without losing what came before it.
        """
        depth = getattr(self._thread, "depth", 0)
        begin, commit, rollback = (
            (f"SAVEPOINT s{depth}", f"RELEASE SAVEPOINT s{depth}", f"ROLLBACK TO SAVEPOINT s{depth}")
            if depth
            else ("BEGIN IMMEDIATE" if self.kind == "sqlite" else "BEGIN", "COMMIT", "ROLLBACK")
        )
        with self._connection(writes=True) as connection:
            self._run(connection, begin)
            self._thread.connection, self._thread.depth = connection, depth + 1
            try:
                yield self
                cursor, _ = self._run(connection, commit)
                if getattr(cursor, "statusmessage", commit) == "ROLLBACK":  # PostgreSQL's answer to COMMIT
                    raise RuntimeError("a statement in this transaction was refused, nothing of it was kept")
            except BaseException:
                try:
                    self._run(connection, rollback)
                except RuntimeError:
                    _give_up(connection)  # closing it rolls back as well
                raise
            finally:
                self._thread.depth = depth
                if not depth:
                    self._thread.connection = None

    @contextmanager
    def snapshot(self):
        """In this block the thread reads what was committed when it began, whatever others write; it must not write.

        On SQLite nobody waits for it, but the log beside the database can't shrink meanwhile: so not for long.
        """
        begin = {
            "sqlite": ["BEGIN"],
            "postgresql": ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"],
            "mysql": [
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            ],
        }
        with self._connection(writes=False) as connection:
            for statement in begin[self.kind]:
                self._run(connection, statement)
            self._thread.connection, self._thread.depth = connection, 1
            try:
                yield self
            finally:
                self._thread.connection, self._thread.depth = None, 0
                try:
                    self._run(connection, "ROLLBACK")
                except RuntimeError:
                    _give_up(connection)

    @contextmanager
    def kept(self, hurried=False):
        """In this block the thread's statements share one connection; else each asks the pool for one.

        With `hurried` a statement that would have to wait for others raises Waits, unless something was written.
        """
        thread = self._thread.__dict__
        thread.update(keeps=True, hurried=hurried, wrote=False)
        try:
            yield
        finally:
            thread["keeps"] = False
            if connection := thread.pop("kept", None):
                self._put_by(connection)
            thread["hurried"] = False

    def is_hurried(self):
        """Whether this thread is in a hurry, and has written nothing, so that it can begin again elsewhere."""
        thread = self._thread.__dict__
        return thread.get("hurried", False) and not thread["wrote"]

    def may_take_long(self):
        """Say so before it does. Raises TakesLong in a thread that is in a hurry, see `kept`."""
        if self.is_hurried():
            raise TakesLong

    @contextmanager
    def _connection(self, writes):
        """The open transaction's connection, else one from the pool; a writer of SQLite waits for its turn."""
        if getattr(self._thread, "connection", None):
            yield self._thread.connection
        elif writes and self._queue:
            with self._queue.turn(self.is_hurried()), self._pooled() as connection:
                yield connection
                self._thread.wrote = True
        else:
            with self._pooled() as connection:
                yield connection

    @contextmanager
    def _pooled(self):
        keeps = self._thread.__dict__.get("keeps")
        connection = self._kept() if keeps else self._checked_out()
        try:
            yield connection
        except (Exception, TakesLong):
            raise
        except BaseException:
            connection.invalidate()  # cut off in the middle of a statement
            raise
        finally:
            if not keeps:
                connection.close()

    def _kept(self):
        """The connection of the block `kept`, another one if that was lost."""
        thread = self._thread.__dict__
        connection = thread.get("kept")
        if not (connection and connection.is_valid):
            try:
                connection = self._idle[thread["hurried"]].pop()
            except IndexError:
                connection = self._checked_out()
                if thread["hurried"] and self.kind == "sqlite":
                    self._run(connection, f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")
            thread["kept"] = connection
        return connection

    def _put_by(self, connection):
        """Leave SQLite's connection for the next block, as it is: through the pool a short request takes a tenth more.

        The one that was used last is the next one's, for it has the most pages in its memory.
        """
        idle = self._idle[self._thread.hurried]
        if self.kind == "sqlite" and connection.is_valid and len(idle) < POOL_SIZE:
            idle.append(connection)
        else:
            connection.close()

    def _checked_out(self):
        try:
            return self._engine.raw_connection()
        except (sqlalchemy.exc.DBAPIError, sqlalchemy.exc.TimeoutError, self._engine.dialect.dbapi.Error) as error:
            raise Unavailable(getattr(error, "orig", error)) from None

    def _run(self, connection, sql, values=None):
        """Execute and fetch; returns the cursor, and the rows or None. Raises as `execute` does."""
        if not connection.is_valid:
            raise Lost("the connection was lost in this transaction")
        driver, cursor = self._engine.dialect.dbapi, connection.cursor()
        try:
            if values is None:
                cursor.execute(sql)
            else:
                cursor.execute(sql, values)
            return cursor, cursor.fetchall() if cursor.description else None
        except (driver.IntegrityError, driver.DataError, OverflowError, ValueError) as error:
            raise ValueError(error) from None
        except driver.Error as error:
            if connection.dbapi_connection and self._engine.dialect.is_disconnect(
                error, connection.dbapi_connection, cursor
            ):
                connection.invalidate()
                self.close()  # its idle neighbours are as dead
                raise Lost(error) from None
            fault = FAULTS[self.kind].get(_code(error), RuntimeError)
            if fault in (Deadlock, Full):
                _give_up(connection)  # the engine rolled it back: what follows in the block must not be kept alone
            if fault is Unavailable and self.is_hurried():
                raise Waits from error
            raise fault(error) from None
        finally:
            if connection.is_valid:
                cursor.close()

    def _prepare(self, connection, _):
        """Set up a new connection: autocommit, and the same rules on every engine."""
        if self.kind == "sqlite":
            connection.isolation_level = None
            for pragma in (
                f"busy_timeout = {self._wait * 1000}",
                "journal_mode = WAL",
                "synchronous = FULL",  # what was acknowledged survives a power cut
                "foreign_keys = ON",
            ):
                self._set(connection, f"PRAGMA {pragma}")
        elif self.kind == "postgresql":
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"SET lock_timeout = '{self._wait}s'")
        else:
            connection.autocommit(True)
            connection.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            connection.query("SET SESSION sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT,ANSI_QUOTES')")
            connection.query(f"SET SESSION innodb_lock_wait_timeout = {self._wait}")

    def _set(self, connection, pragma):
        """Run a pragma; switching a new file to WAL doesn't wait by itself for others who do the same."""
        end = time.monotonic() + self._wait
        while True:
            try:
                return connection.execute(pragma)
            except self._engine.dialect.dbapi.OperationalError as error:
                if FAULTS["sqlite"].get(_code(error)) is not Unavailable or time.monotonic() > end:
                    raise
                time.sleep(0.005)

    def _forked(self):
        """A child process neither uses nor closes the connections of its parent."""
        self._parents = (self._engine.pool, self._thread, self._idle)  # forgotten, Python would close them
        self._engine.dispose(close=False)
        self._thread, self._idle = threading.local(), {True: [], False: []}
        if self._queue:
            self._queue.reset()


def _give_up(connection):
    """Close it for good instead of giving it back to the pool."""
    if connection.is_valid:
        connection.invalidate()


def _code(error):
    """The engine's own code of a driver's error, as FAULTS lists them."""
    if hasattr(error, "sqlite_errorcode"):
        return error.sqlite_errorcode & 0xFF
    return getattr(error, "pgcode", None) or (error.args[0] if error.args else None)
