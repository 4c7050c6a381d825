"""Reads what exports.as_json writes."""

import datetime
import functools
import re

import labels
from exports import VERSION
from incoming import Ticket, Todo, Wrong, check_storable, made
from json_stream import Unreadable, members
from words import STATUSES


class Nikko:
    """What exports.as_json writes. Raises Unreadable for a version that it doesn't know."""

    name = "A NIKKO’s export"
    questions, left_out = (), ["the history"]

    def __init__(self, open_file, encoding):
        self.open_file, self.encoding = open_file, encoding
        self.labels, version = {}, None
        for member, value, line in self.members():
            if member == "version":
                version = value
            elif member == "labels":
                self.add_label(value, line)
        if type(version) is not int or version < 1:
            raise Unreadable("The file doesn't say which version of NIKKO's format it has (“version”).")
        if version > VERSION:
            raise Unreadable(
                f"The file is of a newer NIKKO (version {version} of its format; this one reads {VERSION}). "
                "Bring this NIKKO up to date first."
            )

    def members(self):
        with self.open_file() as file:
            yield from members(file, self.encoding)

    def add_label(self, item, line):
        """Note a label's colour."""
        try:
            name, colour = taken(item, "name", str), taken(item, "colour", str, "grey")
            check_storable(name)
        except Wrong as wrong:
            raise Unreadable(f"Line {line:,}: {wrong}") from None
        if not labels.fault_of_held(name) and len(self.labels) <= labels.LIMIT:
            self.labels[name] = colour if colour in labels.COLOURS else "grey"

    def tickets(self):
        for member, item, line in self.members():
            if member == "tickets":
                where = f"Line {line:,}"
                yield made(functools.partial(own_ticket, item, where), where)


def own_ticket(item, where):
    """A ticket of NIKKO's own file. Raises Wrong."""
    status, due = taken(item, "status", str, "todo"), taken(item, "due", str, None)
    if status not in STATUSES:
        raise Wrong(f"“status” can be {', '.join(STATUSES)}.")
    if due is not None and not is_day(due):
        raise Wrong("“due” is not a day, as 2026-11-30.")
    names = taken(item, "labels", list, [])
    if not all(isinstance(name, str) for name in names):
        raise Wrong("“labels” are not all texts.")
    return Ticket(
        where,
        title=taken(item, "title", str),
        status=status,
        description=taken(item, "description", str, ""),
        due=due,
        labels=names,
        todos=[own_todo(todo) for todo in taken(item, "todos", list, [])],
        id=taken(item, "id", int, None),
        **{name: taken(item, name, int, None) for name in ("created_at", "status_since", "archived_at", "deleted_at")},
    )


def own_todo(item):
    """A to-do of NIKKO's own file. Raises Wrong."""
    return Todo(
        taken(item, "text", str),
        taken(item, "done", bool, False),
        taken(item, "created_at", int, None),
        taken(item, "deleted_at", int, None),
        taken(item, "link_id", int, None),
    )


REQUIRED = object()


def taken(item, name, kind, default=REQUIRED):
    """A field of an object of that very type; a default of None lets null stand, too. Raises Wrong."""
    if not isinstance(item, dict):
        raise Wrong("an object ({…}) was expected.")
    value = item.get(name, default)
    if value is REQUIRED:
        raise Wrong(f"“{name}” is missing.")
    if type(value) is not kind and not (value is None and default is None):
        raise Wrong(f"“{name}” is not {KINDS[kind]}.")
    return value


KINDS = {str: "a text", int: "a whole number", bool: "true or false", list: "a list"}


def is_day(text):
    """Whether it is a day as YYYY-MM-DD."""
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII)) and bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False
