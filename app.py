"""NIKKO, a ticket board: every route, in the order in which a person meets them."""

import contextlib
import errno
import functools
import gzip
import io
import json
import random
import secrets
import socket
import sys
import threading
import time
import zlib
from pathlib import Path
from urllib.parse import urlencode

import click
from flask import Flask, Response, abort, g, render_template, request, session
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix

import assets
import backup
import demo
import doctor
import helpers
import logs
import search
import settings
import upgrade
import words
from database import SQL, Deadlock, Full, Unavailable
from drawing import QuickEnvironment, drawn, drawn_rows
from helpers import (
    Problem,
    back,
    go,
    login_required,
    read,
    read_choice,
    read_id,
    read_line,
    read_lines,
    wants_fragments,
    whole,
)
from journal import IN_EFFECT, TAKEN_BACK, Conflict, Gone, Journal, Repeated
from sessions import ABSOLUTE, IDLE, DatabaseSessions, hashed
from throttle import Throttle, TooMany, network
from words import STATUSES

TICKETS_LIMIT = 100_000  # of a person, with those in the trash
TODOS_LIMIT = 1_000  # of a ticket, as above with those in the trash
TRASH_DAYS, TRASH_SHOWN = 30, 500
#: Failed logins within throttle.WINDOW: of an address, and of one account from that address.
ATTEMPTS_OF_ADDRESS, ATTEMPTS_OF_ACCOUNT = 100, 10
RESET_HOURS = 24

#: How many tickets of a column the board shows, and how many "Show older" adds.
SHOWN = {"todo": 100, "in_progress": 100, "done": 20}
MORE = 100

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

Flask.jinja_environment = QuickEnvironment
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
    config=config,
    drawn=drawn,
    drawn_rows=drawn_rows,
    new_key=lambda: secrets.token_urlsafe(12),
)
app.jinja_env.filters.update(day=words.day, moment=words.moment, in_trash=words.in_trash)
ASSETS = assets.load(HERE / "static")
#: Another program or template draws another page.
BUILD = assets.digest(*HERE.glob("*.py"), *HERE.glob("templates/*"), *HERE.glob("static/*"))
if config.proxies:
    app.wsgi_app = ProxyFix(app.wsgi_app, config.proxies, config.proxies, config.proxies)

# Hooks


@app.before_request
def guard():
    """Refuse forged and broken requests before anything else sees them; g.user is who is logged in, or None."""
    g.user = session.user
    g.began, g.request_id = time.perf_counter(), secrets.token_hex(4)
    helpers.refuse_forged_requests()
    helpers.refuse_broken_forms()
    if session.touched:  # once an hour; who stays logged in may not pass the login for months
        clear_up(g.user["id"])


@app.after_request
def log_request(response):
    """A line for each request. The address of a link for a new password is a secret."""
    log(
        "request",
        method=request.method,
        path="/reset/-" if "/reset/" in request.path.lower() else request.path,  # mistyped ones, too
        status=response.status_code,
        ms=round((time.perf_counter() - g.began) * 1000) if "began" in g else None,
    )
    return response


def log(event, user_id=None, **fields):
    """Write a line on this request, see logs.py; `user_id` is of the person, unless that is who is logged in."""
    user_id = user_id or (g.user["id"] if g.get("user") else None)
    logs.write(event, id=g.get("request_id"), **fields, user=user_id, **{"from": request.remote_addr})


def log_exception(exc_info):
    """The traceback of what went wrong. Flask's own has the address in it, as it was sent: a link, a line break."""
    app.logger.error("Exception in request %s", g.get("request_id"), exc_info=exc_info)


app.log_exception = log_exception


