"""The archive: what is put away leaves the board, is found there, and comes back to its place."""

import time

import pytest
from hostile import HOSTILE_TEXTS
from pages import counted, history, land, parse, path_of, press, problems, read, toast

DAY = 86400


def archive(person, path="/archive"):
    """The titles in the archive, the latest first."""
    return [
        each.all("a")[0].text for each in read(person, path).one("ul", **{"class": "trash"}).all("li") if each.all("a")
    ]


def done_since(person, days, *titles):
    """Tickets that are done for that many days."""
    ids = person.add_tickets(*titles, status="done")
    person.site.db.execute("UPDATE tickets SET status_since = ? WHERE id IN (?)", int(time.time()) - days * DAY, ids)
    return ids


def log_in_later(person):
    """What happens when the person comes again after an hour."""
    person.site.db.execute("UPDATE sessions SET seen_at = seen_at - 4000 WHERE user_id = ?", person.id)
    assert person.get("/").status_code == 200


def test_an_empty_archive_says_how_to_fill_it(mira):
    assert "Archive what is done from its ⋯ menu" in read(mira, "/archive").one(id="archive").words
    assert archive(mira) == []


def test_an_archived_ticket_leaves_the_board_and_comes_back_to_its_place(mira):
    _, two, _ = mira.add_tickets("one", "two", "three")
    page = land(mira, press(mira, "/", "Archive", inside=f"ticket-{two}"))
    assert toast(page) == "“two” archived"
    assert mira.board()["todo"] == ["one", "three"]
    assert page.one(id="count-todo").words == "2"
    assert archive(mira) == ["two"]
    page = land(mira, press(mira, "/archive", "Bring two back"))
    assert toast(page) == "“two” brought back from the archive"
    assert mira.board()["todo"] == ["one", "two", "three"]
    assert history(mira, two)[:2] == ["Brought back from the archive", "Archived"]


def test_one_undo_takes_all_of_done_back_out_of_the_archive(mira):
    titles = [f"done {number}" for number in range(120)]
    mira.add_tickets(*titles, status="done")
    mira.add_tickets("open")
    page = land(mira, press(mira, "/", "Archive all"))
    assert toast(page) == "120 tickets archived"
    assert mira.board() == {"todo": ["open"], "in_progress": [], "done": []}
    assert page.one(id="count-done").words == "0"
    assert len(archive(mira)) == 100
    assert len(archive(mira, "/archive?more=archive")) == 120
    land(mira, mira.post("/undo"))
    assert mira.board()["done"] == titles
    assert archive(mira) == []


def test_an_empty_done_column_archives_nothing(mira):
    assert mira.post("/archive/done").status_code == 303
    assert toast(land(mira, mira.post("/archive/done"))) is None


def test_archiving_twice_is_one_step(mira):
    [one] = mira.add_tickets("one")
    mira.post(f"/tickets/{one}/archive")
    mira.post(f"/tickets/{one}/archive")
    assert history(mira, one)[0] == "Archived"
    mira.post("/undo")
    assert mira.board()["todo"] == ["one"]


def test_the_page_of_an_archived_ticket_says_so_and_brings_it_back(mira):
    [one] = mira.add_tickets("one")
    mira.add_todos(one, "a")
    mira.post(f"/tickets/{one}/archive")
    page = read(mira, f"/platform/{one}")
    assert "In the archive since today" in page.words
    assert not page.one(id="beside").all("a")
    response = press(mira, f"/platform/{one}", "Bring back")
    assert path_of(response) == f"/platform/{one}"
    assert mira.board()["todo"] == ["one"]


@pytest.mark.parametrize("path", ["status", "position"])
def test_moving_an_archived_ticket_brings_it_back(mira, path):
    [one] = mira.add_tickets("one")
    mira.post(f"/tickets/{one}/archive")
    mira.post(f"/tickets/{one}/{path}", status="done", before="")
    assert mira.board() == {"todo": [], "in_progress": [], "done": ["one"]}
    mira.post("/undo")
    assert archive(mira) == ["one"]


def test_a_ticket_before_an_archived_one_goes_to_the_end(mira):
    one, two, three = mira.add_tickets("one", "two", "three")
    mira.post(f"/tickets/{two}/archive")
    mira.post(f"/tickets/{one}/position", status="todo", before=two)
    assert mira.board()["todo"] == ["three", "one"]
    assert three


