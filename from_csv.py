"""Reads a CSV of any program: its encoding, delimiter and columns are guessed, and can be chosen otherwise."""

import collections
import csv
import datetime
import functools
import io
import itertools
import re

from exports import unguarded
from helpers import line_feeds
from incoming import Ticket, Todo, Wrong, asked, guess_status, made, shown
from json_stream import Unreadable, decoded
from search import fold
from words import STATUSES

#: A column with more different values than that is hardly a status, and a table has no more columns.
VALUES_LIMIT, COLUMNS_LIMIT = 50, 200
LINE_LIMIT = 4_000_000  # characters, as far as a line is read into memory
MOMENT_LIMIT = 60  # characters of a date with its time
#: What columns are called, folded and without what isn't a letter.
COLUMN_WORDS = {
    "title": "title summary name subject task ticket cardname taskname issue todoitem titel aufgabe betreff vorgang "
    "zusammenfassung titre tache titulo tarea titolo attivita taak",
    "status": "status state list listname column section stage liste spalte zustand etat statut estado stato",
    "description": "description desc notes note body details beschreibung notizen notiz anmerkungen bemerkung "
    "descripcion descricao descrizione carddescription omschrijving",
    "due": "due duedate dueon deadline dueat termin fallig falligkeit falligam falligkeitsdatum echeance datedecheance "
    "vencimiento fechalimite scadenza bis",
    "labels": "labels label tags tag category categories kategorie kategorien etiketten schlagworter etiquettes "
    "etiquetas etichette",
    "todos": "todos subtasks checklist checklists unteraufgaben teilaufgaben checkliste soustaches",
    "created": "created createdat createdon datecreated erstellt erstelltam angelegt cree creele creado",
    "since": "statussince completedat completedon datecompleted completiondate doneon doneat finished closedat "
    "resolvedat erledigtam abgeschlossenam termineele",
    "archived": "archived archivedat archiviert archive",
}
COLUMN_NAMES = {
    "title": "Title",
    "status": "Status",
    "description": "Description",
    "due": "Due date",
    "labels": "Labels",
    "todos": "To-dos (a line each)",
    "created": "Created",
    "since": "In its status since",
    "archived": "Archived",
}
ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Windows-1252 (Western Europe)",
    "cp1250": "Windows-1250 (Central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp932": "Shift JIS (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
}
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
DELIMITER_NAMES = {"comma": "commas", "semicolon": "semicolons", "tab": "tabs", "bar": "vertical bars"}


