"""The journal: every change is one step that can be taken back and done again, or is refused in words."""

import contextlib
import json
import threading
from random import Random

import pytest
from hostile import HOSTILE_TEXTS
from pages import counted

import database
import upgrade
from journal import SPENT, Conflict, Gone, Journal, Repeated

LONG_AGO = 1_000_000_000


@pytest.fixture(scope="module")
def shared(new_database):
    """One database for all of these tests: making one takes longer than most of them."""
    db = database.SQL(new_database())
    upgrade.prepare(db)
    yield db
    db.close()


@pytest.fixture
def db(shared):
    """That database, emptied."""
    shared.execute("DELETE FROM users")
    return shared


@pytest.fixture
def journal(db):
    return Journal(db)


@pytest.fixture
def mira(db):
    return add_user(db, "mira")


@pytest.fixture
def jonas(db):
    return add_user(db, "jonas")


def add_user(db, name):
    return db.execute(
        """
        INSERT INTO users (username, username_key, password_hash, first_name, last_name, created_at)
        VALUES (?, ?, '', '', '', 0)
        """,
        name, name,
    )  # fmt: skip


def column(user, status="todo"):
    """A column of someone's board, as `place` takes it."""
    return {"user_id": user, "status": status}


def ticket_values(action, user, title, **values):
    values = {"position": action.place("tickets", column(user)), "status_since": action.now, **values}
    return {"user_id": user, "title": title, "status": "todo", **values}


def add_ticket(journal, user, title="a ticket", **values):
    with journal.action(user, "add") as action:
        return action.add("tickets", **ticket_values(action, user, title, **values))


def add_todo(journal, user, ticket, text="a to-do"):
    with journal.action(user, "add_todo", ticket) as action:
        place = action.place("todos", {"ticket_id": ticket})
        return action.add("todos", ticket_id=ticket, text=text, done=0, position=place)


def change(journal, user, ticket, kind="change", **values):
    with journal.action(user, kind, ticket) as action:
        action.change("tickets", ticket, **values)
    return action.id


def delete(journal, user, ticket):
    with journal.action(user, "delete", ticket) as action:
        action.change("tickets", ticket, deleted_at=action.now)
    return action.id


def move(journal, user, ticket, before=None):
    """Put a ticket just before another one of its column, or at its end."""
    with journal.action(user, "move", ticket) as action:
        neighbour = before and row(journal.db, "tickets", before)
        place = action.place("tickets", column(user), neighbour, ticket)
        action.change("tickets", ticket, position=place)
    return len(action.changes)


def row(db, table, row_id):
    return db.execute(f"SELECT * FROM {table} WHERE id = ?", row_id)[0]


def title(db, ticket):
    return row(db, "tickets", ticket)["title"]


def order(db, user):
    """The titles of a user's tickets as they stand in the column."""
    rows = db.execute("SELECT title FROM tickets WHERE user_id = ? AND deleted_at IS NULL ORDER BY position", user)
    return [row["title"] for row in rows]


def positions(db, user):
    rows = db.execute("SELECT id, position FROM tickets WHERE user_id = ? ORDER BY id", user)
    return {row["id"]: row["position"] for row in rows}


def version(db, user):
    return row(db, "users", user)["version"]


def everything(db):
    """All that a refused step must leave as it was."""
    return {
        table: db.execute(f"SELECT * FROM {table} ORDER BY id") for table in ("users", "tickets", "todos", "actions")
    }


def latest_action(db):
    return db.execute("SELECT * FROM actions ORDER BY id DESC LIMIT 1")[0]


def shift_times(db, seconds):
    """Let everything in the trash have gone there earlier, as the rows and the journal remember it."""
    for table in ("tickets", "todos"):
        db.execute(f"UPDATE {table} SET deleted_at = deleted_at - ?", seconds)
    for action in db.execute("SELECT id, changes FROM actions"):
        changes = json.loads(action["changes"])
        for _, _, *states in changes:
            for state in states:
                if state.get("deleted_at"):
                    state["deleted_at"] -= seconds
        db.execute("UPDATE actions SET changes = ? WHERE id = ?", json.dumps(changes), action["id"])


def statements_of(db, monkeypatch, function):
    """The first words of all that is sent to the database meanwhile."""
    sent, run = [], db._run
    with monkeypatch.context() as patch:
        patch.setattr(db, "_run", lambda connection, sql, *values: sent.append(sql) or run(connection, sql, *values))
        function()
    return [sql.split()[0] for sql in sent]


