"""Every change of a ticket, a to-do or a label as one undoable action.

    with journal.action(user_id, "move", ticket_id) as action:
        action.change("tickets", ticket_id, position=action.place("tickets", column, before))

The rows and one row of `actions`, which says what each changed row held before and after, are written in
one transaction. From that table come a ticket's history, undo and redo, and all that the trash forgets.
"""

import itertools
import json
import time
from contextlib import contextmanager

from search import fold

#: What the journal may write: SQL is built from these names alone, values are bound.
COLUMNS = {
    "tickets": {
        "user_id", "title", "status", "status_since", "position",
        "deleted_at", "archived_at", "due", "labels", "description", "created_at",
    },
    "todos": {"ticket_id", "text", "done", "position", "deleted_at", "link_id", "created_at"},
    "labels": {"user_id", "name", "name_key", "colour", "deleted_at", "created_at"},
}  # fmt: skip
#: What decides whether a ticket is on the board, and in which column.
SHOWN = {"tickets": ("status", "deleted_at", "archived_at"), "todos": (), "labels": ()}
#: The texts that are also stored as search compares them.
FOLDED = {"title": "title_folded", "text": "text_folded", "description": "description_folded"}
SPENT, IN_EFFECT, TAKEN_BACK = 0, 1, 2

#: How many rows are moved at once when there is no number left between two positions.
SPREAD = 64
#: How many rows one statement takes at most.
PART = 500
#: Characters of changes that take long to read.
LONG = 200_000


class Conflict(Exception):
    """Undo or redo of `action_id` is refused: the rows no longer hold what the action left in them."""

    def __init__(self, action_id):
        super().__init__(action_id)
        self.action_id = action_id


class Repeated(Exception):
    """The form with this key was posted before, and made the action `action_id` then."""

    def __init__(self, action_id):
        super().__init__(action_id)
        self.action_id = action_id


class Gone(Exception):
    """There is no such user (any more)."""


