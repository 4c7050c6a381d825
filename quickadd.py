"""The board's field: `Fix the tap #home !fri` is the ticket “Fix the tap”, labelled home and due on Friday."""

import re
from typing import NamedTuple

import dates
import labels

#: The last word of a text, if it begins with one of the two signs, and what stands before it.
LAST = re.compile(r"(.*[^ \t])[ \t]+([#!])([^ \t]+)", re.DOTALL)


class Quick(NamedTuple):
    """What a line means: the title, the names of labels, and the due date (a date or None)."""

    title: str
    labels: list
    due: object = None


def parse(line, today):
    """Take the words at the end of a line for labels and a due date, as far as they are such; the rest is the title.

    A label has a letter in it (`#1` is text) and doesn't end like a sentence; a second date is text, and so is the
    first word of the line: no word is ever lost.
    """
    title, names, due = line, [], None
    while match := LAST.fullmatch(title):
        before, sign, word = match.groups()
        if sign == "#" and is_label(word) and len(names) < labels.TICKET_LIMIT:
            names.insert(0, word)
        elif sign == "!" and not due and (day := dates.parse(word, today)):
            due = day
        else:
            break
        title = before
    return Quick(title, labels.once(names), due)


def is_label(word):
    """Whether a word behind a # names a label."""
    has_letter = any(letter.isalpha() for letter in word)
    return has_letter and "#" not in word and word[-1] not in ".;:!?)" and not labels.fault(word)
