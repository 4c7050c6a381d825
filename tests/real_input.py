"""Enter a file of tickets through a running NIKKO's own forms, as a browser without JavaScript would.

    python tests/real_input.py FILE [http://127.0.0.1:5000]

FILE is JSON: {"tickets": [{"title": ..., "status": ..., "todos": [{"text": ..., "done": true}]}]}, each ticket's
status todo (or not given), in_progress or done. A person of its own is registered. Everything is pasted, moved to
its status and ticked; read back from the pages it must equal the file, in the file's order. Then all of it is undone
step by step to an empty board, and done again to the full one.
"""

import json
import secrets
import sys
import time
from contextlib import contextmanager
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from itertools import zip_longest
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

STATUSES = ("todo", "in_progress", "done")
#: The board with what "Show older" would bring.
WHOLE_BOARD = "/?" + "&".join(f"more={status}" for status in STATUSES for _ in range(5))
LINES = 500  # of a paste


class Page(HTMLParser):
    """What a page shows: `tickets` [(status, id, title)] and `todos` [(id, text, done)], in their order."""

    def __init__(self, text):
        super().__init__()
        self.tickets, self.todos = [], []
        self.column = self.list = self.into = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        name, _, of = (attributes.get("id") or "").partition("-")
        if tag == "ol":
            self.list, self.column = name, of
        elif tag == "li" and self.list == "tickets":
            self.tickets.append((self.column, int(of), ""))
        elif tag == "li" and self.list == "todos":
            self.todos.append((int(of), "", None))
        elif attributes.get("role") == "checkbox":
            self.todos[-1] = (*self.todos[-1][:2], attributes["aria-checked"] == "true")
        elif self.list == "tickets" and tag == "h3":
            self.into = self.tickets
        elif self.list == "todos" and attributes.get("class") == "text":
            self.into = self.todos

    def handle_endtag(self, tag):
        if tag == "ol":
            self.list = None
        elif tag in ("h3", "span"):
            self.into = None

    def handle_data(self, data):
        if self.into is self.tickets and self.into is not None:
            status, ticket_id, title = self.tickets[-1]
            self.tickets[-1] = (status, ticket_id, title + data)
        elif self.into is self.todos and self.into is not None:
            todo_id, text, done = self.todos[-1]
            self.todos[-1] = (todo_id, text + data, done)


class Browser:
    """Cookies, forms, and following the redirects that they answer with."""

    def __init__(self, site):
        self.site = site
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self.requests = self.posts = 0  # posts: those that weren't refused

    def get(self, path):
        """Open a page."""
        return Page(self._open(Request(self.site + path)))

    def post(self, path, page, **fields):
        """Send a form that stands on `page` and follow to the next page; False when the answer is 409."""
        request = Request(self.site + path, urlencode(fields).encode())
        request.add_header("Origin", self.site)
        request.add_header("Referer", self.site + page)
        try:
            page = Page(self._open(request))
        except HTTPError as error:
            if error.code == 409:
                return False
            raise SystemExit(f"POST {path}: {error.code}\n{error.read().decode()}") from None
        self.posts += 1
        return page

    def _open(self, request):
        self.requests += 1
        with self.opener.open(request, timeout=60) as answer:
            return answer.read().decode()


def main(file, site="http://127.0.0.1:5000"):
    with open(file, encoding="utf-8") as opened:
        wanted = expected(json.load(opened)["tickets"])
    browser = Browser("{0.scheme}://{0.netloc}".format(urlsplit(site)))
    with phase(browser, "registered"):
        browser.post(
            "/register", "/register",
            username=f"real-{secrets.token_hex(6)}", password=secrets.token_urlsafe(16),
            first_name="Real", last_name="Input",
        )  # fmt: skip
        assert browser.get(WHOLE_BOARD).tickets == [], "a new board is empty"
    with phase(browser, f"{len(wanted)} tickets pasted"):
        # New ones stand at the top, so the last paste is the beginning of the file.
        for start in reversed(range(0, len(wanted), LINES)):
            titles = [title for _, title, _ in wanted[start : start + LINES]]
            browser.post("/tickets", "/", title="\r\n".join(titles), status="todo", key=secrets.token_hex(8))
        ids = [ticket_id for _, ticket_id, _ in browser.get(WHOLE_BOARD).tickets]
    with phase(browser, f"{sum(len(todos) for *_, todos in wanted)} to-dos pasted"):
        for ticket_id, (_, _, todos) in zip(ids, wanted, strict=True):
            for start in range(0, len(todos), LINES):
                lines = "\r\n".join(text for text, _ in todos[start : start + LINES])
                path = f"/tickets/{ticket_id}/todos"
                browser.post(path, f"/platform/{ticket_id}", text=lines, key=secrets.token_hex(8))
    moves = [(ticket_id, status) for ticket_id, (status, *_) in zip(ids, wanted) if status != "todo"]
    with phase(browser, f"{len(moves)} tickets moved to their status"):
        for ticket_id, status in reversed(moves):  # each goes to the top of its column
            browser.post(f"/tickets/{ticket_id}/status", "/", status=status)
    with phase(browser, f"{sum(done for *_, todos in wanted for _, done in todos)} to-dos ticked"):
        for ticket_id, (_, _, todos) in zip(ids, wanted):
            here = f"/platform/{ticket_id}"
            for (todo_id, _, _), (_, done) in zip(browser.get(here).todos, todos, strict=True):
                if done:
                    browser.post(f"/todos/{todo_id}/done", here, done="1")
    made = browser.posts - 1  # registering is no step
    with phase(browser, "read back: equal to the file"):
        assert_shown(browser, wanted)
    for path, outcome in (("/undo", "to an empty board"), ("/redo", "to the full board, equal to the file")):
        with phase(browser, f"{path} {made} times, {outcome}"):
            before = browser.posts
            while browser.post(path, "/"):
                pass
            assert browser.posts - before == made, f"{browser.posts - before} times {path} for {made} steps"
            assert_shown(browser, wanted if path == "/redo" else [])


def expected(tickets):
    """The file's tickets as [(status, title, [(text, done)])]."""
    return [
        (
            ticket.get("status", "todo"),
            ticket["title"],
            [(todo["text"], bool(todo.get("done"))) for todo in ticket.get("todos", [])],
        )
        for ticket in tickets
    ]


def assert_shown(browser, wanted):
    """The pages show those tickets, in that order within each column, with those to-dos."""
    board = browser.get(WHOLE_BOARD).tickets
    shown = [
        (status, title, [(text, done) for _, text, done in browser.get(f"/platform/{ticket_id}").todos])
        for status, ticket_id, title in board
    ]
    for status in STATUSES:
        these, those = [[ticket for ticket in tickets if ticket[0] == status] for tickets in (wanted, shown)]
        for this, that in zip_longest(these, those):
            assert this == that, f"{status}: wanted {this}\nshown {that}"
    assert len(shown) == len(wanted), "a ticket in no column"


@contextmanager
def phase(browser, name):
    """Print what was done, with how many requests (redirects not counted) and seconds it took."""
    began, requests = time.perf_counter(), browser.requests
    yield
    print(f"{name}: {browser.requests - requests} requests, {time.perf_counter() - began:.1f} s", flush=True)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
