"""Static files under addresses that change with their content, so that a browser asks for each one once."""

import gzip
import hashlib
import mimetypes
from pathlib import Path
from typing import NamedTuple

from xstatic.pkg import jquery


class Asset(NamedTuple):
    """A file as it is sent."""

    url: str
    content: bytes
    compressed: bytes
    mimetype: str


def load(folder):
    """Every file of `folder`, and jQuery from its package, by name."""
    files = [*sorted(Path(folder).iterdir()), Path(jquery.BASE_DIR) / "jquery.min.js"]
    return {file.name: asset(file.name, file.read_bytes()) for file in files}


def asset(name, content):
    """A file with its address and its compressed form (always the same bytes: no time in it)."""
    compressed = gzip.compress(content, 9, mtime=0)
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(f"/static/{hashlib.sha256(content).hexdigest()[:12]}/{name}", content, compressed, mimetype)


def digest(*files):
    """One short text for the content of all these files."""
    whole = hashlib.sha256()
    for file in sorted(files):
        whole.update(file.name.encode() + file.read_bytes())
    return whole.hexdigest()[:12]