@app.after_request
def compress(response):
    """Send a page compressed where the browser takes it."""
    if response.status_code != 200 or response.mimetype != "text/html" or "gzip" not in request.accept_encodings:
        return response
    response.set_data(gzip.compress(response.get_data(), 2, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    return response


def replayed(dispatch):
    """Run a request once more when the database gave its transaction up for another one; three times at most."""

    def dispatch_again():
        for _ in range(3):
            try:
                return dispatch()
            except Deadlock:
                time.sleep(random.uniform(0.005, 0.05))  # noqa: S311  (so that two don't meet again)
        return dispatch()

    return dispatch_again


def in_turn(wsgi_app):
    """Run a worker's requests one after the other, each on one connection.

    Threads that change places at every statement cost SQLite a quarter of the speed. A form is read before its
    turn, so that a slow sender holds nobody up; who has a password checked leaves the turn; and who has waited a
    quarter of a second (for another process that writes) goes on beside the others. With 20 ms, 200 busy people got
    out of turn and stayed so: their forms took 1.2 s instead of 0.17.
    """
    turn = threading.Lock()

    def application(environ, start_response):
        length = whole(environ.get("CONTENT_LENGTH"))
        if length and length <= app.config["MAX_CONTENT_LENGTH"]:
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        mine = [turn] if db.kind == "sqlite" and turn.acquire(timeout=0.25) else []

        def leave():
            if mine:
                mine.pop().release()

        environ["nikko.leave_turn"] = leave
        try:
            with db.kept():
                return wsgi_app(environ, start_response)
        finally:
            leave()

    return application


PROTECTION = [
    (
        "Content-Security-Policy",
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
]


def protected(wsgi_app):
    """Add the headers of every answer, errors included; pages are never kept by a browser or a proxy."""

    def application(environ, start_response):
        def start(status, headers, *more):
            headers += PROTECTION
            if not any(name == "Cache-Control" for name, _ in headers):  # which a static file has
                headers.append(("Cache-Control", "no-store"))
            if environ["wsgi.url_scheme"] == "https":
                headers.append(("Strict-Transport-Security", "max-age=31536000"))
            return start_response(status, headers, *more)

        return wsgi_app(environ, start)

    return application


app.dispatch_request = replayed(app.dispatch_request)
app.wsgi_app = in_turn(protected(app.wsgi_app))


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
        user_id = add_user()
    except Problem as problem:
        return draw("register.html", problem)
    log_in(user_id)
    log("register", user_id)
    return go("/")


def registration_open():
    """Whether somebody may make an account now (REGISTRATION)."""
    if config.registration == "first":
        return not db.execute("SELECT id FROM users LIMIT 1")
    return config.registration == "open"


def add_user():
    """Add the person of the form and return the id. Raises Problem."""
    first_name, last_name = read_line("first_name", 100), read_line("last_name", 100)
    username, username_key = helpers.read_username()
    password = helpers.new_password(read("password"), username, first_name, last_name)
    password_hash = helpers.hash_password(password)
    with db.transaction():
        if config.registration == "first":
            db.execute("UPDATE nikko SET version = version")  # one at a time, or two would be the first
            if not registration_open():
                raise Problem(403, "Somebody registered a moment ago, and this NIKKO is for one person.", "username")
        try:
            return db.execute(
                """
                INSERT INTO users (username, username_key, password_hash, first_name, last_name, created_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
                username, username_key, password_hash, first_name, last_name, int(time.time()),
            )  # fmt: skip
        except ValueError:
            raise Problem(422, "Somebody already has that name. Try another.", "username") from None


@app.route("/login", methods=["GET", "POST"])
def login():
    """Log in and go on to where the person was heading."""
    if request.method == "GET":
        return go("/") if g.user else draw("login.html", next=request.args.get("next", ""))
    onward = read("next", "")
    try:
        user_id = check_login()
    except Problem as problem:
        return draw("login.html", problem, next=onward)
    log_in(user_id)
    log("login", user_id)
    return go(helpers.safe_next(onward))


def check_login():
    """The id of the person whose name and password the form has. Raises Problem, the same for both."""
    _, username_key = helpers.read_username()
    password = read("password")
    rows = db.execute("SELECT id, password_hash FROM users WHERE username_key = ?", username_key)
    password_hash = rows[0]["password_hash"] if rows else None
    with throttled(username_key):
        if not helpers.check_password(password_hash, password):
            raise Problem(422, "That name and password don't go together.", "username")
    if not password_hash.startswith(helpers.HASH_METHOD + "$"):
        db.execute(  # unless the password was changed meanwhile
            "UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?",
            helpers.hash_password(password), rows[0]["id"], password_hash,
        )  # fmt: skip
    return rows[0]["id"]


@contextlib.contextmanager
def throttled(username_key):
    """Around a check of a password, which raises Problem when it is wrong: not too many of them from one address.

    And fewer for one account; but only from that address, so that nobody can lock another person out.
    """
    address = network(request.remote_addr or "")
    try:
        throttle.count(ATTEMPTS_OF_ADDRESS, address)
        throttle.count(ATTEMPTS_OF_ACCOUNT, address, username_key)
    except TooMany as error:
        log("throttled")
        minutes = -(-error.seconds // 60)
        message = f"Too many tries. Wait {minutes} minute{'s' if minutes > 1 else ''} and try again."
        raise Problem(429, message, retry_after=error.seconds) from None
    try:
        yield
    except Problem as problem:
        if problem.status == 503:  # there was no room to check it
            throttle.succeeded(address)
            throttle.succeeded(address, username_key)
        else:
            log("wrong-password")
        raise
    throttle.succeeded(address)
    throttle.forget(address, username_key)


def log_in(user_id):
    """Begin a session with a new id, so that one which was planted before is worth nothing."""
    session.clear()
    session.update(user_id=user_id, browser=words.browser(request.user_agent.string))
    app.session_interface.regenerate(session)
    clear_up(user_id)


def clear_up(user_id):
    """Remove what is past its time: sessions, links for a new password, counts of logins, and this person's trash."""
    now = int(time.time())
    db.execute("DELETE FROM sessions WHERE seen_at <= ? OR created_at <= ?", now - IDLE, now - ABSOLUTE)
    db.execute("DELETE FROM resets WHERE expires_at <= ?", now)
    throttle.purge()
    journal.purge(user_id, now - TRASH_DAYS * 86400)


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
        set_password(user["id"], password, code)
    except Problem as problem:
        return draw("reset.html", problem, person=user)
    log_in(user["id"])
    log("password-reset", user["id"])
    return go("/")


def set_password(user_id, password, code=None):
    """Store a password and end every session of the person's; the link with `code` is used up by this."""
    password_hash = helpers.hash_password(password)
    with db.transaction():
        if code and not db.execute("DELETE FROM resets WHERE code = ?", hashed(code)):
            raise Problem(404, "This link was used a moment ago.")
        db.execute("UPDATE users SET password_hash = ? WHERE id = ?", password_hash, user_id)
        db.execute("DELETE FROM resets WHERE user_id = ?", user_id)
        db.execute("DELETE FROM sessions WHERE user_id = ?", user_id)


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
    return draw("account.html", problem, {"text": said} if said else None, sessions=sessions)


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


@app.post("/account/password")
@login_required
def change_password():
    """Change the password, and end every session but this one, which gets a new id."""
    try:
        check_own_password("current_password")
        names = (g.user["username"], g.user["first_name"], g.user["last_name"])
        set_password(g.user["id"], helpers.new_password(read("new_password"), *names, field="new_password"))
    except Problem as problem:
        return draw_account(problem)
    app.session_interface.regenerate(session)
    log("password-change")
    return go("/account?changed=password")


def check_own_password(field):
    """Raise Problem unless the field has the person's own password."""
    password = read(field)
    row = db.execute("SELECT username_key, password_hash FROM users WHERE id = ?", g.user["id"])[0]
    with throttled(row["username_key"]):
        if not helpers.check_password(row["password_hash"], password):
            raise Problem(422, "That is not your password.", field)


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
        check_own_password("your_password")
    except Problem as problem:
        return draw_account(problem)
    db.execute("DELETE FROM users WHERE id = ?", g.user["id"])
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
    """Bring g.user up to date after a change."""
    g.user |= db.execute(
        "SELECT theme, shortcuts, version, todo, in_progress, done FROM users WHERE id = ?", g.user["id"]
    )[0]


# Board


CARD = """
    SELECT
        id, title, status, status_since, position,
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
    WHERE user_id = ? AND deleted_at IS NULL"""
COLUMN = """
    SELECT id, title, status, status_since, position, todos, done
    FROM ({card} AND status = ? {found}
        ORDER BY position, id
        LIMIT ?
    ) AS {status}"""


@app.get("/")
@login_required
def board():
    """The board: the person's tickets in three columns."""
    return unchanged() or draw_board()


def draw_board(problem=None, toast=None):
    """The board, with what a refused form had in it; the script gets the part that it asks for."""
    view = helpers.get_view()
    query = search.parse(view.get("q", ""))
    columns, following = get_columns(get_shown(view, query), query)
    counts = get_counts(query, columns, following)
    edit = request.view_args.get("ticket_id") if problem else whole(request.args.get("edit"))
    move = whole(request.args.get("move"))
    shown = {ticket["id"] for tickets in columns.values() for ticket in tickets}
    if (edit or move) and not {edit, move} & shown and (card := get_card(edit or move)):
        columns[card["status"]].append(card)
    return draw(
        "_board_part.html" if wants_fragments() else "board.html",
        problem,
        toast,
        view=view,
        home=helpers.address("/", view),
        more_of=lambda status: helpers.address("/", view, more=status),
        query=query,
        columns=columns,
        following=following,
        counts=counts,
        edit=edit,
        move=move,
        add=request.args.get("add"),
        opened=get_opened(view),
        found=get_found(query, shown),
    )


def get_shown(view, query=None):
    """How many tickets of each column this view shows: {status: number}."""
    more = view.getlist("more")
    return {status: (MORE if query else shown) + MORE * more.count(status) for status, shown in SHOWN.items()}


def get_columns(shown, query=None):
    """The first of the person's tickets in each column, {status: rows}, and the id that follows, {status: id or None}.

    `shown` says how many there are in each, {status: number}, and `query` which.
    """
    found, values = query.condition() if query else ("", [])
    columns = {status: [] for status in shown}
    for ticket in db.execute(
        " UNION ALL ".join(COLUMN.format(card=CARD, found=found, status=status) for status in shown)
        + " ORDER BY status, position, id",
        *[value for status, limit in shown.items() for value in (g.user["id"], status, *values, limit + 1)],
    ):
        columns[ticket["status"]].append(ticket)
        ticket["since"] = words.day(ticket["status_since"]) if ticket["status"] == "done" else None
    following = {
        status: tickets.pop()["id"] if len(tickets) > shown[status] else None for status, tickets in columns.items()
    }
    return columns, following


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
                user_id = ? AND deleted_at IS NULL AND status = ?
                AND position >= ? AND (position > ? OR id > ?) {found}
            """,
            g.user["id"], status, last["position"], last["position"], last["id"], *values,
        )[0]["held"]  # fmt: skip
    return counts


def get_opened(view):
    """The open to-dos of the tickets that are opened on the board: {ticket id: rows}.

    Without the plus sign SQLite looks through all tickets of the person.
    """
    opened = {ticket_id: [] for ticket_id in map(whole, view.getlist("open")[:50]) if ticket_id}
    for todo in opened and db.execute(
        """
        SELECT todos.id, todos.ticket_id, todos.text, todos.done
        FROM todos JOIN tickets ON tickets.id = todos.ticket_id
        WHERE tickets.id IN (?) AND +tickets.user_id = ? AND todos.deleted_at IS NULL AND todos.done = 0
        ORDER BY todos.position, todos.id
        """,
        list(opened), g.user["id"],
    ):  # fmt: skip
        opened[todo["ticket_id"]].append(todo)
    return opened


def get_found(query, ticket_ids):
    """The to-dos of these tickets, which are the person's, in which the query found a word: {ticket id: rows}."""
    found = {}
    if query and query.words and ticket_ids:
        condition, values = query.todo_condition()
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
    # The last one and the first change the whole page, and in a search it may be found no more.
    if None in ids or len(ids) > 1 or sum(counts.values()) < 2 or view.get("q"):
        return draw_board(toast=toast)
    card = get_card(*ids)
    return draw(
        "_board_changes.html",
        toast=toast,
        counts=counts,
        card=card,
        gone=ids,
        home=helpers.address("/", view),
        opened=get_opened(view),
    )


FOLLOWING = """
    SELECT later.id
    FROM tickets AS later
    WHERE
        later.user_id = ? AND later.deleted_at IS NULL AND later.status = card.status
        AND later.position >= card.position AND (later.position > card.position OR later.id > card.id)
    ORDER BY later.position, later.id
    LIMIT 1"""


def get_card(ticket_id):
    """A ticket as the board shows it, with the id of the one `following` in its column; None when it isn't there."""
    rows = db.execute(
        f"""
        SELECT id, title, status, status_since, position, todos, done, ({FOLLOWING}) AS following
        FROM ({CARD} AND id = ?) AS card
        """,
        g.user["id"], g.user["id"], ticket_id,
    )  # fmt: skip
    return {**rows[0], "since": words.day(rows[0]["status_since"])} if rows else None


# Tickets


def get_ticket(ticket_id, trashed=False):
    """The person's ticket, 404 when there is none; one in the trash only if `trashed` says so."""
    rows = db.execute(
        """
        SELECT id, title, status, status_since, position, created_at, deleted_at
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
        todo + in_progress + done
        + (SELECT COUNT(*) FROM tickets WHERE user_id = users.id AND deleted_at IS NOT NULL) AS held
    FROM users
    WHERE id = ?
    """


@app.post("/tickets")
@login_required
def add_tickets():
    """Add a ticket for each line, at the top of a column."""
    status = read_choice("status", STATUSES, "todo")
    try:
        titles = read_lines("title")
        with journal.action(g.user["id"], "add", form_key=helpers.form_key()) as action:
            leave_room(HELD, g.user["id"], titles, TICKETS_LIMIT)
            column = {"user_id": g.user["id"], "status": status}
            top = action.top("tickets", column, len(titles))
            for number, title in enumerate(titles):
                ticket_id = action.add(
                    "tickets", **column, title=title, status_since=action.now, position=top + number
                )  # fmt: skip
            action.ticket_id = ticket_id if len(titles) == 1 else None
    except Problem as problem:
        return draw_board(problem)
    except Repeated as repeated:
        return answer(repeated.action_id, None, None, "/")
    return tell(action, "/")


def leave_room(count, of, new, limit):
    """Raise Problem when the `new` rows would make more than `limit`; `count` is the statement that counts them."""
    if db.execute(count, of)[0]["held"] + len(new) > limit:
        raise Problem(422, f"That would be more than {limit:,}. Delete some and empty the trash first.", "title")


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
                "tickets", ticket, status=status, status_since=action.now, position=action.top("tickets", column)
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
        if before and (before["status"] != status or before["deleted_at"]):
            before = None  # it has left the column
        if before_id != ticket_id or ticket["status"] != status:
            column = {"user_id": g.user["id"], "status": status}
            action.change(
                "tickets", ticket,
                status=status,
                status_since=ticket["status_since"] if ticket["status"] == status else action.now,
                position=action.place("tickets", column, before, ticket_id),
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
        columns, _ = get_columns({"in_progress": 1, "todo": 1, "done": 1})
        rows = columns["in_progress"] or columns["todo"] or columns["done"]
    return go(f"/platform/{rows[0]['id']}") if rows else draw("platform_empty.html")


@app.get("/platform/<id:ticket_id>")
@login_required
def platform_of(ticket_id):
    """One ticket and its to-dos, with the active tickets beside it."""
    return unchanged() or draw_platform(ticket_id)


def draw_platform(ticket_id, problem=None, changes=None, toast=None):
    """The platform page, with what a refused form had in it; the script gets what `changes` changed, or all."""
    ticket = get_ticket(ticket_id)
    every_todo = db.execute(
        """
        SELECT todos.id, todos.text, todos.done, todos.deleted_at
        FROM todos JOIN tickets ON tickets.id = todos.ticket_id
        WHERE tickets.id = ? AND tickets.user_id = ?
        ORDER BY todos.position, todos.id
        """,
        ticket_id, g.user["id"],
    )  # fmt: skip
    names = {("todos", todo["id"]): todo["text"] for todo in every_todo} | {("tickets", ticket_id): ticket["title"]}
    todos = [todo for todo in every_todo if not todo["deleted_at"]]
    ids = [None, *(todo["id"] for todo in todos), "", None]
    for todo, above, below in zip(todos, ids, ids[3:]):
        todo |= {"ticket_id": ticket_id, "above": above, "below": below}
    return draw(
        "_platform_part.html" if wants_fragments() else "platform.html",
        problem,
        toast=toast,
        edit=request.view_args.get("todo_id") if problem else whole(request.args.get("edit")),
        edit_title=request.args.get("edit") == "title" or (problem and request.path.endswith("/title")),
        only=alone(changes),
        ticket=ticket,
        todos=todos,
        done=sum(todo["done"] for todo in todos),
        beside=get_columns({"in_progress": MORE, "todo": MORE})[0],
        history=get_history(ticket_id, names),
    )


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
    for action in actions:
        action["text"] = words.describe(
            action["kind"], json.loads(action["changes"]), names, action["step_kind"], words.OWN
        )  # fmt: skip
        action["can_undo"] = action["state"] == IN_EFFECT
        action["when"] = words.moment(action["created_at"])
    return actions


# To-dos


def get_todo(todo_id, trashed=False):
    """A to-do of the person's, 404 when there is none; one in the trash only if `trashed` says so."""
    rows = db.execute(
        """
        SELECT todos.id, todos.ticket_id, todos.text, todos.done, todos.position, todos.deleted_at
        FROM todos JOIN tickets ON tickets.id = todos.ticket_id
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
            leave_room(
                "SELECT COUNT(*) AS held FROM todos WHERE ticket_id = ?",
                ticket_id, texts, TODOS_LIMIT,
            )  # fmt: skip
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


# Undo and redo


@app.post("/undo")
@login_required
def undo():
    """Take back the person's latest step, or the one that `action` names."""
    return reverse(journal.undo, "There is nothing to undo any more.")


@app.post("/redo")
@login_required
def redo():
    """Do the step again that was undone last."""
    return reverse(journal.redo, "There is nothing to do again.")


def reverse(way, nothing):
    """Undo or redo, and back to the page."""
    action_id, deed = read_id("action"), "undone" if way == journal.undo else "done again"
    try:
        step = way(g.user["id"], action_id)
    except Conflict:
        further = "" if action_id else " The next time it is the step before that."
        raise Problem(409, f"That can't be {deed} any more: what it changed was changed since.{further}") from None
    if not step:
        raise Problem(409, nothing)
    anchor = f"ticket-{step['ticket_id']}" if is_live(step["ticket_id"]) else None
    return answer(step["by"], step["changes"], step["ticket_id"], "/", anchor)


# Trash


@app.get("/trash")
@login_required
def trash():
    """What was deleted in the last 30 days."""
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
    template, held = "_trash_part.html" if wants_fragments() else "trash.html", rows[0]["held"] if rows else 0
    return draw(template, rows=rows, held=held, asked="empty" in request.args, toast=toast)


@app.post("/trash/tickets/<id:ticket_id>/restore")
@login_required
def restore_ticket(ticket_id):
    """Bring a ticket back to where it was, with its to-dos."""
    with journal.action(g.user["id"], "restore", ticket_id) as action:
        action.change("tickets", get_ticket(ticket_id, trashed=True), deleted_at=None)
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


# Answers


def tell(action, fallback, anchor=None):
    """Answer a form with what its action changed."""
    toast = action.id and {"text": words.describe(action.kind, action.changes, action.names), "undo": action.id}
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
    if page == "/trash":
        return draw_trash(toast)
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
        toast = toast or get_toast(whole(request.args.get("done")))
    page = render_template(
        template, user=g.get("user"), etag=None if problem else g.get("etag"), problem=problem, toast=toast, **values
    )  # fmt: skip
    response = Response(page)
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


def unchanged():
    """304 when the script has this very page, by build, person, address, day and version; else None.

    The version stands by itself at the end: the script counts its own changes on.
    """
    query = request.query_string
    if b"done=" in query:  # which only tells of an action
        query = [item for item in request.args.items(multi=True) if item[0] != "done"]
        query = urlencode(query).encode()
    about = (BUILD, g.user["id"], request.path, query, words.day_number())
    g.etag = f'W/"{zlib.crc32(repr(about).encode()):08x}-{g.user["version"]}"'
    if g.etag in request.headers.get("If-None-Match", ""):
        return Response(status=304, headers={"ETag": g.etag})
    return None


def get_toast(action_id):
    """What an action did, in words, and what `undo` and `redo` would take; None when it isn't the person's."""
    rows = action_id and g.get("user") and db.execute(
        """
        SELECT
            actions.id, actions.kind, actions.state, actions.changes,
            steps.id AS step_id, steps.kind AS step_kind, steps.state AS step_state,
            tickets.id AS ticket_id, tickets.title
        FROM actions
        LEFT JOIN actions AS steps ON steps.id = actions.step_id
        LEFT JOIN tickets ON tickets.id = actions.ticket_id
        WHERE actions.id = ? AND actions.user_id = ?
        """,
        action_id, g.user["id"],
    )  # fmt: skip
    if not rows:
        return None
    action, changes = rows[0], json.loads(rows[0]["changes"])
    names = {("tickets", action["ticket_id"]): action["title"]}
    todo_ids = [row_id for table, row_id, _, _ in changes if table == "todos"]
    if todo_ids and len(todo_ids) <= 100:
        for todo in db.execute("SELECT id, text FROM todos WHERE id IN (?)", todo_ids):  # the action is the person's
            names["todos", todo["id"]] = todo["text"]
    again = action["kind"] == "redo" and action["step_state"] == IN_EFFECT  # undo takes the step back, not the redo
    return {
        "text": words.describe(action["kind"], changes, names, action["step_kind"]),
        "undo": action["id"] if action["state"] == IN_EFFECT else action["step_id"] if again else None,
        "redo": action["id"] if action["state"] == TAKEN_BACK else None,
        "place": get_place(changes[::-1] if action["kind"] == "undo" else changes),
    }


PLACES = {
    "tickets": """
        SELECT moved.status, COUNT(*) AS place
        FROM tickets AS moved JOIN tickets AS other ON other.user_id = moved.user_id AND other.status = moved.status
        WHERE
            moved.id = ? AND moved.user_id = ? AND moved.deleted_at IS NULL AND other.deleted_at IS NULL
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
    was = read("was", stored)
    return was != stored and new != stored


def draw_stale(field, mine, theirs):
    """Show both texts and let the person choose; the script puts them where the field was."""
    path, view = helpers.came_from()
    template = "_stale.html" if wants_fragments() else "stale.html"
    values = {"field": field, "mine": mine, "theirs": theirs, "home": helpers.address(path or "/", view)}
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
    answer = refuse(Problem(error.code, message))
    response = app.make_response(answer)
    response.headers.extend((name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After"))
    return response


@app.errorhandler(Unavailable)
def unavailable(error):
    """The database can't do it now."""
    log("database", fault=str(error).splitlines()[0])
    if isinstance(error, Full):
        return refuse(Problem(507, "Nothing was saved: the disk is full. Make room and send it again."))
    response = app.make_response(
        refuse(Problem(503, "Nothing was saved: the database is busy or away. Try again in a moment."))
    )
    response.headers["Retry-After"] = "5"
    return response


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
    packed = "gzip" in request.accept_encodings
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
    about = {"name": "NIKKO", "short_name": "NIKKO", "description": "Your ticket board", "icons": icons}
    how = {
        "id": "/",
        "start_url": "/",
        "display": "standalone",
        "background_color": "#f7f5f0",
        "theme_color": "#ffffff",
    }
    return Response(json.dumps(about | how), mimetype="application/manifest+json")


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
    with db.transaction():
        demo.fill(journal, insert_user("demo", "demo", password_hash, "Mira", "Kovač"))
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


def insert_user(username, username_key, password_hash, first_name, last_name):
    """Add a person and return the id. Raises Problem."""
    try:
        return db.execute(
            """
            INSERT INTO users (username, username_key, password_hash, first_name, last_name, created_at)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            username, username_key, password_hash, first_name, last_name, int(time.time()),
        )  # fmt: skip
    except ValueError:
        raise Problem(422, f"There is an account named {username} already; it was left as it is.") from None


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
    site = f"https://{config.hosts[0]}" if config.hosts else f"http://{config.host}:{config.port}"
    print(f"Give this to {rows[0]['username']}; it works once, within {RESET_HOURS} hours: {site}/reset/{code}")


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
    ended = db.execute("DELETE FROM sessions WHERE seen_at <= ? OR created_at <= ?", now - IDLE, now - ABSOLUTE)
    db.execute("DELETE FROM resets WHERE expires_at <= ?", now)
    throttle.purge()
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
@click.argument("url")
def copy_to(url):
    """Copy everything into the empty database at URL (as DATABASE_URL names it), verified; stop NIKKO first."""

    def tell(table, copied, total):
        if copied == total or sys.stdout.isatty():
            print(f"{table}: {copied:,} of {total:,} rows", end="\n" if copied == total else "\r", flush=True)

    with contextlib.closing(SQL(url)) as target:
        backup.copy_to(db, target, tell)
    print("Every row arrived as it was. Name that database in DATABASE_URL and start NIKKO.")


def serve(target="app:app"):
    """Serve on HOST and PORT until stopped."""
    from granian import Granian  # only the server needs it
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings

    with socket.socket(socket.AF_INET6 if ":" in config.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            way = f"PORT={config.port + 1} python app.py" if error.errno == errno.EADDRINUSE else "another HOST or PORT"
            sys.exit(f"NIKKO can't start: {config.host}:{config.port}: {error.strerror}. Try: {way}")
    db.close()  # the workers have their own connections
    print(f"NIKKO is at http://{config.host}:{config.port} (Ctrl+C stops it)", flush=True)
    Granian(
        target,
        address=config.host,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=config.workers,
        blocking_threads=256,  # each half-sent form holds one
        backpressure=1024,  # open connections, not requests
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        log_level="error",
        respawn_failed_workers=True,
        working_dir=HERE,
    ).serve()


if __name__ == "__main__":
    serve()
