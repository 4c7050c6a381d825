"""Backups: a SQLite database kept in one file and put back, and everything copied to another engine.

PostgreSQL and MariaDB bring their own tools for the first two; `how_to_dump` names the very command.
"""

import contextlib
import datetime
import fcntl
import os
import shlex
import sqlite3
from pathlib import Path

import sqlalchemy

import upgrade
from database import Unavailable, WriterQueue, parse_address
from upgrade import Refused

#: The bytes of a SQLite file that everybody who has it open in WAL mode holds a lock on: where, and how many.
SHARED_LOCK = (0x40000002, 510)
#: How many rows are read at once.
PAGE = 1000


def sqlite_file(address):
    """The file that a SQLite address names, None for another engine's. Raises RuntimeError for what is no address."""
    url = parse_address(address)
    return url.database if url.get_backend_name() == "sqlite" else None


def how_to_dump(address, file):
    """The command that backs up a PostgreSQL or MariaDB database, without its password."""
    url = sqlalchemy.make_url(address)
    if url.get_backend_name().startswith("postgres"):
        bare = sqlalchemy.URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
        command = ["pg_dump", "--format=custom", f"--file={file}", bare.render_as_string()]
    else:
        names = {"host": url.host, "port": url.port, "user": url.username, "socket": url.query.get("unix_socket")}
        where = [f"--{name}={value}" for name, value in names.items() if value]
        command = ["mariadb-dump", *where, "--password", "--single-transaction", f"--result-file={file}", url.database]
    return f"umask 077 && {shlex.join(command)}"


# Backup and restore


def take(path, target):
    """Back up the SQLite database at `path` to the new file `target`; returns how many rows each table has.

    It holds everything that was acknowledged when it began. Raises Refused, and leaves nothing.
    """
    if os.path.lexists(target):
        raise Refused(f"{target} is there already and was left as it is. Name another file.")
    if not os.path.exists(path):
        raise Refused(f"There is no database at {path}.")
    if os.path.exists(f"{target}.part"):
        raise Refused(f"Another backup is writing {target}.part, or was cut off. Remove it, or name another file.")
    upgrade.inspect(path)
    return upgrade.copy(path, target)


def put_back(path, backup):
    """Put a backup in the place of the SQLite database at `path`; returns where that is kept, None if there was none.

    There is a whole database at `path` at every moment. Raises Refused, and then nothing was changed.
    """
    if os.path.exists(path) and os.path.exists(backup) and os.path.samefile(path, backup):
        raise Refused(f"{backup} is the database itself.")
    verify(backup)
    try:
        with WriterQueue(f"{path}.lock", seconds=1).turn(hurried=False):
            return replace(path, backup, f"{path}.restoring")
    except (BlockingIOError, Unavailable):
        raise Refused(f"{path} is in use. Stop NIKKO, and what else has it open, and try again.") from None


def replace(path, backup, ready):
    """Copy the backup to `ready`, beside the database, and give it the database's name; returns as `put_back` does."""
    Path(f"{ready}.part").unlink(missing_ok=True)  # of a restore that was cut off
    upgrade.copy(backup, ready)
    try:
        with claimed(path) as whole:
            kept = keep(path, whole)
            os.replace(ready, path)
            upgrade.sync(Path(path).parent)
    finally:
        Path(ready).unlink(missing_ok=True)
    return kept


def verify(path):
    """Refuse a file that isn't a whole database of this NIKKO or an older one."""
    if not os.path.isfile(path):
        raise Refused(f"There is no file {path}.")
    try:
        with contextlib.closing(upgrade.read_only(path)) as file:
            verdict = file.execute("PRAGMA integrity_check").fetchone()[0]
            strays = file.execute("PRAGMA foreign_key_check").fetchone()
            version = file.execute("SELECT version FROM nikko").fetchone()[0]
            for statement in probes() if version == upgrade.VERSION else ():
                file.execute(statement)
    except (sqlite3.Error, TypeError) as error:  # TypeError: no version is there
        raise Refused(f"{path} is not a whole database of NIKKO's ({error}).") from None
    if verdict != "ok" or strays:
        raise Refused(f"{path} is damaged ({verdict if strays is None else 'it has rows that belong to none'}).")
    if version > upgrade.VERSION:
        raise Refused(f"{path} is of a newer NIKKO (schema {version}, this one knows {upgrade.VERSION}).")


def probes():
    """A statement for each table of schema.sql that fails where it or one of its columns is missing."""
    return [f"SELECT {', '.join(columns)} FROM {table} LIMIT 1" for table, columns in upgrade.blueprint().items()]


