"""The search field: what a person types, taken apart, as a condition, and as marks in what was found.

Words and "quoted phrases" must all be found, each in the title, the description or a to-do, whatever their case and
accents. `is:open`, `is:done`, `is:late`, `due:today`, `due:week`, `has:todos` and `label:home` (or `label:"in review"`)
narrow it down, as the board's chips do; any other operator is text like the rest. What is done isn't due any more.
"""

import functools
import re
import unicodedata
from typing import NamedTuple

import dates
import labels

WORDS_LIMIT, FILTERS_LIMIT = 10, 20
EXCERPT = 160

#: What each operator asks of a row of `tickets`.
OPERATORS = {
    "is:open": "tickets.status <> 'done'",
    "is:done": "tickets.status = 'done'",
    "has:todos": "EXISTS (SELECT 1 FROM todos AS any_todo "
    "WHERE any_todo.ticket_id = tickets.id AND any_todo.deleted_at IS NULL)",
}

#: The same for due dates; the values are today and the end of its week.
DUE = {
    "late": "tickets.due < ?",
    "today": "tickets.due = ?",
    "week": "tickets.due >= ? AND tickets.due <= ?",
}
DUE_OPERATORS = {"is:late": "late", "due:late": "late", "due:today": "today", "due:week": "week"}

#: The label of that name, which is the person's; none is found where there is no such label.
NAMED = """tickets.labels LIKE (
        SELECT REPLACE(?, '@', CAST(id AS CHAR(10)))
        FROM labels
        WHERE user_id = ? AND name_key = ? AND deleted_at IS NULL
    )"""

WORD = """(
        tickets.title_folded LIKE ? ESCAPE '!'
        OR tickets.description_folded LIKE ? ESCAPE '!'
        OR EXISTS (
            SELECT 1
            FROM todos AS found
            WHERE found.ticket_id = tickets.id AND found.deleted_at IS NULL AND found.text_folded LIKE ? ESCAPE '!'
        )
    )"""


PARTS = re.compile(r'label:("[^"]+"|[^\s"]+)|"([^"]*)"|(\S+)', re.IGNORECASE)


class Search(NamedTuple):
    """A query: the folded words, and what else a ticket has to be, as pairs of SQL and its values."""

    words: tuple[str, ...]
    filters: tuple[tuple[str, tuple], ...]

    def condition(self):
        """SQL that holds for the tickets that are found, and its values."""
        conditions = [sql for sql, _ in self.filters] + [WORD] * len(self.words)
        values = [value for _, values in self.filters for value in values]
        values += [pattern for pattern in self.patterns() for _ in range(3)]
        return "".join(f" AND {condition}" for condition in conditions), values

    def found_in(self, column):
        """SQL that holds for the rows in whose folded text a word is found, and its values."""
        found = " OR ".join([f"{column} LIKE ? ESCAPE '!'"] * len(self.words))
        return f" AND ({found or 'FALSE'})", self.patterns()

    def patterns(self):
        """The words as LIKE wants them."""
        return [f"%{pattern}%" for pattern in (re.sub(r"([!%_])", r"!\1", word) for word in self.words)]

    def marked(self, text):
        """The text as (piece, whether it was found), to be put together again."""
        folded, origins = "", []
        for place, character in enumerate(text):
            piece = fold_character(character)
            folded += piece
            origins += [place] * len(piece)
        hits = [False] * len(text)
        for word in self.words:
            for match in re.finditer(re.escape(word), folded):
                for place in origins[match.start() : match.end()]:
                    hits[place] = True
        pieces = []
        for character, hit in zip(text, hits):
            if pieces and pieces[-1][1] == hit:
                pieces[-1][0] += character
            else:
                pieces.append([character, hit])
        return pieces

    def excerpt(self, text):
        """The first line in which a word is found, some EXCERPT characters of it around that; '' when there is none."""
        for line in text.split("\n"):
            if any(word in fold(line) for word in self.words):
                first, is_hit = self.marked(line)[0]
                start = 0 if is_hit else max(len(first) - EXCERPT // 3, 0)
                piece = line[start : start + EXCERPT]
                return ("…" if start else "") + piece.strip() + ("…" if start + EXCERPT < len(line) else "")
        return ""


def parse(query, user_id, today, label_ids=(), due=()):
    """Take that person's query apart, on the day `today`; None when there is nothing to look for.

    `label_ids` and `due` (of DUE) are the chips that are chosen: every label, and any of the due dates.
    """
    filters = [("tickets.labels LIKE ?", (f"% {label_id} %",)) for label_id in label_ids]
    if due:
        filters.append(due_filter(due, today))
    words = []
    for name, quoted, word in PARTS.findall(query[:500].replace("\0", "")):
        if name:
            filters.append((NAMED, ("% @ %", user_id, labels.key(name.strip('" ')))))
        elif word.casefold() in OPERATORS:
            filters.append((OPERATORS[word.casefold()], ()))
        elif word.casefold() in DUE_OPERATORS:
            filters.append(due_filter([DUE_OPERATORS[word.casefold()]], today))
        elif folded := fold(quoted or word):
            words.append(folded)
    return Search(tuple(words[:WORDS_LIMIT]), tuple(filters[:FILTERS_LIMIT])) if words or filters else None


def due_filter(due, today):
    """What is due at one of these times, and still open, as SQL and its values."""
    values = {"late": [today], "today": [today], "week": [today, dates.end_of_week(today)]}
    either = " OR ".join(DUE[each] for each in due)
    return f"tickets.status <> 'done' AND ({either})", tuple(str(day) for each in due for day in values[each])


def fold(text):
    """The text without case and accents, as it is compared: Café, CAFE and cafe are one."""
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))
    return "".join(character for character in decomposed if not unicodedata.combining(character)).casefold()


fold_character = functools.lru_cache(4096)(fold)