# Adding and changing


def test_a_change_is_written_with_what_was_before_and_after(db, journal, mira):
    ticket = add_ticket(journal, mira, "old")
    change(journal, mira, ticket, title="new", status="todo")
    assert title(db, ticket) == "new"
    action = latest_action(db)
    assert (action["user_id"], action["ticket_id"], action["kind"]) == (mira, ticket, "change")
    assert json.loads(action["changes"]) == [["tickets", ticket, {"title": "old"}, {"title": "new"}]]


def test_a_change_to_what_is_there_already_writes_no_action(db, journal, mira):
    ticket = add_ticket(journal, mira, "same")
    actions = db.execute("SELECT id FROM actions")
    assert change(journal, mira, ticket, title="same", deleted_at=None) is None
    assert db.execute("SELECT id FROM actions") == actions


def test_an_action_that_fails_changes_nothing(db, journal, mira):
    ticket = add_ticket(journal, mira, "old")
    before = everything(db)
    with pytest.raises(LookupError), journal.action(mira, "change", ticket) as action:  # noqa: PT012
        action.change("tickets", ticket, title="new")
        action.add("todos", ticket_id=ticket, text="x", done=0, position=0.0)
        raise LookupError
    assert everything(db) == before


@pytest.mark.parametrize("values", [{"status": "lost"}, {"user_id": 12345}], ids=["check", "foreign key"])
def test_a_value_that_the_database_refuses_changes_nothing(db, journal, mira, values):
    ticket = add_ticket(journal, mira)
    before = everything(db)
    with pytest.raises(ValueError), journal.action(mira, "change", ticket) as action:  # noqa: PT011, PT012
        action.change("tickets", ticket, title="new")
        action.change("tickets", ticket, **values)
    assert everything(db) == before


@pytest.mark.parametrize(
    ("table", "name"),
    [("tickets", "id"), ("tickets", "title_folded"), ("todos", "title"), ("tickets", "title = '' --"), ("todos", "id")],
)
def test_a_column_that_is_not_listed_is_refused(db, journal, mira, table, name):
    ticket = add_ticket(journal, mira)
    before = everything(db)
    for act in ("change", "add"):
        with pytest.raises(ValueError, match="not columns"), journal.action(mira, "x", ticket) as action:
            getattr(action, act)(*[table, ticket][: 1 + (act == "change")], **{name: 1})
    assert everything(db) == before


@pytest.mark.parametrize("table", ["users", "actions", "sessions", "nikko", "tickets; --"])
def test_a_table_that_is_not_listed_is_refused(db, journal, mira, table):
    before = everything(db)
    with pytest.raises(KeyError), journal.action(mira, "x") as action:
        action.change(table, mira, version=0)
    assert everything(db) == before


def test_a_form_that_is_posted_twice_adds_once(db, journal, mira, jonas):
    def post(user):
        with journal.action(user, "add", form_key="k" * 64) as action:
            action.add("tickets", **ticket_values(action, user, "once"))

    post(mira)
    before = everything(db)
    with pytest.raises(Repeated):
        post(mira)
    assert everything(db) == before
    post(jonas)
    assert order(db, jonas) == ["once"]


def test_a_form_that_is_posted_twice_at_once_adds_once(db, journal, mira):
    start, repeated = threading.Barrier(4), []

    def post():
        start.wait()
        try:
            with journal.action(mira, "add", form_key="k" * 64) as action:
                action.add("tickets", **ticket_values(action, mira, "once"))
        except Repeated:
            repeated.append(1)

    run_all([post] * 4)
    assert order(db, mira) == ["once"]
    assert len(repeated) == 3


def test_a_user_who_is_gone_is_refused(db, journal, mira):
    ticket = add_ticket(journal, mira)
    db.execute("DELETE FROM users WHERE id = ?", mira)
    for step in (
        lambda: change(journal, mira, ticket, title="x"),
        lambda: journal.undo(mira),
        lambda: journal.redo(mira),
    ):
        with pytest.raises(Gone):
            step()
    assert everything(db) == {"users": [], "tickets": [], "todos": [], "actions": []}


