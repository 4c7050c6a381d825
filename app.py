"""NIKKO, a ticket board: every route, in the order in which a person meets them."""

import collections
import contextlib
import functools
import itertools
import json
import re
import secrets
import sys
import tempfile
import time
import zlib
from pathlib import Path
from urllib.parse import urlencode

import click
from flask import Flask, Response, abort, g, render_template, request, session
from isal import igzip
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.http import parse_cookie
from werkzeug.wsgi import FileWrapper, get_host

import assets
import backup
import calendar_feed
import dates
import demo
import description
import doctor
import exports
import helpers
import imports
import insights
import labels
import logs
import quickadd
import search
import serving
import settings
import todo_text
import upgrade
import uploads
import words
from database import SQL, Full, Unavailable
from drawing import Pages, QuickEnvironment, drawn, drawn_rows
from helpers import (
    TEXT_LIMIT,
    TODOS_LIMIT,
    Problem,
    back,
    go,
    login_required,
    read,
    read_choice,
    read_id,
    read_line,
    read_lines,
    read_text,
    wants_fragments,
    whole,
)
from journal import IN_EFFECT, LONG, SPENT, TAKEN_BACK, Conflict, Gone, Journal, Repeated
from json_stream import Unreadable
from sessions import ABSOLUTE, IDLE, DatabaseSessions, cookie_name, hashed
from throttle import Throttle, TooMany, network
from words import STATUSES

TICKETS_LIMIT = 100_000  # of a person, with those in the trash
TRASH_DAYS, TRASH_SHOWN = 30, 500
TOLD = 60  # seconds for which the address of a page tells what an action did: a later reload doesn't
ARCHIVE_AFTER_LIMIT = 3_650  # days
UPLOAD_LIMIT = 64_000_000  # bytes of a file that is imported
#: Failed logins within throttle.WINDOW: of an address, and of one account from that address.
ATTEMPTS_OF_ADDRESS, ATTEMPTS_OF_ACCOUNT = 100, 10
#: Accounts that one address may make within throttle.WINDOW: a class with its teacher and some more.
REGISTRATIONS_OF_ADDRESS = 40
RESET_HOURS = 24

#: How many tickets of a column the board shows, and how many "Show older" adds.
SHOWN = {"todo": 100, "in_progress": 100, "done": 20}
MORE = 100
LONG_TEXT = 5_000  # characters of Markdown for which nobody else should wait

HERE = Path(__file__).parent

# Configuration

config = settings.read_or_exit()
db = None
if settings.command() not in ("backup", "doctor", "restore", "upgrade"):  # theirs may be missing, damaged or older
    try:
        db = SQL(config.database_url)
        upgrade.prepare(db)
    except RuntimeError as error:
        sys.exit(f"NIKKO can't start: {str(error).splitlines()[0]}")
journal = Journal(db)
throttle = Throttle(db)

#: Stands on a page that was drawn where each form gets a key of its own when it is sent.
FORM_KEY = secrets.token_urlsafe().encode()

Flask.jinja_environment = QuickEnvironment
Flask.jinja_options = {"cache_size": -1}  # every template stays loaded
app = Flask(__name__, static_folder=None)
app.config.update(
    MAX_CONTENT_LENGTH=1_000_000,
    MAX_FORM_MEMORY_SIZE=1_000_000,
    SESSION_COOKIE_HTTPONLY=True,
    SESSION_COOKIE_SAMESITE="Lax",
    PERMANENT_SESSION_LIFETIME=ABSOLUTE,
    TRUSTED_HOSTS=list(config.hosts) or None,
)
app.session_interface = DatabaseSessions(db, without="/static/")
app.url_map.converters["id"] = helpers.IdConverter
app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
app.jinja_env.globals.update(
    STATUSES=STATUSES,
    MORE=MORE,
    TRASH_DAYS=TRASH_DAYS,
    config=config,
    drawn=drawn,
    drawn_rows=drawn_rows,
    rendered=description.rendered,
    form_key=FORM_KEY.decode(),
    wants_fragments=wants_fragments,
)
app.jinja_env.filters.update(
    as_lines=todo_text.write,
    day=lambda seconds: words.day(seconds, g.user["time_zone"], g.today),
    moment=lambda seconds: words.moment(seconds, g.user["time_zone"], g.today),
    in_trash=lambda seconds: words.in_trash(seconds, TRASH_DAYS, g.user["time_zone"], g.today),
    duration=insights.in_words,
    scale=insights.scale,
    with_noun=insights.with_noun,
)
pages = Pages(8_000_000, seconds=600)
ASSETS = assets.load(HERE / "static")
#: Another program or template draws another page.
BUILD = assets.digest(*HERE.glob("*.py"), *HERE.glob("templates/*"), *HERE.glob("static/*"))

# Hooks


@app.before_request
def guard():
    """Refuse forged and broken requests before anything else sees them; g.user is who is logged in, or None."""
    g.user = user = session.user
    g.today = dates.today_in(user["time_zone"] if user else "")
    g.began, g.request_id = time.perf_counter(), secrets.token_hex(4)
    helpers.refuse_forged_requests()
    helpers.refuse_broken_forms()
    if db.is_hurried() and not is_quick():  # said before anything is counted or written
        db.may_take_long()
    if session.touched:  # once an hour; who stays logged in may not pass the login for months
        clear_up(user["id"])
        read_user_again()


#: The routes (None: there is none) that show one page, or change one row or as many as somebody typed. On SQLite they
#: run in the worker's event loop, see serving.py. One that is not here has a thread.
QUICK = {
    None, "static_file", "manifest", "healthz", "login", "register", "board", "platform", "platform_of",
    "add_tickets", "rename_ticket", "change_status", "move_ticket", "move_ticket_to_top", "set_due", "set_labels",
    "delete_ticket", "archive_ticket",
    "add_todos", "edit_todo", "tick_todo", "move_todo", "delete_todo", "carry_todo", "make_ticket", "undo", "redo",
}  # fmt: skip


def is_quick():
    """Whether the answer is soon there: nobody logs in, and no search, no chips and no older tickets are drawn.

    Nor is told what an action did (`done`), which may have changed thousands of rows.
    """
    if request.endpoint not in QUICK or b"done=" in request.query_string:
        return False
    if request.method != "POST":
        return not helpers.get_view()
    path, view = helpers.came_from()
    is_page = path in ("", "/") or (path.startswith("/platform/") and not describes_at_length(path))
    return is_page and not view and request.endpoint not in ("login", "register")


def describes_at_length(path):
    """Whether it is the page of a ticket whose description takes long to draw."""
    rows = g.user and db.execute(
        "SELECT LENGTH(description) AS length FROM tickets WHERE id = ? AND user_id = ?",
        whole(path.removeprefix("/platform/")), g.user["id"],
    )  # fmt: skip
    return bool(rows) and rows[0]["length"] > LONG_TEXT


@app.after_request
def log_request(response):
    """A line for each request."""
    path = request.path
    secret = SECRET_PATHS.search(path)
    log(
        "request",
        method=request.method,
        path=f"{secret[0].lower()}-" if secret else path,
        status=response.status_code,
        ms=round((time.perf_counter() - g.began) * 1000) if "began" in g else None,
    )
    return response


#: What follows here, be it mistyped, is a secret.
SECRET_PATHS = re.compile("/(reset|calendar)/", re.IGNORECASE)


def log(event, user_id=None, **fields):
    """Write a line on this request, see logs.py; `user_id` is of the person, unless that is who is logged in."""
    user = g.get("user")
    user_id = user_id or (user["id"] if user else None)
    logs.write(event, id=g.get("request_id"), **fields, user=user_id, **{"from": request.remote_addr})


def log_exception(exc_info):
    """The traceback of what went wrong. Flask's own has the address in it, as it was sent: a link, a line break."""
    app.logger.error("Exception in request %s", g.get("request_id"), exc_info=exc_info)


app.log_exception = log_exception


