"""Reads a large JSON object piece by piece: its members, and the items of its lists, one at a time.

The standard library's scanner does the work, so that a piece is what `json.loads` would make of it; what it can't read
is refused with the line. (`json.loads` of 64 MB takes some 200 MB beside its text; ijson reads in pieces, but names no
line.)
"""

import codecs
import json
import re

CHUNK = 1 << 20  # bytes read at a time
#: How many characters after a fault have to be there before it is one, and not just the end of what was read.
PATIENCE = 4 * CHUNK
SPACE = re.compile(r"[ \t\r\n]*")


class Unreadable(Exception):
    """The file can't be read; the message names the line."""


def decoded(file, encoding):
    """The pieces of a binary file as text. Raises Unreadable with the line that isn't in that encoding."""
    decoder, lines = codecs.getincrementaldecoder(encoding)(), 1
    while True:
        piece = file.read(CHUNK)
        try:
            text = decoder.decode(piece, not piece)
        except UnicodeDecodeError as error:
            lines += error.object[: error.start].count(b"\n")
            raise Unreadable(
                f"Line {lines:,} has characters that aren't {encoding.upper().removesuffix('-SIG')}."
            ) from None
        if text:
            lines += text.count("\n")
            yield text
        if not piece:
            return


def members(file, encoding):
    """Yield (name, value, line) of each member of the object in a binary file; of a list, each of its items so.

    `line` is where the value begins. Raises Unreadable.
    """
    reader = Reader(decoded(file, encoding))
    reader.take("{")
    if reader.peek() == "}":
        reader.take("}")
    else:
        while True:
            yield from reader.member()
            if reader.take(",}") == "}":
                break
    if reader.peek():
        raise reader.fault("something follows after its end")


class Reader:
    """What was read of a text and isn't used up, and the place in it."""

    def __init__(self, pieces):
        self.pieces, self.text, self.at, self.ended = pieces, "", 0, False
        self.line, self.counted = 1, 0  # the line of the place `counted`
        self.decoder = json.JSONDecoder(parse_constant=self.refuse)

    def member(self):
        """The next member of an object, or the items of its list."""
        name = self.value()
        if not isinstance(name, str):
            raise self.fault("a name was expected")
        self.take(":")
        if self.peek() != "[":
            line = self.here()
            yield name, self.value(), line
            return
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            self.peek()
            line = self.here()
            yield name, self.value(), line
            if self.take(",]") == "]":
                return

    def value(self):
        """The value that begins here."""
        self.peek()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                if self.ended or len(self.text) - error.pos > PATIENCE:
                    raise self.fault(error.msg, error.pos) from None
            except (ValueError, RecursionError):
                raise self.fault("a number is too long, or lists are too deep in each other") from None
            else:
                if end + 2 < len(self.text) or self.ended:  # else a number may go on, with e+ at its longest
                    self.at = end
                    return value
            self.more()

    def take(self, wanted):
        """The next character, which must be one of these."""
        found = self.peek()
        if not found or found not in wanted:
            raise self.fault(f"{' or '.join(wanted)} was expected")
        self.at += 1
        return found

    def peek(self):
        """The next character that isn't space, "" at the end."""
        while True:
            self.at = SPACE.match(self.text, self.at).end()
            if self.at < len(self.text):
                return self.text[self.at]
            if self.ended:
                return ""
            self.more()

    def more(self):
        """Read on, at least as much as is there already, so that a long value isn't begun too often."""
        self.here()
        rest = [self.text[self.at :]]
        wanted = max(CHUNK, len(rest[0]))
        self.at = self.counted = 0
        while wanted > 0 and not self.ended:
            piece = next(self.pieces, "")
            self.ended = not piece
            rest.append(piece)
            wanted -= len(piece)
        self.text = "".join(rest)

    def here(self):
        """The number of the line of this place."""
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line

    def fault(self, what, place=None):
        """The exception for what is wrong here, or at another place of the text."""
        place = self.at if place is None else place
        line = self.here() + self.text.count("\n", self.at, place)
        if self.ended and not self.text[place:].strip():
            return Unreadable(f"The file ends on line {line:,} in the middle; perhaps it was cut off.")
        column = place - self.text.rfind("\n", 0, place)
        return Unreadable(f"Line {line:,}, character {column:,}: that is not JSON ({what}).")

    def refuse(self, constant):
        raise ValueError(constant)  # NaN and Infinity, which JSON doesn't have
