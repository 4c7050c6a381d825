"""A person's tickets as JSON, CSV and Markdown, in pieces: the memory that it takes doesn't grow with the board.

Each of `as_json`, `as_csv` and `as_markdown` takes a database.SQL and the person (a dict with `id`, `username`,
`first_name`, `last_name`) and yields pieces of text. Call them inside `db.snapshot()`: they read many pages, which only
there are of one moment.

The JSON has everything, and `imports.py` reads it. It is one object; each label, ticket and action is on a line of its
own. Times are whole seconds since 1970, UTC, and null where there is none; days are "YYYY-MM-DD".

    format       "nikko"
    version      1; a program refuses a higher one. A field that you don't know may be passed over
    exported_at  time
    person       {"username", "first_name", "last_name"}
    labels       [{"name", "colour": a name of the palette in labels.py, "created_at"}]
    tickets      in their order within each status, those in the archive and in the trash among them:
      id            a number that is this ticket's within the file
      title         1 to 500 characters, no line breaks
      description   Markdown, at most 20,000 characters
      status        "todo", "in_progress" or "done"
      status_since  time
      created_at    time
      due           a day, or null
      labels        names of `labels`, in the person's order
      archived_at   time, or null: not in the archive
      deleted_at    time, or null: not in the trash
      todos         in their order: {"id", "text", "done": true or false, "created_at", "deleted_at",
                    "link_id": the `id` of the ticket that was made of it, or null}
    actions      the history, oldest first:
      id            a number that is this action's within the file
      ticket_id     whose history it stands in, or null when it changed several
      kind          "add", "move", "rename" and so on, as words.py has them
      step_id       of an "undo" or "redo": the `id` of the action that it takes back or does again; else null
      changes       [[table, row id, columns before, columns after], ...]; columns as in schema.sql
      created_at    time
"""

import csv
import datetime
import io
import json
import re
import time

import labels
from words import STATUSES

VERSION = 1
#: How many tickets or actions are in memory at a time.
PAGE = 200
#: A spreadsheet takes a cell that begins with one of these for a formula (OWASP, "CSV Injection").
FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
CSV_COLUMNS = ("Title", "Status", "Due", "Labels", "Description", "To-dos", "Created", "Status since", "Archived")

ON_BOARD = "AND deleted_at IS NULL AND archived_at IS NULL"
IN_ARCHIVE = "AND deleted_at IS NULL AND archived_at IS NOT NULL"


def as_json(db, person):
    """Everything, with trash and history, as the module's text describes it."""
    about = {name: person[name] for name in ("username", "first_name", "last_name")}
    head = {"format": "nikko", "version": VERSION, "exported_at": int(time.time()), "person": about}
    yield dumped(head)[:-1] + ',\n"labels": ['
    known = get_labels(db, person["id"])
    yield from listed([[{name: each[name] for name in ("name", "colour", "created_at")} for each in known.values()]])
    yield '],\n"tickets": ['
    yield from listed(
        [ticket_as_json(ticket, known) for ticket in page]
        for status in STATUSES
        for page in pages(db, person["id"], status, trashed=True)
    )
    yield '],\n"actions": ['
    yield from listed(history(db, person["id"]))
    yield "]}\n"


def listed(some):
    """The items of these lists, each on a line, with commas between."""
    comma = "\n"
    for items in some:
        if items:
            yield comma + ",\n".join(map(dumped, items))
            comma = ",\n"


def dumped(value):
    return json.dumps(value, ensure_ascii=False)


def ticket_as_json(ticket, known):
    """A ticket with its to-dos, as it stands in the file."""
    return {
        **{name: value for name, value in ticket.items() if name not in ("position", "todos")},
        "labels": names(ticket, known),
        "todos": [
            {
                "id": todo["id"],
                "text": todo["text"],
                "done": bool(todo["done"]),
                "created_at": todo["created_at"],
                "deleted_at": todo["deleted_at"],
                "link_id": todo["link_id"],
            }
            for todo in ticket["todos"]
        ],
    }


def as_csv(db, person):
    """What isn't in the trash, a row for each ticket, for spreadsheets: Excel takes it for UTF-8 by its first bytes.

    The columns are CSV_COLUMNS. To-dos stand in one cell, a line for each, as "[ ] text" or "[x] text".
    """
    known = get_labels(db, person["id"])
    yield "\ufeff" + as_row(CSV_COLUMNS)
    for condition in (ON_BOARD, IN_ARCHIVE):
        for status in STATUSES:
            for page in pages(db, person["id"], status, condition):
                yield "".join(as_row(cells(ticket, known)) for ticket in page)