class Journal:
    """The one door for changes; `db` is a database.SQL."""

    def __init__(self, db):
        self.db = db

    @contextmanager
    def action(self, user_id, kind, ticket_id=None, form_key=None, state=IN_EFFECT):
        """One transaction and one undoable step of that user's; `as action` takes its changes.

        `ticket_id` says whose history it belongs to (None: several; the block may set `action.ticket_id`). With the
        `state` SPENT it stands in the history, and undo passes over it. Raises Repeated when `form_key` was used
        before, Gone when the user was deleted. Changes nothing when the block raises.
        """
        with self._locked(user_id):
            if form_key and (used := self._used(user_id, form_key)):
                raise Repeated(used[0]["id"])
            action = Action(self.db, kind, ticket_id)
            yield action
            self._write(action, user_id, state, form_key=form_key)
            if not action.changes:  # and so the pages are as they were
                self.db.execute("UPDATE users SET version = version - 1 WHERE id = ?", user_id)

    def undo(self, user_id, action_id=None):
        """Take back the user's latest action in effect, or that one.

        Returns the action that was taken back, as `latest` gives it, with the `id` of the new one as `by`;
        None when there is nothing to take back. Raises Conflict and Gone.
        """
        with self._reversing(user_id, action_id):
            while step := self.latest(user_id, IN_EFFECT, action_id):
                if self._reverse(user_id, step, "undo", TAKEN_BACK):
                    return step
        return None

    def redo(self, user_id, action_id=None):
        """Do the user's latest undone action again (or what the undo `action_id` took back).

        Only while nothing newer was done. Returns and raises as `undo` does.
        """
        with self._reversing(user_id, action_id):
            while step := self.latest(user_id, TAKEN_BACK, action_id):
                newest = self.latest(user_id, IN_EFFECT)
                if newest and newest["id"] > step["id"]:
                    return None
                if self._reverse(user_id, step, "redo", SPENT):
                    self._set_state(step["step_id"], IN_EFFECT)
                    return step
        return None

    def latest(self, user_id, state, action_id=None):
        """The user's latest action in that state (or that very action, if it is in it), or None."""
        rows = self.db.execute(
            """
            SELECT id, ticket_id, kind, step_id, changes
            FROM actions
            WHERE user_id = ? AND state = ? AND id >= ? AND id <= ?
            ORDER BY id DESC
            LIMIT 1
            """,
            user_id, state, action_id or 0, action_id or 2**31 - 1,
        )  # fmt: skip
        if rows and len(rows[0]["changes"]) > LONG:
            self.db.may_take_long()
        return {**rows[0], "changes": json.loads(rows[0]["changes"])} if rows else None

    def purge(self, user_id, deleted_before):
        """Remove for good what went to the user's trash before that time, and all that the journal holds of it.

        `deleted_before` is in seconds. Returns how many tickets and to-dos went.
        """
        if not any(self._trashed(user_id, deleted_before)):
            return 0
        with self._locked(user_id):
            tickets, todos = self._trashed(user_id, deleted_before)
            self._forget(user_id, {"tickets": set(tickets), "todos": set(todos), "labels": set()})
            self._delete("todos", todos)
            self._delete("tickets", tickets)
            return len(tickets) + len(todos)

    def _trashed(self, user_id, deleted_before):
        """The ids of the tickets and of the to-dos that went to the trash before that time."""
        tickets = self._ids(
            "SELECT id FROM tickets WHERE user_id = ? AND deleted_at < ?",
            user_id, deleted_before,
        )  # fmt: skip
        todos = self._ids(
            """
            SELECT todos.id
            FROM todos JOIN tickets ON tickets.id = todos.ticket_id
            WHERE tickets.user_id = ? AND (todos.deleted_at < ? OR tickets.deleted_at < ?)
            """,
            user_id, deleted_before, deleted_before,
        )  # fmt: skip
        return tickets, todos

    def _forget(self, user_id, gone):
        """Take the purged rows out of the user's actions, and the actions that held nothing else."""
        ids, empty = self._ids("SELECT id FROM actions WHERE user_id = ?", user_id), []
        for some in in_parts(ids, 100):  # an action can be large
            for action in self.db.execute("SELECT id, changes FROM actions WHERE id IN (?)", some):
                changes = json.loads(action["changes"])
                kept = [change for change in changes if change[1] not in gone[change[0]]]
                if not kept:
                    empty.append(action["id"])
                elif len(kept) < len(changes):
                    self.db.execute("UPDATE actions SET changes = ? WHERE id = ?", dump(kept), action["id"])
        self._delete("actions", empty)

    def _delete(self, table, ids):
        for some in in_parts(ids):
            self.db.execute(f"DELETE FROM {table} WHERE id IN (?)", some)

    def _ids(self, sql, *values):
        return [row["id"] for row in self.db.execute(sql, *values)]

    @contextmanager
    def _locked(self, user_id):
        """A transaction that holds the user's row: it puts one person's writes in order on every engine.

        The number that it raises is the version of that person's pages.
        """
        with self.db.transaction():
            if not self.db.execute("UPDATE users SET version = version + 1 WHERE id = ?", user_id):
                raise Gone(user_id)
            yield

    @contextmanager
    def _reversing(self, user_id, action_id):
        """As `_locked`; but what can't be reversed any more doesn't stand in the way the next time."""
        try:
            with self._locked(user_id):
                yield
        except Conflict as conflict:
            if action_id is None:
                with self._locked(user_id):
                    self._set_state(conflict.action_id, SPENT)
            raise

    def _used(self, user_id, form_key):
        return self.db.execute("SELECT id FROM actions WHERE user_id = ? AND form_key = ?", user_id, form_key)

    def _reverse(self, user_id, step, kind, state):
        """Write the reverse of `step` as a new action; False when all that it changed was purged."""
        action = Action(self.db, kind, step["ticket_id"])
        for (table, before, after), changes in itertools.groupby(
            reversed(step["changes"]), lambda each: each[:1] + each[2:]
        ):
            for some in in_parts([row_id for _, row_id, _, _ in changes]):
                if not action.put_back(table, some, before, after):
                    raise Conflict(step["id"])
        self._set_state(step["id"], SPENT)
        self._write(action, user_id, state, step_id=step["step_id"] or step["id"])
        step["by"] = action.id
        return bool(action.changes)

    def _set_state(self, action_id, state):
        self.db.execute("UPDATE actions SET state = ? WHERE id = ?", state, action_id)

    def _write(self, action, user_id, state, step_id=None, form_key=None):
        if any(action.shown.values()):
            self.db.execute(
                """
                UPDATE users
                SET todo = todo + ?, in_progress = in_progress + ?, done = done + ?, archived = archived + ?
                WHERE id = ?
                """,
                *action.shown.values(), user_id,
            )  # fmt: skip
        if action.changes:
            action.id = self.db.execute(
                """
                INSERT INTO actions (user_id, ticket_id, kind, state, step_id, form_key, changes, created_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                user_id, action.ticket_id, action.kind, state, step_id, form_key, dump(action.changes), action.now,
            )  # fmt: skip


class Action:
    """The changes of one step.

    `id` is its row of `actions`, None while (or if) nothing was changed; `names` has, by (table, id), the title or
    text of the changed rows as far as it was at hand; `shown` is how many tickets more each column of the board has,
    and the archive.
    """

    def __init__(self, db, kind, ticket_id):
        self.db, self.kind, self.ticket_id, self.now = db, kind, ticket_id, int(time.time())
        self.id, self.changes, self.names = None, [], {}
        self.shown = {"todo": 0, "in_progress": 0, "done": 0, "archived": 0}

    def add(self, table, **values):
        """Add a row and return its id. Undoing it puts the row in the trash."""
        check(table, values)
        columns = {"created_at": self.now, **with_folded(values)}
        marks = ", ".join("?" * len(columns))
        row_id = self.db.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", *columns.values())
        self.changes.append((table, row_id, {"deleted_at": self.now}, {**values, "deleted_at": None}))
        self._name(table, row_id, values)
        if table == "tickets":
            self._count({"deleted_at": 0}, {**values, "deleted_at": values.get("deleted_at")})
        return row_id

    def add_all(self, table, rows):
        """Add many rows, dicts with the same columns, and return their ids. Undoing it puts them in the trash."""
        ids = self.insert(table, rows)
        for row_id, row in zip(ids, rows):
            self.changes.append((table, row_id, {"deleted_at": self.now}, {"deleted_at": row.get("deleted_at")}))
            if table == "tickets":
                self._count({"deleted_at": 0}, {**row, "deleted_at": row.get("deleted_at")})
        return ids

    def insert(self, table, rows):
        """Add many rows, as `add_all` does, that come and go with rows which this action adds: undo needn't know them.

        The ids rise in the order of the rows on each engine, but needn't come back in that order.
        """
        ids = []
        for some in in_parts([{"created_at": self.now, **with_folded(row)} for row in rows], 200):
            check(table, rows[0])
            marks = f"({', '.join('?' * len(some[0]))})"
            added = self.db.execute(
                f"INSERT INTO {table} ({', '.join(some[0])}) VALUES {', '.join([marks] * len(some))} RETURNING id",
                *[value for row in some for value in row.values()],
            )
            ids += sorted(row["id"] for row in added)
        return ids

    def change(self, table, row, **values):
        """Change columns of a row; those that hold that value already are left out.

        `row` is its id, or the row itself as it was read inside this action, which saves reading it again.
        """
        check(table, values)
        row_id = row["id"] if isinstance(row, dict) else row
        whole = isinstance(row, dict) and row.keys() >= {*values, *SHOWN[table]}
        held = row if whole else self._held(table, [row_id], values)[0]
        after = {name: value for name, value in values.items() if held[name] != value}
        if after:
            self._set(table, [row_id], after)
            self.changes.append((table, row_id, {name: held[name] for name in after}, after))
            self._name(table, row_id, held)
            if table == "tickets":
                self._count(held, {**held, **after})

    def change_all(self, table, rows, **values):
        """Change the same columns of many rows, as they were read inside this action with these columns."""
        check(table, values)
        for some in in_parts(rows):
            self._set(table, [row["id"] for row in some], values)
        for row in rows:
            self.changes.append((table, row["id"], {name: row[name] for name in values}, values))
            self._name(table, row["id"], row)
            if table == "tickets":
                self._count(row, {**row, **values})

    def put_back(self, table, ids, before, after):
        """Set `before` in rows that still hold `after`, and say whether all did. A purged row is passed over."""
        check(table, before)
        held = self._held(table, ids, before)
        if table == "labels" and before.get("deleted_at"):  # tickets that got it since keep it
            held = [row for row in held if not self._is_used(row["id"])]
        for row in held:
            for name in before:
                # When it was deleted may differ after a redo; that it was is what counts.
                as_left = (
                    (row[name] is None) == (after[name] is None) if name == "deleted_at" else row[name] == after[name]
                )
                if not as_left:
                    return False
        if before.get("deleted_at"):
            before = {**before, "deleted_at": self.now}  # its time in the trash begins now
        try:
            self._set(table, [row["id"] for row in held], before)
        except ValueError:  # a label's name is another one's by now
            return False
        for row in held:
            self.changes.append((table, row["id"], {name: row[name] for name in before}, before))
            if table == "tickets":
                self._count(row, {**row, **before})
        return True

    def place(self, table, scope, before=None, row_id=0):
        """A position just before the row `before` (a dict with `id` and `position`), or at the end of the list.

        `scope` are the columns that make up the list; `row_id` is the row that moves. Trashed rows count, so
        that restoring them makes no ties. When no number is left in between, the rows that follow are spread.
        """
        if before is None:
            last = self._edge("MAX", table, scope, row_id)
            return 0.0 if last is None else last + 1
        # Two rows hold the same position when a move is undone after another row took the place; the id decides.
        high = before["position"]
        low = self._edge(
            "MAX", table, scope, row_id, "AND position <= ? AND (position < ? OR id < ?)", high, high, before["id"]
        )
        if low is None:
            return high - 1
        middle = (low + high) / 2
        return middle if low < middle < high else self._spread(table, scope, low, before, row_id)

    def top(self, table, scope, rows=1):
        """The position of the first of `rows` new rows at the top of the list; the others follow at 1 each."""
        first = self._edge("MIN", table, scope, 0)
        return 0.0 if first is None else first - rows

    def _spread(self, table, scope, low, before, row_id):
        """Make room above `low` by moving the rows from `before` on; returns the first free position."""
        where, values = within(scope)
        high = before["position"]
        count = SPREAD
        while True:
            rows = self.db.execute(
                f"""
                SELECT id, position
                FROM {table}
                WHERE {where} AND position >= ? AND (position > ? OR id >= ?) AND id <> ?
                ORDER BY position, id
                LIMIT ?
                """,
                *values, high, high, before["id"], row_id, count + 1,
            )  # fmt: skip
            ceiling = rows.pop()["position"] if len(rows) > count else rows[-1]["position"] + len(rows) + 1
            step = (ceiling - low) / (len(rows) + 2)
            room = [low + step * number for number in range(len(rows) + 3)]
            if all(lower < upper for lower, upper in itertools.pairwise(room)):
                break
            count *= 4
        for row, position in zip(rows, room[2:]):
            self.change(table, row["id"], position=position)
        return room[1]

    def _edge(self, function, table, scope, row_id, condition="", *more):
        """The first (MIN) or last (MAX) position of a list, None when it is empty."""
        where, values = within(scope)
        return self.db.execute(
            f"SELECT {function}(position) AS position FROM {table} WHERE {where} AND id <> ? {condition}",
            *values, row_id, *more,
        )[0]["position"]  # fmt: skip

    def _name(self, table, row_id, held):
        self.names[table, row_id] = held.get("title") or held.get("text") or held.get("name")

    def _count(self, held, after):
        """Note what a ticket's change does to the number of tickets in each column of the board, and in the archive."""
        for row, count in ((held, -1), (after, 1)):
            if row["deleted_at"] is None:
                self.shown["archived" if row.get("archived_at") is not None else row["status"]] += count

    def _is_used(self, label_id):
        """Whether a ticket outside the trash has that label."""
        return self.db.execute(
            """
            SELECT id
            FROM tickets
            WHERE user_id = (SELECT user_id FROM labels WHERE id = ?) AND deleted_at IS NULL AND labels LIKE ?
            LIMIT 1
            """,
            label_id, f"% {label_id} %",
        )  # fmt: skip

    def _held(self, table, ids, names):
        names = dict.fromkeys(["id", *names, *SHOWN[table]])
        return self.db.execute(f"SELECT {', '.join(names)} FROM {table} WHERE id IN (?)", ids)

    def _set(self, table, ids, values):
        values = with_folded(values)
        names = ", ".join(f"{name} = ?" for name in values)
        self.db.execute(f"UPDATE {table} SET {names} WHERE id IN (?)", *values.values(), ids)


def check(table, names):
    """Refuse a table or column that the journal doesn't know; what follows puts these names into SQL."""
    if not COLUMNS[table].issuperset(names):
        raise ValueError(f"not columns of {table}: {set(names) - COLUMNS[table]}")


def with_folded(values):
    """The columns to write: a text brings its folded form along."""
    return values | {FOLDED[name]: fold(values[name]) for name in FOLDED.keys() & values}


def within(scope):
    """A list's condition and its values."""
    return " AND ".join(f"{name} = ?" for name in scope), scope.values()


def in_parts(rows, size=PART):
    """The list in lists of that size at most, for one statement each."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def dump(changes):
    """The changes as they are stored; every text as it is, whatever its script."""
    return json.dumps(changes, ensure_ascii=False, separators=(",", ":"))
