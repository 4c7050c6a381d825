"""Looks a database over without changing it, and says what to do about what it finds."""

import contextlib
import json
import os
import shutil
import stat
from pathlib import Path

import upgrade
from backup import probes, sqlite_file
from database import SQL
from journal import COLUMNS
from sessions import ABSOLUTE, IDLE
from upgrade import Refused

OK, WARNING, FAULT = "ok", "warning", "fault"
#: What each finding makes the exit code; the worst counts.
EXIT_CODES = {OK: 0, WARNING: 1, FAULT: 2}
MEGABYTE = 1_000_000
#: How many rows are read at once: it holds little of a database of millions.
MANY = 1000
#: What to do about damage.
RESTORE = "Stop NIKKO and restore a backup (flask --app app restore FILE)."
PURGE = "To remove them: flask --app app purge."


def examine(address, now, trashed_before):
    """Yield what was found, as (OK, WARNING or FAULT, a sentence), check by check.

    `now` is in seconds; what went to the trash before `trashed_before` should be gone.
    """
    try:
        if path := sqlite_file(address):
            yield from check_file(path)
        with contextlib.closing(SQL(address)) as db:
            yield OK, "The database answers."
            yield from check_integrity(db)
            level, sentence = check_schema(db)
            yield level, sentence
            if level == OK:  # the others read tables that have to be there
                yield from check_journal(db)
                yield from check_sessions(db, now)
                yield from check_trash(db, trashed_before)
    except RuntimeError as error:
        yield FAULT, str(error).splitlines()[0]


def check_file(path):
    """The SQLite file, its folder, and the room on its disk. Raises Refused when there is no database to look at."""
    if not os.path.exists(path) or not os.path.getsize(path):
        raise Refused(f"There is no database at {path}. Start NIKKO, which makes one, or restore a backup.")
    upgrade.inspect(path)
    names = [path + end for end in ("", "-wal", "-shm") if os.path.exists(path + end)]
    open_ones = [name for name in names if stat.S_IMODE(os.stat(name).st_mode) & 0o077]
    if open_ones:
        yield WARNING, f"Others on this machine can open it. Do: chmod 600 {' '.join(open_ones)}"
    else:
        yield OK, f"Its owner alone can open {path}."
    folder = Path(path).absolute().parent
    if os.access(folder, os.W_OK):
        yield OK, f"{folder} can be written."
    else:
        yield FAULT, f"{folder} can't be written, where SQLite keeps its log. Do: chmod u+wx {folder}"
    free, needed = shutil.disk_usage(folder).free, 2 * os.path.getsize(path)
    level = FAULT if free < 10 * MEGABYTE else WARNING if free < max(100 * MEGABYTE, needed) else OK
    advice = "" if level == OK else " Make room: a full disk saves nothing, and an upgrade needs room for a copy."
    yield level, f"{free // MEGABYTE:,} MB are free.{advice}"


def check_integrity(db):
    """What the engine itself says of its files; PostgreSQL has no statement for it, and servers keep their keys."""
    if db.kind == "postgresql":
        return
    try:
        strays = db.execute("PRAGMA foreign_key_check") if db.kind == "sqlite" else []
        faults = damages(db)
    except RuntimeError as error:
        strays, faults = [], [str(error)]
    if strays:
        yield FAULT, f"{len(strays)} rows belong to a row that isn't there (one in {strays[0]['table']}). {RESTORE}"
    if faults:
        yield FAULT, f"The database is damaged: {faults[0].splitlines()[0]}. {RESTORE}"
    if not strays and not faults:
        yield OK, "The database is whole, and every row has the row that it belongs to."


