"""Static files under addresses that change with their content, so that a browser asks for each one once."""

import hashlib
import mimetypes
from pathlib import Path
from typing import NamedTuple

import deflate
from rcssmin import cssmin
from rjsmin import jsmin
from xstatic.pkg import jquery

#: What goes over the wire without comments and indents: 4 kB of a first load less.
MINIFIERS = {"nikko.css": cssmin, "nikko.js": jsmin}


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
    """A file with its address and its compressed form."""
    if minify := MINIFIERS.get(name):
        content = minify(content.decode()).encode()
    compressed = bytes(deflate.gzip_compress(content, 12))
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(f"/static/{hashlib.sha256(content).hexdigest()[:12]}/{name}", content, compressed, mimetype)


def digest(*files):
    """One short text for the content of all these files."""
    whole = hashlib.sha256()
    for file in sorted(files):
        whole.update(file.name.encode() + file.read_bytes())
    return whole.hexdigest()[:12]
