"""What the routes share: reading a form, refusing one, going back, and passwords."""

import contextlib
import functools
import hashlib
import os
import re
import sys
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode, urlsplit

from flask import Response, g, has_request_context, redirect, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import IntegerConverter
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.urls import iri_to_uri

TEXT_LIMIT = 500  # characters of a title or a to-do
LINES_LIMIT = 500  # lines of a paste
FIELDS_LIMIT = 1_000  # of a form
HIGHEST_ID = 2**31 - 1

#: Equals a row of OWASP's password storage cheat sheet; a login with another setting is hashed again.
HASH_METHOD = "scrypt:32768:8:3"
#: Checked in place of an unknown person's, so that both answers cost the same.
NOBODYS_HASH = generate_password_hash("nobody", HASH_METHOD)
#: Each hash takes 32 MB and a third of a second: more than two at once would starve the board.
hashing = threading.BoundedSemaphore(2)


def step_back():
    """Give this thread the lowest rank: pages come first when both want the processor."""
    if sys.platform == "linux":  # elsewhere it would mean the whole process
        os.setpriority(os.PRIO_PROCESS, 0, 19)


hashers = ThreadPoolExecutor(2, "hashing", step_back)

# Letters that show nothing, and what only changes how the letter before looks.
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


class Problem(Exception):
    """What was sent can't be used: the HTTP status, the message, and the field that it stands beside.

    `retry_after` is in how many seconds the same may work.
    """

    def __init__(self, status, message, field=None, retry_after=None):
        super().__init__(message)
        self.status, self.message, self.field, self.retry_after = status, message, field, retry_after


class IdConverter(IntegerConverter):
    """`<id:ticket_id>` in a route: a number that a column of ids can hold; any other is 404."""

    regex = "[0-9]+"

    def __init__(self, url_map):
        super().__init__(url_map, min=1, max=HIGHEST_ID)


# Who may


def login_required(view):
    """Send anonymous visitors to the login page; a form that they sent is 401, with what they typed."""

    @functools.wraps(view)
    def guarded(*args, **kwargs):
        if g.user:
            return view(*args, **kwargs)
        if request.method in ("GET", "HEAD") and not wants_fragments():
            return redirect(url_for("login", next=request.full_path.rstrip("?")), 303)
        raise Problem(401, "You are logged out, and nothing was saved. Log in and send it again.")

    return guarded


def refuse_forged_requests():
    """Refuse a form that another site's page sent, as Go 1.25's CrossOriginProtection does.

    One step stricter: a request that changes something and brings a cookie has to say where it comes from.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site in ("same-origin", "none"):
        return
    if site is None and origin is None and not request.cookies:
        return
    if site is None and origin and origin.partition("://")[2].lower() == request.host.lower():
        return
    raise Problem(
        403,
        f"Nothing was saved: this form was sent from {origin or 'a page that did not say its address'}, "
        f"but this is {request.host}. Open {request.host} and try again there. "
        "If NIKKO stands behind a proxy, set PROXIES=1 and let the proxy pass X-Forwarded-Host on.",
    )


def refuse_broken_forms():
    """Refuse a body that isn't a form in UTF-8: Werkzeug would silently change or empty it."""
    if request.method != "POST":
        return
    if request.mimetype not in ("application/x-www-form-urlencoded", ""):
        raise Problem(415, "Nothing was saved: send the fields as an ordinary form.")
    if request.get_data().count(b"&") > FIELDS_LIMIT:
        raise Problem(413, "Nothing was saved: the form has too many fields.")
    try:
        unquote_to_bytes(request.get_data()).decode()
    except UnicodeDecodeError:
        raise Problem(422, "Nothing was saved: the text has characters that can't be stored (not UTF-8).") from None


def wants_fragments():
    """Whether the page's script asks, and not the browser itself."""
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"


# Reading a form


def read(name, default=None):
    """The one value of a field, or the default. Raises Problem when it is there twice or missing."""
    values = request.form.getlist(name) or [default]
    if len(values) > 1:
        raise Problem(400, f"Nothing was saved: the form has the field “{name}” more than once.", name)
    if values[0] is None:
        raise Problem(422, f"Nothing was saved: the form lacks the field “{name}”.", name)
    return values[0]


def read_lines(name):
    """The lines of a field as texts, without the empty ones. Lines end at CRLF, LF or CR and nowhere else."""
    lines = [line.strip() for line in re.split(r"\r\n|\n|\r", read(name))]
    lines = [checked(line, name) for line in lines if line]
    if len(lines) > LINES_LIMIT:
        raise Problem(422, f"{len(lines)} lines at once are too many; the limit is {LINES_LIMIT}.", name)
    return lines or [checked("", name)]


def read_line(name, limit=TEXT_LIMIT):
    """One text; a line break in it becomes a space."""
    return checked(re.sub(r"\r\n|\n|\r", " ", read(name)).strip(), name, limit)


def checked(text, name, limit=TEXT_LIMIT):
    """The text, if it can be kept as it is. Raises Problem."""
    if not text:
        raise Problem(422, "Write something first.", name)
    if "\0" in text:
        raise Problem(422, "The text has a NUL character, which can't be stored.", name)
    if len(text) > limit:
        raise Problem(422, f"That is {len(text)} characters; the limit is {limit}.", name)
    return text


def read_choice(name, choices, default=None):
    """A field that must be one of `choices`."""
    value = read(name, default)
    if value not in choices:
        raise Problem(422, f"Nothing was saved: “{name}” can be {', '.join(choices)}.", name)
    return value


