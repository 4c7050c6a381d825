"""A line for each request and each security event, on standard error: when (UTC), what, and name=value pairs.

    2026-11-22T14:02:09Z request id=4f1c22d0 method=POST path=/tickets/12/status status=303 ms=4 user=1 from=192.0.2.7

Values are percent-encoded where they aren't plain, so that nothing a visitor sends can begin a line of its own. There
are no passwords, no session ids and no texts in it, and no query, in which a search may stand.
"""

import functools
import re
import sys
import time
from urllib.parse import quote

is_plain = re.compile(r"[\w/:.-]*", re.ASCII).fullmatch


def write(event, **fields):
    """Write one line; a field that is None is left out."""
    pairs = [f"{name}={encoded(str(value))}" for name, value in fields.items() if value is not None]
    sys.stderr.write(f"{moment(int(time.time()))} {event} {' '.join(pairs)}\n")


def encoded(text):
    return text if is_plain(text) else quote(text, "/:")


@functools.lru_cache(1)
def moment(seconds):
    """A time as it stands in the log."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