def cells(ticket, known):
    """A ticket's cells, in the order of CSV_COLUMNS."""
    return (
        ticket["title"],
        STATUSES[ticket["status"]],
        ticket["due"] or "",
        as_row(names(ticket, known)).rstrip("\r\n"),
        ticket["description"],
        "\n".join(f"[{'x' if todo['done'] else ' '}] {todo['text']}" for todo in ticket["todos"]),
        moment(ticket["created_at"]),
        moment(ticket["status_since"]),
        moment(ticket["archived_at"]),
    )


def as_row(values):
    """A line of CSV (RFC 4180), in which no cell is a formula."""
    line = io.StringIO()
    csv.writer(line).writerow([f"'{value}" if FORMULA.match(value) else value for value in values])
    return line.getvalue()


def unguarded(cell):
    """The text of a cell that `as_row` wrote."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def moment(seconds):
    """A time in a cell, UTC, as spreadsheets understand it."""
    if seconds is None:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


def as_markdown(db, person):
    """What isn't in the trash, as a text to read: a heading for each status and ticket, to-dos as `- [ ]` lines."""
    known = get_labels(db, person["id"])
    yield f"# {escaped(person['first_name'])} {escaped(person['last_name'])}: tickets\n"
    for status, title in STATUSES.items():
        yield f"\n## {title}\n"
        for page in pages(db, person["id"], status, ON_BOARD):
            yield "".join(ticket_as_markdown(ticket, known) for ticket in page)
    heading = "\n## Archive\n"
    for status in STATUSES:
        for page in pages(db, person["id"], status, IN_ARCHIVE):
            yield heading + "".join(ticket_as_markdown(ticket, known) for ticket in page)
            heading = ""


def ticket_as_markdown(ticket, known):
    """A ticket's heading, dates and labels, description and to-dos."""
    about = [f"due {ticket['due']}"] if ticket["due"] else []
    about += [escaped(name) for name in names(ticket, known)]
    todos = [f"- [{'x' if todo['done'] else ' '}] {escaped(todo['text'])}\n" for todo in ticket["todos"]]
    parts = [f"\n### {escaped(ticket['title'])}\n"]
    parts += [f"*{' · '.join(about)}*\n"] if about else []
    parts += [ticket["description"].rstrip("\n") + "\n"] if ticket["description"] else []
    return "\n".join(parts + (["".join(todos)] if todos else []))


def escaped(text):
    """A text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>#|~&])", r"\\\1", text)


def names(ticket, known):
    """The names of a ticket's labels."""
    return [known[label_id]["name"] for label_id in labels.ids(ticket["labels"]) if label_id in known]


# Reading


def get_labels(db, user_id):
    """The person's labels, {id: row}."""
    rows = db.execute(
        "SELECT id, name, colour, created_at FROM labels WHERE user_id = ? AND deleted_at IS NULL ORDER BY id", user_id
    )
    return {row["id"]: row for row in rows}


def pages(db, user_id, status, condition="", trashed=False):
    """The person's tickets of a status in their order, in lists; each has its to-dos as `todos`."""
    position, ticket_id = -1e308, 0
    while tickets := db.execute(
        f"""
        SELECT
            id, title, description, status, status_since, created_at, due, labels, archived_at, deleted_at, position
        FROM tickets
        WHERE user_id = ? AND status = ? AND position >= ? AND (position > ? OR id > ?) {condition}
        ORDER BY position, id
        LIMIT ?
        """,
        user_id, status, position, position, ticket_id, PAGE,
    ):  # fmt: skip
        position, ticket_id = tickets[-1]["position"], tickets[-1]["id"]
        of = {ticket["id"]: ticket.setdefault("todos", []) for ticket in tickets}
        for todo in db.execute(
            f"""
            SELECT ticket_id, id, text, done, created_at, deleted_at, link_id
            FROM todos
            WHERE ticket_id IN (?) {"" if trashed else "AND deleted_at IS NULL"}
            ORDER BY position, id
            """,
            list(of),
        ):
            of[todo["ticket_id"]].append(todo)
        yield tickets


def history(db, user_id):
    """The person's actions, oldest first, in lists."""
    last = 0
    while actions := db.execute(
        """
        SELECT id, ticket_id, kind, step_id, changes, created_at
        FROM actions
        WHERE user_id = ? AND id > ?
        ORDER BY id
        LIMIT ?
        """,
        user_id, last, PAGE,
    ):  # fmt: skip
        last = actions[-1]["id"]
        yield [{**action, "changes": json.loads(action["changes"])} for action in actions]