@pytest.mark.parametrize("step", ["change", "undo", "redo", "purge"])
def test_every_step_raises_the_version_of_its_user_alone(db, journal, mira, jonas, step):
    ticket = add_ticket(journal, mira)
    change(journal, mira, ticket, title="new")
    if step == "redo":
        journal.undo(mira)
    elif step == "purge":
        change(journal, mira, ticket, deleted_at=1)
    before = version(db, mira), version(db, jonas)
    {
        "change": lambda: change(journal, mira, ticket, title="newer"),
        "undo": lambda: journal.undo(mira),
        "redo": lambda: journal.redo(mira),
        "purge": lambda: journal.purge(mira, 2),
    }[step]()
    assert (version(db, mira), version(db, jonas)) == (before[0] + 1, before[1])


# Undo and redo


def test_undo_takes_back_the_latest_change_and_redo_does_it_again(db, journal, mira):
    ticket = add_ticket(journal, mira, "one")
    action = change(journal, mira, ticket, title="two")
    step = journal.undo(mira)
    assert (step["id"], step["kind"], step["ticket_id"]) == (action, "change", ticket)
    assert title(db, ticket) == "one"
    assert step["by"] == latest_action(db)["id"]
    step = journal.redo(mira)
    assert title(db, ticket) == "two"
    assert step["step_id"] == latest_action(db)["step_id"] == action
    assert step["by"] == latest_action(db)["id"]


def test_an_action_that_changes_a_row_twice_is_taken_back_to_where_it_began(db, journal, mira):
    ticket = add_ticket(journal, mira, "one")
    with journal.action(mira, "change", ticket) as action:
        for name in ("two", "three"):
            action.change("tickets", ticket, title=name)
    journal.undo(mira)
    assert title(db, ticket) == "one"
    journal.redo(mira)
    assert title(db, ticket) == "three"


def test_steps_are_taken_back_and_done_again_one_by_one(db, journal, mira):
    ticket = add_ticket(journal, mira, "0")
    for number in range(1, 4):
        change(journal, mira, ticket, title=str(number))
    seen = []
    for step in (journal.undo, journal.undo, journal.redo, journal.undo, journal.undo, *[journal.redo] * 3):
        assert step(mira)
        seen.append(title(db, ticket))
    assert seen == ["2", "1", "2", "1", "0", "1", "2", "3"]
    assert journal.redo(mira) is None


def test_there_is_nothing_to_take_back_or_do_again(journal, mira):
    assert journal.undo(mira) is None
    assert journal.redo(mira) is None
    add_ticket(journal, mira)
    assert journal.redo(mira) is None
    assert journal.undo(mira)
    assert journal.undo(mira) is None


def test_undoing_an_add_puts_it_in_the_trash_and_redo_brings_it_back(db, journal, mira):
    ticket = add_ticket(journal, mira)
    journal.undo(mira)
    assert row(db, "tickets", ticket)["deleted_at"] >= row(db, "tickets", ticket)["created_at"]
    journal.redo(mira)
    assert row(db, "tickets", ticket)["deleted_at"] is None


def test_a_deleted_ticket_comes_back_with_its_todos(db, journal, mira):
    ticket = add_ticket(journal, mira)
    todos = [add_todo(journal, mira, ticket, text) for text in ("a", "b")]
    before = [row(db, "tickets", ticket), *[row(db, "todos", todo) for todo in todos]]
    delete(journal, mira, ticket)
    assert row(db, "tickets", ticket)["deleted_at"]
    journal.undo(mira)
    assert [row(db, "tickets", ticket), *[row(db, "todos", todo) for todo in todos]] == before


def test_one_action_can_be_taken_back_while_newer_ones_stay(db, journal, mira):
    first, second = add_ticket(journal, mira, "a"), add_ticket(journal, mira, "b")
    old = change(journal, mira, first, title="A")
    change(journal, mira, second, title="B")
    undone = journal.undo(mira, old)
    assert undone["id"] == old
    assert order(db, mira) == ["a", "B"]
    assert journal.undo(mira, old) is None
    assert journal.redo(mira, undone["by"])["step_id"] == old
    assert order(db, mira) == ["A", "B"]


def test_what_is_not_an_action_of_theirs_is_not_taken_back(db, journal, mira, jonas):
    ticket = add_ticket(journal, mira)
    action = change(journal, mira, ticket, title="mine")
    tickets = db.execute("SELECT * FROM tickets")
    for user, action_id in ((jonas, action), (mira, action + 1000), (mira, -1), (mira, 10**18)):
        assert journal.undo(user, action_id) is None
        assert journal.redo(user, action_id) is None
    assert db.execute("SELECT * FROM tickets") == tickets