class Csv:
    """A table of any program: its first row names the columns, each other one is a ticket.

    A fault in the file is a problem of its last ticket, and not an exception: another delimiter may mend it.
    """

    name = "A table (CSV)"
    labels = {}
    left_out = ()

    def __init__(self, open_file, options):
        self.open_file, self.questions, self.header, self.fault, self.statuses = open_file, [], [], None, {}
        self.encoding = self.ask(options, "encoding", "The text is in", ENCODINGS, find_encoding(open_file))
        try:
            self.ask_on(options)
        except Unreadable as error:
            self.fault = str(error)

    def ask(self, options, *question, **more):
        self.questions.append(asked(options, *question, **more))
        return self.questions[-1].chosen

    def ask_on(self, options):
        """What can only be asked once the encoding is known. Raises Unreadable."""
        with self.open_file() as file:
            start = next(decoded(file, self.encoding), "")
        delimiter = self.ask(options, "delimiter", "Its cells end at", DELIMITER_NAMES, find_delimiter(start))
        self.delimiter = DELIMITERS[delimiter]
        _, self.header = next(self.rows(), (1, []))
        if len(self.header) > COLUMNS_LIMIT:
            raise Unreadable(f"The first line has {len(self.header):,} columns; the limit is {COLUMNS_LIMIT}.")
        names = [shown(name.strip()) for name in self.header]
        columns = {str(number): name or f"Column {number + 1}" for number, name in enumerate(names)}
        guessed = guess_columns(self.header)
        self.columns = {}
        for kind, called in COLUMN_NAMES.items():
            choices = columns if kind == "title" else {"": "–", **columns}
            chosen = self.ask(options, f"column_{kind}", called, choices, guessed[kind])
            self.columns[kind] = int(chosen) if chosen else None
        others = [name for number, name in columns.items() if int(number) not in self.columns.values()]
        self.left_out = [f"the column{'s' if len(others) > 1 else ''} {', '.join(others)}"] if others else []
        self.look_at_values(options)

    def look_at_values(self, options):
        """Ask what each value of the status column means, and the order of day and month. Raises Unreadable."""
        found, firsts, seconds = {}, 0, 0
        dates = [self.columns[kind] for kind in ("due", "created", "since", "archived")]
        for _, cells in itertools.islice(self.rows(), 1, None):
            if len(cells) < len(self.header):
                continue
            if self.columns["status"] is not None and len(found) <= VALUES_LIMIT:
                found[cells[self.columns["status"]].strip()] = True
            for number in dates:
                if number is not None and (slashed := re.match(r"\s*(\d\d?)/(\d\d?)/", cells[number])):
                    firsts, seconds = max(firsts, int(slashed[1])), max(seconds, int(slashed[2]))
        if len(found) > VALUES_LIMIT:
            name = shown(self.header[self.columns["status"]])
            raise Unreadable(f"The column “{name}” has more than {VALUES_LIMIT} values. Choose another for the status.")
        for number, value in enumerate(found):
            self.statuses[value] = self.ask(
                options, f"status_{number}", "is", STATUSES, guess_status(value), about=shown(value) or "(empty)"
            )
        self.month_first = False
        if firsts:
            orders = {"day": "day/month/year", "month": "month/day/year"}
            guess = "month" if seconds > 12 >= firsts else "day"
            self.month_first = self.ask(options, "dates", "Dates are", orders, guess) == "month"

    def rows(self):
        """Yield (line, cells) of each row that isn't empty, the first one as well. Raises Unreadable."""
        with self.open_file() as file:
            reader = csv.reader(lines(decoded(file, self.encoding)), delimiter=self.delimiter, strict=True)
            while True:
                line = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise Unreadable(f"Line {line:,}: {explained(error)}") from None
                if any(cells):
                    yield line, cells

    def tickets(self):
        if self.fault:
            yield Ticket("The file", problem=self.fault)
            return
        try:
            for line, cells in itertools.islice(self.rows(), 1, None):
                where = f"Line {line:,}"
                yield made(functools.partial(self.ticket, cells, where), where)
        except Unreadable as error:
            yield Ticket("The file", problem=str(error))

    def ticket(self, cells, where):
        """The ticket of a row. Raises Wrong."""
        if len(cells) < len(self.header) or any(cells[len(self.header) :]):
            held = f"{len(cells)} cell{'' if len(cells) == 1 else 's'}"
            raise Wrong(f"it has {held}, but the first line names {len(self.header)} columns.")

        def cell(kind):
            number = self.columns[kind]
            return "" if number is None else unguarded(cells[number].strip())

        status = self.statuses.get(cells[self.columns["status"]].strip(), "todo") if self.statuses else "todo"
        return Ticket(
            where,
            title=cell("title"),
            status=status,
            description=line_feeds(cell("description")).strip("\n"),
            due=self.day(cell("due"), "due"),
            labels=split_labels(cell("labels")),
            todos=[todo_of_line(each) for each in re.split(r"[\r\n]+", cell("todos")) if each.strip()],
            created_at=self.seconds(cell("created"), "created"),
            status_since=self.seconds(cell("since"), "since"),
            archived_at=self.seconds(cell("archived"), "archived"),
        )

    def day(self, text, kind):
        """A day as YYYY-MM-DD, None for none. Raises Wrong."""
        moment = self.moment(text, kind)
        return moment and moment.date().isoformat()

    def seconds(self, text, kind):
        """A time in seconds, None for none; a mere day is its noon, that day nearly everywhere. Raises Wrong."""
        moment = self.moment(text, kind)
        return moment and int(moment.timestamp()) if not moment or moment.timestamp() >= 0 else None

    def moment(self, text, kind):
        if not text or text in ("-", "–"):
            return None
        if not (moment := read_moment(text, self.month_first)):
            raise Wrong(f"“{text[:40]}” ({shown(self.header[self.columns[kind]])}) is not a date that NIKKO knows.")
        return moment


def guess_columns(header):
    """The column of each kind of content, {kind: its number as a text, or ""}.

    If none is called so, the title is the first that is nothing else, or the very first.
    """
    guessed = dict.fromkeys(COLUMN_WORDS, "")
    for number, name in enumerate(header):
        plain = re.sub(r"[\W\d_]+", "", fold(name))
        for kind, words in COLUMN_WORDS.items():
            if not guessed[kind] and plain in words.split():
                guessed[kind] = str(number)
    others = (str(number) for number in range(len(header)) if str(number) not in guessed.values())
    guessed["title"] = guessed["title"] or next(others, "0")
    return guessed


def find_encoding(open_file):
    """The encoding of a text file: by its first bytes, else UTF-8 if it is that to the end, else Windows-1252."""
    with open_file() as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
    try:
        with open_file() as file:
            collections.deque(decoded(file, "utf-8-sig"), 0)
    except Unreadable:
        return "cp1252"
    return "utf-8-sig"


