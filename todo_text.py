"""A ticket's to-dos as text, a line each, and what an edited text makes of them.

- [ ] Buy a washer
- [x] Shut the water off
"""

import bisect
import re
from collections import defaultdict, deque
from itertools import pairwise, takewhile
from operator import eq
from typing import NamedTuple

#: What may stand before a text: a box, or only a bullet.
PREFIX = re.compile(r"[-*+]\s+\[([ xX])\](?:\s+|$)|[-*+](?:\s+|$)")


class Line(NamedTuple):
    """A to-do of the text, and the number of its line there, from 1."""

    number: int
    done: int
    text: str


class Plan(NamedTuple):
    """What to do with a list: (row, columns to change), (line, position) to add, and rows to delete."""

    changes: list
    added: list
    deleted: list


def write(rows):
    """The to-dos `rows`, dicts with `text` and `done`, as text."""
    return "\n".join(f"- [{'x' if row['done'] else ' '}] {row['text']}" for row in rows)


def parse(text):
    """The lines of a text, which end at CRLF, LF or CR; those with nothing to do are left out."""
    lines = []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        prefix = PREFIX.match(line.strip())
        content = line.strip()[prefix.end() :] if prefix else line.strip()
        if content:
            lines.append(Line(number, int(bool(prefix) and prefix[1] in ("x", "X")), content))
    return lines


def compare(rows, lines):
    """The Plan that makes a list what the lines say.

    `rows` are all to-dos of a ticket in their order, those in the trash as well, as dicts with `id`, `text`, `done`,
    `position` and `deleted_at`. What stays in the same order keeps its position.
    """
    shown = [row for row in rows if row["deleted_at"] is None]
    origins = pair(shown, lines)
    staying = set(longest_rising([origin for origin in origins if origin is not None]))
    standing = [shown[origin]["position"] if origin in staying else None for origin in origins]
    kept = set(origins)
    gone = [row for number, row in enumerate(shown) if number not in kept]
    ids = {row["id"] for row in gone}
    trashed = [row for row in rows if row["deleted_at"] is not None or row["id"] in ids]  # their places are taken, too
    positions, moved = place(standing, trashed)
    changes, added = [(row, {"position": position}) for row, position in moved], []
    for line, origin, position in zip(lines, origins, positions):
        if origin is None:
            added.append((line, position))
        elif values := changed(shown[origin], line, position):
            changes.append((shown[origin], values))
    return Plan(changes, added, gone)


def changed(row, line, position):
    """The columns of a row in which the line is different. That a stored text has other ends is no difference."""
    text = row["text"] if row["text"].strip() == line.text else line.text
    values = {"text": text, "done": line.done, "position": position}
    return {name: value for name, value in values.items() if row[name] != value}


def pair(rows, lines):
    """For each line which row it is, by its number in `rows`, or None when it is a new one.

    An equal line is the same to-do, wherever it stands now: first those that are in the same order in both, as many as
    can be, then those that are left over, one after the other, with the same box or another. One line in the place of
    one, between the same two, is it, too.
    """
    old = [(row["done"], row["text"].strip()) for row in rows]
    new = [(line.done, line.text) for line in lines]
    origins = [None] * len(new)
    for origin, number in in_both(old, new):
        origins[number] = origin
    pair_rest(origins, old, new)
    pair_rest(origins, [text for _, text in old], [text for _, text in new])
    taken = set(origins)
    for number, origin in enumerate(origins):
        above = origins[number - 1] if number else -1
        below = origins[number + 1] if number + 1 < len(origins) else len(old)
        if origin is None and above is not None and below == above + 2 and above + 1 not in taken:
            origins[number] = above + 1
    return origins