def damages(db):
    """What SQLite or MariaDB finds broken."""
    if db.kind == "sqlite":
        found = [row["integrity_check"] for row in db.execute("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found
    rows = [row for table in upgrade.blueprint() for row in db.execute(f"CHECK TABLE {table}")]
    return [row["Msg_text"] for row in rows if row["Msg_type"] in ("error", "warning")]


def check_schema(db):
    """Whether its tables are this program's: one finding."""
    version = upgrade.found(db)
    if version is None:
        return FAULT, "The database is empty. Start NIKKO, which makes its tables, or restore a backup."
    if version > upgrade.VERSION:
        return FAULT, f"It is of a newer NIKKO (schema {version}, this one knows {upgrade.VERSION}). Start that one."
    if version < upgrade.VERSION:
        return WARNING, f"It is of an older NIKKO (schema {version}). Do: flask --app app upgrade"
    try:
        for statement in probes():
            db.execute(statement)
    except RuntimeError as error:
        return FAULT, f"A table or column is missing: {str(error).splitlines()[0]}. {RESTORE}"
    return OK, f"The schema is this NIKKO's ({version})."


def check_journal(db):
    """Whether undo and history can read every action, and find its rows."""
    highest = db.execute("SELECT MAX(id) AS id FROM actions")[0]["id"] or 0  # rows that are added now don't count
    unreadable, lost, actions, last = [], [], 0, 0
    while rows := db.execute(
        "SELECT id, changes FROM actions WHERE id > ? AND id <= ? ORDER BY id LIMIT ?", last, highest, MANY
    ):
        last, actions = rows[-1]["id"], actions + len(rows)
        changes = {row["id"]: readable(row["changes"]) for row in rows}
        unreadable += [action_id for action_id, each in changes.items() if each is None]
        lost += incomplete(db, {action_id: each for action_id, each in changes.items() if each})
    if unreadable:
        yield FAULT, f"{len(unreadable)} actions can't be read (one is {unreadable[0]}): no undo, no history. {RESTORE}"
    if lost:  # a purge takes what it removes out of the journal
        yield WARNING, f"{len(lost)} actions name rows that are gone (one is {lost[0]}); undo passes over those."
    if not unreadable and not lost:
        yield OK, f"The journal can be read ({actions:,} actions)."


def readable(text):
    """An action's changes, None when they aren't of the form that journal.py writes."""
    try:
        changes = json.loads(text)
        for table, row_id, before, after in changes:
            if type(row_id) is not int or not COLUMNS[table] >= before.keys() | after.keys():
                return None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return changes


def incomplete(db, changes):
    """Which of the actions {id: changes} name rows that aren't there."""
    named = {action_id: {(table, row_id) for table, row_id, _, _ in each} for action_id, each in changes.items()}
    every = set().union(*named.values())
    there = {(table, row_id) for table in COLUMNS for row_id in held(db, table, every)}
    return [action_id for action_id, rows in named.items() if not rows <= there]


def held(db, table, named):
    """Yield which ids of the table are there, of those in `named`: {(table, id)}."""
    ids = [row_id for name, row_id in named if name == table]
    for first in range(0, len(ids), MANY):
        for row in db.execute(f"SELECT id FROM {table} WHERE id IN (?)", ids[first : first + MANY]):
            yield row["id"]


def check_sessions(db, now):
    """Whether sessions are kept whose time is over."""
    ended = db.execute(
        "SELECT COUNT(*) AS held FROM sessions WHERE seen_at <= ? OR created_at <= ?", now - IDLE, now - ABSOLUTE
    )[0]["held"]
    if ended:
        yield WARNING, f"{ended:,} sessions have ended and are still kept. {PURGE}"
    else:
        yield OK, "No session is kept that has ended."


def check_trash(db, before):
    """Whether something is in the trash for longer than it should be."""
    tickets = db.execute("SELECT COUNT(*) AS held FROM tickets WHERE deleted_at < ?", before)[0]["held"]
    todos = db.execute("SELECT COUNT(*) AS held FROM todos WHERE deleted_at < ?", before)[0]["held"]
    if tickets + todos:
        yield WARNING, f"{tickets + todos:,} tickets and to-dos are past their time in the trash. {PURGE}"
    else:
        yield OK, "Nothing is past its time in the trash."
