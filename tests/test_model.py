"""The app against a plain model: whatever a person does in whatever order, both hold the same.

`MODEL_EXAMPLES=1000 pytest tests/test_model.py -k sqlite` looks for longer.
"""

import copy
import html
import math
import os
import re
import time
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

from conftest import shown_board, shown_todos
from hostile import HOSTILE_TEXTS
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import journal

STATUSES = ("todo", "in_progress", "done")
TOP, END = "top", "end"
SPENT, IN_EFFECT, UNDONE = "spent", "in effect", "undone"

# Few different texts, so that a text often comes back to what it was; any of them may be a hostile one.
texts = st.sampled_from("abc") | st.sampled_from(HOSTILE_TEXTS)
several = st.lists(texts, min_size=1, max_size=3)
statuses = st.sampled_from(STATUSES)
picks = st.integers(0, 999)  # which of the rows that there are, see `some`


class BoardAndModel(RuleBasedStateMachine):
    """One person's board, and what it should hold.

    The model: `tickets` and `todos` are {id: row}, a row is a dict. Rows stand in a list (a status or a ticket's
    id) by their number, then by their id; trashed rows keep theirs. The numbers are the app's own business: where
    a row is put, the model says between which others, trashed ones too, and takes the number over once it is so.
    `steps` is all that was done: the columns of each row before and after it. Undoing puts `before` back where
    `after` still stands.
    """

    def __init__(self, site, person, clock):
        super().__init__()
        self.site, self.person, self.clock = site, person, clock
        self.rows = {"tickets": {}, "todos": {}}
        self.steps = []
        self.page = "/"

    # The model

    def live(self, table, place=None):
        """The ids of what isn't in the trash, in the order shown; of one list or of all."""
        return [row_id for row_id in self.order(table, place) if self.rows[table][row_id]["trashed"] is None]

    def shown(self, status):
        """The ids of a column's tickets, in the order shown."""
        return [row_id for row_id in self.live("tickets", status) if not self.rows["tickets"][row_id]["archived"]]

    def in_archive(self):
        """What the archive lists, the last put away first."""
        rows = self.rows["tickets"]
        away = [row_id for row_id in self.live("tickets") if rows[row_id]["archived"]]
        return sorted(away, key=lambda row_id: (rows[row_id]["archived"], row_id), reverse=True)

    def order(self, table, place=None):
        """The same with the trashed rows."""
        rows = self.rows[table]
        there = [row_id for row_id, row in rows.items() if place in (None, row["list"])]
        return sorted(there, key=lambda row_id: (rows[row_id]["number"], row_id))

    def reachable_todos(self):
        """The to-dos of tickets that aren't in the trash; trashed to-dos too."""
        return [todo_id for todo_id, todo in self.rows["todos"].items() if todo["list"] in self.live("tickets")]

    def live_todos(self):
        return [todo_id for todo_id in self.reachable_todos() if self.rows["todos"][todo_id]["trashed"] is None]

    def in_trash(self):
        """What the trash page lists, the last trashed first."""
        listed = [("tickets", row_id) for row_id, row in self.rows["tickets"].items() if row["trashed"]]
        listed += [("todos", row_id) for row_id in self.reachable_todos() if self.rows["todos"][row_id]["trashed"]]
        return sorted(listed, key=lambda key: (self.rows[key[0]][key[1]]["trashed"], key[1]), reverse=True)

    def put(self, table, row_ids, place, where):
        """Stand those rows in that list at its top, at its end or before a row, and in no other order than so."""
        for row_id in row_ids:
            self.rows[table][row_id].update(list=place, number=0)
        order = [row_id for row_id in self.order(table, place) if row_id not in row_ids]
        at = 0 if where == TOP else len(order) if where == END else order.index(where)
        order[at:at] = row_ids
        numbers = self.numbers(table)
        for row_id in order:
            self.rows[table][row_id]["number"] = numbers[row_id]
        assert self.order(table, place) == order

    def new_ids(self, table):
        """The ids that the app gave to what it has and the model hasn't yet."""
        return sorted(self.numbers(table).keys() - self.rows[table].keys())

    def latest(self, state, action_id=None):
        """The last step in that state, or that very one if it is; None when there is none."""
        steps = [step for step in self.steps if step["state"] == state and action_id in (None, step["id"])]
        return max(steps, key=lambda step: step["id"], default=None)

    # What is sent

    def send(self, path, **fields):
        """Post a form and remember the page that it leads to. Every request has a second of its own."""
        self.clock.now += 1
        answer = self.person.post(path, **fields)
        self.page = answer.location if answer.status_code == 303 else "/"
        return answer

    def done(self):
        """The action that the page tells of, if it does."""
        return int(parse_qs(urlsplit(self.page).query).get("done", ["0"])[0])

    @contextmanager
    def step(self, path, ticket_id=None, **fields):
        """Send a form; what the block does to the model is one step."""
        was = copy.deepcopy(self.rows)
        answer = self.send(path, **fields)
        assert answer.status_code == 303, answer.text
        yield
        changes = {}
        for table, rows in self.rows.items():
            for row_id, row in rows.items():
                # A row that is new now was in the trash before, if it was anywhere.
                old = was[table].get(row_id, {**row, "trashed": self.clock.now})
                names = [name for name in row if row[name] != old[name]]
                if names:
                    changes[table, row_id] = {name: old[name] for name in names}, {name: row[name] for name in names}
        assert bool(changes) == bool(self.done())
        if changes:
            self.remember(self.done(), IN_EFFECT, None, ticket_id, changes)

    def remember(self, action_id, state, of, ticket_id, changes):
        step = {"id": action_id, "state": state, "of": of, "ticket": ticket_id, "changes": changes}
        self.steps.append(step)

    def reverse(self, path, state, step, fields):
        """Send the form of undo or redo: it takes back all of that step, or is refused and changes nothing."""
        answer = self.send(path, **fields)
        changes = step["changes"].items() if step else ()
        if not step or not all(self.holds(key, after) for key, (_, after) in changes):
            assert answer.status_code == 409, answer.text
            if step and "action" not in fields:
                step["state"] = SPENT  # it doesn't stand in the way of older steps
            return False
        assert answer.status_code == 303, answer.text
        for (table, row_id), (before, _) in changes:
            if before.get("trashed"):
                before = {**before, "trashed": self.clock.now}
            self.rows[table][row_id].update(before)
        step["state"] = SPENT
        turned = {key: (after, before) for key, (before, after) in changes}
        self.remember(self.done(), state, step["of"] or step, step["ticket"], turned)
        return True

    def holds(self, key, after):
        """Whether the row is still as the step left it; how long it has been in the trash doesn't matter."""
        row = self.rows[key[0]][key[1]]
        return all(
            bool(row[name]) == bool(value) if name == "trashed" else row[name] == value for name, value in after.items()
        )

    # Tickets

    @initialize(titles=st.lists(texts, min_size=2, max_size=4), status=statuses)
    def begin(self, titles, status):
        self.add_tickets(titles, status)

    @precondition(lambda self: len(self.rows["tickets"]) < 10)
    @rule(titles=several, status=statuses)
    def add_tickets(self, titles, status):
        with self.step("/tickets", title="\n".join(titles), status=status):
            new = self.new_ids("tickets")
            for ticket_id, title in zip(new, titles, strict=True):
                self.rows["tickets"][ticket_id] = {
                    "text": title,
                    "since": self.clock.now,
                    "archived": None,
                    "trashed": None,
                }
            self.put("tickets", new, status, TOP)
        if len(new) == 1:
            self.steps[-1]["ticket"] = new[0]

    @precondition(lambda self: self.live("tickets"))
    @rule(pick=picks, title=texts)
    def rename_ticket(self, pick, title):
        ticket_id = some(self.live("tickets"), pick)
        with self.step(f"/tickets/{ticket_id}/title", ticket_id, title=title):
            self.rows["tickets"][ticket_id]["text"] = title

    @precondition(lambda self: self.live("tickets"))
    @rule(pick=picks, status=statuses)
    def change_status(self, pick, status):
        ticket_id = some(self.live("tickets"), pick)
        with self.step(f"/tickets/{ticket_id}/status", ticket_id, status=status):
            self.to_column(ticket_id, status, TOP)

    @precondition(lambda self: self.live("tickets"))
    @rule(pick=picks, status=statuses, before=st.none() | picks)
    def move_ticket(self, pick, status, before):
        # Mostly one that is there; one that has left the column or is in the trash means the end of it.
        candidates = self.live("tickets", status) * 3 + self.order("tickets")
        before = "" if before is None else some(candidates, before)
        self.move(some(self.live("tickets"), pick), status, before)

    def move(self, ticket_id, status, before):
        with self.step(f"/tickets/{ticket_id}/position", ticket_id, status=status, before=before):
            if before == ticket_id and status == self.rows["tickets"][ticket_id]["list"]:
                return
            self.to_column(ticket_id, status, before if before in self.shown(status) else END, always=True)

    @precondition(lambda self: len(self.live("tickets")) > 2)
    @rule(pick=picks, other=picks, third=picks, elsewhere=statuses)
    def a_ticket_comes_back_to_a_place_that_another_took(self, pick, other, third, elsewhere):
        """By the toast or the history: both may hold the same number then, and a third one goes before them."""
        ticket_id = some(self.live("tickets"), pick)
        status = self.rows["tickets"][ticket_id]["list"]
        column = self.live("tickets", status)
        followers = column[column.index(ticket_id) + 1 :]
        others = [row_id for row_id in self.live("tickets") if row_id not in (ticket_id, *followers[:1])]
        self.move(ticket_id, elsewhere, "")
        if not self.done():
            return  # it was there already
        moved = self.steps[-1]
        self.move(some(others, other), status, followers[0] if followers else "")
        self.reverse("/undo", UNDONE, moved, {"action": moved["id"]})
        self.move(some(self.live("tickets"), third), status, some([ticket_id, some(others, other)], third))

    def to_column(self, ticket_id, status, where, always=False):
        ticket = self.rows["tickets"][ticket_id]
        if ticket["list"] != status:
            ticket["since"] = self.clock.now
        elif not always:
            return
        ticket["archived"] = None
        self.put("tickets", [ticket_id], status, where)

    @precondition(lambda self: self.live("tickets"))
    @rule(pick=picks)
    def delete_ticket(self, pick):
        ticket_id = some(self.live("tickets"), pick)
        with self.step(f"/tickets/{ticket_id}/delete", ticket_id):
            self.rows["tickets"][ticket_id]["trashed"] = self.clock.now

    # Archive

    @precondition(lambda self: self.live("tickets"))
    @rule(pick=picks)
    def archive_ticket(self, pick):
        ticket_id = some(self.live("tickets"), pick)
        with self.step(f"/tickets/{ticket_id}/archive", ticket_id):
            ticket = self.rows["tickets"][ticket_id]
            ticket["archived"] = ticket["archived"] or self.clock.now

    @precondition(lambda self: self.in_archive())
    @rule(pick=picks)
    def bring_back(self, pick):
        ticket_id = some(self.in_archive(), pick)
        with self.step(f"/archive/tickets/{ticket_id}/restore", ticket_id):
            self.rows["tickets"][ticket_id]["archived"] = None

    @precondition(lambda self: self.shown("done"))
    @rule()
    def archive_done(self):
        away = self.shown("done")
        with self.step("/archive/done", away[0] if len(away) == 1 else None):
            for ticket_id in away:
                self.rows["tickets"][ticket_id]["archived"] = self.clock.now

    # To-dos

    @precondition(lambda self: self.live("tickets") and len(self.rows["todos"]) < 12)
    @rule(pick=picks, lines=several)
    def add_todos(self, pick, lines):
        ticket_id = some(self.live("tickets"), pick)
        with self.step(f"/tickets/{ticket_id}/todos", ticket_id, text="\n".join(lines)):
            new = self.new_ids("todos")
            for todo_id, text in zip(new, lines, strict=True):
                self.rows["todos"][todo_id] = {"text": text, "done": False, "trashed": None}
            self.put("todos", new, ticket_id, END)

    @precondition(lambda self: self.live_todos())
    @rule(pick=picks, text=texts)
    def edit_todo(self, pick, text):
        todo_id, ticket_id = self.some_todo(pick)
        with self.step(f"/todos/{todo_id}/text", ticket_id, text=text):
            self.rows["todos"][todo_id]["text"] = text

    @precondition(lambda self: self.live_todos())
    @rule(pick=picks, done=st.booleans())
    def tick_todo(self, pick, done):
        todo_id, ticket_id = self.some_todo(pick)
        with self.step(f"/todos/{todo_id}/done", ticket_id, done=int(done)):
            self.rows["todos"][todo_id]["done"] = done

    @precondition(lambda self: self.live_todos())
    @rule(pick=picks, before=st.none() | picks)
    def move_todo(self, pick, before):
        todo_id, ticket_id = self.some_todo(pick)
        candidates = self.live("todos", ticket_id) * 3 + self.reachable_todos()
        self.move_todo_before(todo_id, "" if before is None else some(candidates, before))

    def move_todo_before(self, todo_id, before):
        ticket_id = self.rows["todos"][todo_id]["list"]
        with self.step(f"/todos/{todo_id}/position", ticket_id, before=before):
            if before != todo_id:
                where = before if before in self.live("todos", ticket_id) else END
                self.put("todos", [todo_id], ticket_id, where)

    @precondition(lambda self: self.live_todos())
    @rule(pick=picks)
    def delete_todo(self, pick):
        todo_id, ticket_id = self.some_todo(pick)
        with self.step(f"/todos/{todo_id}/delete", ticket_id):
            self.rows["todos"][todo_id]["trashed"] = self.clock.now

    def some_todo(self, pick):
        todo_id = some(self.live_todos(), pick)
        return todo_id, self.rows["todos"][todo_id]["list"]

    # Trash

    @precondition(lambda self: self.in_trash())
    @rule(pick=picks)
    def restore(self, pick):
        table, row_id = some(self.in_trash(), pick)
        row = self.rows[table][row_id]
        with self.step(f"/trash/{table}/{row_id}/restore", row_id if table == "tickets" else row["list"]):
            row["trashed"] = None

    @precondition(lambda self: len(self.in_trash()) > 2)
    @rule()
    def empty_the_trash(self):
        assert self.send("/trash/empty").status_code == 303
        gone = {("tickets", row_id) for row_id, row in self.rows["tickets"].items() if row["trashed"]}
        gone |= {
            ("todos", i) for i, row in self.rows["todos"].items() if row["trashed"] or ("tickets", row["list"]) in gone
        }
        for table, row_id in gone:
            del self.rows[table][row_id]
        for step in self.steps:
            step["changes"] = {key: change for key, change in step["changes"].items() if key not in gone}
        self.steps = [step for step in self.steps if step["changes"] and ("tickets", step["ticket"]) not in gone]

    # Undo and redo

    @precondition(lambda self: self.steps)
    @rule()
    def undo(self):
        self.reverse("/undo", UNDONE, self.latest(IN_EFFECT), {})

    @precondition(lambda self: self.latest(UNDONE))
    @rule()
    def redo(self):
        self.redo_step({})

    @precondition(lambda self: self.latest(IN_EFFECT))
    @rule(pick=picks)
    def undo_a_particular_action(self, pick):
        action_id = some([step["id"] for step in reversed(self.steps) if step["state"] == IN_EFFECT], pick)
        self.reverse("/undo", UNDONE, self.latest(IN_EFFECT, action_id), {"action": action_id})

    @precondition(lambda self: self.steps)
    @rule(pick=picks)
    def undo_any_action_that_ever_was(self, pick):
        action_id = self.some_action(pick)
        self.reverse("/undo", UNDONE, self.latest(IN_EFFECT, action_id), {"action": action_id})

    @precondition(lambda self: self.steps)
    @rule(pick=picks)
    def redo_a_particular_action(self, pick):
        self.redo_step({"action": self.some_action(pick)})

    def some_action(self, pick):
        """One of the actions, the newest first, so that a small pick is a recent one."""
        return some([step["id"] for step in reversed(self.steps)], pick)

    def redo_step(self, fields):
        step, newest = self.latest(UNDONE, fields.get("action")), self.latest(IN_EFFECT)
        if step and newest and newest["id"] > step["id"]:
            step = None  # something newer was done
        if self.reverse("/redo", SPENT, step, fields):
            step["of"]["state"] = IN_EFFECT

    # What many more moves than a test can make would lead to

    @precondition(lambda self: self.long_lists())
    @rule(pick=picks, before=picks)
    def no_number_is_left_between_the_rows_of_a_list(self, pick, before):
        """And then one of them is moved, so that others have to make room."""
        table, place = some(self.long_lists(), pick)
        number = 1.0
        for row_id in self.order(table, place):
            self.site.db.execute(f"UPDATE {table} SET position = ? WHERE id = ?", number, row_id)
            self.rows[table][row_id]["number"] = number
            number = math.nextafter(number, 2)
        moved, before = some(self.live(table, place), pick), some(self.live(table, place), before)
        if table == "tickets":
            self.move(moved, place, before)
        else:
            self.move_todo_before(moved, before)

    def long_lists(self):
        lists = [("tickets", status) for status in STATUSES]
        lists += [("todos", ticket_id) for ticket_id in self.live("tickets")]
        return [(table, place) for table, place in lists if len(self.live(table, place)) > 2]

    # What is seen

    def numbers(self, table):
        """{id: position} of all that the app has of the person."""
        rows = self.site.db.execute(
            "SELECT id, position FROM tickets WHERE user_id = ?"
            if table == "tickets"
            else """
            SELECT todos.id, todos.position
            FROM todos JOIN tickets ON tickets.id = todos.ticket_id
            WHERE tickets.user_id = ?
            """,
            self.person.id,
        )
        return {row["id"]: row["position"] for row in rows}

    @invariant()
    def the_pages_show_what_the_model_holds(self):
        paths = ["/", "/archive", "/trash"] + [f"/platform/{ticket_id}" for ticket_id in self.live("tickets")]
        pages = {path: path for path in paths} | {urlsplit(self.page).path: self.page}
        for path, page in pages.items():
            answer = self.person.get(page)
            assert answer.status_code == 200, answer.text
            if path == "/":
                assert shown_board(answer.text) == self.board()
            elif path == "/archive":
                assert shown_archive(answer.text) == self.in_archive()
            elif path == "/trash":
                assert shown_trash(answer.text) == [
                    (*key, self.rows[key[0]][key[1]]["text"]) for key in self.in_trash()
                ]
            else:
                todos = [self.rows["todos"][row_id] for row_id in self.live("todos", int(path.split("/")[2]))]
                assert shown_todos(answer.text) == [(todo["text"], todo["done"]) for todo in todos]
        counts = {status: len(self.shown(status)) for status in STATUSES} | {"archived": len(self.in_archive())}
        assert self.site.db.execute(
            "SELECT todo, in_progress, done, archived FROM users WHERE id = ?", self.person.id
        ) == [counts]  # fmt: skip
        for table, rows in self.rows.items():
            assert self.numbers(table) == {row_id: row["number"] for row_id, row in rows.items()}

    def board(self):
        """As `shown_board` gives it: an empty board has no columns."""
        columns = {
            status: [self.rows["tickets"][row_id]["text"] for row_id in self.shown(status)] for status in STATUSES
        }
        return columns if any(columns.values()) else {}


def some(rows, pick):
    """One of the rows."""
    return rows[pick % len(rows)]


def shown_archive(page):
    """The ids of the tickets that the archive page lists."""
    return [int(ticket_id) for ticket_id in re.findall(r'<li id="archived-(\d+)"', page)]


def shown_trash(page):
    """What the trash page lists: [(table, id, text)]."""
    rows = re.findall(
        r'<span class="what"><span dir="auto">(.*?)</span>.*?action="/trash/(\w+)/(\d+)/restore"', page, re.DOTALL
    )
    return [(table, int(row_id), html.unescape(text)) for text, table, row_id in rows]


def test_the_board_never_disagrees_with_a_plain_model(site, new_person, engine, monkeypatch):
    clock = SimpleNamespace(now=int(time.time()) - 10_000_000)
    monkeypatch.setattr(journal, "time", SimpleNamespace(time=lambda: clock.now))
    monkeypatch.setattr(journal, "SPREAD", 2)  # so that short lists have more than is moved at once
    run_state_machine_as_test(
        lambda: BoardAndModel(site, new_person(), clock),
        settings=settings(
            max_examples=int(os.environ.get("MODEL_EXAMPLES", 60 if engine == "sqlite" else 15)),
            stateful_step_count=40,
            deadline=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
