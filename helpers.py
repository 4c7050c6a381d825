"""What the routes share: reading a form, refusing one, going back, and passwords."""

import contextlib
import functools
import hashlib
import os
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode, urlsplit

from flask import Response, g, redirect, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import IntegerConverter
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.urls import iri_to_uri

import labels

TEXT_LIMIT = 500  # characters of a title or a to-do
TODOS_LIMIT = 1_000  # of a ticket, with those in the trash
LINES_LIMIT = 500  # lines of a paste
TEXTS = {"title", "text", "description", "due", "labels", "name"}  # fields in which somebody writes
FIELDS_LIMIT = 1_000  # of a form
HIGHEST_ID = 2**31 - 1

#: Equals a row of OWASP's password storage cheat sheet; a login with another setting is hashed again.
HASH_METHOD = "scrypt:32768:8:3"
#: Checked in place of an unknown person's, so that both answers cost the same; no password has it.
NOBODYS_HASH = f"{HASH_METHOD}$nobody${'0' * 128}"


class Places(NamedTuple):
    """For what takes long: two do it at a time, and few wait, for who waits holds a thread that others need."""

    free: threading.BoundedSemaphore
    queue: threading.BoundedSemaphore


#: Each hash takes 32 MB and a third of a second: more than two at once would starve the board.
hashing = Places(threading.BoundedSemaphore(2), threading.BoundedSemaphore(20))
#: A file of 64 MB takes a processor for a minute, and a gigabyte if it was made for that.
reading_files = Places(threading.BoundedSemaphore(2), threading.BoundedSemaphore(20))
#: An export takes a processor for some seconds, its room on the disk, and a moment of the database that has to be kept.
writing_files = Places(threading.BoundedSemaphore(2), threading.BoundedSemaphore(20))
#: Each file that comes slowly holds a thread meanwhile.
receiving_files = Places(threading.BoundedSemaphore(20), threading.BoundedSemaphore(20))


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
    if request.method != "POST" or is_upload():
        return
    if request.mimetype not in ("application/x-www-form-urlencoded", ""):
        raise Problem(415, "Nothing was saved: send the fields as an ordinary form.")
    if request.content_length is None and len(request.get_data()) >= request.max_content_length:
        raise RequestEntityTooLarge  # Werkzeug would cut it off there
    if request.get_data().count(b"&") > FIELDS_LIMIT:
        raise Problem(413, "Nothing was saved: the form has too many fields.")
    try:
        unquote_to_bytes(request.get_data()).decode()
    except UnicodeDecodeError:
        raise Problem(422, "Nothing was saved: the text has characters that can't be stored (not UTF-8).") from None


def is_upload():
    """Whether it is a form with a file, of the one page that takes one; it is read later, and never whole."""
    return request.endpoint == "upload" and request.mimetype == "multipart/form-data"


def takes_gzip():
    """Whether the browser takes compressed answers; `in` would overlook that it may refuse them, by q=0."""
    return request.accept_encodings.quality("gzip") > 0


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
    lines = [line.strip() for line in line_feeds(read(name)).split("\n")]
    lines = [checked(line, name) for line in lines if line]
    if len(lines) > LINES_LIMIT:
        raise Problem(422, f"{len(lines)} lines at once are too many; the limit is {LINES_LIMIT}.", name)
    return lines or [checked("", name)]


def read_line(name, limit=TEXT_LIMIT):
    """One text; a line break in it becomes a space."""
    return checked(line_feeds(read(name)).replace("\n", " ").strip(), name, limit)


def read_text(name, limit):
    """A text of several lines, which may be empty. Its lines end at LF, and the last one has no end."""
    text = line_feeds(read(name)).rstrip("\n")
    return checked(text, name, limit) if text.strip() else ""


def line_feeds(text):
    """The text with LF where a browser sends CRLF."""
    return re.sub(r"\r\n|\r", "\n", text)