def test_redo_is_over_once_something_newer_was_done(db, journal, mira):
    ticket = add_ticket(journal, mira, "one")
    change(journal, mira, ticket, title="two")
    journal.undo(mira)
    change(journal, mira, ticket, status="done")
    assert journal.redo(mira) is None
    assert title(db, ticket) == "one"


def test_redo_of_a_given_undo_is_over_too_once_something_newer_was_done(journal, mira):
    ticket = add_ticket(journal, mira, "one")
    change(journal, mira, ticket, title="two")
    undone = journal.undo(mira)
    change(journal, mira, ticket, status="done")
    assert journal.redo(mira, undone["by"]) is None


def test_undo_goes_on_after_a_redo_and_a_new_change(db, journal, mira):
    ticket = add_ticket(journal, mira, "one")
    change(journal, mira, ticket, title="two")
    journal.undo(mira)
    journal.redo(mira)
    change(journal, mira, ticket, title="three")
    assert [journal.undo(mira) and title(db, ticket) for _ in range(2)] == ["two", "one"]
    assert [journal.redo(mira) and title(db, ticket) for _ in range(2)] == ["two", "three"]


def test_a_conflict_leaves_everything_as_it_was(db, journal, mira):
    """Both rows of the action must hold what it left in them, or neither is touched."""
    first, second = add_ticket(journal, mira, "a"), add_ticket(journal, mira, "b")
    with journal.action(mira, "both") as both:
        for ticket in (first, second):
            both.change("tickets", ticket, status="done")
    change(journal, mira, first, status="in_progress")
    before = everything(db)
    with pytest.raises(Conflict):
        journal.undo(mira, both.id)
    assert everything(db) == before


def test_a_change_of_other_columns_is_no_conflict(db, journal, mira):
    ticket = add_ticket(journal, mira, "old")
    renamed = change(journal, mira, ticket, title="new")
    change(journal, mira, ticket, status="done")
    journal.undo(mira, renamed)
    held = row(db, "tickets", ticket)
    assert (held["title"], held["status"]) == ("old", "done")


def test_redo_after_rows_were_changed_behind_the_journal_is_a_conflict(db, journal, mira):
    ticket = add_ticket(journal, mira, "one")
    change(journal, mira, ticket, title="two")
    journal.undo(mira)
    db.execute("UPDATE tickets SET title = 'else' WHERE id = ?", ticket)
    with pytest.raises(Conflict):
        journal.redo(mira)
    assert row(db, "tickets", ticket)["title"] == "else"
    assert journal.redo(mira) is None  # it doesn't stand in the way for ever


def test_a_delete_that_is_done_again_in_another_second_can_be_taken_back_again(db, journal, mira):
    ticket = add_ticket(journal, mira)
    delete(journal, mira, ticket)
    for _ in range(3):
        shift_times(db, 1000)
        assert journal.undo(mira)
        assert row(db, "tickets", ticket)["deleted_at"] is None
        shift_times(db, 1000)
        assert journal.redo(mira)
        assert row(db, "tickets", ticket)["deleted_at"]


def test_the_time_in_the_trash_begins_when_it_gets_there(db, journal, mira):
    """Else a redo of an old delete would be purged at once."""
    ticket = add_ticket(journal, mira)
    deleted = delete(journal, mira, ticket)
    shift_times(db, 10**8)
    journal.undo(mira)
    journal.redo(mira)
    now = latest_action(db)["created_at"]
    assert row(db, "tickets", ticket)["deleted_at"] == now
    assert journal.purge(mira, now - 86400) == 0
    journal.undo(mira, deleted)
    assert row(db, "tickets", ticket)["deleted_at"] is None


def test_an_add_that_was_undone_long_ago_can_be_done_again(db, journal, mira):
    ticket = add_ticket(journal, mira)
    journal.undo(mira)
    shift_times(db, 1000)
    journal.redo(mira)
    journal.undo(mira)
    assert row(db, "tickets", ticket)["deleted_at"]
    journal.redo(mira)
    assert row(db, "tickets", ticket)["deleted_at"] is None


def test_every_hostile_text_survives_a_change_and_its_undo_and_redo(db, journal, mira):
    ticket = add_ticket(journal, mira, HOSTILE_TEXTS[-1])
    for before, text in zip([HOSTILE_TEXTS[-1], *HOSTILE_TEXTS], HOSTILE_TEXTS):
        change(journal, mira, ticket, title=text)
        assert title(db, ticket) == text
        journal.undo(mira)
        assert title(db, ticket) == before
        journal.redo(mira)
        assert title(db, ticket) == text