def read_id(name):
    """A field with an id, or None when it is empty or not there."""
    text = read(name, "")
    if not text:
        return None
    if (number := whole(text)) is None:
        raise Problem(422, f"Nothing was saved: “{name}” is not a number.", name)
    return number


def whole(text):
    """The id in a text, None when there is none."""
    if text and text.isascii() and text.isdigit() and len(text) < 11 and 0 < int(text) <= HIGHEST_ID:
        return int(text)
    return None


def form_key():
    """What marks this very form, if it carries a `key`: its address and its fields, but for where it stood.

    The same key with another text is not the same form: that text must not get lost.
    """
    if not read("key", ""):
        return None
    fields = [item for item in request.form.items(multi=True) if item[0] != "back"]
    return hashlib.sha256(repr((request.path, fields)).encode()).hexdigest()


def typed():
    """The texts of a form that was refused, to be kept by who typed them; broken characters are replaced."""
    try:
        body = request.get_data().decode(errors="replace") if request.method == "POST" else ""
    except RequestEntityTooLarge:
        return []
    fields = parse_qsl(body, errors="replace", max_num_fields=1000) if body.count("&") < 1000 else []
    return [value for name, value in fields if name in ("title", "text") and value.strip()]


# Going back


#: The pages on which a form can stand that leads back to where it was sent from.
PAGES = re.compile(r"/|/platform/[0-9]+|/trash")
#: What of their addresses says what they show: a search, more of a column, opened tickets.
VIEW = ("q", "more", "open")


def came_from():
    """The page on which the form stood, as (path, view); the path is empty when it is none of PAGES.

    The form may name it as `back`, as the script's do, and one that was refused and stands on no page of its own.
    """
    try:
        referrer = urlsplit(request.referrer or "")
        page = urlsplit(request.form["back"]) if request.form.get("back") else referrer
    except ValueError:
        return "", MultiDict()
    if (page is referrer and referrer.netloc != request.host) or not PAGES.fullmatch(page.path):
        return "", MultiDict()
    return page.path, MultiDict(item for item in parse_qsl(page.query[:2000]) if item[0] in VIEW)


def get_view():
    """What the address of the page says to show, be it asked for or the one on which a form stood."""
    if request.method == "POST":
        return came_from()[1]
    return MultiDict(item for item in request.args.items(multi=True) if item[0] in VIEW)


def address(path, view=MultiDict(), **more):  # noqa: B008  (it is only read)
    """A page's address, with what it shows."""
    query = [*view.items(multi=True), *((name, value) for name, value in more.items() if value)]
    return f"{path}?{urlencode(query)}" if query else path


def back(path, view=MultiDict(), done=None, anchor=None):  # noqa: B008
    """Go to a page that then tells of the action `done`; `anchor` is the element to show."""
    return go(address(path, view, done=done) + (f"#{anchor}" if anchor else ""))


def go(path):
    """Send the browser to another page; the script is told where, for it can't see a redirect."""
    return Response(status=204, headers={"X-Go-To": iri_to_uri(path)}) if wants_fragments() else redirect(path, 303)


def safe_next(path):
    """`path` if it is a page of this site, else the board."""
    return path if re.fullmatch(r"/|/[^/\\\x00-\x20\x7f][^\\\x00-\x1f\x7f]*", path or "") else "/"


# Names and passwords


def read_username():
    """The username as typed, and the key under which it can be had only once."""
    username = read_line("username", 50)
    return username, username_key(username)


def username_key(username):
    """The key under which that username can be had only once. Raises Problem for one that can't be had."""
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold())
    if not key.isprintable() or " " in key or INVISIBLE.search(username) or len(key) > 200:
        raise Problem(422, "A username has no spaces and no invisible characters.", "username")
    return key


@functools.cache
def commonest_passwords():
    """The 3,000 commonest passwords that the length rule lets through (NIST SP 800-63B, ASVS 6.2.4)."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # a megabyte of words that only registering needs

    return frozenset([word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 8][:3000])


def new_password(password, *words, field="password"):
    """The password, if it may be set; `words` are the person's names, which it must not be. Raises Problem."""
    if len(password) < 8:
        raise Problem(422, "At least 8 characters. A few words in a row make a good one.", field)
    if len(password.encode()) > 1024:
        raise Problem(422, "At most 1,024 bytes, please.", field)
    folded = password.casefold()
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    names = {"nikko", *(word.casefold() for word in words)}
    if folded in commonest_passwords() or {folded, core} & names:
        raise Problem(422, "That one is easy to guess. A few words in a row make a good one.", field)
    return password


def beside(function, *args):
    """Run it in a thread of `hashers`. Raises Problem when too many people are before this one."""
    if has_request_context():
        request.environ.get("nikko.leave_turn", bool)()  # the others needn't wait for a password
    with in_line():
        return hashers.submit(function, *args).result()


@contextlib.contextmanager
def in_line():
    """Wait for one of the places at `hashing`, but not for long: who waits holds a thread that others need."""
    if not hashing.acquire(timeout=3):
        message = "Too many people are logging in at this moment. Try again in a few seconds."
        raise Problem(503, message, retry_after=5)
    try:
        yield
    finally:
        hashing.release()


def hash_password(password):
    """The hash to store. Raises Problem when too many people are before this one."""
    return beside(generate_password_hash, password, HASH_METHOD)


def check_password(password_hash, password):
    """Whether it is the password; takes as long for an unknown person (None)."""
    return beside(check_password_hash, password_hash or NOBODYS_HASH, password) and password_hash is not None