@app.after_request
def compress(response):
    """Send a page compressed where the browser takes it."""
    if response.status_code != 200 or response.mimetype != "text/html" or not helpers.takes_gzip():
        return response
    response.set_data(igzip.compress(response.get_data(), 2, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    return response


def quick_answer(wsgi_app):
    """Answer a page that asks whether it is up to date, as each open one does every two seconds, without all of Flask.

    Only the 304 is given here; everything else goes the usual way, which comes to the same (see `unchanged`).
    """

    def application(environ, start_response):
        began, known = time.perf_counter(), environ.get("HTTP_IF_NONE_MATCH")
        user = who_asks(environ) if known and environ["REQUEST_METHOD"] == "GET" else None
        if user:
            path, query = environ["PATH_INFO"], environ["QUERY_STRING"].encode("latin-1")
            _, etag = state_of(user, path, query, dates.today_in(user["time_zone"]))
            if etag in known:
                ms = round((time.perf_counter() - began) * 1000)
                about = {"id": secrets.token_hex(4), "method": "GET", "path": path, "status": 304, "ms": ms}
                logs.write("request", **about, user=user["id"], **{"from": environ.get("REMOTE_ADDR")})
                start_response("304 NOT MODIFIED", [("ETag", etag), ("Vary", "Cookie")])
                return []
        return wsgi_app(environ, start_response)

    return application


def who_asks(environ):
    """Who is logged in and asks for one of helpers.PAGES; None for anybody else, and when that can't be told."""
    if not helpers.PAGES.fullmatch(environ["PATH_INFO"]):
        return None
    try:
        get_host(environ, app.config["TRUSTED_HOSTS"])
        sid = parse_cookie(environ.get("HTTP_COOKIE")).get(cookie_name(environ["wsgi.url_scheme"] == "https"))
        held = sid and app.session_interface.cache.get(sid)
    except (SecurityError, RuntimeError):
        return None
    return held and held["user"]


app.dispatch_request = serving.replayed(app.dispatch_request)
app.wsgi_app = quick_answer(app.wsgi_app)
if config.proxies:
    app.wsgi_app = ProxyFix(app.wsgi_app, config.proxies, config.proxies, config.proxies)
app.wsgi_app = serving.on_one_connection(serving.protected(app.wsgi_app), db)
served = serving.Served(app.wsgi_app, bool(db) and db.kind == "sqlite", app.config["MAX_CONTENT_LENGTH"])


# Account


@app.route("/register", methods=["GET", "POST"])
def register():
    """Make an account and log in."""
    is_open = registration_open()
    if request.method == "GET":
        return draw("register.html", closed=not is_open), 200 if is_open else 403
    try:
        if not is_open:
            raise Problem(403, "This NIKKO takes no new people any more.")
        user_id, password_hash = add_user()
        log_in(user_id, password_hash)
    except Problem as problem:
        return draw("register.html", problem)
    log("register", user_id)
    return go("/")


def registration_open():
    """Whether somebody may make an account now (REGISTRATION)."""
    if config.registration == "first":
        return not db.execute("SELECT id FROM users LIMIT 1")
    return config.registration == "open"


TAKEN = "Somebody already has that name. Try another."


def add_user():
    """Add the person of the form and return the id and the password's hash. Raises Problem."""
    first_name, last_name = read_line("first_name", 100), read_line("last_name", 100)
    username, username_key = helpers.read_username()
    guess = request.form.get("time_zone")  # by the script; nobody is refused for it
    time_zone = guess if guess in dates.zones() else ""
    password = helpers.new_password(read("password"), username, first_name, last_name)
    if db.execute("SELECT id FROM users WHERE username_key = ?", username_key):
        raise Problem(422, TAKEN, "username")
    with registration_counted():
        password_hash = helpers.hash_password(password)
        with db.transaction():
            if config.registration == "first":
                db.execute("UPDATE nikko SET version = version")  # one at a time, or two would be the first
                if not registration_open():
                    raise Problem(403, "Somebody registered a moment ago, and this NIKKO is for one person.")
            user_id = insert_user(username, username_key, password_hash, first_name, last_name, time_zone)
    return user_id, password_hash


def insert_user(username, username_key, password_hash, first_name, last_name, time_zone=""):
    """Add a person and return the id. Raises Problem when somebody has that name."""
    try:
        return db.execute(
            """
            INSERT INTO users (username, username_key, password_hash, first_name, last_name, time_zone, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            username, username_key, password_hash, first_name, last_name, time_zone, int(time.time()),
        )  # fmt: skip
    except ValueError:
        raise Problem(422, TAKEN, "username") from None


@contextlib.contextmanager
def registration_counted():
    """Around the making of an account: not too many from one address. One that raises Problem doesn't count."""
    address = network(request.remote_addr or "")
    count_try("accounts from your network", REGISTRATIONS_OF_ADDRESS, "register", address)
    try:
        yield
    except Problem:
        throttle.take_back("register", address)
        raise


@app.route("/login", methods=["GET", "POST"])
def login():
    """Log in and go on to where the person was heading."""
    if request.method == "GET":
        return go("/") if g.user else draw("login.html", next=request.args.get("next", ""))
    onward = read("next", "")
    try:
        user_id, password_hash = check_login()
        log_in(user_id, password_hash)
    except Problem as problem:
        return draw("login.html", problem, next=onward)
    log("login", user_id)
    return go(helpers.safe_next(onward))


DIFFERENT = "That name and password don't go together."


def check_login():
    """The id and the password's hash of who is named in the form. Raises Problem, the same for name and password."""
    _, username_key = helpers.read_username()
    password = read("password")
    rows = db.execute("SELECT id, password_hash FROM users WHERE username_key = ?", username_key)
    password_hash = rows[0]["password_hash"] if rows else None
    with throttled(username_key):
        if not helpers.check_password(password_hash, password):
            raise Problem(422, DIFFERENT, "username")
    user_id = rows[0]["id"]
    if not password_hash.startswith(helpers.HASH_METHOD + "$"):
        old, password_hash = password_hash, helpers.hash_password(password)
        db.execute(  # unless the password was changed meanwhile
            "UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?", password_hash, user_id, old
        )
    return user_id, password_hash


@contextlib.contextmanager
def throttled(username_key):
    """Around a check of a password, which raises Problem when it is wrong: not too many of them from one address.

    And fewer for one account; but only from that address, so that nobody can lock another person out.
    """
    address = network(request.remote_addr or "")
    with helpers.place_to_hash():  # first, so that who finds none has kept nobody waiting for the disk
        count_try("tries", ATTEMPTS_OF_ADDRESS, address)
        count_try("tries", ATTEMPTS_OF_ACCOUNT, address, username_key)
        try:
            yield
        except Problem:
            log("wrong-password")
            raise
        throttle.take_back(address)
        throttle.forget(address, username_key)


def count_try(what, limit, *whose):
    """Count one more of `what`, in words, for `whose`. Raises Problem when it is above `limit`."""
    try:
        throttle.count(limit, *whose)
    except TooMany as error:
        log("throttled")
        minutes = -(-error.seconds // 60)
        message = f"Too many {what}. Wait {minutes} minute{'s' if minutes > 1 else ''} and try again."
        raise Problem(429, message, retry_after=error.seconds) from None


def log_in(user_id, password_hash):
    """Begin a session with a new id, so that one which was planted before is worth nothing.

    Raises Problem when the password is no longer that: who changed it has ended all sessions, and this one with them.
    """
    with db.transaction():
        if not still_has(user_id, password_hash):
            raise Problem(422, DIFFERENT, "username")
        session.clear()
        session.update(user_id=user_id, browser=words.browser(request.user_agent.string))
        app.session_interface.begin(session)
    clear_up(user_id)


def still_has(user_id, password_hash):
    """Whether that is the person's password, for it takes a while to check one; to the end of the transaction it is."""
    return db.execute(
        "UPDATE users SET password_hash = password_hash WHERE id = ? AND password_hash = ?", user_id, password_hash
    )  # fmt: skip


def clear_up(user_id):
    """Remove what is past its time, with this person's trash, and put away what they want put away by itself."""
    now = int(time.time())
    remove_ended(now)
    journal.purge(user_id, now - TRASH_DAYS * 86400)
    archive_old_tickets(user_id, now)


def remove_ended(now):
    """Remove everybody's sessions, links for a new password, counts of logins and files that are past their time.

    Returns how many sessions.
    """
    db.execute("DELETE FROM resets WHERE expires_at <= ?", now)
    throttle.purge()
    uploads.purge(db)
    return db.execute("DELETE FROM sessions WHERE seen_at <= ? OR created_at <= ?", now - IDLE, now - ABSOLUTE)


@app.post("/logout")
def logout():
    """End this session."""
    if g.user:
        log("logout")
    session.clear()
    return go_out()


def go_out():
    """To the login page; what the script kept in the browser for this person (half-typed texts) is removed there."""
    response = go("/login")
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


@app.route("/reset/<code>", methods=["GET", "POST"])
def reset_password(code):
    """Choose a new password by a link that `flask --app app reset-password` made, once."""
    rows = db.execute(
        """
        SELECT users.id, users.username, users.first_name, users.last_name
        FROM resets JOIN users ON users.id = resets.user_id
        WHERE resets.code = ? AND resets.expires_at > ?
        """,
        hashed(code), int(time.time()),
    )  # fmt: skip
    if not rows:
        raise Problem(404, "This link was used, or its time is over. Ask who runs this NIKKO for a new one.")
    user = rows[0]
    if request.method == "GET":
        return draw("reset.html", person=user)
    try:
        password = helpers.new_password(read("password"), user["username"], user["first_name"], user["last_name"])
        password_hash = set_password(user["id"], password, code=code)
        log_in(user["id"], password_hash)
    except Problem as problem:
        return draw("reset.html", problem, person=user)
    log("password-reset", user["id"])
    return go("/")


NOT_YOURS = "That is not your password."


def set_password(user_id, password, code=None, checked=None):
    """Store a password, end every session of the person's, and return the password's hash. Raises Problem.

    Either the link with `code` is used up by this, or `checked` is the hash of the password until now.
    """
    password_hash = helpers.hash_password(password)
    with db.transaction():
        if code and not db.execute("DELETE FROM resets WHERE code = ?", hashed(code)):
            raise Problem(404, "This link was used a moment ago.")
        if checked and not still_has(user_id, checked):
            raise Problem(422, NOT_YOURS, "current_password")
        db.execute("UPDATE users SET password_hash = ? WHERE id = ?", password_hash, user_id)
        db.execute("DELETE FROM resets WHERE user_id = ?", user_id)
        db.execute("DELETE FROM sessions WHERE user_id = ?", user_id)
    return password_hash


@app.get("/account")
@login_required
def account():
    """Name, password, where the person is logged in, and the end of it."""
    return draw_account()


#: What the account page says after a form of its own, by `?changed=`.
CHANGED = {
    "name": "Your name is changed.",
    "password": "Your password is changed, and you are logged out everywhere else.",
    "sessions": "Logged out there.",
    "zone": "Your time zone is changed.",
    "calendar": "The calendar has a new address.",
    "no-calendar": "The calendar's address is ended.",
    "after": "Saved.",
}


def draw_account(problem=None):
    """The account page, with what a refused form had in it."""
    sessions = db.execute(
        """
        SELECT id, data, created_at, seen_at
        FROM sessions
        WHERE user_id = ? AND seen_at > ? AND created_at > ?
        ORDER BY seen_at DESC, created_at DESC
        """,
        g.user["id"], int(time.time()) - IDLE, int(time.time()) - ABSOLUTE,
    )  # fmt: skip
    for each in sessions:
        each["browser"] = json.loads(each["data"]).get("browser") or "A browser"
        each["here"] = each["id"] == hashed(session.sid)
    said = CHANGED.get(request.args.get("changed"))
    return draw(
        "account.html",
        problem,
        {"text": said} if said else None,
        sessions=sessions,
        calendar=get_calendar_address(),
        zones=sorted({*dates.places(), g.user["time_zone"]} - {""}),
        now=words.moment(int(time.time()), g.user["time_zone"], g.today),
    )


@app.post("/account/name")
@login_required
def change_name():
    """Change the first and the last name."""
    try:
        names = read_line("first_name", 100), read_line("last_name", 100)
    except Problem as problem:
        return draw_account(problem)
    db.execute(
        "UPDATE users SET first_name = ?, last_name = ?, version = version + 1 WHERE id = ?", *names, g.user["id"]
    )  # fmt: skip
    return go("/account?changed=name")


@app.post("/account/zone")
@login_required
def change_zone():
    """Change the time zone, by which every date on the pages goes."""
    try:
        if (zone := read("time_zone")) and zone not in dates.zones():
            raise Problem(422, "NIKKO doesn’t know that time zone. Choose one of the list.", "time_zone")
    except Problem as problem:
        return draw_account(problem)
    db.execute("UPDATE users SET time_zone = ?, version = version + 1 WHERE id = ?", zone, g.user["id"])
    return go("/account?changed=zone")


@app.post("/account/password")
@login_required
def change_password():
    """Change the password, and end every session but this one, which gets a new id."""
    try:
        checked = check_own_password("current_password")
        names = (g.user["username"], g.user["first_name"], g.user["last_name"])
        password = helpers.new_password(read("new_password"), *names, field="new_password")
        set_password(g.user["id"], password, checked=checked)
    except Problem as problem:
        return draw_account(problem)
    app.session_interface.regenerate(session)
    log("password-change")
    return go("/account?changed=password")


def check_own_password(field):
    """The hash of the person's own password, if the field has that; else it raises Problem."""
    password = read(field)
    row = db.execute("SELECT username_key, password_hash FROM users WHERE id = ?", g.user["id"])[0]
    with throttled(row["username_key"]):
        if not helpers.check_password(row["password_hash"], password):
            raise Problem(422, NOT_YOURS, field)
    return row["password_hash"]


@app.post("/account/sessions")
@login_required
def end_sessions():
    """Log out elsewhere: in the one place that `session` names, or with `others` in all but this one."""
    which = read("session")
    here = hashed(session.sid)
    if which == "others":
        db.execute("DELETE FROM sessions WHERE user_id = ? AND id <> ?", g.user["id"], here)
    elif "\0" in which or not db.execute("DELETE FROM sessions WHERE user_id = ? AND id = ?", g.user["id"], which):
        raise Problem(404, "That session has ended already.")
    log("sessions-ended")
    return go_out() if which == here else go("/account?changed=sessions")


@app.post("/account/delete")
@login_required
def delete_account():
    """Delete the person with everything that is theirs, at once and for good."""
    try:
        checked = check_own_password("your_password")
        if not db.execute("DELETE FROM users WHERE id = ? AND password_hash = ?", g.user["id"], checked):
            raise Problem(422, NOT_YOURS, "your_password")
    except Problem as problem:
        return draw_account(problem)
    log("account-deleted")
    session.clear()
    return go_out()


@app.post("/account/theme")
@login_required
def change_theme():
    """Keep whether the pages are light, dark, or as the system is."""
    theme = read_choice("theme", ("auto", "light", "dark"))
    db.execute("UPDATE users SET theme = ?, version = version + 1 WHERE id = ?", theme, g.user["id"])
    return draw_account_menu()


@app.post("/account/shortcuts")
@login_required
def switch_shortcuts():
    """Keep whether single keys do something (WCAG 2.1.4)."""
    on = int(read_choice("on", ("0", "1")))
    db.execute("UPDATE users SET shortcuts = ?, version = version + 1 WHERE id = ?", on, g.user["id"])
    return draw_account_menu()


def draw_account_menu():
    """Back to the page, on which the menu has changed."""
    if not wants_fragments():
        path, view = helpers.came_from()
        return back(path or "/", view)
    read_user_again()
    return draw("_account_part.html")


def read_user_again():
    """Bring g.user up to date after a change; it stays as it is when the account was deleted meanwhile."""
    for row in db.execute(
        "SELECT theme, shortcuts, version, todo, in_progress, done, archived FROM users WHERE id = ?", g.user["id"]
    ):
        g.user |= row


# Your data


#: What writes the file, and what it is.
EXPORTS = {
    "json": (exports.as_json, "application/json"),
    "csv": (exports.as_csv, "text/csv"),
    "md": (exports.as_markdown, "text/markdown"),
}


@app.get("/account/export.<kind>")
@login_required
def export(kind):
    """What the person has, in one file, as it was at one moment.

    It is written to the disk first: so a slow reader keeps no database waiting, and what fails isn't half a file.
    """
    if kind not in EXPORTS:
        abort(404)
    (write, mimetype), file = EXPORTS[kind], tempfile.TemporaryFile()  # noqa: SIM115  (closed when it is sent)
    with helpers.in_line(helpers.writing_files, "exporting"), db.snapshot(), room_on_disk():
        for piece in write(db, g.user):
            file.write(piece.encode())
        length = file.tell()
        file.seek(0)
    name = time.strftime(f"nikko-%Y-%m-%d.{kind}")
    headers = {"Content-Length": length, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(FileWrapper(file, 65536), headers=headers, mimetype=mimetype, direct_passthrough=True)


@contextlib.contextmanager
def room_on_disk():
    """Around what writes to a file for a while: a full disk is said in words."""
    try:
        yield
    except OSError as error:
        raise Full(error) from error


@app.get("/import")
@login_required
def show_import():
    """Choose a file, and see what is in the one that waits."""
    return draw_import(request.args)


def draw_import(options, problem=None):
    """The page that takes a file, with what is in the one that waits, if `options` say how it is read."""
    waiting, source, found = uploads.waiting(db, g.user["id"]), None, None
    if waiting:
        source, found = look_into(waiting, options)
    return draw("import.html", problem, waiting=waiting, source=source, found=found, limit=UPLOAD_LIMIT)


def look_into(waiting, options):
    """What the file that waits is and has in it: (source, survey), see imports.py; None when it was replaced now."""
    try:
        with place_to_read():
            source = imports.recognise(
                lambda: uploads.Stored(db, g.user["id"], waiting["id"]), options, dates.zone_of(g.user["time_zone"])
            )
            return source, imports.survey(source)
    except Unreadable:
        return None, None


def place_to_read():
    """Around what reads a whole file. Raises Problem when too many others do."""
    return helpers.in_line(helpers.reading_files, "importing")


@app.post("/import/file")
@login_required
def upload():
    """Take a file; it waits until the person has seen what is in it."""
    try:
        with room_on_disk(), helpers.in_line(helpers.receiving_files, "importing"):
            file = read_file()
        with place_to_read():
            imports.recognise(lambda: rewound(file), {})
        with rewound(file) as content:
            uploads.keep(db, g.user["id"], file.filename, content)
    except Unreadable as error:
        return draw_import({}, Problem(422, f"{error} Nothing was saved.", "file"))
    except Problem as problem:
        return draw_import({}, problem)
    return go("/import#found-head")


def read_file():
    """The file of the form. Raises Problem."""
    request.max_content_length = UPLOAD_LIMIT + 10_000  # what a form puts around it
    try:
        file = request.files.get("file")
    except RequestEntityTooLarge:
        message = f"That file is larger than {UPLOAD_LIMIT // 1_000_000} MB. Nothing was saved."
        raise Problem(413, message, "file") from None
    except ClientDisconnected:
        raise Problem(408, "The file took too long to come. Nothing was saved.", "file") from None
    if not file or not file.filename:
        raise Problem(422, "Choose a file first.", "file")
    return file


def rewound(file):
    """The same open file, at its beginning; it stays open."""
    file.seek(0)
    return contextlib.nullcontext(file)


@app.post("/import/run")
@login_required
def run_import():
    """Add all that the file has in it, as one step."""
    upload_id, waiting, found = read_id("upload"), uploads.waiting(db, g.user["id"]), None
    if waiting and waiting["id"] == upload_id:
        source, found = look_into(waiting, request.form)
    try:
        if found and found.wrong:
            raise Problem(422, "Nothing was imported: correct what is named below, and choose the file again.")
        with journal.action(g.user["id"], "import", form_key=helpers.form_key()) as action:
            if not found or uploads.waiting(db, g.user["id"]) != waiting:
                raise Problem(409, "That file isn't here any more, or you chose another one. Look at it first.")
            leave_room(HELD, g.user["id"], range(found.tickets), TICKETS_LIMIT)
            imports.bring_in(db, action, g.user["id"], source, found)
            uploads.forget(db, g.user["id"])
    except Problem as problem:
        return draw_import(request.form, problem)
    except Repeated as repeated:
        return go(helpers.address("/", done=repeated.action_id))
    return go(helpers.address("/", done=action.id))


@app.post("/import/discard")
@login_required
def discard_import():
    """Forget the file that waits."""
    uploads.forget(db, g.user["id"])
    return go("/import")


@app.post("/account/calendar")
@login_required
def change_calendar():
    """Give the calendar of due dates a new address, or (`on` is 0) none; the one before ends."""
    key = secrets.token_urlsafe(32) if read_choice("on", ("0", "1")) == "1" else None
    db.execute("UPDATE users SET calendar_key = ? WHERE id = ?", key, g.user["id"])
    log("calendar-address")
    return go(f"/account?changed={'calendar' if key else 'no-calendar'}#calendar")


def get_calendar_address():
    """The address of the person's calendar, None when there is none."""
    key = db.execute("SELECT calendar_key FROM users WHERE id = ?", g.user["id"])[0]["calendar_key"]
    return key and f"{request.url_root}calendar/{key}.ics"


@app.get("/calendar/<key>.ics")
def calendar(key):
    """The due dates of a person's open tickets; who knows the address needs no login."""
    owners = db.execute(
        "SELECT id, created_at, version FROM users WHERE calendar_key = ?",
        key if re.fullmatch(r"[\w-]{43}", key, re.ASCII) else None,
    )
    if not owners:
        abort(404)
    user = owners[0]
    etag = f'W/"{zlib.crc32(repr((BUILD, request.url_root)).encode()):08x}-{user["version"]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if etag in request.headers.get("If-None-Match", ""):
        return Response(status=304, headers=headers)
    tickets, todos = get_due(user["id"])
    page = calendar_feed.calendar(user, tickets, todos, lambda each: f"{request.url_root}platform/{each}", time.time())
    return Response(page, headers=headers, mimetype="text/calendar")


def get_due(user_id):
    """The person's open tickets with a due date, the latest first, and their open to-dos, {ticket id: [text]}.

    Where there are more to-dos than a calendar takes, each ticket's first ones come before others' later ones.
    """
    tickets = db.execute(
        """
        SELECT id, title, due
        FROM tickets
        WHERE user_id = ? AND deleted_at IS NULL AND archived_at IS NULL AND status <> 'done' AND due IS NOT NULL
        ORDER BY due DESC, id
        LIMIT ?
        """,
        user_id, calendar_feed.LIMIT,
    )  # fmt: skip
    todos = {ticket["id"]: [] for ticket in tickets}
    for todo in tickets and db.execute(
        """
        SELECT todos.ticket_id, todos.text
        FROM todos JOIN tickets ON tickets.id = todos.ticket_id
        WHERE tickets.id IN (?) AND tickets.user_id = ? AND todos.deleted_at IS NULL AND todos.done = 0
        ORDER BY todos.position, todos.id
        LIMIT ?
        """,
        list(todos), user_id, calendar_feed.TODOS_LIMIT,
    ):  # fmt: skip
        todos[todo["ticket_id"]].append(todo["text"])
    return tickets, todos


# Board


CARD = """
    SELECT
        id, title, status, status_since, position, due, labels,
        (
            SELECT COUNT(*)
            FROM todos
            WHERE ticket_id = tickets.id AND deleted_at IS NULL
        ) AS todos,
        (
            SELECT COUNT(*)
            FROM todos
            WHERE ticket_id = tickets.id AND deleted_at IS NULL AND done = 1
        ) AS done
    FROM tickets
    WHERE user_id = ? AND deleted_at IS NULL AND archived_at IS NULL"""
COLUMN = """
    SELECT id, title, status, status_since, position, todos, done, due, labels
    FROM ({card} AND status = ? {found}
        ORDER BY position, id
        LIMIT ?
    ) AS {status}"""
#: The labels come along, as rows of no status with name and colour: a statement of their own is a tenth of a page.
LABELS_TOO = """
    SELECT
        id, name AS title, '' AS status, 0 AS status_since, 0 AS position, 0 AS todos, 0 AS done, NULL AS due,
        colour AS labels
    FROM labels
    WHERE user_id = ? AND deleted_at IS NULL"""


@app.get("/")
@login_required
def board():
    """The board: the person's tickets in three columns."""
    return unchanged() or draw_board()


def draw_board(problem=None, toast=None, changed=()):
    """The board, with what a refused form had in it; the script gets the part that it asks for.

    `changed` are the ids of the tickets of which the toast tells: one that a search hides would seem to be lost.
    """
    view = helpers.get_view()
    query = get_query(view)
    columns, following, mine = get_columns(get_shown(view, query), query)
    counts = get_counts(query, columns, following)
    due = get_due_counts(columns, are_all=query or not (following["todo"] or following["in_progress"]))
    more_of = (lambda status: helpers.address("/", view, more=status)) if helpers.may_show_more(view) else None
    form, asked = get_asked(problem)
    shown = {ticket["id"]: ticket for tickets in columns.values() for ticket in tickets}
    if asked and asked not in shown and (card := get_card(asked, mine)):
        columns[card["status"]].append(card)
        shown[asked] = card
    if toast and query and not shown.keys() & changed and is_on_board(changed, mine):
        toast = {**toast, "text": f"{toast['text']}; not shown in this view", "place": None}
    return draw(
        "_board_part.html" if wants_fragments() else "board.html",
        problem,
        toast,
        view=view,
        home=helpers.address("/", view),
        more_of=more_of,
        query=query,
        columns=columns,
        following=following,
        counts=counts,
        head=get_head(view, mine, due),
        asked=asked,
        edit=asked if form == "edit" else None,
        move=asked if form == "move" else None,
        marking=get_marking(form, shown.get(asked), mine),
        add=request.args.get("add"),
        opened=get_opened(view),
        found=get_found(query, shown),
    )


def is_on_board(ticket_ids, mine):
    """Whether one of these tickets is on the board; an action that changed many did the same to each."""
    return any(get_card(ticket_id, mine) for ticket_id in itertools.islice(ticket_ids, 3))


#: What the address calls the forms that open in a card, by the route of each.
FORMS = {"rename_ticket": "edit", "move_ticket": "move", "set_labels": "labels", "set_due": "date"}


def get_asked(problem):
    """Which form is open in which ticket's card, as (of FORMS, id); after a refusal the one that was refused."""
    if problem:
        return FORMS.get(request.endpoint), request.view_args.get("ticket_id")
    args = request.args
    asked = [(form, ticket_id) for form in FORMS.values() if form in args and (ticket_id := whole(args[form]))]
    return asked[0] if asked else (None, None)


def get_query(view):
    """What the view searches for, in words or by its chips; None when it is the whole board."""
    due = [each for each in words.DUE if each in view.getlist("due")]
    return search.parse(view.get("q", ""), g.user["id"], g.today, chosen_labels(view), due)


def chosen_labels(view):
    """The ids of the labels by which the view is filtered."""
    return list(filter(None, map(whole, view.getlist("label"))))


def get_shown(view, query=None):
    """How many tickets of each column this view shows: {status: number}."""
    more = view.getlist("more")
    return {status: (MORE if query else shown) + MORE * more.count(status) for status, shown in SHOWN.items()}


def get_columns(shown, query=None):
    """The first of the person's tickets in each column, {status: rows}, and the id that follows, {status: id or None}.

    `shown` says how many there are in each, {status: number}, and `query` which. The third is the person's labels,
    {id: (name, colour)}.
    """
    found, values = query.condition() if query else ("", [])
    columns = {status: [] for status in shown}
    rows = db.execute(
        statement_of_columns(found, *shown),
        *[value for status, limit in shown.items() for value in (g.user["id"], status, *values, limit + 1)],
        g.user["id"],
    )
    mine = {
        row["id"]: (row["title"], row["labels"]) for row in itertools.takewhile(lambda row: not row["status"], rows)
    }
    dress(rows[len(mine) :], mine)
    for ticket in rows[len(mine) :]:
        columns[ticket["status"]].append(ticket)
    following = {
        status: tickets.pop()["id"] if len(tickets) > shown[status] else None for status, tickets in columns.items()
    }
    return columns, following, mine


@functools.lru_cache(64)
def statement_of_columns(found, *statuses):
    """The statement of get_columns: `found` is the condition of a search."""
    columns = [COLUMN.format(card=CARD, found=found, status=status) for status in statuses]
    return " UNION ALL ".join([*columns, LABELS_TOO]) + " ORDER BY status, position, id"


def dress(tickets, mine):
    """Add to rows of tickets what a card says of them: `since` when one is done, and the `marks` of another.

    These are its labels, ((name, colour), …), and when it is due, (words, whether it is late); None for neither.
    """
    zone, today = g.user["time_zone"], g.today
    for ticket in tickets:
        ticket["since"] = ticket["marks"] = None
        if ticket["status"] == "done":
            ticket["since"] = words.day(ticket["status_since"], zone, today)
        elif ticket["due"] or ticket["labels"]:
            due = ticket["due"] and dates.due_words(ticket["due"], True, today)
            ticket["marks"] = (labelled(ticket["labels"], mine), due)


def labelled(stored, mine):
    """The labels of a ticket's row as a card shows them: ((name, colour), …)."""
    return tuple(mine[label_id] for label_id in labels.ids(stored) if label_id in mine)


def get_counts(query=None, columns=None, following=None):
    """How many tickets each column has, {status: number}; of those that `query` finds.

    Of a search the columns are at hand, and only what follows in them is counted: so it reads each ticket once.
    """
    if not query:
        return {status: g.user[status] for status in STATUSES}
    found, values = query.condition()
    counts = {status: len(tickets) for status, tickets in columns.items()}
    for status in filter(following.get, counts):
        last = columns[status][-1]
        counts[status] += db.execute(
            f"""
            SELECT COUNT(*) AS held
            FROM tickets
            WHERE
                user_id = ? AND deleted_at IS NULL AND archived_at IS NULL AND status = ?
                AND position >= ? AND (position > ? OR id > ?) {found}
            """,
            g.user["id"], status, last["position"], last["position"], last["id"], *values,
        )[0]["held"]  # fmt: skip
    return counts


def get_due_counts(columns=None, are_all=False):
    """How many open tickets are late, due today, due this week, and have any due date: {late, today, week, dated}.

    They are counted in the `columns` when these are all that counts.
    """
    today, sunday = str(g.today), str(dates.end_of_week(g.today))
    if are_all:
        due = [ticket["due"] for status in ("todo", "in_progress") for ticket in columns[status] if ticket["due"]]
        return {
            "late": sum(day < today for day in due),
            "today": due.count(today),
            "week": sum(today <= day <= sunday for day in due),
            "dated": len(due),
        }
    return db.execute(
        """
        SELECT
            COUNT(CASE WHEN due < ? THEN 1 END) AS late,
            COUNT(CASE WHEN due = ? THEN 1 END) AS today,
            COUNT(CASE WHEN due >= ? AND due <= ? THEN 1 END) AS week,
            COUNT(due) AS dated
        FROM tickets
        WHERE user_id = ? AND deleted_at IS NULL AND archived_at IS NULL AND status IN ('todo', 'in_progress')
        """,
        today, today, today, sunday, g.user["id"],
    )[0]  # fmt: skip


def get_head(view, mine, due):
    """What stands above the columns: `due`, the counts of get_due_counts, and the chips.

    These are (id, words, address, whether it is chosen), the labels by name; those for due dates are there once there
    is such a date.
    """
    ways = [("due", each, said) for each, said in words.DUE.items()] if due["dated"] or view.get("due") else []
    ways += [("label", str(each), name) for each, (name, _) in labels.in_order(mine)]
    chosen = [item for item in view.items(multi=True) if item[0] in ("label", "due")]
    names = [mine[label_id][0] if label_id in mine else "a deleted label" for label_id in chosen_labels(view)]
    return {
        "due": due,
        "sunday": due["week"] and dates.said(dates.end_of_week(g.today), g.today),
        "all": (ways or names) and helpers.address("/", MultiDict(item for item in view.items() if item[0] == "q")),
        "chips": [
            (f"chip-{name}-{value}", said, helpers.toggled(view, name, value), (name, value) in chosen)
            for name, value, said in ways
        ],
        "chosen": chosen and words.filtered(view.getlist("due"), names, g.today),
    }


def get_marking(form, ticket, mine):
    """What the form for a ticket's labels or due date shows, None when none is asked for."""
    if form not in ("labels", "date") or not ticket:
        return None
    held = labelled(ticket["labels"], mine)
    return {
        "form": form,
        "ticket": ticket,
        "held": held,
        "offered": [*held, *(label for _, label in labels.in_order(mine) if label not in held)],
        "due": ticket["due"] and dates.in_full(ticket["due"]),
        "hint": DATE_HINT,
    }


def get_opened(view):
    """The open to-dos of the tickets that are opened on the board: {ticket id: rows}.

    Without the plus sign SQLite looks through all tickets of the person.
    """
    opened = {ticket_id: [] for ticket_id in map(whole, view.getlist("open")[:50]) if ticket_id}
    for todo in opened and db.execute(
        """
        SELECT todos.id, todos.ticket_id, todos.text, todos.done, linked.id AS link
        FROM todos
        JOIN tickets ON tickets.id = todos.ticket_id
        LEFT JOIN tickets AS linked ON linked.id = todos.link_id AND linked.deleted_at IS NULL
        WHERE tickets.id IN (?) AND +tickets.user_id = ? AND todos.deleted_at IS NULL AND todos.done = 0
        ORDER BY todos.position, todos.id
        """,
        list(opened), g.user["id"],
    ):  # fmt: skip
        opened[todo["ticket_id"]].append(todo)
    return opened


def get_found(query, ticket_ids):
    """What of these tickets, which are the person's, has a word of the query: {ticket id: rows}.

    The rows are its to-dos, before them one with the line of the description, whose `done` is None.
    """
    found = {}
    if query and query.words and ticket_ids:
        condition, values = query.found_in("description_folded")
        for ticket in db.execute(
            f"""
            SELECT id, description
            FROM tickets
            WHERE id IN (?) AND +user_id = ? {condition}
            LIMIT 100
            """,
            list(ticket_ids), g.user["id"], *values,
        ):  # fmt: skip
            found[ticket["id"]] = [{"text": query.excerpt(ticket["description"]), "done": None}]
        condition, values = query.found_in("text_folded")
        for todo in db.execute(
            f"""
            SELECT ticket_id, text, done
            FROM todos
            WHERE ticket_id IN (?) AND deleted_at IS NULL {condition}
            ORDER BY position, id
            LIMIT 500
            """,
            list(ticket_ids), *values,
        ):  # fmt: skip
            found.setdefault(todo["ticket_id"], []).append(todo)
    return found


def draw_board_changes(changes, ticket_id, toast):
    """What the script needs to bring an open board up to date: a card and the counts, or more of it.

    `changes` are an action's, None when they aren't known; `ticket_id` is its ticket, None when it has several.
    """
    view, counts = helpers.get_view(), get_counts()
    ids = {row_id for table, row_id, _, _ in changes or [] if table == "tickets"} or {ticket_id}
    ids |= {held["ticket_id"] for _, _, *both in changes or [] for held in both if "ticket_id" in held}
    # The last one and the first change the whole page, in a search it may be found no more, and a to-do of an opened
    # card may lead to it.
    if None in ids or len(ids) > 1 or sum(counts.values()) < 2 or {"q", "label", "due", "open"} & view.keys():
        return draw_board(toast=toast, changed=ids - {None})
    card = get_card(*ids)
    marked = any(table == "labels" or {"due", "labels"} & after.keys() for table, _, _, after in changes or [])
    return draw(
        "_board_changes.html",
        toast=toast,
        counts=counts,
        card=card,
        gone=ids,
        home=helpers.address("/", view),
        head=get_head(view, get_labels(), get_due_counts()) if marked or not card or card["due"] else None,
    )


def get_labels():
    """The person's labels: {id: (name, colour)}."""
    rows = db.execute("SELECT id, name, colour FROM labels WHERE user_id = ? AND deleted_at IS NULL", g.user["id"])
    return {row["id"]: (row["name"], row["colour"]) for row in rows}


FOLLOWING = """
    SELECT later.id
    FROM tickets AS later
    WHERE
        later.user_id = ? AND later.deleted_at IS NULL AND later.archived_at IS NULL AND later.status = card.status
        AND later.position >= card.position AND (later.position > card.position OR later.id > card.id)
    ORDER BY later.position, later.id
    LIMIT 1"""


def get_card(ticket_id, mine=None):
    """A ticket as the board shows it, with the id of the one `following` in its column; None when it isn't there.

    `mine` are the person's labels, if they are at hand.
    """
    rows = db.execute(
        f"""
        SELECT id, title, status, status_since, position, todos, done, due, labels, ({FOLLOWING}) AS following
        FROM ({CARD} AND id = ?) AS card
        """,
        g.user["id"], g.user["id"], ticket_id,
    )  # fmt: skip
    dress(rows, mine or (get_labels() if rows and rows[0]["labels"] else {}))
    return rows[0] if rows else None


# Tickets


def get_ticket(ticket_id, trashed=False):
    """The person's ticket, 404 when there is none; one in the trash only if `trashed` says so."""
    rows = db.execute(
        """
        SELECT
            id, title, status, status_since, position, created_at, deleted_at, archived_at, due, labels, description
        FROM tickets
        WHERE id = ? AND user_id = ?
        """,
        ticket_id, g.user["id"],
    )  # fmt: skip
    if not rows or (rows[0]["deleted_at"] and not trashed):
        abort(404)
    return rows[0]


#: How many tickets a person has; those on the board are counted already.
HELD = """
    SELECT
        todo + in_progress + done + archived
        + (SELECT COUNT(*) FROM tickets WHERE user_id = users.id AND deleted_at IS NOT NULL) AS held
    FROM users
    WHERE id = ?
    """


#: How many to-dos a ticket has.
TODOS_HELD = "SELECT COUNT(*) AS held FROM todos WHERE ticket_id = ?"


@app.post("/tickets")
@login_required
def add_tickets():
    """Add a ticket for each line, at the top of a column; with `quick` their last words may say label and due date."""
    status = read_choice("status", STATUSES, "todo")
    try:
        lines, is_quick = read_lines("title"), read("quick", "") == "1"
        tickets = [quickadd.parse(line, g.today) if is_quick else quickadd.Quick(line, []) for line in lines]
        with journal.action(g.user["id"], "add", form_key=helpers.form_key()) as action:
            leave_room(HELD, g.user["id"], tickets, TICKETS_LIMIT)
            label_ids = make_labels(action, [name for ticket in tickets for name in ticket.labels])
            column = {"user_id": g.user["id"], "status": status}
            top = action.top("tickets", column, len(tickets))
            for number, ticket in enumerate(tickets):
                marks = {"due": str(ticket.due)} if ticket.due else {}
                if ticket.labels:
                    marks["labels"] = labels.stored([label_ids[labels.key(name)] for name in ticket.labels])
                ticket_id = action.add(
                    "tickets", **column, title=ticket.title, status_since=action.now, position=top + number, **marks
                )  # fmt: skip
            action.ticket_id = ticket_id if len(tickets) == 1 else None
    except Problem as problem:
        return draw_board(problem)
    except Repeated as repeated:
        return answer(repeated.action_id, None, None, "/")
    return tell(action, "/")


def leave_room(count, of, new, limit, field="title"):
    """Raise Problem when the `new` rows would make more than `limit`; `count` is the statement that counts them."""
    if db.execute(count, of)[0]["held"] + len(new) > limit:
        raise Problem(422, f"That would be more than {limit:,}. Delete some and empty the trash first.", field)


@app.post("/tickets/<id:ticket_id>/title")
@login_required
def rename_ticket(ticket_id):
    """Change a ticket's title, unless it was changed elsewhere since the page showed it."""
    get_ticket(ticket_id)
    try:
        title = read_line("title")
    except Problem as problem:
        return draw_refused(ticket_id, problem)
    with journal.action(g.user["id"], "rename", ticket_id) as action:
        ticket = get_ticket(ticket_id)
        if is_stale(ticket["title"], title):
            return draw_stale("title", title, ticket["title"])
        action.change("tickets", ticket, title=title)
    return tell(action, f"/platform/{ticket_id}", f"ticket-{ticket_id}")


@app.post("/tickets/<id:ticket_id>/status")
@login_required
def change_status(ticket_id):
    """Move a ticket to the top of another column."""
    status = read_choice("status", STATUSES)
    with journal.action(g.user["id"], "move", ticket_id) as action:
        ticket = get_ticket(ticket_id)
        if ticket["status"] != status:
            column = {"user_id": g.user["id"], "status": status}
            action.change(
                "tickets", ticket,
                status=status,
                status_since=action.now,
                position=action.top("tickets", column),
                archived_at=None,
            )  # fmt: skip
    return tell(action, "/", f"ticket-{ticket_id}")


@app.post("/tickets/<id:ticket_id>/position")
@login_required
def move_ticket(ticket_id):
    """Move a ticket to any place: before another one, or to the end of a column."""
    status, before_id = read_choice("status", STATUSES), read_id("before")
    with journal.action(g.user["id"], "move", ticket_id) as action:
        ticket = get_ticket(ticket_id)
        before = get_ticket(before_id, trashed=True) if before_id else None
        if before and (before["status"] != status or before["deleted_at"] or before["archived_at"]):
            before = None  # it has left the column
        if before_id != ticket_id or ticket["status"] != status:
            column = {"user_id": g.user["id"], "status": status}
            action.change(
                "tickets", ticket,
                status=status,
                status_since=ticket["status_since"] if ticket["status"] == status else action.now,
                position=action.place("tickets", column, before, ticket_id),
                archived_at=None,
            )  # fmt: skip
    return tell(action, "/", f"ticket-{ticket_id}")


@app.post("/tickets/<id:ticket_id>/top")
@login_required
def move_ticket_to_top(ticket_id):
    """Move a ticket to the top of its column."""
    with journal.action(g.user["id"], "move", ticket_id) as action:
        ticket = get_ticket(ticket_id)
        top = action.top("tickets", {"user_id": g.user["id"], "status": ticket["status"]})
        if ticket["position"] > top + 1:
            action.change("tickets", ticket, position=top)
    return tell(action, "/", f"ticket-{ticket_id}")


@app.post("/tickets/<id:ticket_id>/due")
@login_required
def set_due(ticket_id):
    """Say in words when a ticket is due; an empty field takes the date away."""
    held = get_ticket(ticket_id)["due"]
    try:
        due = read_due(held)
    except Problem as problem:
        return draw_refused(ticket_id, problem)
    with journal.action(g.user["id"], "due", ticket_id) as action:
        action.change("tickets", get_ticket(ticket_id), due=due)
    return tell(action, f"/platform/{ticket_id}", f"ticket-{ticket_id}")


def read_due(held):
    """The day (YYYY-MM-DD) of the form's field, None when it is empty. Raises Problem.

    What the ticket `held` can stay, be it beyond what can be typed: an import may have brought it.
    """
    text = read("due").strip()
    if held and text == dates.in_full(held):
        return held
    day = dates.parse(text, g.today)
    if text and not day:
        raise Problem(422, f"That isn’t a date that NIKKO knows. Try {dates.EXAMPLES}.", "due")
    return day and str(day)


DATE_HINT = f"Such as {dates.EXAMPLES}; empty for none."


@app.get("/dates")
@login_required
def understand_date():
    """What a date field would take the words `text` for, as its script shows it before anything is saved."""
    day = dates.parse(request.args.get("text", "")[:200], g.today)
    return Response(dates.in_full(str(day)) if day else DATE_HINT, mimetype="text/plain")


@app.post("/tickets/<id:ticket_id>/labels")
@login_required
def set_labels(ticket_id):
    """Give a ticket these labels and no others: `labels` by name, separated by commas, and each `label` chosen."""
    get_ticket(ticket_id)
    try:
        names = read_labels()
        with journal.action(g.user["id"], "label", ticket_id) as action:
            ticket = get_ticket(ticket_id)
            ids = list(make_labels(action, names).values())
            if set(ids) != set(labels.ids(ticket["labels"])):
                action.change("tickets", ticket, labels=labels.stored(ids))
            action.names |= get_label_names(action.changes)
    except Problem as problem:
        return draw_refused(ticket_id, problem)
    return tell(action, f"/platform/{ticket_id}", f"ticket-{ticket_id}")


def read_labels():
    """The names of a form's labels, each once. Raises Problem."""
    chosen, typed = [" ".join(name.split()) for name in request.form.getlist("label")], labels.split(read("labels"))
    names = labels.once([*filter(None, chosen), *typed])
    if fault := next(filter(None, map(labels.fault_of_held, names)), None):
        raise Problem(422, fault, "labels")
    if len(names) > labels.TICKET_LIMIT:
        raise Problem(422, f"A ticket has at most {labels.TICKET_LIMIT} labels.", "labels")
    return names


def make_labels(action, names):
    """The labels of these names as {key: id}; what isn't there (any more) is made by this action. Raises Problem."""
    rows = names and db.execute(
        "SELECT id, name, name_key, colour, deleted_at FROM labels WHERE user_id = ?", g.user["id"]
    )  # fmt: skip
    held, used = {row["name_key"]: row for row in rows}, [row["colour"] for row in rows if not row["deleted_at"]]
    ids = {}
    for name in labels.once(names):
        key = labels.key(name)
        label = held.get(key)
        if not label or label["deleted_at"]:
            colour = labels.next_colour(used)
            used.append(colour)
        if not label:
            ids[key] = action.add("labels", user_id=g.user["id"], name=name, name_key=key, colour=colour)
            continue
        ids[key] = label["id"]
        action.names["labels", label["id"]] = label["name"]
        if label["deleted_at"]:
            action.change("labels", label, name=name, colour=colour, deleted_at=None)
    if len(used) > labels.LIMIT:
        raise Problem(422, f"That would be more than {labels.LIMIT} labels.", "labels")
    return ids


@app.post("/tickets/<id:ticket_id>/delete")
@login_required
def delete_ticket(ticket_id):
    """Put a ticket, with its to-dos, in the trash."""
    with journal.action(g.user["id"], "delete", ticket_id) as action:
        action.change("tickets", get_ticket(ticket_id), deleted_at=action.now)
    return tell(action, "/")


# Platform


@app.get("/platform")
@login_required
def platform():
    """The ticket last worked on, or else the one that comes next."""
    rows = db.execute(
        """
        SELECT tickets.id
        FROM actions JOIN tickets ON tickets.id = actions.ticket_id
        WHERE actions.user_id = ? AND actions.state = ? AND tickets.deleted_at IS NULL
        ORDER BY actions.id DESC
        LIMIT 1
        """,
        g.user["id"],
        IN_EFFECT,
    )
    if not rows:
        columns, _, _ = get_columns({"in_progress": 1, "todo": 1, "done": 1})
        rows = columns["in_progress"] or columns["todo"] or columns["done"]
    return go(f"/platform/{rows[0]['id']}") if rows else draw("platform_empty.html")


@app.get("/platform/<id:ticket_id>")
@login_required
def platform_of(ticket_id):
    """One ticket and its to-dos, with the active tickets beside it."""
    return unchanged() or draw_platform(ticket_id)


#: Which part of the platform page is a form: as `?edit=` says, or where the form stood that was refused.
PARTS = {
    "rename_ticket": "title",
    "describe_ticket": "description",
    "preview_description": "description",
    "write_todos": "todos",
    "make_todo": "todo",
    "set_due": "date",
    "set_labels": "labels",
}


def draw_platform(ticket_id, problem=None, changes=None, toast=None, preview=None):
    """The platform page, with what a refused form had in it; the script gets what `changes` changed, or all.

    `preview` is a description to be shown above the form that has it.
    """
    ticket = get_ticket(ticket_id)
    if len(ticket["description"]) > LONG_TEXT:
        db.may_take_long()
    every_todo = get_every_todo(ticket_id)
    beside, _, mine = get_columns({"in_progress": MORE, "todo": MORE})
    is_open = ticket["status"] != "done" and not ticket["archived_at"]
    part = PARTS.get(request.endpoint) if problem or preview is not None else request.args.get("edit")
    names = {("todos", todo["id"]): todo["text"] for todo in every_todo} | {("tickets", ticket_id): ticket["title"]}
    todos = [todo for todo in every_todo if not todo["deleted_at"]]
    ids = [None, *(todo["id"] for todo in todos), "", None]
    for todo, above, below in zip(todos, ids, ids[3:]):
        todo |= {"above": above, "below": below}
    edit, carry = whole(request.args.get("edit")), whole(request.args.get("carry"))
    if problem:
        todo_id = request.view_args.get("todo_id")
        edit, carry = (None, todo_id) if request.endpoint == "carry_todo" else (todo_id, None)
    return draw(
        "_platform_part.html" if wants_fragments() else "platform.html",
        problem,
        toast=toast,
        part=part,
        edit=edit,
        carry=carry,
        preview=preview,
        marking=get_marking(part, ticket, mine),
        labelled=labelled(ticket["labels"], mine),
        due=ticket["due"] and dates.due_words(ticket["due"], is_open, g.today),
        only=alone(changes),
        ticket=ticket,
        todos=todos,
        done=sum(todo["done"] for todo in todos),
        beside=beside,
        history=get_history(ticket_id, names),
    )


def get_every_todo(ticket_id):
    """The to-dos of a ticket of the person's, with those in the trash, in their order; `link` is a ticket to open."""
    return db.execute(
        """
        SELECT
            todos.id, todos.ticket_id, todos.text, todos.done, todos.position, todos.deleted_at, linked.id AS link
        FROM todos
        JOIN tickets ON tickets.id = todos.ticket_id
        LEFT JOIN tickets AS linked ON linked.id = todos.link_id AND linked.deleted_at IS NULL
        WHERE tickets.id = ? AND tickets.user_id = ?
        ORDER BY todos.position, todos.id
        """,
        ticket_id, g.user["id"],
    )  # fmt: skip


def draw_refused(ticket_id, problem):
    """The page on which a form of this ticket stood, with what was typed."""
    return draw_board(problem) if helpers.came_from()[0] == "/" else draw_platform(ticket_id, problem)


def alone(changes):
    """The id of the to-do that alone has changed, and not its place; None when more of the list did."""
    if changes and len(changes) == 1:
        table, row_id, _, after = changes[0]
        if table == "todos" and after.keys() <= {"text", "done"}:
            return row_id
    return None


def get_history(ticket_id, names):
    """The ticket's latest 50 actions, newest first, each with `text`: what it did, in words."""
    actions = db.execute(
        """
        SELECT actions.id, actions.kind, actions.state, actions.changes, actions.created_at, steps.kind AS step_kind
        FROM actions LEFT JOIN actions AS steps ON steps.id = actions.step_id
        WHERE actions.ticket_id = ? AND actions.user_id = ?
        ORDER BY actions.id DESC
        LIMIT 50
        """,
        ticket_id, g.user["id"],
    )  # fmt: skip
    if sum(len(action["changes"]) for action in actions) > LONG:
        db.may_take_long()
    for action in actions:
        action["changes"] = json.loads(action["changes"])
    names = get_names([action["changes"] for action in actions], names)
    names |= get_label_names([change for action in actions for change in action["changes"]])
    zone, today = g.user["time_zone"], g.today
    for action in actions:
        action["text"] = words.describe(
            action["kind"], action["changes"], names, action["step_kind"], words.OWN, today
        )  # fmt: skip
        action["can_undo"] = action["state"] == IN_EFFECT
        action["when"] = words.moment(action["created_at"], zone, today)
    return actions


def get_names(steps, names):
    """The titles and texts of what these lists of changes are about: `names`, and what lacks there.

    A sentence is about the first or the last change, and the ticket to which that brought a to-do.
    """
    lacking = {"tickets": set(), "todos": set()}
    for changes in steps:
        for table, row_id, before, after in changes[:1] + changes[-1:]:
            tickets = (("tickets", held["ticket_id"]) for held in (before, after) if "ticket_id" in held)
            for of, each in ((table, row_id), *tickets):
                if (of, each) not in names and of in lacking:
                    lacking[of].add(each)
    if not any(lacking.values()):
        return names
    rows = db.execute(
        """
        SELECT 'tickets' AS held, id, title AS name
        FROM tickets
        WHERE id IN (?) AND user_id = ?
        UNION ALL
        SELECT 'todos', todos.id, todos.text
        FROM todos JOIN tickets ON tickets.id = todos.ticket_id
        WHERE todos.id IN (?) AND tickets.user_id = ?
        """,
        [0, *lacking["tickets"]], g.user["id"], [0, *lacking["todos"]], g.user["id"],
    )  # fmt: skip
    return names | {(row["held"], row["id"]): row["name"] for row in rows}


def get_label_names(changes):
    """The names of the labels that these changes (of actions) speak of, deleted ones too: {("labels", id): name}."""
    ids = {row_id for table, row_id, _, _ in changes if table == "labels"}
    for row in (row for change in changes for row in change[2:] if row.get("labels")):
        ids.update(labels.ids(row["labels"]))
    rows = ids and db.execute(
        "SELECT id, name FROM labels WHERE user_id = ? AND id IN (?)", g.user["id"], list(ids)[:1000]
    )  # fmt: skip
    return {("labels", row["id"]): row["name"] for row in rows}


@app.post("/tickets/<id:ticket_id>/description")
@login_required
def describe_ticket(ticket_id):
    """Change a ticket's description, unless it was changed elsewhere since the page showed it."""
    get_ticket(ticket_id)
    try:
        text = read_text("description", description.LIMIT)
    except Problem as problem:
        return draw_platform(ticket_id, problem)
    with journal.action(g.user["id"], "describe", ticket_id) as action:
        ticket = get_ticket(ticket_id)
        if is_stale(ticket["description"], text):
            return draw_stale("description", text, ticket["description"], several_lines=True)
        action.change("tickets", ticket, description=text)
    return tell(action, f"/platform/{ticket_id}", "description")


@app.post("/tickets/<id:ticket_id>/description/preview")
@login_required
def preview_description(ticket_id):
    """Show what a description would look like; nothing is saved."""
    get_ticket(ticket_id)
    try:
        text = read_text("description", description.LIMIT)
    except Problem as problem:
        return draw_platform(ticket_id, problem)
    return draw("_preview.html", preview=text) if wants_fragments() else draw_platform(ticket_id, preview=text)


@app.post("/tickets/<id:ticket_id>/todo")
@login_required
def make_todo(ticket_id):
    """Make a ticket a to-do of another one, which gets its to-dos and its description, too."""
    get_ticket(ticket_id)
    try:
        with journal.action(g.user["id"], "ticket_to_todo") as action:
            ticket, other = get_ticket(ticket_id), get_chosen()
            if other["id"] == ticket_id:
                raise Problem(422, "Choose another ticket.", "ticket")
            todos = [todo for todo in get_every_todo(ticket_id) if not todo["deleted_at"]]
            hand_over(action, ticket, todos, other)
    except Problem as problem:
        return draw_platform(ticket_id, problem)
    return tell(action, f"/platform/{other['id']}", "todos")


def get_chosen():
    """The ticket that a form chose. Raises Problem."""
    if not read("ticket"):
        raise Problem(422, "Choose a ticket.", "ticket")
    return get_ticket(read_id("ticket"))


def hand_over(action, ticket, todos, other):
    """Give the other ticket all that this one has: its title as a to-do, those `todos`, the description."""
    leave_room(TODOS_HELD, other["id"], [ticket, *todos], TODOS_LIMIT, "ticket")
    text = ticket["description"] and f"## {ticket['title']}\n\n{ticket['description']}"
    text = "\n\n".join(filter(None, [other["description"], text]))
    if len(text) > description.LIMIT:
        raise Problem(422, f"Both descriptions together are longer than {description.LIMIT:,} characters.", "ticket")
    end = action.place("todos", {"ticket_id": other["id"]})
    done = int(ticket["status"] == "done")
    action.ticket_id = other["id"]
    action.add("todos", ticket_id=other["id"], text=ticket["title"], done=done, position=end)
    for number, todo in enumerate(todos, 1):
        action.change("todos", todo, ticket_id=other["id"], position=end + number)
    action.change("tickets", other, description=text)
    action.change("tickets", ticket, deleted_at=action.now)


# To-dos


def get_todo(todo_id, trashed=False):
    """A to-do of the person's, 404 when there is none; one in the trash only if `trashed` says so."""
    rows = db.execute(
        """
        SELECT
            todos.id, todos.ticket_id, todos.text, todos.done, todos.position, todos.deleted_at, todos.link_id,
            linked.id AS link
        FROM todos
        JOIN tickets ON tickets.id = todos.ticket_id
        LEFT JOIN tickets AS linked ON linked.id = todos.link_id AND linked.deleted_at IS NULL
        WHERE todos.id = ? AND tickets.user_id = ? AND (tickets.deleted_at IS NULL OR ?)
        """,
        todo_id, g.user["id"], trashed,
    )  # fmt: skip
    if not rows or (rows[0]["deleted_at"] and not trashed):
        abort(404)
    return rows[0]


@app.post("/tickets/<id:ticket_id>/todos")
@login_required
def add_todos(ticket_id):
    """Add a to-do for each line, at the end of a ticket's list."""
    get_ticket(ticket_id)
    try:
        texts = read_lines("text")
        with journal.action(g.user["id"], "todo_add", ticket_id, helpers.form_key()) as action:
            get_ticket(ticket_id)
            leave_room(TODOS_HELD, ticket_id, texts, TODOS_LIMIT)
            end = action.place("todos", {"ticket_id": ticket_id})
            for number, text in enumerate(texts):
                action.add("todos", ticket_id=ticket_id, text=text, done=0, position=end + number)
    except Problem as problem:
        return draw_refused(ticket_id, problem)
    except Repeated as repeated:
        return answer(repeated.action_id, None, ticket_id, f"/platform/{ticket_id}", "add-todo")
    return tell(action, f"/platform/{ticket_id}", "add-todo")


@app.post("/todos/<id:todo_id>/text")
@login_required
def edit_todo(todo_id):
    """Change a to-do's text, unless it was changed elsewhere since the page showed it."""
    ticket_id = get_todo(todo_id)["ticket_id"]
    try:
        text = read_line("text")
    except Problem as problem:
        return draw_refused(ticket_id, problem)
    with journal.action(g.user["id"], "todo_edit", ticket_id) as action:
        todo = get_todo(todo_id)
        if is_stale(todo["text"], text):
            return draw_stale("text", text, todo["text"])
        action.change("todos", todo, text=text)
    return tell(action, f"/platform/{ticket_id}", f"todo-{todo_id}")


@app.post("/todos/<id:todo_id>/done")
@login_required
def tick_todo(todo_id):
    """Tick a to-do, or take the tick away."""
    done = int(read_choice("done", ("0", "1")))
    ticket_id = get_todo(todo_id)["ticket_id"]
    with journal.action(g.user["id"], "todo_tick", ticket_id) as action:
        action.change("todos", get_todo(todo_id), done=done)
    return tell(action, f"/platform/{ticket_id}", f"todo-{todo_id}")


@app.post("/todos/<id:todo_id>/position")
@login_required
def move_todo(todo_id):
    """Move a to-do before another one of its ticket, or to the end."""
    before_id, ticket_id = read_id("before"), get_todo(todo_id)["ticket_id"]
    with journal.action(g.user["id"], "todo_move", ticket_id) as action:
        todo = get_todo(todo_id)
        before = get_todo(before_id, trashed=True) if before_id else None
        if before and (before["ticket_id"] != ticket_id or before["deleted_at"]):
            before = None  # it has left the list
        if before_id != todo_id:
            position = action.place("todos", {"ticket_id": ticket_id}, before, todo_id)
            action.change("todos", todo, position=position)
    return tell(action, f"/platform/{ticket_id}", f"todo-{todo_id}")


@app.post("/todos/<id:todo_id>/delete")
@login_required
def delete_todo(todo_id):
    """Put a to-do in the trash."""
    ticket_id = get_todo(todo_id)["ticket_id"]
    with journal.action(g.user["id"], "todo_delete", ticket_id) as action:
        action.change("todos", get_todo(todo_id), deleted_at=action.now)
    return tell(action, f"/platform/{ticket_id}", "todos")


@app.post("/todos/<id:todo_id>/carry")
@login_required
def carry_todo(todo_id):
    """Move a to-do to the end of another ticket's list."""
    ticket_id = get_todo(todo_id)["ticket_id"]
    try:
        with journal.action(g.user["id"], "todo_carry", ticket_id) as action:
            todo, other = get_todo(todo_id), get_chosen()
            if todo["ticket_id"] != other["id"]:
                leave_room(TODOS_HELD, other["id"], [todo], TODOS_LIMIT, "ticket")
                end = action.place("todos", {"ticket_id": other["id"]})
                action.change("todos", todo, ticket_id=other["id"], position=end)
                action.names["tickets", other["id"]] = other["title"]
    except Problem as problem:
        return draw_platform(ticket_id, problem)
    return tell(action, f"/platform/{ticket_id}", "todos")


@app.post("/todos/<id:todo_id>/ticket")
@login_required
def make_ticket(todo_id):
    """Make a to-do a ticket of its own, at the top of To do; the to-do stays and is a link to it."""
    ticket_id = get_todo(todo_id)["ticket_id"]
    with journal.action(g.user["id"], "todo_to_ticket", ticket_id) as action:
        todo = get_todo(todo_id)
        if not todo["link"]:  # or it was pressed twice
            leave_room(HELD, g.user["id"], [todo], TICKETS_LIMIT)
            column = {"user_id": g.user["id"], "status": "todo"}
            link_id = action.add(
                "tickets", **column, title=todo["text"], status_since=action.now, position=action.top("tickets", column)
            )
            action.change("todos", todo, link_id=link_id)
    return tell(action, f"/platform/{ticket_id}", f"todo-{todo_id}")


@app.post("/tickets/<id:ticket_id>/todos/text")
@login_required
def write_todos(ticket_id):
    """Make a ticket's to-dos what a text says, unless they were changed elsewhere since the page showed them."""
    get_ticket(ticket_id)
    try:
        text = read_text("text", app.config["MAX_CONTENT_LENGTH"])
        with journal.action(g.user["id"], "todo_text", ticket_id) as action:
            get_ticket(ticket_id)
            todos = get_every_todo(ticket_id)
            stored = todo_text.write([todo for todo in todos if not todo["deleted_at"]])
            if is_stale(stored, text):
                return draw_stale("text", text, stored, several_lines=True)
            edit_list(action, ticket_id, todos, text)
    except Problem as problem:
        return draw_platform(ticket_id, problem)
    return tell(action, f"/platform/{ticket_id}", "todos")


def edit_list(action, ticket_id, todos, text):
    """Make these to-dos of a ticket, with those in the trash, what the text says. Raises Problem."""
    lines = todo_text.parse(text)
    for line in lines:
        if len(line.text) > TEXT_LIMIT:
            message = f"Line {line.number:,} has {len(line.text):,} characters; the limit is {TEXT_LIMIT}."
            raise Problem(422, message, "text")
    if len(lines) > TODOS_LIMIT:  # before each is compared with each
        message = f"That is {len(lines):,} to-dos; a ticket has room for {TODOS_LIMIT:,}, with those in the trash."
        raise Problem(422, message, "text")
    plan = todo_text.compare(todos, lines)
    room = TODOS_LIMIT - len(todos)
    if len(plan.added) > room:
        message = (
            f"A ticket has room for {TODOS_LIMIT:,} to-dos, with those in the trash: "
            f"line {plan.added[max(room, 0)][0].number:,} is the first that finds none."
        )
        raise Problem(422, message, "text")
    for todo, values in plan.changes:
        action.change("todos", todo, **values)
    action.change_all("todos", plan.deleted, deleted_at=action.now)
    new = [{"text": line.text, "done": line.done, "position": position} for line, position in plan.added]
    action.add_all("todos", [{"ticket_id": ticket_id, **row} for row in new])


# Insights


@app.get("/insights")
@login_required
def show_insights():
    """What was finished each week, how long it took, and how much was open."""
    return unchanged() or draw_insights()


def draw_insights(toast=None):
    """The insights of the last weeks; the script gets the part that changes. Of older tickets no row is read."""
    asked = helpers.get_view().get("weeks")
    weeks = next((each for each in insights.WEEKS if str(each) == asked), insights.WEEKS[0])
    days = insights.days_of(weeks, time.time(), g.user["time_zone"])
    rows = db.execute(
        """
        SELECT
            tickets.id, tickets.status, tickets.status_since, tickets.created_at, tickets.archived_at, actions.changes
        FROM tickets
        LEFT JOIN actions ON actions.ticket_id = tickets.id AND actions.kind <> 'add' AND actions.changes LIKE ?
        WHERE
            tickets.user_id = ? AND tickets.deleted_at IS NULL
            AND (tickets.status_since >= ? OR (tickets.archived_at >= ? AND tickets.status <> 'done'))
        ORDER BY tickets.id, actions.id
        """,
        insights.OF_STATUS, g.user["id"], days[0][1], days[0][1],
    )  # fmt: skip
    past = insights.look_back(rows, days, {name: g.user[name] for name in (*STATUSES, "archived")})
    slowest = get_slowest(past["spread"])
    return draw("insights.html", toast=toast, periods=insights.WEEKS, weeks=weeks, past=past, slowest=slowest)


def get_slowest(spread):
    """The ticket that took longest; None when so few were finished that it says nothing."""
    rows = spread and db.execute(
        "SELECT id, title FROM tickets WHERE id = ? AND user_id = ?", spread["slowest"][1], g.user["id"]
    )  # fmt: skip
    return rows[0] if rows else None


# Undo and redo


@app.post("/undo")
@login_required
def undo():
    """Take back the person's latest step, or the one that `action` names."""
    return reverse(journal.undo, "undone", "There is nothing left to undo.")


@app.post("/redo")
@login_required
def redo():
    """Do the step again that was undone last."""
    return reverse(journal.redo, "done again", "There is nothing to redo.")


def reverse(way, deed, nothing):
    """Undo or redo, and back to the page."""
    action_id = read_id("action")
    try:
        step = way(g.user["id"], action_id)
    except Conflict:
        further = "" if action_id else " The next time it is the step before that."
        raise Problem(409, f"That can't be {deed} any more: what it changed was changed since.{further}") from None
    if not step:
        raise Problem(409, nothing)
    anchor = f"ticket-{step['ticket_id']}" if is_live(step["ticket_id"]) else None
    return answer(step["by"], step["changes"], step["ticket_id"], "/", anchor)


# Archive


@app.get("/archive")
@login_required
def archive():
    """What was put away, or what a search finds of it."""
    return unchanged() or draw_archive()


def draw_archive(problem=None, toast=None):
    """The archive, the latest first; the script gets the list."""
    view, said = helpers.get_view(), CHANGED.get(request.args.get("changed"))
    query = search.parse(view.get("q", ""), g.user["id"], g.today)
    found, values = query.condition() if query else ("", [])
    shown = MORE * (1 + view.getlist("more").count("archive"))
    tickets = db.execute(
        f"""
        SELECT id, title, status, status_since, archived_at{", COUNT(*) OVER () AS held" if query else ""}
        FROM tickets
        WHERE user_id = ? AND deleted_at IS NULL AND archived_at IS NOT NULL {found}
        ORDER BY archived_at DESC, id DESC
        LIMIT ?
        """,
        g.user["id"], *values, shown,
    )  # fmt: skip
    after = db.execute("SELECT archive_after FROM users WHERE id = ?", g.user["id"])[0]["archive_after"]
    return draw(
        "archive.html",
        problem,
        toast or (said and {"text": said}),
        view=view,
        query=query,
        tickets=tickets,
        held=g.user["archived"] if not query else tickets[0]["held"] if tickets else 0,
        more=helpers.may_show_more(view) and helpers.address("/archive", view, more="archive"),
        after=after,
    )


@app.post("/tickets/<id:ticket_id>/archive")
@login_required
def archive_ticket(ticket_id):
    """Put a ticket away; it keeps its place in its column."""
    with journal.action(g.user["id"], "archive", ticket_id) as action:
        ticket = get_ticket(ticket_id)
        if not ticket["archived_at"]:
            action.change("tickets", ticket, archived_at=action.now)
    return tell(action, "/", f"ticket-{ticket_id}")


@app.post("/archive/done")
@login_required
def archive_done():
    """Put everything in Done away."""
    with journal.action(g.user["id"], "archive") as action:
        archive_all(action, get_done(g.user["id"], int(time.time())))
    return tell(action, "/")


def get_done(user_id, until):
    """What a person's Done column has since that time or longer, but for what was brought back there later."""
    return db.execute(
        """
        SELECT id, title, status, deleted_at, archived_at
        FROM tickets
        WHERE
            user_id = ? AND deleted_at IS NULL AND archived_at IS NULL AND status = 'done' AND status_since <= ?
            AND NOT EXISTS (
                SELECT 1
                FROM actions
                WHERE actions.ticket_id = tickets.id AND actions.kind = 'unarchive' AND actions.created_at > ?
            )
        """,
        user_id, until, until,
    )  # fmt: skip


def archive_all(action, tickets):
    """Put these away, as one step."""
    action.change_all("tickets", tickets, archived_at=action.now)
    action.ticket_id = tickets[0]["id"] if len(tickets) == 1 else None


def archive_old_tickets(user_id, now):
    """Put away what is done for as many days as the person wants. Nobody did that, so undo passes over it."""
    rows = db.execute("SELECT archive_after FROM users WHERE id = ? AND archive_after IS NOT NULL", user_id)
    until = rows and now - rows[0]["archive_after"] * 86400
    if rows and get_done(user_id, until):
        with journal.action(user_id, "archive_old", state=SPENT) as action:
            archive_all(action, get_done(user_id, until))


@app.post("/archive/tickets/<id:ticket_id>/restore")
@login_required
def unarchive_ticket(ticket_id):
    """Bring a ticket back to its place on the board."""
    with journal.action(g.user["id"], "unarchive", ticket_id) as action:
        action.change("tickets", get_ticket(ticket_id), archived_at=None)
    return tell(action, "/archive")


@app.post("/archive/after")
@login_required
def change_archive_after():
    """Keep after how many days what is done is put away by itself; empty is never."""
    days = read("days").strip()
    if days and not (days.isdecimal() and days.isascii() and len(days) < 6 and 1 <= int(days) <= ARCHIVE_AFTER_LIMIT):
        text = f"Write a number of days from 1 to {ARCHIVE_AFTER_LIMIT:,}, or nothing for never."
        return draw_archive(Problem(422, text, "days"))
    db.execute(
        "UPDATE users SET archive_after = ?, version = version + 1 WHERE id = ?",
        int(days) if days else None, g.user["id"],
    )  # fmt: skip
    archive_old_tickets(g.user["id"], int(time.time()))
    return go("/archive?changed=after")


# Trash


@app.get("/trash")
@login_required
def trash():
    """What was deleted in the last TRASH_DAYS."""
    return unchanged() or draw_trash()


def draw_trash(toast=None):
    """The trash, at most the latest TRASH_SHOWN; the script gets the list. The to-dos of those alone are counted."""
    rows = db.execute(
        """
        SELECT
            path, id, name, deleted_at, title, held,
            CASE path WHEN 'tickets' THEN (
                SELECT COUNT(*)
                FROM todos
                WHERE ticket_id = shown.id AND deleted_at IS NULL
            ) ELSE 0 END AS todos
        FROM (
            SELECT path, id, name, deleted_at, title, COUNT(*) OVER () AS held
            FROM (
                SELECT 'tickets' AS path, id, title AS name, deleted_at, '' AS title
                FROM tickets
                WHERE user_id = ? AND deleted_at IS NOT NULL
                UNION ALL
                SELECT 'todos', todos.id, todos.text, todos.deleted_at, tickets.title
                FROM todos JOIN tickets ON tickets.id = todos.ticket_id
                WHERE tickets.user_id = ? AND tickets.deleted_at IS NULL AND todos.deleted_at IS NOT NULL
            ) AS trash
            ORDER BY deleted_at DESC, id DESC
            LIMIT ?
        ) AS shown
        ORDER BY deleted_at DESC, id DESC
        """,
        g.user["id"], g.user["id"], TRASH_SHOWN,
    )  # fmt: skip
    held = rows[0]["held"] if rows else 0
    return draw("trash.html", rows=rows, held=held, asked="empty" in request.args, toast=toast)


@app.post("/trash/tickets/<id:ticket_id>/restore")
@login_required
def restore_ticket(ticket_id):
    """Bring a ticket back to where it was, with its to-dos."""
    with journal.action(g.user["id"], "restore", ticket_id) as action:
        ticket = get_ticket(ticket_id, trashed=True)
        for label in db.execute(  # which went when the ticket that brought them was undone
            "SELECT id, name, deleted_at FROM labels WHERE id IN (?) AND user_id = ?",
            labels.ids(ticket["labels"]), g.user["id"],
        ):  # fmt: skip
            action.change("labels", label, deleted_at=None)
        action.change("tickets", ticket, deleted_at=None)
    return tell(action, "/trash")


@app.post("/trash/todos/<id:todo_id>/restore")
@login_required
def restore_todo(todo_id):
    """Bring a to-do back to where it was."""
    ticket_id = get_todo(todo_id, trashed=True)["ticket_id"]
    with journal.action(g.user["id"], "todo_restore", ticket_id) as action:
        action.change("todos", get_todo(todo_id, trashed=True), deleted_at=None)
    return tell(action, "/trash")


@app.post("/trash/empty")
@login_required
def empty_trash():
    """Remove for good what the page showed in the trash, and all that the journal holds of it."""
    until = read("until", "")[:12]  # the time of the latest thing shown: what went there since stays
    journal.purge(g.user["id"], (int(until) if until.isdecimal() else int(time.time())) + 1)
    return go("/trash")


# Labels


@app.get("/labels")
@login_required
def list_labels():
    """The person's labels: how many tickets each has, its name and its colour."""
    return unchanged() or draw_labels()


def draw_labels(problem=None, toast=None):
    """The page of the labels, with what a refused form had in it; the script gets the list, or the label asked for."""
    held = collections.Counter()
    for row in db.execute(
        """
        SELECT labels, COUNT(*) AS tickets
        FROM tickets
        WHERE user_id = ? AND deleted_at IS NULL AND labels <> ''
        GROUP BY labels
        """,
        g.user["id"],
    ):
        held.update(dict.fromkeys(labels.ids(row["labels"]), row["tickets"]))
    return draw(
        "labels.html",
        problem,
        toast,
        labels=labels.in_order(get_labels()),
        held=held,
        colours=labels.COLOURS,
        edit=request.view_args.get("label_id") if problem else whole(request.args.get("edit")),
        meant=labels.key(request.form.get("name", "")),
        key=labels.key,
    )


def get_label(label_id):
    """The person's label, 404 when there is none."""
    rows = db.execute(
        """
        SELECT id, name, name_key, colour, deleted_at
        FROM labels
        WHERE id = ? AND user_id = ? AND deleted_at IS NULL
        """,
        label_id, g.user["id"],
    )  # fmt: skip
    return rows[0] if rows else abort(404)


def get_namesake(label_id, name):
    """Another label of the person's that has this name, be it a deleted one; None when there is none."""
    rows = db.execute(
        """
        SELECT id, name, name_key, colour, deleted_at
        FROM labels
        WHERE user_id = ? AND name_key = ? AND id <> ?
        """,
        g.user["id"], labels.key(name), label_id,
    )  # fmt: skip
    return rows[0] if rows else None


@app.post("/labels/<id:label_id>/name")
@login_required
def rename_label(label_id):
    """Change a label's name; one that another label has is refused, with the way to make the two one."""
    get_label(label_id)
    try:
        action, label_id = take_name(label_id)
    except Problem as problem:
        return draw_labels(problem)
    return tell(action, "/labels", f"label-{label_id}")


def take_name(label_id):
    """Give a label the name of the form; returns the action, and the id of what has that name now. Raises Problem."""
    name = " ".join(read_line("name").split())
    if fault := labels.fault(name):
        raise Problem(422, fault, "name")
    with journal.action(g.user["id"], "label_rename") as action:
        label, other = get_label(label_id), get_namesake(label_id, name)
        if other and not other["deleted_at"]:
            message = f"There is a label “{other['name']}” already. Merge “{label['name']}” into it below?"
            raise Problem(422, message, "name")
        if other:  # a deleted one still has that name: it comes back in the place of this one
            action.change("labels", other, name=name, colour=label["colour"], deleted_at=None)
            relabel(action, label_id, other["id"])
            action.change("labels", label, name=name, deleted_at=action.now)
        else:
            action.change("labels", label, name=name, name_key=labels.key(name))
    return action, other["id"] if other else label_id


@app.post("/labels/<id:label_id>/colour")
@login_required
def recolour_label(label_id):
    """Change a label's colour, after the name that was typed beside it."""
    get_label(label_id)
    colour = read_choice("colour", labels.COLOURS)
    try:
        if read("name", "") != read("was", ""):  # which it still may have elsewhere
            label_id = take_name(label_id)[1]
    except Problem as problem:
        return draw_labels(problem)
    with journal.action(g.user["id"], "label_colour") as action:
        action.change("labels", get_label(label_id), colour=colour)
    return tell(action, "/labels", f"label-{label_id}")


@app.post("/labels/<id:label_id>/merge")
@login_required
def merge_label(label_id):
    """Make a label one with another: its tickets get that one instead."""
    into_id = whole(read("into")) or 0
    with journal.action(g.user["id"], "label_merge") as action:
        label, into = get_label(label_id), get_label(into_id)
        if into_id != label_id:
            relabel(action, label_id, into_id)
            action.change_all("labels", [into], colour=into["colour"])  # unchanged: it says which one it was
            action.change("labels", label, deleted_at=action.now)
    return tell(action, "/labels", f"label-{into_id}")


@app.post("/labels/<id:label_id>/delete")
@login_required
def delete_label(label_id):
    """Delete a label, and take it off its tickets."""
    with journal.action(g.user["id"], "label_delete") as action:
        label = get_label(label_id)
        relabel(action, label_id)
        action.change("labels", label, deleted_at=action.now)
    return tell(action, "/labels")


def relabel(action, label_id, other_id=None):
    """Put another label in the place of that one on each ticket that has it, or none."""
    alike = collections.defaultdict(list)
    for ticket in db.execute(
        """
        SELECT id, title, labels, status, deleted_at, archived_at
        FROM tickets
        WHERE user_id = ? AND labels LIKE ?
        ORDER BY labels, id
        """,
        g.user["id"], f"% {label_id} %",
    ):  # fmt: skip
        alike[ticket["labels"]].append(ticket)
    for stored, tickets in alike.items():
        action.change_all("tickets", tickets, labels=labels.replaced(stored, label_id, other_id))


# Answers


def tell(action, fallback, anchor=None):
    """Answer a form with what its action changed."""
    said = action.id and words.describe(action.kind, action.changes, action.names, today=g.today)
    toast = said and {"text": said, "undo": action.id}
    return answer(action.id, action.changes, action.ticket_id, fallback, anchor, toast)


def answer(action_id, changes, ticket_id, fallback, anchor=None, toast=None):
    """Answer a plain form with a redirect back to its page, and the script with what changed on that page.

    A page that isn't known, or whose ticket has gone to the trash (by this action, or elsewhere meanwhile), is
    answered with `fallback`. `changes` are the action's (None: unknown), the rest is as `back` and
    `draw_board_changes` take it.
    """
    page, view = helpers.came_from()
    if page.startswith("/platform/") and not is_live(whole(page.removeprefix("/platform/"))):
        page = ""
    if not page or not wants_fragments():
        return back(page or fallback, view, action_id, anchor)
    read_user_again()
    toast = {**toast, "place": get_place(changes)} if toast else get_toast(action_id)
    if page.startswith("/platform/"):
        return draw_platform(whole(page.removeprefix("/platform/")), changes=changes, toast=toast)
    others = {"/archive": draw_archive, "/insights": draw_insights, "/labels": draw_labels, "/trash": draw_trash}
    if page in others:
        return others[page](toast=toast)
    return draw_board_changes(changes, ticket_id, toast)


def is_live(ticket_id):
    """Whether it is a ticket of the person's outside the trash."""
    return ticket_id and db.execute(
        "SELECT id FROM tickets WHERE id = ? AND user_id = ? AND deleted_at IS NULL", ticket_id, g.user["id"]
    )


def draw(template, problem=None, toast=None, **values):
    """Draw a page; with a problem it is the form once more, with the message and what was typed."""
    if problem and wants_fragments():
        return refuse(problem)
    if not problem:  # a refusal has no news, and must not need a database that is away
        toast = toast or get_toast(whole(request.args.get("done")), int(time.time()) - TOLD)
    page = render_template(
        template, user=g.get("user"), etag=None if problem else g.get("etag"), problem=problem, toast=toast, **values
    )  # fmt: skip
    pieces = page.encode().split(FORM_KEY)
    if "page_key" in g and not problem:
        pages.keep(g.page_key, pieces)
    return respond(pieces, problem)


def respond(pieces, problem=None):
    """The answer with a page that was drawn: between its pieces each form gets its own key (see helpers.form_key)."""
    whole_page = pieces[:1]
    for piece in pieces[1:]:
        whole_page += [secrets.token_urlsafe(12).encode(), piece]
    response = Response(b"".join(whole_page))
    response.status_code = problem.status if problem else 200
    if problem and problem.retry_after:
        response.headers["Retry-After"] = str(problem.retry_after)
    if "etag" in g and not problem:
        response.headers["ETag"] = g.etag
    if g.get("user"):
        response.headers["X-Person"] = g.user["id"]
        if request.method == "POST":
            response.headers["X-Version"] = g.user["version"]
    return response


def state_of(user, path, query, today):
    """By what a page shows what it does: (build, person, path, query, day, version), and the ETag that stands for it.

    Every change to what a person has raises the version in one transaction with the change. It stands by itself at the
    end of the ETag: the script counts its own changes on.
    """
    about, version = (BUILD, user["id"], path, query, today), user["version"]
    return (*about, version), f'W/"{zlib.crc32(repr(about).encode()):08x}-{version}"'


def unchanged():
    """What needs no drawing: 304 when the script has this very page, or the page as it was drawn before; else None.

    A page goes to nobody but the session for which it was drawn.
    """
    user, query = g.user, request.query_string
    tells = b"done=" in query
    if tells:  # which only tells of an action
        query = [item for item in request.args.items(multi=True) if item[0] != "done"]
        query = urlencode(query).encode()
    state, g.etag = state_of(user, request.path, query, g.today)
    if g.etag in request.headers.get("If-None-Match", ""):
        return Response(status=304, headers={"ETag": g.etag})
    if tells or app.debug or len(query) > helpers.VIEW_LIMIT or request.content_length:
        return None  # it tells of an action once, is worked on, or isn't what a browser asks for
    key = (session.sid, state, wants_fragments())
    if pieces := pages.get(key):
        return respond(pieces)
    g.page_key = key
    return None


def get_toast(action_id, since=0):
    """What an action did, in words, and what `undo` and `redo` would take.

    None when it isn't the person's, or was done before `since`, in seconds.
    """
    rows = action_id and g.get("user") and db.execute(
        """
        SELECT
            actions.id, actions.kind, actions.state, actions.changes,
            steps.id AS step_id, steps.kind AS step_kind, steps.state AS step_state,
            tickets.id AS ticket_id, tickets.title
        FROM actions
        LEFT JOIN actions AS steps ON steps.id = actions.step_id
        LEFT JOIN tickets ON tickets.id = actions.ticket_id
        WHERE actions.id = ? AND actions.user_id = ? AND actions.created_at >= ?
        """,
        action_id, g.user["id"], since,
    )  # fmt: skip
    if not rows:
        return None
    action, changes = rows[0], json.loads(rows[0]["changes"])
    names = get_names([changes], {("tickets", action["ticket_id"]): action["title"]}) | get_label_names(changes)
    again = action["kind"] == "redo" and action["step_state"] == IN_EFFECT  # undo takes the step back, not the redo
    return {
        "text": words.describe(action["kind"], changes, names, action["step_kind"], today=g.today),
        "undo": action["id"] if action["state"] == IN_EFFECT else action["step_id"] if again else None,
        "redo": action["id"] if action["state"] == TAKEN_BACK else None,
        "place": get_place(changes[::-1] if action["kind"] == "undo" else changes),
    }


PLACES = {
    "tickets": """
        SELECT moved.status, COUNT(*) AS place
        FROM tickets AS moved JOIN tickets AS other ON other.user_id = moved.user_id AND other.status = moved.status
        WHERE
            moved.id = ? AND moved.user_id = ?
            AND moved.deleted_at IS NULL AND moved.archived_at IS NULL
            AND other.deleted_at IS NULL AND other.archived_at IS NULL
            AND other.position <= moved.position AND (other.position < moved.position OR other.id <= moved.id)
        GROUP BY moved.status
        """,
    "todos": """
        SELECT
            COUNT(*) AS held,
            COUNT(
                CASE WHEN other.position < moved.position
                OR (other.position = moved.position AND other.id <= moved.id) THEN 1 END
            ) AS place
        FROM todos AS moved
        JOIN todos AS other ON other.ticket_id = moved.ticket_id
        JOIN tickets ON tickets.id = moved.ticket_id
        WHERE moved.id = ? AND tickets.user_id = ? AND moved.deleted_at IS NULL AND other.deleted_at IS NULL
        HAVING COUNT(*) > 0
        """,
}


def get_place(changes):
    """Where what an action moved stands now, as (place, of how many); None when it moved nothing, or it has gone."""
    table, row_id, _, after = changes[-1] if changes else (None, None, None, {})
    if not {"position", "status"} & after.keys() or {"title", "text"} & after.keys():
        return None
    rows = db.execute(PLACES[table], row_id, g.user["id"])
    return (rows[0]["place"], rows[0].get("held") or g.user[rows[0]["status"]]) if rows else None


def is_stale(stored, new):
    """Whether the text was changed since the page that the form (`was`) stood on was drawn."""
    was = helpers.line_feeds(read("was", stored))
    return was != stored and new != stored


def draw_stale(field, mine, theirs, several_lines=False):
    """Show both texts and let the person choose; the script puts them where the field was."""
    path, view = helpers.came_from()
    template = "_stale.html" if wants_fragments() else "stale.html"
    values = {"field": field, "mine": mine, "theirs": theirs, "several_lines": several_lines}
    values["home"] = helpers.address(path or "/", view)
    return Response(render_template(template, user=g.user, **values), 409)


# Errors


@app.errorhandler(Problem)
def refuse(problem):
    """A refusal in words, with what was typed."""
    if wants_fragments():
        headers = {"X-Field": problem.field} if problem.field else {}
        if problem.retry_after:
            headers["Retry-After"] = str(problem.retry_after)
        return Response(problem.message, problem.status, headers, mimetype="text/plain")
    return draw("error.html", problem, typed=helpers.typed())


@app.errorhandler(HTTPException)
def http_error(error):
    """Flask's own refusals in our words and look."""
    messages = {
        404: "There is nothing here (any more).",
        405: "That address is for a form.",
        413: "That is more than a form can hold (1 MB). Nothing was saved.",
    }
    if not (error.code or 0) >= 400:
        return error
    message = messages.get(error.code, error.description)
    if isinstance(error, SecurityError):
        message = "This NIKKO is reached under another name. Who runs it can add this one to HOSTS."
    response = refuse(Problem(error.code, message))
    response.headers.extend((name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After"))
    return response


@app.errorhandler(Unavailable)
def unavailable(error):
    """The database can't do it now."""
    log("database", fault=str(error).splitlines()[0])
    if isinstance(error, Full):
        return refuse(Problem(507, "Nothing was saved: the disk is full. Make room and send it again."))
    message = "Nothing was saved: the database is busy or away. Try again in a moment."
    return refuse(Problem(503, message, retry_after=5))


@app.errorhandler(Gone)
def gone(_):
    """The account was deleted while its page was open."""
    return refuse(Problem(401, "This account is not there any more."))


@app.errorhandler(500)
def broken(error):
    """Something that should not happen: a number to look for in the log, and nothing about the inside."""
    cause = error.original_exception
    if isinstance(cause, Unavailable):  # while the session was read, before any other handler stood ready
        return unavailable(cause)
    log("error")  # below the traceback, which Flask has logged
    number = g.get("request_id", "an error before the request began")
    return refuse(Problem(500, f"Something went wrong, and nothing was saved. The log has it as {number}."))


# Operating


@app.get("/static/<digest>/<name>")
def static_file(digest, name):
    """A static file, to be kept for good: another content has another address."""
    asset = ASSETS.get(name)
    if not asset or asset.url != request.path:
        abort(404)
    packed = helpers.takes_gzip()
    response = Response(asset.compressed if packed else asset.content, mimetype=asset.mimetype)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


@app.get("/manifest.webmanifest")
def manifest():
    """What a phone needs to put NIKKO among its apps."""
    icons = [
        {"src": asset_url("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
        {"src": asset_url("icon-192.png"), "sizes": "192x192", "type": "image/png"},
        {"src": asset_url("icon-512.png"), "sizes": "512x512", "type": "image/png"},
    ]
    about = {
        "name": "NIKKO",
        "short_name": "NIKKO",
        "description": "Your ticket board",
        "icons": icons,
        "id": "/",
        "start_url": "/",
        "display": "standalone",
        "background_color": "#f7f5f0",
        "theme_color": "#ffffff",
    }
    return Response(json.dumps(about), mimetype="application/manifest+json")


@app.template_global()
def asset_url(name):
    """The address of a static file; while developing, of what it holds now."""
    if app.debug:
        ASSETS.update(assets.load(HERE / "static"))
    return ASSETS[name].url


@app.get("/healthz")
def healthz():
    """200 while the database answers, else 503."""
    db.execute("SELECT version FROM nikko")
    return "ok", {"Content-Type": "text/plain"}


# Commands


def command(name):
    """A command of `flask --app app`: what can't be done ends it with a sentence and the exit code 1."""

    def make(function):
        @functools.wraps(function)
        def run(*args, **kwargs):
            try:
                function(*args, **kwargs)
            except click.Abort:
                raise
            except UnicodeEncodeError:
                sys.exit("That has characters that can't be stored (not UTF-8).")
            except (Problem, RuntimeError, OSError) as error:
                sys.exit(str(error).splitlines()[0])

        return app.cli.command(name)(run)

    return make


@command("demo")
def fill_demo():
    """Fill an account named demo with a board that looks lived in, and print its new password."""
    password = secrets.token_urlsafe(9)
    password_hash = helpers.hash_password(password)
    try:
        with db.transaction():
            demo.fill(journal, insert_user("demo", "demo", password_hash, "Mira", "Kovač"))
    except Problem:
        raise Problem(422, "There is an account named demo already; it was left as it is.") from None
    print(f"Log in as demo with the password {password}")


@command("create-user")
@click.argument("username")
@click.argument("first_name")
@click.argument("last_name")
@click.option("--ask", is_flag=True, help="Ask for the password instead of making one up.")
def create_user(username, first_name, last_name, ask):
    """Make an account, whatever REGISTRATION says, and print its password."""
    username, first_name, last_name = (
        helpers.checked(" ".join(name.split()), None, limit)
        for name, limit in ((username, 50), (first_name, 100), (last_name, 100))
    )
    f"{first_name}{last_name}".encode()  # what the terminal sent may be none of UTF-8
    username_key = helpers.username_key(username)
    password = secrets.token_urlsafe(12)
    if ask:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    helpers.new_password(password, username, first_name, last_name)
    insert_user(username, username_key, helpers.hash_password(password), first_name, last_name)
    print(f"{username} can log in" + ("." if ask else f" with the password {password}"))


@command("reset-password")
@click.argument("username")
def make_reset_link(username):
    """Print a link with which that person chooses a new password; it works once, and for 24 hours."""
    rows = db.execute("SELECT id, username FROM users WHERE username_key = ?", helpers.username_key(username))
    if not rows:
        raise Problem(404, f"There is no account named {username}.")
    code = secrets.token_urlsafe(24)
    db.execute(
        "INSERT INTO resets (code, user_id, expires_at) VALUES (?, ?, ?)",
        hashed(code), rows[0]["id"], int(time.time()) + RESET_HOURS * 3600,
    )  # fmt: skip
    link = f"{settings.site(config)}/reset/{code}"
    print(f"Give this to {rows[0]['username']}; it works once, within {RESET_HOURS} hours: {link}")


@command("list-users")
def list_users():
    """Print who has an account: the username, since when (UTC), how many tickets, and the name."""
    users = db.execute(
        """
        SELECT
            username, first_name, last_name, created_at,
            (SELECT COUNT(*) FROM tickets WHERE user_id = users.id AND deleted_at IS NULL) AS tickets
        FROM users
        ORDER BY username_key
        """
    )
    width = max((len(user["username"]) for user in users), default=0)
    for user in users:
        since = time.strftime("%Y-%m-%d", time.gmtime(user["created_at"]))
        line = f"{user['username']:{width}}  {since}  {user['tickets']:6}  {user['first_name']} {user['last_name']}"
        print("".join(letter if letter.isprintable() else "\ufffd" for letter in line))  # a terminal obeys the others
    if not users:
        print("Nobody has an account.")


@command("purge")
def purge():
    """Remove for good what is past its time in the trash, and the sessions that have ended."""
    now, gone = int(time.time()), 0
    ended = remove_ended(now)
    for user in db.execute("SELECT id FROM users"):
        with contextlib.suppress(Gone):
            gone += journal.purge(user["id"], now - TRASH_DAYS * 86400)
    print(f"Removed {gone:,} tickets and to-dos from the trash, and {ended:,} sessions that had ended.")


@command("backup")
@click.argument("file")
def back_up(file):
    """Back the database up to the new FILE, verified; NIKKO may run meanwhile."""
    path = sqlite_file(file)
    rows = backup.take(path, file)
    print(f"{file} has all {sum(rows.values()):,} rows of {path}, among them {rows['tickets']:,} tickets.")


@command("restore")
@click.argument("file")
def restore(file):
    """Put the backup FILE in the place of the database, which is kept aside; stop NIKKO first."""
    path = sqlite_file("nikko.dump")
    kept = backup.put_back(path, file)
    print(f"{path} is now what {file} holds. " + (f"What it was is in {kept}." if kept else "There was none before."))


def sqlite_file(dump):
    """The database's file. Raises Refused on another engine, with the command that dumps it to the file `dump`."""
    if path := backup.sqlite_file(config.database_url):
        return path
    raise upgrade.Refused(
        "This is for SQLite; nothing was done. PostgreSQL and MariaDB have their own tools "
        f"(pg_restore, or mariadb, brings a dump back): {backup.how_to_dump(config.database_url, dump)}"
    )


@command("upgrade")
@click.option("--yes", is_flag=True, help="There is a backup (PostgreSQL and MariaDB).")
def bring_up_to_date(yes):
    """Bring the database to the schema of this NIKKO; any start does so, too."""
    with contextlib.closing(SQL(config.database_url)) as old:
        if old.kind != "sqlite" and not yes and upgrade.found(old) in range(upgrade.VERSION):
            dump = backup.how_to_dump(config.database_url, "nikko.dump")
            raise upgrade.Refused(f"Nothing was changed. Take a backup first, then add --yes: {dump}")
        before = upgrade.prepare(old)
    if before is None:
        print(f"Made NIKKO's tables (schema {upgrade.VERSION}).")
    elif before == upgrade.VERSION:
        print(f"The database is up to date (schema {before}).")
    else:
        kept = f" What it was is in {old.path}.before-{upgrade.VERSION}." if old.path else ""
        print(f"Brought the database from schema {before} to {upgrade.VERSION}.{kept}")


@command("doctor")
def look_over():
    """Look the database over and say what to do; the exit code is 0 (all is well), 1 (warnings) or 2 (faults)."""
    now, worst = int(time.time()), 0
    for level, sentence in doctor.examine(config.database_url, now, now - TRASH_DAYS * 86400):
        print(f"{level:7}  {sentence}")
        worst = max(worst, doctor.EXIT_CODES[level])
    sys.exit(worst)


@command("copy-to")
@click.argument("url", envvar="TARGET_URL", required=False)
def copy_to(url):
    """Copy everything into the empty database at URL (as DATABASE_URL names it), verified; stop NIKKO first.

    Others on this machine can see an argument while this runs: name a URL with a password in TARGET_URL instead.
    """
    if not url:
        raise upgrade.Refused("Name an empty database: TARGET_URL=... flask --app app copy-to")

    def tell(table, copied, total):
        if copied == total or sys.stdout.isatty():
            print(f"{table}: {copied:,} of {total:,} rows", end="\n" if copied == total else "\r", flush=True)

    with contextlib.closing(SQL(url)) as target:
        backup.copy_to(db, target, tell)
    print("Every row arrived as it was. Name that database in DATABASE_URL and start NIKKO.")


if __name__ == "__main__":
    serving.serve("app:served", config, db)