def in_both(old, new):
    """The longest common subsequence of two lists, as (number in the old, number in the new).

    Found with a table of what lies between their equal beginnings and ends: a million short steps for 1,000 lines and
    1,000 quite different ones, whatever they are. difflib needs 13 seconds for some of them.
    """
    codes = {line: code for code, line in enumerate({*old, *new})}
    old, new = [codes[line] for line in old], [codes[line] for line in new]
    start = len(list(takewhile(bool, map(eq, old, new))))
    end = len(list(takewhile(bool, map(eq, reversed(old[start:]), reversed(new[start:])))))
    old_rest, new_rest = old[start : len(old) - end], new[start : len(new) - end]
    lengths = [[0] * (len(new_rest) + 1)]
    for line in reversed(old_rest):
        below, row, longest = lengths[-1], [0], 0
        for number in range(len(new_rest) - 1, -1, -1):
            longest = below[number + 1] + 1 if line == new_rest[number] else max(longest, below[number])
            row.append(longest)
        lengths.append(row[::-1])
    lengths.reverse()
    yield from ((number, number) for number in range(start))
    yield from ((len(old) - number, len(new) - number) for number in range(1, end + 1))
    one, other = 0, 0
    while one < len(old_rest) and other < len(new_rest):
        if old_rest[one] == new_rest[other]:
            yield start + one, start + other
            one, other = one + 1, other + 1
        elif lengths[one + 1][other] >= lengths[one][other + 1]:
            one += 1
        else:
            other += 1


def pair_rest(origins, old, new):
    """Fill in the origin of each new line that equals an old one which is nobody's yet."""
    left_over = defaultdict(deque)
    for number in sorted(set(range(len(old))).difference(origins)):
        left_over[old[number]].append(number)
    for number, line in enumerate(new):
        if origins[number] is None and left_over[line]:
            origins[number] = left_over[line].popleft()


def longest_rising(numbers):
    """The longest selection of these numbers, each only once, that rises."""
    ends, tails, before = [], [], {}  # of the best selection of each length: its last number
    for number in numbers:
        length = bisect.bisect(ends, number)
        before[number] = ends[length - 1] if length else None
        ends[length : length + 1] = [number]
    last = ends[-1] if ends else None
    while last is not None:
        tails.append(last)
        last = before[last]
    return tails


def place(standing, trashed):
    """A position for each line, and the rows of the trash that have to make room, as (row, position).

    `standing` has the positions of the lines that stay, and None for each of the others, which come just before the
    next of those. When no number is left between two, the whole list is numbered anew.
    """
    placed = list(standing)
    stays = [number for number, position in enumerate(standing) if position is not None]
    for above, below in pairwise([-1, *stays, len(standing)]):
        if below - above > 1:
            high = standing[below] if below < len(standing) else None
            lower = [row["position"] for row in trashed if high is None or row["position"] < high]
            low = max([standing[above], *lower] if above >= 0 else lower, default=None)
            room = between(low, high, below - above - 1)
            if room is None:
                return number_anew(standing, trashed)
            placed[above + 1 : below] = room
    return placed, []


def between(low, high, count):
    """So many numbers that rise from above `low` to below `high`, either of which may be None; None without room."""
    if low is None:
        return [(high or 0.0) - count + number for number in range(count)]
    if high is None:
        return [low + 1 + number for number in range(count)]
    room = [low + (high - low) * number / (count + 1) for number in range(count + 2)]
    return room[1:-1] if all(lower < upper for lower, upper in pairwise([low, *room[1:-1], high])) else None


def number_anew(standing, trashed):
    """As `place`, with new positions for all; what is in the trash keeps its place among the lines."""
    waiting, order = deque(trashed), []
    for number, position in enumerate(standing):
        while position is not None and waiting and waiting[0]["position"] <= position:
            order.append(waiting.popleft())
        order.append(number)
    order += waiting
    positions = {each: float(number) for number, each in enumerate(order) if isinstance(each, int)}
    moved = [(each, float(number)) for number, each in enumerate(order) if not isinstance(each, int)]
    return [positions[number] for number in range(len(standing))], moved