def test_two_people_do_not_touch_each_others_steps(db, journal, mira, jonas):
    hers, his = add_ticket(journal, mira, "hers"), add_ticket(journal, jonas, "his")
    change(journal, mira, hers, title="HERS")
    change(journal, jonas, his, title="HIS")
    assert journal.undo(mira)["ticket_id"] == hers
    assert (title(db, hers), title(db, his)) == ("hers", "HIS")
    change(journal, jonas, his, title="newer")
    assert journal.redo(mira)["ticket_id"] == hers
    assert journal.undo(jonas)["ticket_id"] == his
    assert (title(db, hers), title(db, his)) == ("HERS", "HIS")


@pytest.mark.parametrize("seed", range(3))
def test_any_history_can_be_walked_back_and_forth(db, journal, mira, seed):
    """Random steps against a model that remembers every state of the rows."""
    random, states = Random(seed), []

    def state():
        return {
            table: [
                {**one, "deleted_at": one["deleted_at"] is not None}
                for one in db.execute(f"SELECT * FROM {table} ORDER BY id")
            ]
            for table in ("tickets", "todos")
        }

    for _ in range(4):
        ticket = add_ticket(journal, mira, "start")
        add_todo(journal, mira, ticket)
    tickets = [one["id"] for one in db.execute("SELECT id FROM tickets")]
    done = [state()]
    undone = []
    for number in range(40):
        deed = random.choice(["title", "status", "delete", "move", "undo", "undo", "redo"])
        ticket = random.choice(tickets)
        if deed == "undo" and len(done) > 1:
            assert journal.undo(mira)
            undone.append(done.pop())
        elif deed == "redo":
            assert bool(journal.redo(mira)) == bool(undone)
            if undone:
                done.append(undone.pop())
        elif deed in ("title", "status", "delete", "move"):
            before = version(db, mira)
            if deed == "title":
                written = change(journal, mira, ticket, title=f"title {number}")
            elif deed == "status":
                written = change(journal, mira, ticket, status=random.choice(["todo", "in_progress", "done"]))
            elif deed == "delete":
                gone = row(db, "tickets", ticket)["deleted_at"]
                written = change(journal, mira, ticket, deleted_at=None if gone else LONG_AGO)
            else:
                written = move(journal, mira, ticket, random.choice([t for t in tickets if t != ticket]))
            assert version(db, mira) == before + bool(written)
            if written:
                done.append(state())
                undone = []
        states.append(deed)
        assert state() == done[-1], states


# Places


def test_new_rows_go_to_the_end_or_to_the_top(db, journal, mira):
    for name in "abc":
        add_ticket(journal, mira, name)
    with journal.action(mira, "add") as action:
        first = action.top("tickets", column(mira), 2)
        for number, name in enumerate("xy"):
            action.add("tickets", **ticket_values(action, mira, name, position=first + number))
    assert order(db, mira) == ["x", "y", "a", "b", "c"]


def test_the_first_row_of_a_list_has_a_place_too(journal, mira):
    with journal.action(mira, "none") as action:
        assert action.place("tickets", column(mira)) == 0.0
        assert action.top("tickets", column(mira)) == 0.0
        assert action.top("tickets", column(mira), 5) == 0.0


def test_a_row_moves_before_any_other_and_to_the_end(db, journal, mira):
    a, b, c = [add_ticket(journal, mira, name) for name in "abc"]
    for ticket, before, expected in ((c, a, "cab"), (c, b, "acb"), (a, None, "cba"), (b, c, "bca"), (b, a, "cba")):
        move(journal, mira, ticket, before)
        assert "".join(order(db, mira)) == expected


def test_a_move_changes_one_row(db, journal, mira):
    tickets = [add_ticket(journal, mira, str(number)) for number in range(10)]
    before = positions(db, mira)
    assert move(journal, mira, tickets[7], tickets[2]) == 1
    after = positions(db, mira)
    assert [ticket for ticket in tickets if before[ticket] != after[ticket]] == [tickets[7]]


def test_the_lists_of_others_and_other_columns_do_not_count(journal, mira, jonas):
    for user, status in ((jonas, "todo"), (mira, "done")):
        add_ticket(journal, user, status=status, position=50.0)
    with journal.action(mira, "none") as action:
        assert action.place("tickets", column(mira)) == 0.0
        assert action.place("tickets", column(mira, "done")) == 51.0


