"""The trash: what is deleted waits there, comes back whole, and goes for good only when asked."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from hostile import HOSTILE_TEXTS
from pages import counted, history, land, parse, path_of, press, problems, read, toast

import words


def trash(person):
    """What the trash shows: [(name, what it is)]."""
    rows = [row for row in read(person, "/trash").one("ul", **{"class": "trash"}).all("li") if row.all("span")]
    return [(row.all("span")[1].text, row.all("span", **{"class": "muted"})[0].words) for row in rows]


def traces(site, text):
    """The tables in which the text stands anywhere."""
    return [
        table
        for table in ("users", "sessions", "tickets", "todos", "actions")
        if any(text in repr(row) for row in site.db.execute(f"SELECT * FROM {table}"))
    ]


def test_an_empty_trash_says_so(mira):
    page = read(mira, "/trash")
    assert "Nothing here. What you delete waits here for 30 days." in page.one(id="main").words
    assert trash(mira) == []
    assert "Empty trash" not in [each.name for each in page.all("a") + page.all("button")]


def test_the_trash_shows_the_latest_first_and_says_what_each_thing_is(mira):
    one, two, three = mira.add_tickets("one", "two", "three")
    a, b = mira.add_todos(one, "a", "b")
    mira.add_todos(two, "c")
    c = mira.add_todos(two, "d", "e")[0]
    for number, path in enumerate([f"/todos/{a}", f"/tickets/{three}", f"/todos/{c}", f"/tickets/{two}"]):
        mira.post(f"{path}/delete")
        table = path.split("/")[1]
        mira.site.db.execute(f"UPDATE {table} SET deleted_at = ? WHERE id = ?", 1000 + number, int(path.split("/")[2]))
    assert trash(mira) == [
        ("two", "Ticket with 2 to-dos"),
        ("three", "Ticket"),
        ("a", "To-do of “one”"),
    ]
    mira.post(f"/todos/{b}/delete")
    mira.post(f"/tickets/{one}/delete")
    assert trash(mira)[0] == ("one", "Ticket")


def test_one_todo_is_not_counted_as_several(mira):
    [ticket_id] = mira.add_tickets("one")
    mira.add_todos(ticket_id, "a")
    mira.post(f"/tickets/{ticket_id}/delete")
    assert trash(mira) == [("one", "Ticket with 1 to-do")]


def test_every_hostile_text_stands_in_the_trash_as_it_was_typed(mira):
    [ticket_id] = mira.add_tickets("work")
    for todo in mira.add_todos(ticket_id, *HOSTILE_TEXTS):
        mira.site.db.execute("UPDATE todos SET deleted_at = 1000 WHERE id = ?", todo)
    assert [name for name, _ in trash(mira)] == HOSTILE_TEXTS[::-1]


def test_other_peoples_trash_is_their_own(new_person):
    mira, noor = new_person(), new_person()
    [theirs] = noor.add_tickets("theirs")
    noor.post(f"/tickets/{theirs}/delete")
    assert trash(mira) == []
    mira.post("/trash/empty")
    assert trash(noor) == [("theirs", "Ticket")]


def test_a_deleted_ticket_comes_back_with_its_todos_to_where_it_was(mira):
    _, two, _ = mira.add_tickets("one", "two", "three")
    a, b, _ = mira.add_todos(two, "a", "b", "c")
    mira.post(f"/todos/{a}/done", done="1")
    mira.post(f"/todos/{b}/delete")
    mira.post(f"/tickets/{two}/delete")
    assert mira.board()["todo"] == ["one", "three"]
    response = press(mira, "/trash", "Restore two")
    assert path_of(response) == "/trash"
    assert toast(land(mira, response)) == "“two” restored"
    assert mira.board()["todo"] == ["one", "two", "three"]
    assert mira.todos(two) == [("a", True), ("c", False)]
    assert trash(mira) == [("b", "To-do of “two”")]


def test_a_deleted_todo_comes_back_to_where_it_was(mira):
    [ticket_id] = mira.add_tickets("one")
    _, b, _ = mira.add_todos(ticket_id, "a", "b", "c")
    mira.post(f"/todos/{b}/done", done="1")
    mira.post(f"/todos/{b}/delete")
    assert toast(land(mira, press(mira, "/trash", "Restore b"))) == "Restored “b”"
    assert mira.todos(ticket_id) == [("a", False), ("b", True), ("c", False)]
    assert trash(mira) == []


def test_restoring_what_is_not_in_the_trash_changes_nothing(mira):
    [ticket_id] = mira.add_tickets("one")
    [todo] = mira.add_todos(ticket_id, "a")
    before = history(mira, ticket_id)
    for path in (f"/trash/tickets/{ticket_id}/restore", f"/trash/todos/{todo}/restore"):
        assert "done=" not in mira.post(path).location
    assert history(mira, ticket_id) == before


def test_emptying_asks_first(mira):
    one, two = mira.add_tickets("one", "two")
    mira.post(f"/tickets/{one}/delete")
    link = next(each for each in read(mira, "/trash").all("a") if each.name == "Empty trash")
    asked = read(mira, link.attributes["href"])
    assert "Remove this for good? There is no undo for that." in asked.one(id="main").words
    assert trash(mira) == [("one", "Ticket")]
    mira.post(f"/tickets/{two}/delete")
    assert "Remove all 2 for good?" in read(mira, link.attributes["href"]).one(id="main").words
    assert next(each for each in asked.all("a") if each.name == "Keep").attributes["href"] == "/trash"
    assert path_of(press(mira, link.attributes["href"], "Empty trash")) == "/trash"
    assert trash(mira) == []


def test_the_latest_500_of_a_large_trash_are_shown_and_all_of_it_is_emptied(mira):
    titles = [f"ticket {number}" for number in range(503)]
    ids = mira.add_tickets(*titles[:250]) + mira.add_tickets(*titles[250:])
    mira.add_todos(ids[0], "a")
    mira.site.db.execute("UPDATE tickets SET deleted_at = 1000 + id WHERE user_id = ?", mira.id)
    page = read(mira, "/trash?empty=1")
    assert [name for name, _ in trash(mira)] == titles[:2:-1]
    assert "The latest 500 of 503 are shown." in page.one(id="main").words
    assert "Remove all 503 for good?" in page.one(id="main").words
    for ticket_id in ids[-3:]:
        mira.post(f"/trash/tickets/{ticket_id}/restore")
    assert trash(mira)[-1] == ("ticket 0", "Ticket with 1 to-do")
    assert "are shown" not in read(mira, "/trash").one(id="main").words
    press(mira, "/trash?empty=1", "Empty trash")
    assert trash(mira) == []


def test_emptying_is_final_and_leaves_no_trace(mira):
    kept, gone = mira.add_tickets("kept ticket", "xyzzy-ticket")
    mira.add_todos(gone, "xyzzy-in-ticket")
    staying, leaving = mira.add_todos(kept, "staying", "xyzzy-todo")
    mira.post(f"/tickets/{gone}/title", title="xyzzy-renamed")
    mira.post(f"/todos/{leaving}/text", text="xyzzy-edited")
    mira.post("/undo")
    mira.post("/redo")
    mira.post("/tickets", title="xyzzy-pasted\nkept as well")
    pasted = next(
        row
        for row in mira.site.db.execute("SELECT id, title FROM tickets WHERE user_id = ?", mira.id)
        if row["title"] == "xyzzy-pasted"
    )
    for path in (f"/tickets/{gone}", f"/todos/{leaving}", f"/tickets/{pasted['id']}"):
        mira.post(f"{path}/delete")
    assert traces(mira.site, "xyzzy") == ["tickets", "todos", "actions"]
    press(mira, "/trash?empty=1", "Empty trash")
    assert traces(mira.site, "xyzzy") == []
    assert mira.board()["todo"] == ["kept as well", "kept ticket"]
    assert mira.todos(kept) == [("staying", False)]
    for path in (f"/trash/tickets/{gone}/restore", f"/trash/todos/{leaving}/restore"):
        assert mira.post(path).status_code == 404
    assert staying


def test_undo_passes_over_what_was_purged(mira):
    one, two = mira.add_tickets("one", "two")
    mira.post(f"/tickets/{one}/title", title="eins")
    mira.post(f"/tickets/{two}/title", title="zwei")
    mira.post(f"/tickets/{two}/status", status="done")
    mira.post(f"/tickets/{two}/delete")
    mira.post("/trash/empty")
    assert toast(land(mira, mira.post("/undo", page="/"))) == "Undone: “one” renamed to “eins”"
    assert mira.board()["todo"] == ["one"]
    mira.post("/undo")  # the paste of both, of which one is left
    assert mira.get("/").status_code == 200
    assert mira.post("/undo").status_code == 409
    mira.post("/redo")
    mira.post("/redo")
    assert mira.board()["todo"] == ["eins"]


def test_the_delete_of_something_purged_can_not_be_undone(mira):
    [ticket_id] = mira.add_tickets("one")
    response = mira.post(f"/tickets/{ticket_id}/delete")
    step = response.location.partition("done=")[2]
    mira.post("/trash/empty")
    assert mira.get(response.location).status_code == 200
    response = mira.post("/undo", action=step)
    assert response.status_code == 409
    assert problems(parse(response)) == ["There is nothing left to undo."]


def test_an_empty_trash_can_be_emptied(mira):
    assert path_of(mira.post("/trash/empty")) == "/trash"


def test_a_trash_of_a_thousand_things_is_emptied(mira):
    lines = "\n".join(map(str, range(500)))
    for _ in range(2):
        mira.post("/tickets", title=lines)
        mira.post("/undo")
    mira.post("/trash/empty")
    assert trash(mira) == []
    assert mira.site.db.execute("SELECT COUNT(*) AS count FROM tickets WHERE user_id = ?", mira.id)[0]["count"] == 0


@pytest.mark.parametrize("things", [1, 20])
def test_the_trash_takes_two_statements_whatever_is_in_it(mira, things):
    for ticket_id in mira.add_tickets(*map(str, range(things))):
        mira.add_todos(ticket_id, "a")
        mira.post(f"/tickets/{ticket_id}/delete")
    with counted(mira.site.db) as statements:
        mira.get("/trash")
    assert len(statements) == 2


def test_emptying_leaves_what_was_deleted_after_the_page_was_shown(mira):
    old, new = mira.add_tickets("old", "new")
    for ticket_id in (old, new):
        mira.post(f"/tickets/{ticket_id}/delete")
    mira.site.db.execute("UPDATE tickets SET deleted_at = deleted_at - 60 WHERE id = ?", old)
    [row] = mira.site.db.execute("SELECT deleted_at FROM tickets WHERE id = ?", old)
    mira.post("/trash/empty", until=row["deleted_at"])
    assert [each["id"] for each in mira.site.db.execute("SELECT id FROM tickets WHERE user_id = ?", mira.id)] == [new]


@pytest.mark.parametrize(
    ("day", "said"),
    [(22, "today"), (21, "yesterday"), (20, "2 days ago, 28 left"), (1, "21 days ago, 9 left")],
)
@pytest.mark.parametrize("hour", [0, 23])
def test_the_days_in_the_trash_go_by_the_calendar(day, hour, said):
    zone, today = "Asia/Tokyo", datetime.date(2026, 11, 22)
    deleted = datetime.datetime(2026, 11, day, hour, 30, tzinfo=ZoneInfo(zone))
    assert words.in_trash(int(deleted.timestamp()), 30, zone, today) == said