def test_an_archived_ticket_can_be_deleted_and_restored_to_the_archive(mira):
    [one] = mira.add_tickets("one")
    mira.post(f"/tickets/{one}/archive")
    mira.post(f"/tickets/{one}/delete")
    assert archive(mira) == []
    mira.post(f"/trash/tickets/{one}/restore")
    assert archive(mira) == ["one"]
    assert mira.board() == {}


def test_the_archive_is_searched_as_the_board_is(mira):
    one, two, _ = mira.add_tickets("Café", "Fix the tap", "other")
    mira.add_todos(two, "washer")
    for ticket in (one, two):
        mira.post(f"/tickets/{ticket}/archive")
    assert archive(mira, "/archive?q=cafe") == ["Café"]
    assert archive(mira, "/archive?q=washer") == ["Fix the tap"]
    page = read(mira, "/archive?q=nowhere")
    assert "Nothing in the archive has that." in page.words
    [link] = [each for each in read(mira, "/?q=cafe").all("a") if each.name == "Look in the archive"]
    assert archive(mira, link.attributes["href"]) == ["Café"]


def test_every_hostile_text_stands_in_the_archive_as_it_was_typed(mira):
    for ticket in mira.add_tickets(*HOSTILE_TEXTS):
        mira.post(f"/tickets/{ticket}/archive")
    assert archive(mira, "/archive?more=archive") == HOSTILE_TEXTS[::-1]


# By itself


def test_what_is_done_long_enough_is_put_away_by_itself_and_undo_passes_over_it(mira):
    done_since(mira, 8, "old")
    done_since(mira, 6, "new")
    assert toast(land(mira, mira.post("/archive/after", "/archive", days=" 7 "))) == "Saved."
    assert archive(mira) == ["old"]
    done_since(mira, 9, "older")
    mira.add_tickets("open")
    log_in_later(mira)
    assert archive(mira) == ["older", "old"]
    assert mira.board() == {"todo": ["open"], "in_progress": [], "done": ["new"]}
    assert toast(land(mira, mira.post("/undo"))) == "Undone: “open” added"
    assert archive(mira) == ["older", "old"]


def test_what_was_brought_back_is_left_alone_for_as_many_days(mira):
    [old] = done_since(mira, 8, "old")
    mira.post("/archive/after", days="7")
    mira.post(f"/archive/tickets/{old}/restore")
    log_in_later(mira)
    assert mira.board()["done"] == ["old"]
    mira.site.db.execute("UPDATE actions SET created_at = created_at - ? WHERE ticket_id = ?", 7 * DAY + 60, old)
    log_in_later(mira)
    assert archive(mira) == ["old"]
    assert history(mira, old)[0] == "Archived by itself"


def test_it_is_off_until_it_is_chosen_and_can_be_taken_back(mira):
    done_since(mira, 4000, "old")
    log_in_later(mira)
    assert mira.board()["done"] == ["old"]
    mira.post("/archive/after", days="3650")
    assert archive(mira) == ["old"]
    mira.post("/archive/after", days="")
    assert read(mira, "/archive").one(id="days").attributes["value"] == ""


def test_nothing_changes_while_nothing_is_old_enough(mira):
    mira.post("/archive/after", days="7")
    before = mira.site.db.execute("SELECT version FROM users WHERE id = ?", mira.id)
    log_in_later(mira)
    assert mira.site.db.execute("SELECT version FROM users WHERE id = ?", mira.id) == before


@pytest.mark.parametrize("days", ["0", "-1", "x", "3651", "1.5", "٣", "9" * 400, "1e3", "00001" + "0" * 40, "0" * 5000])
def test_a_number_of_days_that_cannot_be_is_refused_and_kept(mira, days):
    response = mira.post("/archive/after", "/archive", days=days)
    assert response.status_code == 422
    page = parse(response)
    assert problems(page) == ["Write a number of days from 1 to 3,650, or nothing for never."]
    assert page.one(id="days").attributes["value"] == days


# What it costs


def test_the_archive_takes_two_statements_beside_the_session_and_all_of_done_a_few(mira):
    mira.add_tickets(*[f"done {number}" for number in range(500)], status="done")
    with counted(mira.site.db) as statements:
        mira.post("/archive/done")
    assert len(statements) <= 8, statements
    with counted(mira.site.db) as statements:
        mira.get("/archive")
    assert len(statements) <= 3, statements