def test_trashed_rows_keep_their_place(db, journal, mira):
    a, b, c = [add_ticket(journal, mira, name) for name in "abc"]
    delete(journal, mira, b)
    d = add_ticket(journal, mira, "d")
    move(journal, mira, d, c)
    delete(journal, mira, c)
    move(journal, mira, a)
    for ticket in (b, c):
        change(journal, mira, ticket, deleted_at=None)
    assert len(set(positions(db, mira).values())) == 4
    assert order(db, mira) == ["b", "d", "c", "a"]


def test_a_gap_that_closes_is_spread_and_undo_restores_every_position(db, journal, mira):
    tickets = [add_ticket(journal, mira, str(number)) for number in range(100)]
    spreads, history = 0, []
    for number in range(90):
        history.append(positions(db, mira))
        moved, anchor = tickets[2:4] if number % 2 else reversed(tickets[2:4])
        spreads += move(journal, mira, moved, anchor) > 1
        assert order(db, mira)[1:4] == ["1", *(["2", "3"] if number % 2 else ["3", "2"])]
        assert len(set(positions(db, mira).values())) == 100
    last = positions(db, mira)
    assert spreads >= 1
    for before in reversed(history):
        journal.undo(mira)
        assert positions(db, mira) == before
    for _ in history:
        journal.redo(mira)
    assert positions(db, mira) == last


def crowd(db, user, rows):
    """Put that many tickets as close together as numbers can stand."""
    with db.transaction():
        for number in range(rows):
            db.execute(
                """
                INSERT INTO tickets (user_id, title, title_folded, status, status_since, position, created_at)
                VALUES (?, ?, '', 'todo', 0, ?, 0)
                """,
                user, f"{number:03}", 1.0 + number * 2.0**-52,
            )  # fmt: skip


def test_a_row_that_moves_is_not_moved_by_the_spread_as_well(db, journal, mira):
    crowd(db, mira, 5)
    tickets = list(positions(db, mira))
    move(journal, mira, tickets[4], tickets[1])
    assert order(db, mira) == ["000", "004", "001", "002", "003"]
    changed = [row_id for _, row_id, *_ in json.loads(latest_action(db)["changes"])]
    assert changed.count(tickets[4]) == 1


@pytest.mark.parametrize("rows", [2, 63, 64, 65, 66, 200])
def test_a_spread_keeps_the_order_whatever_follows(db, journal, mira, rows):
    """So many that one spread of 64 isn't enough, too."""
    crowd(db, mira, rows)
    second = db.execute("SELECT id FROM tickets WHERE title = '001'")[0]["id"]
    before = positions(db, mira)
    with journal.action(mira, "add") as action:
        place = action.place("tickets", column(mira), row(db, "tickets", second))
        action.add("tickets", **ticket_values(action, mira, "000 and a half", position=place))
    names = order(db, mira)
    assert names == sorted(names)
    assert len(names) == len(set(positions(db, mira).values())) == rows + 1
    journal.undo(mira)
    assert {ticket: place for ticket, place in positions(db, mira).items() if ticket in before} == before


# The trash


def test_a_purge_removes_what_went_to_the_trash_before_and_nothing_else(db, journal, mira, jonas):
    old, new, kept = [add_ticket(journal, mira, name) for name in ("old", "new", "kept")]
    his = add_ticket(journal, jonas, "his")
    todo, left = add_todo(journal, mira, kept, "gone"), add_todo(journal, mira, kept, "left")
    in_old = add_todo(journal, mira, old, "with its ticket")
    for user, ticket in ((mira, old), (mira, new), (jonas, his)):
        delete(journal, user, ticket)
    db.execute("UPDATE todos SET deleted_at = ? WHERE id = ?", LONG_AGO, todo)
    db.execute("UPDATE tickets SET deleted_at = ? WHERE id IN (?)", LONG_AGO, [old, his])
    assert journal.purge(mira, LONG_AGO) == 0
    assert journal.purge(mira, LONG_AGO + 1) == 3
    assert {ticket["id"] for ticket in db.execute("SELECT id FROM tickets")} == {new, kept, his}
    assert [one["id"] for one in db.execute("SELECT id FROM todos")] == [left]
    assert in_old not in (left, todo)
    assert journal.purge(mira, LONG_AGO + 1) == 0


