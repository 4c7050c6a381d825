"""What a file is taken apart into: tickets within NIKKO's limits, and questions about what was guessed."""

import dataclasses
import re

import description
import labels
from helpers import TEXT_LIMIT, TODOS_LIMIT, line_feeds
from search import fold

#: Seconds: the last moment that has a date in every time zone; the next day is the last that calendars have.
LATEST = 253402214399
SHOWN = 60  # characters of a text of the file, where it is spoken of

#: Words that say which status a list or a value means; the first line that has one counts.
STATUS_WORDS = [
    ("todo", "not started|not done|undone|unfinished|incomplete|to do|todo|backlog|open|offen|no|nein|false|0"),
    ("in_progress", "progress|doing|started|active|wip|working|review|test|testing|current|today|this week|blocked"),
    ("in_progress", "in arbeit|bearbeitung|lauft|begonnen|en cours|curso|progreso|in corso|bezig"),
    ("done", "done|complete|completed|closed|resolved|finished|shipped|released|archived|yes|true|x|1|ja"),
    ("done", "erledigt|fertig|geschlossen|abgeschlossen|termine|fini|fait|hecho|terminado|fatto|concluido|klaar"),
]


class Wrong(Exception):
    """A ticket can't be imported; the message says why, without the line."""


@dataclasses.dataclass(slots=True)
class Todo:
    """A to-do as it will be added; times are in seconds, None: now."""

    text: str
    done: bool = False
    created_at: int | None = None
    deleted_at: int | None = None
    link_id: int | None = None


@dataclasses.dataclass(slots=True)
class Ticket:
    """A ticket as it will be added; times are in seconds, None: now.

    `where` says where it stands in the file. With a `problem` it can't be added; a `note` tells what of it will stand
    in another place.
    """

    where: str
    title: str = ""
    status: str = "todo"
    description: str = ""
    due: str | None = None
    labels: list[str] = dataclasses.field(default_factory=list)
    todos: list[Todo] = dataclasses.field(default_factory=list)
    created_at: int | None = None
    status_since: int | None = None
    archived_at: int | None = None
    deleted_at: int | None = None
    id: int | None = None
    problem: str | None = None
    note: str | None = None


@dataclasses.dataclass
class Question:
    """What was guessed: the form's field, what it asks, {value: what it is called}, and the value that is chosen.

    `about` is the text of the file that is asked about, "" when it is the file as a whole.
    """

    name: str
    asks: str
    choices: dict[str, str]
    chosen: str
    about: str = ""


def asked(options, name, asks, choices, guess, about=""):
    """A question, with what the person chose among `options` if that is one of the choices."""
    chosen = options.get(name)
    return Question(name, asks, choices, chosen if chosen in choices else guess, about)


def shown(text):
    """The beginning of a text of the file, as it can stand in a sentence on the page."""
    return f"{text[:SHOWN]}{'…' if len(text) > SHOWN else ''}".encode(errors="replace").decode()


def guess_status(name):
    """The status that a list or a value most likely means."""
    name = re.sub(r"[\W_]+", " ", fold(name))
    for status, words in STATUS_WORDS:
        if re.search(rf"\b({words})\b", name):
            return status
    return "todo"


def made(make, where):
    """The ticket that `make()` returns, in the form in which it can be stored; or one with the problem."""
    try:
        ticket = make()
        fit(ticket)
    except Wrong as wrong:
        return Ticket(where, problem=str(wrong))
    return ticket


def fit(ticket):
    """Bring a ticket within the limits; what is too long goes whole into the description. Raises Wrong."""
    for text in (ticket.title, ticket.description, *ticket.labels, *(todo.text for todo in ticket.todos)):
        check_storable(text)
    check_times(ticket)
    whole = []
    ticket.title = shortened(ticket.title, "title", whole)
    for todo in ticket.todos:
        todo.text = shortened(todo.text, "to-do", whole)
    ticket.labels = few_labels(ticket.labels, whole)
    if whole:
        ticket.description = "\n\n".join(filter(None, [ticket.description, *(text for _, text in whole)]))
        ticket.note = f"{', '.join(dict.fromkeys(what for what, _ in whole))}: the whole stands in the description."
    if len(ticket.description) > description.LIMIT:
        held = len(ticket.description)
        raise Wrong(f"its description would have {held:,} characters; the limit is {description.LIMIT:,}.")
    if len(ticket.todos) > TODOS_LIMIT:
        raise Wrong(f"it has {len(ticket.todos):,} to-dos; the limit is {TODOS_LIMIT:,}.")


def check_storable(text):
    if "\0" in text:
        raise Wrong("it has a NUL character, which can't be stored.")
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError:
        raise Wrong("it has half a character (a lone surrogate), which can't be stored.") from None


def check_times(ticket):
    """Raise Wrong for a time that has no date somewhere: each page on which it stood would fail."""
    times = [ticket.created_at, ticket.status_since, ticket.archived_at, ticket.deleted_at]
    times += [time for todo in ticket.todos for time in (todo.created_at, todo.deleted_at)]
    if any(time is not None and not 0 <= time <= LATEST for time in times):
        raise Wrong("one of its times is not a time from 1970 to 9999-12-30.")


def shortened(text, what, whole):
    """A title or to-do as one line within the limit; if that cuts it, (what, text) is added to `whole`."""
    line = line_feeds(text).replace("\n", " ").strip()
    if not line:
        raise Wrong(f"a {what} has no text." if what == "to-do" else f"there is no {what}.")
    if len(line) <= TEXT_LIMIT:
        return line
    whole.append((f"a {what} of {len(line):,} characters is cut", line))
    return line[: TEXT_LIMIT - 1] + "…"


def few_labels(names, whole):
    """Each label once, as it can be stored; what isn't is added to `whole`."""
    kept, others = {}, []
    for name in (" ".join(each.split()) for each in names):
        key = labels.key(name)
        if name and (labels.fault_of_held(name) or (len(kept) == labels.TICKET_LIMIT and key not in kept)):
            others.append(name)
        elif name:
            kept.setdefault(key, name)
    if others:
        whole.append((f"{len(others)} of its labels are left out", f"Labels: {', '.join(others)}"))
    return list(kept.values())