@contextlib.contextmanager
def claimed(path):
    """Have the database to oneself; the block gets whether all of it is in its one file now.

    It is not when it is missing or damaged. Raises Unavailable or BlockingIOError while somebody else has it open.
    """
    if os.path.exists(path):
        with open(path, "rb+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_LOCK[1], SHARED_LOCK[0])
        with contextlib.closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as file:
            if folded(file):
                yield True
                return
    yield False


def folded(file):
    """Lock a SQLite connection's database and put its write-ahead log into it; False when it is too damaged for that.

    Raises Unavailable.
    """
    try:
        file.execute("PRAGMA locking_mode = EXCLUSIVE")
        file.execute("PRAGMA journal_mode = DELETE")
        file.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        code = error.sqlite_errorcode & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return False
        fault = Unavailable if code == sqlite3.SQLITE_BUSY else Refused
        raise fault(f"The database can't be kept aside: {error}.") from None
    return True


def keep(path, whole):
    """Give the database a second name, under which it stays; returns that, None when there is none.

    Unless it is whole in its one file, its logs go there too: they must not be taken for those of the next one.
    """
    now = datetime.datetime.now(datetime.UTC)
    kept = f"{path}.before-restore-{now:%Y-%m-%dT%H%M%S.%f}"[:-3] + "Z"
    try:
        if os.path.exists(path):
            os.link(path, kept)
        for end in () if whole else ("-wal", "-journal", "-shm"):
            if os.path.exists(path + end):
                os.replace(path + end, kept + end)
    except OSError as error:
        raise Refused(f"{path} can't be kept as {kept}: {error.strerror}.") from None
    return kept if os.path.exists(kept) else None


# Copying to another engine


def copy_to(source, target, tell):
    """Copy every row of `source` into the empty database `target` (both a database.SQL), with its id.

    Each row is read back and compared. `tell(table, copied, total)` is called on the way. Raises Refused, and
    then the target holds no row.
    """
    if upgrade.found(target) is not None and not is_empty(target):
        raise Refused("That database holds something already, and was left as it is. Name an empty one.")
    upgrade.prepare(target)
    with source.transaction(), target.transaction():
        for table, columns in upgrade.blueprint().items():
            if table != "nikko":  # the target has its own
                key = [name for name, place in columns.items() if place]
                copy_table(source, target, table, list(columns), key, tell)
                continue_ids(target, table, key[0])


def is_empty(db):
    """Whether there is no row in any table but those of NIKKO's and SQLite's own numbers."""
    tables = {row["name"] for row in db.execute(upgrade.TABLES[db.kind])} - {"nikko", "sqlite_sequence"}
    return not any(count(db, table) for table in tables)


def copy_table(source, target, table, columns, key, tell):
    """Copy the rows of one table, and compare what arrived. Raises Refused."""
    copied, total = 0, count(source, table)
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks(columns)})"
    read_back = f"SELECT {', '.join(columns)} FROM {table} WHERE ({', '.join(key)}) = ({marks(key)})"
    for rows in pages(source, table, columns, key):
        for row in rows:
            try:
                target.execute(insert, *row.values())
            except ValueError as error:
                raise Refused(f"A row of {table} can't be stored there ({row[key[0]]}): {error}.") from None
            if target.execute(read_back, *[row[name] for name in key]) != [row]:
                raise Refused(f"A row of {table} did not arrive as it was ({row[key[0]]}).")
        copied += len(rows)
        tell(table, copied, total)
    if not copied == count(source, table) == count(target, table):
        raise Refused(f"{table} was changed while it was copied. Stop NIKKO and try again.")


def pages(db, table, columns, key):
    """The rows of a table in the order of its key, PAGE at a time."""
    select = f"SELECT {', '.join(columns)} FROM {table}"
    order = f"ORDER BY {', '.join(key)} LIMIT {PAGE}"
    rows = db.execute(f"{select} {order}")
    while rows:
        yield rows
        last = [rows[-1][name] for name in key]
        rows = db.execute(f"{select} WHERE ({', '.join(key)}) > ({marks(key)}) {order}", *last)


def continue_ids(db, table, key):
    """Let new rows have ids above those that were copied; PostgreSQL doesn't see to that itself."""
    if db.kind != "postgresql":
        return
    if sequence := db.execute("SELECT pg_get_serial_sequence(?, ?) AS name", table, key)[0]["name"]:
        db.execute(f"SELECT setval(?, COALESCE(MAX({key}), 1), MAX({key}) IS NOT NULL) FROM {table}", sequence)


def count(db, table):
    return db.execute(f"SELECT COUNT(*) AS held FROM {table}")[0]["held"]


def marks(names):
    return ", ".join("?" * len(names))