def test_a_purge_leaves_no_trace_of_the_texts(db, journal, mira):
    gone, kept = add_ticket(journal, mira, "secret-1"), add_ticket(journal, mira, "kept-1")
    change(journal, mira, gone, title="secret-2")
    journal.undo(mira)
    journal.redo(mira)
    todo = add_todo(journal, mira, gone, "secret-3")
    with journal.action(mira, "both") as action:
        action.change("tickets", gone, title="secret-4")
        action.change("todos", todo, text="secret-5")
        action.change("tickets", kept, title="kept-2")
    journal.undo(mira)
    journal.redo(mira)
    lost_todo = add_todo(journal, mira, kept, "secret-6")
    with journal.action(mira, "clear") as action:
        for table, row_id in (("tickets", gone), ("todos", lost_todo)):
            action.change(table, row_id, deleted_at=LONG_AGO)
    assert "secret" in dumped(db)
    assert journal.purge(mira, LONG_AGO + 1) == 3
    assert "secret" not in dumped(db)
    assert "kept-1" in dumped(db)


def dumped(db):
    """All that the tables hold, as one text."""
    return repr(everything(db))


def test_undo_passes_over_what_was_purged(db, journal, mira):
    gone, kept = add_ticket(journal, mira, "gone"), add_ticket(journal, mira, "kept")
    with journal.action(mira, "clear") as action:
        for ticket in (gone, kept):
            action.change("tickets", ticket, deleted_at=action.now)
    change(journal, mira, gone, title="purged")
    db.execute("UPDATE tickets SET deleted_at = ? WHERE id = ?", LONG_AGO, gone)
    assert journal.purge(mira, LONG_AGO + 1) == 1
    assert journal.undo(mira)["kind"] == "clear"
    assert order(db, mira) == ["kept"]
    assert journal.redo(mira)["step_id"] == action.id
    assert order(db, mira) == []


def test_undo_passes_over_a_row_that_vanished_without_a_purge(db, journal, mira):
    gone, kept = add_ticket(journal, mira, "gone"), add_ticket(journal, mira, "kept")
    change(journal, mira, kept, title="new")
    with journal.action(mira, "change") as action:
        action.change("tickets", gone, title="x")
    db.execute("DELETE FROM tickets WHERE id = ?", gone)
    assert journal.undo(mira)["ticket_id"] == kept
    assert order(db, mira) == ["kept"]


def test_a_purge_of_more_than_a_thousand_rows_works(db, journal, mira):
    ticket = add_ticket(journal, mira)
    with journal.action(mira, "many", ticket) as action:
        for number in range(1100):
            action.add("todos", ticket_id=ticket, text=str(number), done=0, position=float(number))
    db.execute("UPDATE todos SET deleted_at = ?", LONG_AGO)
    assert journal.purge(mira, LONG_AGO + 1) == 1100
    assert db.execute("SELECT id FROM todos") == []
    assert "many" not in dumped(db)


# Many at once


def run_all(functions):
    """Each in a thread of its own; raises what one of them raised."""
    raised = []

    def run(function):
        try:
            function()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def test_threads_of_one_person_lose_no_update(db, journal, mira):
    ticket = add_ticket(journal, mira, "0")
    start = threading.Barrier(4)

    def count_up():
        start.wait()
        for _ in range(10):
            with journal.action(mira, "count", ticket) as action:
                action.change("tickets", ticket, title=str(int(title(db, ticket)) + 1))

    before = version(db, mira)
    run_all([count_up] * 4)
    assert title(db, ticket) == "40"
    assert version(db, mira) == before + 40
    for number in reversed(range(40)):
        journal.undo(mira)
        assert title(db, ticket) == str(number)


def test_threads_of_one_person_put_no_two_rows_in_one_place(db, journal, mira):
    start = threading.Barrier(4)

    def fill():
        start.wait()
        for _ in range(8):
            add_ticket(journal, mira)

    run_all([fill] * 4)
    assert sorted(positions(db, mira).values()) == [float(number) for number in range(32)]


def test_one_step_is_taken_back_once_when_two_threads_ask_at_once(db, journal, mira):
    ticket = add_ticket(journal, mira, "0")
    for number in range(1, 7):
        change(journal, mira, ticket, title=str(number))
    start, undone = threading.Barrier(2), []

    def undo():
        start.wait()
        undone.extend(journal.undo(mira)["id"] for _ in range(3))

    run_all([undo] * 2)
    assert len(set(undone)) == 6
    assert title(db, ticket) == "0"


# What it costs


