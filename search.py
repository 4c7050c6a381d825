"""The search field: what a person types, taken apart, as a condition, and as marks in what was found.

Words and "quoted phrases" must all be found, each in the title or in a to-do, whatever their case and accents.
`is:open`, `is:done` and `has:todos` narrow it down; any other operator is text like the rest.
"""

import functools
import re
import unicodedata
from typing import NamedTuple

WORDS_LIMIT = 10

#: What each operator asks of a row of `tickets`.
OPERATORS = {
    "is:open": "tickets.status <> 'done'",
    "is:done": "tickets.status = 'done'",
    "has:todos": "EXISTS (SELECT 1 FROM todos AS any_todo "
    "WHERE any_todo.ticket_id = tickets.id AND any_todo.deleted_at IS NULL)",
}

WORD = """(
        tickets.title_folded LIKE ? ESCAPE '!'
        OR EXISTS (
            SELECT 1
            FROM todos AS found
            WHERE found.ticket_id = tickets.id AND found.deleted_at IS NULL AND found.text_folded LIKE ? ESCAPE '!'
        )
    )"""


class Search(NamedTuple):
    """A query: the folded words, and the operators."""

    words: tuple[str, ...]
    operators: tuple[str, ...]

    def condition(self):
        """SQL that holds for the tickets that are found, and its values."""
        conditions = [OPERATORS[operator] for operator in self.operators] + [WORD] * len(self.words)
        values = [pattern for pattern in self.patterns() for _ in range(2)]
        return "".join(f" AND {condition}" for condition in conditions), values

    def todo_condition(self):
        """SQL that holds for the to-dos in which a word is found, and its values."""
        found = " OR ".join(["todos.text_folded LIKE ? ESCAPE '!'"] * len(self.words))
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


def parse(query):
    """Take a query apart; None when there is nothing to look for."""
    operators, words = [], []
    for quoted, word in re.findall(r'"([^"]*)"|(\S+)', query[:500].replace("\0", "")):
        if word.casefold() in OPERATORS:
            operators.append(word.casefold())
        elif folded := fold(quoted or word):
            words.append(folded)
    return Search(tuple(words[:WORDS_LIMIT]), tuple(operators)) if words or operators else None


def fold(text):
    """The text without case and accents, as it is compared: Café, CAFE and cafe are one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))
    return "".join(character for character in decomposed if not unicodedata.combining(character)).casefold()


fold_character = functools.lru_cache(4096)(fold)
