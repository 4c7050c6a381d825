"""Brings a file in: `recognise` says what it is, `survey` what is in it, and `bring_in` adds it to somebody's board.

NIKKO's own JSON, a Trello board's JSON, or a CSV of any program. What `recognise` returns has, whatever the format:

    name         what it is, in words
    questions    what was guessed and can be chosen otherwise: [Question]
    tickets()    yields each Ticket, see incoming.py; can be called again, and never holds all of them
    labels       {name: colour}, as far as the file knows
    left_out     what stays behind, in words
"""

import collections
import dataclasses
import itertools

import labels
from from_csv import Csv
from from_nikko import Nikko
from from_trello import Trello
from helpers import Problem
from incoming import Ticket
from json_stream import CHUNK, Unreadable, members

#: How many problems and notes are named, and how many tickets are shown as an example.
SHOWN = 20


def recognise(open_file, options, zone=None):
    """Say what a file is. `open_file()` opens it from its beginning, in bytes; `options` are what the person chose.

    Days are those of `zone`, a tzinfo (None: the server's). Raises Unreadable.
    """
    with open_file() as file:
        start = file.read(CHUNK)
    wide = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Unreadable("That is a spreadsheet's own file, or an archive. Save it as CSV there, and choose that.")
    if b"\0" in start and not wide:
        raise Unreadable("That is not a text file. NIKKO reads JSON and CSV.")
    encoding = "utf-16" if wide else "utf-8-sig"
    text = start.decode(encoding, "replace").lstrip()
    if not text:
        raise Unreadable("The file is empty.")
    if not text.startswith(("{", "[{")):
        return Csv(open_file, options)
    if (kind := kind_of_json(open_file, encoding)) == "nikko":
        return Nikko(open_file, encoding)
    if kind == "trello":
        return Trello(open_file, encoding, options, zone)
    raise Unreadable("It is JSON, but neither NIKKO's nor a Trello board's.")


def kind_of_json(open_file, encoding):
    """Whose JSON it is: nikko, trello or None. Raises Unreadable."""
    found = set()
    with open_file() as file:
        for name, value, _ in members(file, encoding):
            found.add(name)
            if name == "format" and value == "nikko":
                return "nikko"
            if {"lists", "cards"} <= found:
                return "trello"
    return None


@dataclasses.dataclass
class Survey:
    """What a file has in it."""

    counts: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # status, archived, deleted
    places: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # by status, wherever they are
    todos: int = 0
    labels: dict[str, str] = dataclasses.field(default_factory=dict)  # {key: name}
    examples: list[Ticket] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    wrong: int = 0  # how many problems there are, and notes
    moved: int = 0

    @property
    def tickets(self):
        """How many there are that can be imported."""
        return sum(self.places.values())


def survey(source):
    """Read it once through. Raises Unreadable for what makes the rest meaningless."""
    found = Survey(labels={labels.key(name): name for name in source.labels})
    for ticket in source.tickets():
        if ticket.problem:
            found.wrong += 1
            if found.wrong <= SHOWN:
                found.problems.append(f"{ticket.where}: {ticket.problem}")
            continue
        found.counts["deleted" if ticket.deleted_at else "archived" if ticket.archived_at else ticket.status] += 1
        found.places[ticket.status] += 1
        found.todos += len(ticket.todos)
        for name in ticket.labels:
            if len(found.labels) <= labels.LIMIT:
                found.labels.setdefault(labels.key(name), name)
        if found.tickets <= SHOWN:
            found.examples.append(ticket)
        if ticket.note:
            found.moved += 1
            if found.moved <= SHOWN:
                found.notes.append(f"{ticket.where}: {ticket.note}")
    if len(found.labels) > labels.LIMIT:
        found.wrong += 1
        found.problems.append(f"The file: it has more than {labels.LIMIT} labels.")
    return found


#: How many tickets are written at a time.
BATCH = 200
#: The colours of labels that have none, in turn.
PALETTE = [colour for colour in labels.COLOURS if colour != "grey"]


def bring_in(db, action, user_id, source, found):
    """Add what `survey` found in `source` on top of each column, in its order, by a journal.Action.

    What is in the trash goes there: undo, which takes the rest there, needn't know it.
    """
    label_ids = add_labels(db, action, user_id, source, found)
    tops = {
        status: itertools.count(action.top("tickets", {"user_id": user_id, "status": status}, count))
        for status, count in found.places.items()
    }
    added, ticket_ids = [], {}  # the ids of the rows: in their order, and by the ids within the file
    for some in batches(source.tickets()):
        rows = [ticket_row(action, user_id, ticket, next(tops[ticket.status]), label_ids) for ticket in some]
        living = [row for row in rows if not row["deleted_at"]]
        trashed = [row for row in rows if row["deleted_at"]]
        ids = [iter(action.add_all("tickets", living)), iter(action.insert("tickets", trashed))]
        for ticket, row in zip(some, rows):
            added.append(next(ids[bool(row["deleted_at"])]))
            ticket_ids[ticket.id] = added[-1]
    places = iter(added)
    for some in batches(source.tickets()):
        action.insert(
            "todos",
            [
                todo_row(action, todo, ticket_id, position, ticket_ids)
                for ticket, ticket_id in zip(some, places)
                for position, todo in enumerate(ticket.todos)
            ],
        )


def batches(tickets):
    """The tickets in lists of BATCH at most."""
    while some := list(itertools.islice(tickets, BATCH)):
        yield some


def ticket_row(action, user_id, ticket, position, label_ids):
    """The row of a ticket."""
    return {
        "user_id": user_id,
        "title": ticket.title,
        "status": ticket.status,
        "status_since": action.now if ticket.status_since is None else ticket.status_since,
        "position": position,
        "deleted_at": ticket.deleted_at,
        "archived_at": ticket.archived_at,
        "due": ticket.due,
        "labels": labels.stored([label_ids[labels.key(name)] for name in ticket.labels]),
        "description": ticket.description,
        "created_at": action.now if ticket.created_at is None else ticket.created_at,
    }


def todo_row(action, todo, ticket_id, position, ticket_ids):
    """The row of a to-do."""
    return {
        "ticket_id": ticket_id,
        "text": todo.text,
        "done": int(todo.done),
        "position": position,
        "deleted_at": todo.deleted_at,
        "link_id": None if todo.link_id is None else ticket_ids.get(todo.link_id),
        "created_at": action.now if todo.created_at is None else todo.created_at,
    }


def add_labels(db, action, user_id, source, found):
    """Add the labels that the person doesn't have, and bring deleted ones back; returns {key: id}. Raises Problem."""
    held = {
        row["name_key"]: row
        for row in db.execute("SELECT id, name, name_key, deleted_at FROM labels WHERE user_id = ?", user_id)
    }
    if len(found.labels.keys() | {key for key, row in held.items() if not row["deleted_at"]}) > labels.LIMIT:
        raise Problem(422, f"That would be more than {labels.LIMIT} labels. Delete some first.")
    for key in found.labels.keys() & held.keys():
        if held[key]["deleted_at"]:
            action.change("labels", held[key], deleted_at=None)
    colours = {labels.key(name): colour for name, colour in source.labels.items()}
    new = [
        {
            "user_id": user_id,
            "name": name,
            "name_key": key,
            "colour": colours.get(key) or PALETTE[number % len(PALETTE)],
            "deleted_at": None,
        }
        for number, (key, name) in enumerate(found.labels.items())
        if key not in held
    ]
    ids = action.add_all("labels", new)
    return {key: row["id"] for key, row in held.items()} | {row["name_key"]: each for row, each in zip(new, ids)}