def test_a_change_takes_six_statements_and_undo_and_redo_a_few_more(db, journal, mira, monkeypatch):
    ticket = add_ticket(journal, mira)
    counted = [
        len(statements_of(db, monkeypatch, step))
        for step in (
            lambda: change(journal, mira, ticket, title="new"),
            lambda: journal.undo(mira),
            lambda: journal.redo(mira),
        )
    ]
    assert counted == [6, 8, 10]


def test_a_change_sends_what_it_must(db, journal, mira, monkeypatch):
    ticket = add_ticket(journal, mira)
    words = statements_of(db, monkeypatch, lambda: change(journal, mira, ticket, title="new"))
    assert words == ["BEGIN", "UPDATE", "SELECT", "UPDATE", "INSERT", "COMMIT"]


def test_a_lock_that_is_held_elsewhere_refuses_the_step_and_changes_nothing(db, journal, mira):
    ticket = add_ticket(journal, mira, "old")
    before = everything(db)
    with contextlib.closing(database.SQL(address_of(db), wait=1)) as impatient, db.transaction():
        db.execute("UPDATE users SET version = version WHERE id = ?", mira)
        raised = []

        def try_to_change():
            try:
                change(Journal(impatient), mira, ticket, title="new")
            except database.Unavailable as error:
                raised.append(error)

        run_all([try_to_change])
    assert len(raised) == 1
    assert everything(db) == before


def address_of(db):
    return db._engine.url.set(drivername=db.kind).render_as_string(hide_password=False)


# Many rows at once


def a_ticket(user, title, **more):
    return {"user_id": user, "title": title, "status": "todo", "status_since": 0, "position": 0.0, **more}


def test_many_rows_are_added_and_their_undo_and_redo_take_a_few_statements(db, journal, mira):
    titles = [f"{number} 😀" for number in range(450)]
    with journal.action(mira, "import") as action:
        ids = action.add_all("tickets", [a_ticket(mira, title) for title in titles])
        action.insert("todos", [{"ticket_id": row_id, "text": "x", "done": 0, "position": 0.0} for row_id in ids])
    rows = db.execute("SELECT id, title, title_folded FROM tickets ORDER BY id")
    assert [row["title"] for row in rows] == titles
    assert [row["id"] for row in rows] == ids
    assert db.execute("SELECT COUNT(*) AS held FROM todos")[0]["held"] == 450
    for way, held in ((journal.undo, 0), (journal.redo, 450)):
        with counted(db) as statements:
            way(mira)
        assert len(statements) < 12
        assert db.execute("SELECT COUNT(*) AS held FROM tickets WHERE deleted_at IS NULL")[0]["held"] == held
        assert db.execute("SELECT todo FROM users WHERE id = ?", mira) == [{"todo": held}]


def test_many_rows_change_at_once_and_come_back_each_as_it_was(db, journal, mira):
    with journal.action(mira, "add") as action:
        action.add_all("tickets", [a_ticket(mira, str(number), position=number / 3) for number in range(700)])
    before = db.execute("SELECT id, position, archived_at FROM tickets ORDER BY id")
    with journal.action(mira, "archive") as action:
        action.change_all("tickets", db.execute(
            "SELECT id, title, status, deleted_at, archived_at FROM tickets WHERE user_id = ?", mira
        ), archived_at=action.now)  # fmt: skip
    assert db.execute("SELECT todo, archived FROM users WHERE id = ?", mira) == [{"todo": 0, "archived": 700}]
    journal.undo(mira)
    assert db.execute("SELECT id, position, archived_at FROM tickets ORDER BY id") == before
    assert db.execute("SELECT todo, archived FROM users WHERE id = ?", mira) == [{"todo": 700, "archived": 0}]


def test_undo_passes_over_what_was_done_by_itself(db, journal, mira):
    ticket = add_ticket(journal, mira, "one")
    with journal.action(mira, "archive", ticket, state=SPENT) as action:
        action.change("tickets", ticket, archived_at=action.now)
    assert journal.undo(mira)["kind"] == "add"


def test_a_name_that_another_one_took_since_refuses_the_undo(db, journal, mira):
    with journal.action(mira, "label") as action:
        label = action.add("labels", user_id=mira, name="bug", name_key="bug", colour="red")
    with journal.action(mira, "label_rename") as action:
        action.change("labels", label, name="fault", name_key="fault")
    renamed = latest_action(db)["id"]
    with journal.action(mira, "label") as action:
        action.add("labels", user_id=mira, name="bug", name_key="bug", colour="blue")
    with pytest.raises(Conflict):
        journal.undo(mira, renamed)