def find_delimiter(text):
    """The name of the delimiter with which most rows have the same number of cells, and more than one."""

    def quality(name):
        try:
            rows = csv.reader(io.StringIO(text[:100_000], newline=""), delimiter=DELIMITERS[name])
            widths = collections.Counter(len(row) for row in itertools.islice(rows, 50) if row)
        except csv.Error:
            return False, 0, 0
        width, rows = widths.most_common(1)[0] if widths else (0, 0)
        return width > 1, rows / max(widths.total(), 1), width

    return max(DELIMITERS, key=quality)


def lines(pieces):
    """The lines of pieces of text, with their ends: LF, CRLF or CR. Raises Unreadable."""
    rest = ""
    for piece in pieces:
        held = list(io.StringIO(rest + piece, newline=""))
        rest = held.pop()  # it may go on, be it with the LF of a CRLF
        yield from held
        if len(rest) > LINE_LIMIT:
            raise Unreadable(f"A line has more than {LINE_LIMIT:,} characters.")
    if rest:
        yield rest


def explained(error):
    """A fault of the csv module, in words."""
    if "unexpected end" in str(error):
        return "a quotation mark opens a cell that never ends."
    if "expected after" in str(error):
        return "a quotation mark stands in the middle of a cell."
    return "a cell has more than 131,072 characters." if "field limit" in str(error) else f"{error}."


def split_labels(cell):
    """The labels in a cell: between commas or semicolons, or each on a line; one in quotation marks may have them."""
    if "\n" in cell or "\r" in cell:
        return [unguarded(each) for each in cell.splitlines()]
    delimiter = next((mark for mark in ",;" if mark in cell), ",")
    return [
        unguarded(each.strip()) for each in next(csv.reader([cell], delimiter=delimiter, skipinitialspace=True), [])
    ]


def todo_of_line(line):
    """The to-do of a line as "[x] text", with or without a list's mark before it; any other text is one as well."""
    match = re.fullmatch(r"(?:[-*+]\s+)?(?:\[([ xX])\]\s+)?(.*)", line.lstrip(), re.DOTALL)
    return Todo(match[2].rstrip(), done=(match[1] or " ") in "xX")


MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
CLOCK = r"(?:[T,\s]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*([AaPp][Mm])?\s*(Z|UTC|[+-]\d\d:?\d\d)?)?"
DAYS = [
    (re.compile(rf"(\d{{4}})[-/.](\d\d?)[-/.](\d\d?){CLOCK}", re.ASCII), "ymd"),
    (re.compile(rf"(\d\d?)\.\s?(\d\d?)\.\s?(\d{{4}}|\d\d){CLOCK}", re.ASCII), "dmy"),
    (re.compile(rf"(\d\d?)-(\d\d?)-(\d{{4}}|\d\d){CLOCK}", re.ASCII), "dmy"),
    (re.compile(rf"(\d\d?)/(\d\d?)/(\d{{4}}|\d\d){CLOCK}", re.ASCII), "slashed"),
    (re.compile(rf"([A-Za-z]{{3,9}})\.?\s(\d\d?),?\s(\d{{4}}){CLOCK}", re.ASCII), "mdy"),
    (re.compile(rf"(\d\d?)\.?[\s-]([A-Za-z]{{3,9}})\.?[\s-](\d{{4}}|\d\d){CLOCK}", re.ASCII), "dmy"),
]


def read_moment(text, month_first=False):
    """The date, with its time if it has one (UTC unless it says), None when it is none."""
    if len(text) > MOMENT_LIMIT:  # the patterns try each space between two others
        return None
    for pattern, order in DAYS:
        if match := pattern.fullmatch(text):
            order = ("mdy" if month_first else "dmy") if order == "slashed" else order
            parts = dict(zip(order, match.groups()))
            try:
                return moment_of(parts, *match.groups()[3:])
            except ValueError:
                return None
    return None


def moment_of(parts, hour, minute, second, half, offset):
    """Put a date together. Raises ValueError when there is no such day."""
    year, month = int(parts["y"]), parts["m"]
    month = int(month) if month.isdigit() else MONTHS.index(month[:3].lower()) + 1
    year += 2000 if len(parts["y"]) == 2 else 0
    hour = int(hour or 12)
    if half:
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    zone = datetime.UTC
    if offset and offset[0] in "+-":
        zone = datetime.datetime.strptime(offset, "%z").tzinfo
    return datetime.datetime(year, month, int(parts["d"]), hour, int(minute or 0), int(second or 0), tzinfo=zone)
