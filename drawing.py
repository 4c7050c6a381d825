"""Jinja2 as it is, but quicker at what a board does most: printing values, escaped, and the same rows and pages again.

Jinja2 makes a Markup object of each printed value, for the case that an expression goes on with it. Here the
value goes straight into the page's text, so the escaped text itself is enough: a board of 50 tickets takes a
quarter less time. What is escaped, and how, is MarkupSafe's as before.
"""

import contextlib
import functools
import operator
import re
import threading
import time

from cachetools import TTLCache
from flask.templating import Environment
from jinja2.compiler import CodeGenerator
from markupsafe import Markup, _escape_inner

#: What NIKKO's own sentences have beyond ASCII, see `_output_const_repr`.
IN_ASCII = {ord(sign): f"&#{ord(sign)};" for sign in "“”…"}


def escaped(value):
    """The value as text that is safe in HTML."""
    if type(value) is str:
        return _escape_inner(value)
    if type(value) is int:
        return str(value)
    if hasattr(value, "__html__"):
        return value.__html__()
    return _escape_inner(str(value))


class QuickCodeGenerator(CodeGenerator):
    """Writes `environment.escaped(…)` where Jinja2 writes `escape(…)` around what a template prints."""

    def _output_child_pre(self, node, frame, finalize):
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile and finalize.src is None:
            self.write("environment.escaped(")
        else:
            super()._output_child_pre(node, frame, finalize)

    def _output_const_repr(self, group):
        """What the template itself says, in ASCII: one arrow in it makes the whole page slower to join and to send."""
        return repr("".join(map(str, group)).encode("ascii", "xmlcharrefreplace").decode())


class QuickEnvironment(Environment):
    """Set it as the `jinja_environment` of a Flask class."""

    code_generator_class = QuickCodeGenerator
    escaped = staticmethod(escaped)

    def getattr(self, obj, attribute):
        """Rows are dicts: an AttributeError for each value takes longer than the value."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def make_globals(self, d):
        """A plain dict: each page copies it, and a ChainMap, which would see globals that come later, takes 25 us."""
        return {**self.globals, **(d or {})}


@functools.lru_cache(8192)
def drawn(macro, *values):
    """What a macro draws for these values, remembered: a page draws anew only the rows that changed.

    It can't show an old text, for the text is one of the values. The macro has to be imported without context, so
    that it sees nothing else, and must draw the same each time. 8,192 rows take some 16 MB of a worker.
    """
    html = re.sub("\n +", "\n", macro(*values))  # indented for who reads the template
    return Markup(html.translate(IN_ASCII))  # noqa: S704  (drawn)


def drawn_rows(macro, rows, *names):
    """What the macro draws for each row, given the columns `names`; one call, for a template's own loop costs more."""
    values = operator.itemgetter(*names)
    return Markup("".join([drawn(macro, *values(row)) for row in rows]))  # noqa: S704  (drawn)


class Pages:
    """The pages that were drawn in the last `seconds`, as lists of bytes; of many, those asked for last.

    Together they take `limit` bytes at most.
    """

    def __init__(self, limit, seconds, timer=time.monotonic):
        self._pages = TTLCache(limit, seconds, timer, lambda pieces: sum(map(len, pieces)) + 4_000)  # with its key
        self._lock = threading.Lock()

    def get(self, key):
        """The pieces of the page; None when it isn't kept."""
        with self._lock:
            return self._pages.get(key)

    def keep(self, key, pieces):
        """Keep a page in place of those for which nobody asked the longest."""
        with self._lock, contextlib.suppress(ValueError):  # it is larger than all of them may be
            self._pages[key] = pieces