def checked(text, name, limit=TEXT_LIMIT):
    """The text, if it can be kept as it is. Raises Problem."""
    if not text:
        raise Problem(422, "Write something first.", name)
    if "\0" in text:
        raise Problem(422, "The text has a NUL character, which can't be stored.", name)
    if len(text) > limit:
        raise Problem(422, f"That is {len(text):,} characters; the limit is {limit:,}.", name)
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
        is_form = request.method == "POST" and not is_upload()
        body = request.get_data().decode(errors="replace") if is_form else ""
    except RequestEntityTooLarge:
        return []
    fields = parse_qsl(body, errors="replace") if body.count("&") < FIELDS_LIMIT else []
    return [value for name, value in fields if name in TEXTS and value.strip()]


# Going back


#: The pages on which a form can stand that leads back to where it was sent from.
PAGES = re.compile(r"/|/platform/[0-9]+|/archive|/insights|/labels|/trash")
#: What of their addresses says what they show, and how often it can stand there: a search, chosen chips, more of a
#: column, opened tickets, how far back. Each link of the page repeats it, so it must be short and the page, too.
VIEW = {"q": 1, "label": 20, "due": 5, "more": 15, "open": 50, "weeks": 1}
VIEW_LIMIT = 2_000  # characters of the address
QUERY_LIMIT = 200  # of a search


def came_from():
    """The page on which the form of this request stood, as (path, view); the path is empty when it is none of PAGES."""
    if "came_from" not in g:  # an answer asks several times
        g.came_from = find_page()
    return g.came_from


def find_page():
    """The form may name its page as `back`: the script does, and a refused form, which stands on no page of its own."""
    try:
        referrer = urlsplit(request.referrer or "")
        page = urlsplit(request.form["back"]) if request.form.get("back") else referrer
    except ValueError:
        return "", MultiDict()
    if (page is referrer and referrer.netloc != request.host) or not PAGES.fullmatch(page.path):
        return "", MultiDict()
    return page.path, view_of(parse_qsl(page.query[: 10 * VIEW_LIMIT]))


def get_view():
    """What the address of the page says to show, be it asked for or the one on which a form stood."""
    if request.method == "POST":
        return came_from()[1]
    return view_of(request.args.items(multi=True))


def view_of(items):
    """What these items of an address say to show, as far as VIEW and VIEW_LIMIT."""
    view, room = MultiDict(), VIEW_LIMIT
    for name, value in items:
        if room > 0 and len(view.getlist(name)) < VIEW.get(name, 0):
            value = value[:QUERY_LIMIT]
            view.add(name, value)
            room -= len(urlencode({name: value}))
    return view


def may_show_more(view):
    """Whether the page can become longer; else a search has to find what it doesn't show."""
    return len(view.getlist("more")) < VIEW["more"]


def address(path, view=MultiDict(), **more):  # noqa: B008  (it is only read)
    """A page's address, with what it shows."""
    query = [*view.items(multi=True), *((name, value) for name, value in more.items() if value)]
    return f"{path}?{urlencode(query)}" if query else path


def toggled(view, name, value):
    """The board's address with one more chip chosen, or with one less; a search stays."""
    chosen = [item for item in view.items(multi=True) if item[0] in ("q", "label", "due")]
    chip = (name, value)
    return address("/", MultiDict([item for item in chosen if item != chip] + [chip] * (chip not in chosen)))


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
    key = labels.key(username)  # what is alike for a label is alike for a username
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


def place_to_hash():
    """Around what hashes a password: two at a time. Raises Problem when too many wait."""
    return in_line(hashing, "logging in")


@contextlib.contextmanager
def in_line(places, doing):
    """Wait for one of these places, if not too many do, and not for long. Raises Problem."""
    with contextlib.ExitStack() as held:
        for semaphore, seconds in ((places.queue, 0), (places.free, 10)):
            if not semaphore.acquire(timeout=seconds):
                message = f"Too many people are {doing} at this moment. Try again in a few seconds."
                raise Problem(503, message, retry_after=5)
            held.callback(semaphore.release)
        yield


def hash_password(password):
    """The hash to store. Raises Problem when too many people are before this one."""
    with place_to_hash():
        return hashers.submit(generate_password_hash, password, HASH_METHOD).result()


def check_password(password_hash, password):
    """Whether it is the password; takes as long for an unknown person (None). Hold a `place_to_hash` meanwhile."""
    is_right = hashers.submit(check_password_hash, password_hash or NOBODYS_HASH, password).result()
    return is_right and password_hash is not None
