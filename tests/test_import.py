"""Bringing tickets in from a file: NIKKO's own, a Trello board's, and tables of any program."""

import contextlib
import io
import json
import re
import threading
import tracemalloc
import zoneinfo
from pathlib import Path

import pytest
from conftest import WHOLE_BOARD
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import at_once, contents, fields_of, kept, land, one_engine, parse, path_of, press, problems, read, toast
from test_export import NASTY, exported, table

import from_csv
import imports
import json_stream
import labels
import uploads
from incoming import guess_status
from journal import Gone
from words import STATUSES

FILES = Path(__file__).parent / "files"


def send(person, content, name="board.csv"):
    """Choose a file and send it; returns the answer."""
    content = content.encode() if isinstance(content, str) else content
    return person.client.post(
        "/import/file", data={"file": (io.BytesIO(content), name)}, content_type="multipart/form-data"
    )  # fmt: skip


def preview(person, content, name="board.csv", **chosen):
    """Send a file and look at what is in it, read as chosen; returns the page."""
    response = send(person, content, name)
    assert path_of(response) == "/import", problems(parse(response))
    return parse(person.get("/import", query_string=chosen))


def run(person, page, **chosen):
    """Press Import on the page; returns the answer."""
    form = page.one("form", action="/import/run")
    fields = dict(fields_of(form)) | selected(form) | chosen
    return person.post("/import/run", "/import", **fields)


def selected(form):
    """What stands in the selects of a form."""
    return {
        select.attributes["name"]: next(
            option.attributes["value"] for option in select.all("option") if "selected" in option.attributes
        )
        for select in form.all("select")
    }


def bring_in(person, content, name="board.csv", **chosen):
    """Import a file; returns what the toast says."""
    return toast(land(person, run(person, preview(person, content, name, **chosen))))


def file(name):
    return (FILES / name).read_bytes()


def nikko(*tickets, **more):
    """An export with these tickets."""
    return json.dumps({"format": "nikko", "version": 1, "labels": [], "tickets": tickets, "actions": []} | more)


def trello(*cards, **more):
    """A board as Trello exports it, with these cards."""
    board = {"name": "Board", "lists": [{"id": "l", "name": "Ideas"}], "cards": cards, "checklists": []}
    return json.dumps(board | more)


# A round trip


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
LINE = TEXT.map(lambda text: re.sub(r"[\r\n]", " ", text).strip()).filter(bool)
TIME = st.integers(0, 4_000_000_000)
TODO = st.fixed_dictionaries({
    "text": LINE, "done": st.booleans(), "created_at": TIME, "deleted_at": st.none() | TIME, "link": st.integers(0, 9),
})  # fmt: skip
TICKET = st.fixed_dictionaries({
    "title": LINE,
    "description": TEXT,
    "status": st.sampled_from(list(STATUSES)),
    "status_since": TIME,
    "created_at": TIME,
    "due": st.none() | st.dates().map(lambda day: day.isoformat()),
    "labels": st.lists(st.sampled_from(["Bug", "Küche, Bad", "=x", "שלום"]), unique=True),
    "archived_at": st.none() | TIME,
    "deleted_at": st.none() | TIME.filter(bool),
    "todos": st.lists(TODO, max_size=4),
})  # fmt: skip


def comparable(export):
    """An export without what must differ: ids become places, and the history is left out."""
    places = {ticket["id"]: place for place, ticket in enumerate(export["tickets"])}
    return [
        {label["name"]: label["colour"] for label in export["labels"]},
        [
            {name: value for name, value in ticket.items() if name not in ("id", "todos")}
            | {
                "todos": [
                    {name: value for name, value in todo.items() if name != "id"}
                    | {"link_id": places.get(todo["link_id"])}
                    for todo in ticket["todos"]
                ]
            }
            for ticket in export["tickets"]
        ],
    ]


def written(tickets):
    """These tickets as an export has them."""
    for number, ticket in enumerate(tickets, 1):
        todos = [
            {**todo, "id": number * 10 + place, "link_id": todo["link"] if 0 < todo["link"] <= len(tickets) else None}
            for place, todo in enumerate(ticket["todos"])
        ]
        for todo in todos:
            del todo["link"]
        yield {**ticket, "id": number, "todos": todos}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(TICKET, max_size=5), st.sampled_from(labels.COLOURS))
def test_an_export_becomes_the_same_board_again(new_person, tickets, colour):
    tickets = list(written(sorted(tickets, key=lambda ticket: list(STATUSES).index(ticket["status"]))))
    used = sorted({name for ticket in tickets for name in ticket["labels"]})
    colours = [{"name": name, "colour": colour} for name in used]
    mira, noor = new_person(), new_person()
    content = nikko(*tickets, labels=colours)
    if not tickets:
        return
    bring_in(mira, content, "board.json")
    first = exported(mira)
    assert comparable(first) == comparable(json.loads(content))
    bring_in(noor, mira.get("/account/export.json").data, "board.json")
    assert comparable(exported(noor)) == comparable(first)


def test_a_table_becomes_the_same_titles_and_todos_again(mira, new_person):
    noor = new_person()
    [first, *_] = mira.add_tickets(*NASTY)
    mira.add_todos(first, *NASTY)
    bring_in(noor, mira.get("/account/export.csv").data)
    assert noor.board() == mira.board()
    assert table(noor) == table(mira)
    [ticket] = noor.site.db.execute("SELECT MIN(id) AS id FROM tickets WHERE user_id = ?", noor.id)
    assert noor.todos(ticket["id"]) == [(text, False) for text in NASTY]


# One step


def test_an_import_comes_on_top_in_its_order_and_changes_nothing_else(mira):
    mira.add_tickets("mine")
    assert bring_in(mira, "Title,Status\na,To do\nb,Done\nc,To do\n") == "3 tickets imported"
    assert mira.board() == {"todo": ["a", "c", "mine"], "in_progress": [], "done": ["b"]}


def test_one_undo_takes_all_of_it_back_and_redo_brings_it_again(mira):
    mira.add_tickets("mine")
    before = mira.board()
    bring_in(mira, file("trello.json"), "trello.json")
    board = mira.board()
    held = mira.site.db.execute("SELECT todo, in_progress, done, archived FROM users WHERE id = ?", mira.id)
    assert toast(land(mira, mira.post("/undo"))) == "Undone: 40 tickets imported"
    assert mira.board() == before
    assert exported(mira)["labels"] == []
    mira.post("/redo")
    assert mira.board() == board
    assert mira.site.db.execute("SELECT todo, in_progress, done, archived FROM users WHERE id = ?", mira.id) == held
    assert len(exported(mira)["labels"]) == 3


def test_nothing_is_written_before_import_is_pressed(mira):
    page = preview(mira, "Title\na\n")
    assert exported(mira)["tickets"] == []
    assert page.one("form", action="/import/run").one("button", **{"class": "primary"}).name == "Import 1 ticket"


def test_a_file_can_be_imported_once_for_each_time_that_it_is_sent(mira):
    page = preview(mira, "Title\na\n")
    first, second = run(mira, page), run(mira, page)
    assert first.location == second.location
    assert mira.board()["todo"] == ["a"]
    assert not read(mira, "/import").has("form", action="/import/run")


def test_import_pressed_twice_at_the_same_moment_adds_once(mira):
    page, elsewhere = preview(mira, "Title\na\n"), mira.another_browser()
    answers = at_once(lambda: run(mira, page), lambda: run(elsewhere, page))
    assert {answer.status_code for answer in answers} <= {303, 409}
    assert mira.board()["todo"] == ["a"]


def test_what_was_not_looked_at_is_not_imported(mira):
    page = preview(mira, "Title\na\n")
    send(mira, "Title\nanother\n")
    response = run(mira, page)
    assert response.status_code == 409
    assert "Look at it first" in problems(parse(response))[0]
    assert mira.board() == {}


def test_labels_that_are_there_are_used_and_keep_their_colour(mira):
    bring_in(mira, nikko({"title": "a", "labels": ["Bug"]}, labels=[{"name": "Bug", "colour": "red"}]))
    mira.post("/undo")
    bring_in(mira, nikko({"title": "b", "labels": ["BUG"]}, labels=[{"name": "BUG", "colour": "blue"}]))
    assert [(label["name"], label["colour"]) for label in exported(mira)["labels"]] == [("Bug", "red")]
    assert [each["labels"] for each in exported(mira)["tickets"] if not each["deleted_at"]] == [["Bug"]]


def test_more_than_a_person_may_have_is_refused_whole(mira, monkeypatch):
    monkeypatch.setattr(mira.site, "TICKETS_LIMIT", 2)
    before = exported(mira)["tickets"]
    response = run(mira, preview(mira, "Title\na\nb\nc\n"))
    assert response.status_code == 422
    assert "That would be more than 2." in problems(parse(response))[0]
    assert exported(mira)["tickets"] == before


def test_a_fault_in_the_middle_leaves_nothing(mira, monkeypatch):
    page = preview(mira, "Title,Labels,To-dos\na,Bug,x\n")
    monkeypatch.setattr(imports, "todo_row", lambda *_: {"ticket_id": -1})
    before = contents(mira.site)
    assert run(mira, page).status_code == 500
    assert contents(mira.site) == before
    monkeypatch.undo()
    assert path_of(run(mira, page)) == "/"


# The file that waits


def test_a_file_waits_for_its_person_alone_and_the_next_one_takes_its_place(mira, new_person):
    noor = new_person()
    preview(mira, "Title\nsecret\n")
    assert not read(noor, "/import").has("form", action="/import/run")
    page = preview(mira, "Title\nnext\n")
    assert "secret" not in page.text
    [row] = mira.site.db.execute("SELECT COUNT(*) AS held FROM uploads WHERE user_id = ?", mira.id)
    assert row["held"] == 1
    theirs = page.one("input", name="upload").attributes["value"]
    assert noor.post("/import/run", upload=theirs).status_code == 409


def test_a_file_that_is_not_wanted_is_discarded(mira):
    preview(mira, "Title\n" + "a\n" * 30)
    assert "The first 20 of 30:" in mira.get("/import").text
    response = press(mira, "/import", "Discard the file")
    assert path_of(response) == "/import"
    assert not read(mira, "/import").has("form", action="/import/run")
    assert not any(mira.board().values())


def test_a_file_waits_for_a_day(mira):
    preview(mira, "Title\na\n")
    mira.site.db.execute("UPDATE uploads SET created_at = created_at - 86401 WHERE user_id = ?", mira.id)
    assert not read(mira, "/import").has("form", action="/import/run")
    mira.site.app.test_cli_runner().invoke(args=["purge"])
    assert mira.site.db.execute("SELECT id FROM uploads WHERE user_id = ?", mira.id) == []


def test_of_two_files_sent_at_the_same_moment_one_waits(mira):
    elsewhere = mira.another_browser()
    for _ in range(5):
        answers = at_once(lambda: send(mira, "Title\na\n"), lambda: send(elsewhere, "Title\nb\n"))
        assert [answer.status_code for answer in answers] == [303, 303]
        assert len(mira.site.db.execute("SELECT id FROM uploads WHERE user_id = ?", mira.id)) == 1


def test_a_file_that_is_sent_while_another_is_imported_waits_for_its_end(site, mira):
    preview(mira, "Title,To-dos\na,x\n")
    another = threading.Thread(target=send, args=(mira.another_browser(), "Title\nb\n"))
    with site.journal.action(mira.id, "import"):
        waiting = uploads.waiting(site.db, mira.id)
        another.start()
        another.join(1)
        assert another.is_alive()
        assert uploads.Stored(site.db, mira.id, waiting["id"]).read() == b"Title,To-dos\na,x\n"
    another.join()
    assert uploads.waiting(site.db, mira.id) != waiting


def test_a_file_of_somebody_who_has_deleted_the_account_is_not_kept(site, mira):
    site.db.execute("DELETE FROM users WHERE id = ?", mira.id)
    with pytest.raises(Gone):
        uploads.keep(site.db, mira.id, "x", io.BytesIO(b"x"))


def test_a_file_may_be_called_anything(mira):
    name = "a\0b\u202e'<b>" + "😀" * 300 + ".csv"
    page = preview(mira, "Title\na\n", name)
    assert page.one(id="found-head").text == name[-255:]
    disposition = b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''a%00b%0D%0A"
    body = b"--x\r\n" + disposition + b"\r\n\r\nTitle\na\n\r\n--x--\r\n"
    response = mira.client.post("/import/file", data=body, content_type="multipart/form-data; boundary=x")
    assert response.status_code == 303
    assert read(mira, "/import").one(id="found-head").text == "ab\r\n"


def test_a_file_of_many_parts_comes_back_as_it_was(site, mira, monkeypatch):
    monkeypatch.setattr(uploads, "PART", 1000)
    content = bytes(range(256)) * 50
    uploads.keep(site.db, mira.id, "x", io.BytesIO(content))
    waiting = uploads.waiting(site.db, mira.id)
    stored = uploads.Stored(site.db, mira.id, waiting["id"])
    assert b"".join(iter(lambda: stored.read(700), b"")) == content


@one_engine
def test_at_most_two_files_are_looked_into_at_a_time(site, mira):
    page = preview(mira, "Title\na\n")
    with site.place_to_read(), site.place_to_read():
        answers = at_once(
            lambda: mira.get("/import"), lambda: send(mira, "Title\nb\n"), lambda: run(mira.another_browser(), page)
        )
        for answer in answers:
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert "Too many people are importing at this moment." in answer.text
    assert path_of(run(mira, page)) == "/"
    assert mira.board()["todo"] == ["a"]


# Refusals


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf \n", "The file is empty."),
        (b"PK\x03\x04xxx", "Save it as CSV there"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not a text file"),
        (b'{"a": 1}', "neither NIKKO's nor a Trello board's"),
        (b'[{"a": 1}]', "{ was expected"),
        (b'{"format": "nikko", "version": 2, "tickets": []}', "of a newer NIKKO (version 2"),
        (b'{"format": "nikko", "tickets": []}', "doesn't say which version"),
        (b'{"format": "nikko",\n"version": 1,\n"tickets": [\n{"title": "a"},\n{"title" "b"}]}', "Line 5, character 10"),
        (b'{"format": "nikko",\n"version": 1,\n"tickets": [\n{"title": "a"}', "The file ends on line 4"),
        (b'{"format": "nikko", "version": 1}\nx', "Line 2, character 1"),
        (b'{"format": "nikko",\n"version": 1, "tickets": ["\xff"]}', "Line 2 has characters that aren't UTF-8"),
        (b'{"format": "nikko", "version": NaN}', "Line 1"),
        (b'{"format": "nikko", "version": 1, "x": ' + b"[" * 100_000, "too deep"),
        (b'{"format": "nikko", "version": 1' + b"0" * 10_000 + b"}", "a number is too long"),
    ],
)  # fmt: skip
@one_engine
def test_a_file_that_can_not_be_read_is_refused_with_the_line(mira, content, says):
    before = contents(mira.site)
    response = send(mira, content, "file.json")
    assert response.status_code == 422
    assert says in parse(response).one(id="file-note").words
    assert contents(mira.site) == before


@pytest.mark.parametrize(
    ("ticket", "says"),
    [
        ({}, "“title” is missing"),
        ({"title": 7}, "“title” is not a text"),
        ({"title": " "}, "there is no title"),
        ({"title": "a\0"}, "NUL"),
        ({"title": "\ud800"}, "lone surrogate"),
        ({"title": "a", "status": "x"}, "“status” can be"),
        ({"title": "a", "due": "2026-02-30"}, "“due” is not a day"),
        ({"title": "a", "created_at": -1}, "not a time"),
        ({"title": "a", "created_at": 1.5}, "not a whole number"),
        ({"title": "a", "labels": [1]}, "“labels”"),
        ({"title": "a", "todos": [{"text": ""}]}, "a to-do has no text"),
        ({"title": "a", "todos": [{"text": "x", "done": 1}]}, "not true or false"),
        ({"title": "a", "todos": [7]}, "an object"),
        ({"title": "a", "todos": [{"text": "x"}] * 1001}, "it has 1,001 to-dos"),
        ({"title": "a", "description": "x" * 20_001}, "20,001 characters; the limit is 20,000"),
        (7, "an object"),
    ],
)  # fmt: skip
@one_engine
def test_a_wrong_ticket_is_named_with_its_line_and_stands_in_the_way(mira, ticket, says):
    content = nikko({"title": "right"}, ticket).replace('{"title": "right"}, ', '{"title": "right"},\n')
    page = preview(mira, content, "file.json")
    [line] = [item.words for item in page.one("div", role="alert").all("li")]
    assert line.startswith("Line 2: ")
    assert says in line
    assert not page.has("button", **{"class": "primary"})
    assert run(mira, page).status_code == 422
    assert mira.board() == {}


@one_engine
def test_two_tickets_of_the_same_id_keep_their_own_todos(mira):
    todos = [[{"text": f"{letter}{number}"} for number in range(600)] for letter in "ab"]
    bring_in(mira, nikko(*[{"id": 7, "title": each[0]["text"], "todos": each} for each in todos]), "file.json")
    assert [ticket["title"] for ticket in exported(mira)["tickets"]] == ["a0", "b0"]
    for ticket in exported(mira)["tickets"]:
        assert {todo["text"][0] for todo in ticket["todos"]} == {ticket["title"][0]}


def test_an_import_makes_no_more_labels_than_a_person_may_have(mira):
    tickets = [{"title": "x", "labels": [f"{number}-{place}" for place in range(20)]} for number in range(11)]
    page = preview(mira, nikko(*tickets), "file.json")
    assert "The file: it has more than 200 labels." in page.one("div", role="alert").words
    assert run(mira, page).status_code == 422
    mira.post("/tickets", title="mine #mine", quick="1")
    response = run(mira, preview(mira, nikko(*tickets[:10]), "file.json"))
    assert response.status_code == 422
    assert problems(parse(response)) == ["That would be more than 200 labels. Delete some first."]
    assert [label["name"] for label in exported(mira)["labels"]] == ["mine"]
    mira.post("/undo")
    assert bring_in(mira, nikko(*tickets[:10]), "file.json") == "10 tickets imported"


def test_a_label_with_a_comma_stays_one_when_it_is_chosen_again(mira):
    bring_in(mira, nikko({"title": "a", "labels": ["Küche, Bad"]}), "file.json")
    [ticket] = mira.site.db.execute("SELECT id FROM tickets WHERE user_id = ?", mira.id)
    box = read(mira, f"/?labels={ticket['id']}").one("input", type="checkbox")
    mira.post(f"/tickets/{ticket['id']}/labels", label=box.attributes["value"], labels="a, b")
    assert exported(mira)["tickets"][0]["labels"] == ["Küche, Bad", "a", "b"]


@pytest.mark.parametrize("name", ["\x1b[31mred", "\u200b", ",", "x" * 51])
@one_engine
def test_what_can_be_no_label_stands_in_the_description(mira, name):
    bring_in(mira, nikko({"title": "a", "labels": ["b", "", name]}, labels=[{"name": name}]), "file.json")
    [ticket] = exported(mira)["tickets"]
    assert (ticket["labels"], ticket["description"]) == (["b"], f"Labels: {name}")
    assert [label["name"] for label in exported(mira)["labels"]] == ["b"]


LAST_MOMENT, LAST_DAY = 253402300799, "9999-12-31"


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York"])
@pytest.mark.parametrize("name", ["created_at", "status_since", "archived_at", "deleted_at"])
@one_engine
def test_a_time_that_has_no_date_somewhere_stands_in_the_way(mira, name, zone):
    mira.post("/account/zone", time_zone=zone)
    for ticket in ({"title": "a", name: LAST_MOMENT}, {"title": "a", "todos": [{"text": "b", "created_at": 10**18}]}):
        page = preview(mira, nikko({**ticket, "status": "done"}), "file.json")
        assert "is not a time from 1970 to 9999-12-30" in page.one("div", role="alert").words
        assert run(mira, page).status_code == 422
    bring_in(mira, nikko({"title": "a", "status": "done", name: LAST_MOMENT - 86400, "due": LAST_DAY}), "file.json")
    for path in ("/", "/archive", "/trash", "/insights", "/platform", "/account/export.csv"):
        assert mira.get(path, follow_redirects=True).status_code == 200, path


@pytest.mark.parametrize("column", ["Created", "Done on", "Archived"])
@one_engine
def test_a_time_of_a_table_that_has_no_date_somewhere_stands_in_the_way(mira, column):
    mira.post("/account/zone", time_zone="Pacific/Kiritimati")
    page = preview(mira, f"Title,Status,{column}\na,Done,9999-12-31 23:59 -1200\n")
    assert "Line 2: one of its times is not a time" in page.one("div", role="alert").words
    bring_in(mira, f"Title,Status,{column},Due\na,Done,9999-12-30 12:00,9999-12-31\n")
    assert [mira.get(path).status_code for path in ("/", "/archive", "/account/export.csv")] == [200] * 3


@pytest.mark.parametrize("content", ["Status\nDone\n", "Status,Due\nDone,\n"])
@one_engine
def test_a_table_whose_columns_all_mean_something_else_has_its_first_for_the_title(mira, content):
    bring_in(mira, content)
    assert mira.board()["done"] == ["Done"]


@one_engine
def test_labels_may_be_on_lines_that_end_as_old_macs_ended_them(mira):
    bring_in(mira, 'Title,Labels\nFix the tap,"home\rtools, small"\n')
    assert [row["name"] for row in mira.site.db.execute("SELECT name FROM labels WHERE user_id = ?", mira.id)] == [
        "home", "tools, small",
    ]  # fmt: skip


@pytest.mark.parametrize("day", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.000Z"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York"])
@one_engine
def test_a_card_that_is_due_where_calendars_begin_or_end_breaks_nothing(mira, day, zone):
    mira.post("/account/zone", time_zone=zone)
    for more in ({"due": day}, {"dateLastActivity": day, "closed": True}, {"dateLastActivity": day}):
        page = preview(mira, trello({"id": "a", "name": "b", **more}), "board.json")
        assert run(mira, page).status_code in (303, 422)
        assert [mira.get(path).status_code for path in ("/", "/archive")] == [200] * 2


def test_what_was_archived_when_1970_began_is_counted_in_the_archive(mira):
    bring_in(mira, nikko({"title": "a", "archived_at": 0}), "file.json")
    assert mira.site.db.execute("SELECT todo, archived FROM users WHERE id = ?", mira.id) == [
        {"todo": 0, "archived": 1}
    ]


@one_engine
def test_a_form_without_a_file_says_so(mira):
    for response in (send(mira, "", ""), mira.post("/import/file"), mira.post("/import/file", file="text")):
        assert response.status_code == 422
        assert parse(response).one(id="file-note").words == "Choose a file first."


@one_engine
def test_64_megabytes_may_be_sent_and_no_more(site, mira, monkeypatch):
    assert site.UPLOAD_LIMIT == 64_000_000
    assert path_of(send(mira, b"Title\n" + b"x" * 99 * 10_000 * 3)) == "/import"
    monkeypatch.setattr(site, "UPLOAD_LIMIT", 2_000_000)
    response = send(mira, b"Title\n" + b"x" * 2_100_000)
    assert response.status_code == 413
    assert parse(response).one(id="file-note").words == "That file is larger than 2 MB. Nothing was saved."


@one_engine
def test_only_the_import_takes_a_file(mira):
    fields = {"file": (io.BytesIO(b"x"), "x"), "title": "typed"}
    response = mira.client.post("/tickets", data=fields, content_type="multipart/form-data")
    assert response.status_code == 415


@one_engine
def test_a_file_of_another_site_is_refused_before_it_is_read(mira):
    read_from = []

    class Body(io.BytesIO):
        def read(self, *size):
            read_from.append(size)
            return super().read(*size)

    environ = {"wsgi.input": Body(b"x" * 2_000_000), "CONTENT_LENGTH": "2000000"}
    headers = {"Sec-Fetch-Site": "cross-site", "Content-Type": "multipart/form-data; boundary=x"}
    response = mira.client.post("/import/file", headers=headers, environ_overrides=environ)
    assert response.status_code == 403
    assert read_from == []
    assert kept(parse(response)) == []
    visitor = mira.site.app.test_client()
    headers["Sec-Fetch-Site"] = "same-origin"
    assert visitor.post("/import/file", headers=headers, environ_overrides=environ).status_code == 401
    assert read_from == []


@one_engine
def test_a_script_is_told_where_the_preview_is_or_what_is_wrong(mira):
    for content, status in ((b"Title\na\n", 204), (b"", 422)):
        response = mira.client.post(
            "/import/file",
            data={"file": (io.BytesIO(content), "x.csv")},
            content_type="multipart/form-data",
            headers={"X-Requested-With": "XMLHttpRequest"},
        )
        assert response.status_code == status
        assert response.headers.get("X-Go-To") == ("/import#found-head" if status == 204 else None)
        assert response.headers.get("X-Field") == ("file" if status == 422 else None)


# Tables


def test_a_table_of_libreoffice(mira):
    page = preview(mira, file("libreoffice.csv"), "libreoffice.csv")
    assert "Not taken along" not in page.words
    land(mira, run(mira, page))
    assert mira.board() == {
        "todo": ["עברית: right to left"], "in_progress": ['Order "strong" coffee'], "done": ["Paint the café 🎨"],
    }  # fmt: skip
    tickets = {ticket["status"]: ticket for ticket in exported(mira)["tickets"]}
    assert tickets["in_progress"]["due"] == "2026-11-30"
    assert tickets["in_progress"]["labels"] == ["Kitchen", "Office"]
    assert tickets["in_progress"]["description"] == "Two lines\nof notes"
    assert tickets["todo"]["description"] == "-5 degrees"
    assert tickets["done"]["due"] == "2026-10-02"
    assert tickets["done"]["status_since"] == 1790865000  # 2026-10-01 14:30


def test_semicolons_windows_1252_and_german(mira):
    page = preview(mira, file("windows-1252.csv"))
    chosen = selected(page.one("form", action="/import/run"))
    assert (chosen["encoding"], chosen["delimiter"]) == ("cp1252", "semicolon")
    land(mira, run(mira, page))
    assert mira.board() == {
        "todo": ["Müll rausbringen – „sofort“"], "in_progress": ["Küche streichen"], "done": ["Rechnung bezahlen"],
    }  # fmt: skip
    tickets = {ticket["status"]: ticket for ticket in exported(mira)["tickets"]}
    assert tickets["todo"]["description"] == "Zeile 1\nZeile 2; mit Strichpunkt"
    assert tickets["in_progress"]["description"] == "Preis: 40 €"
    assert [tickets[status]["due"] for status in STATUSES] == ["2026-11-30", None, "2026-01-05"]


@one_engine
def test_a_row_with_too_few_cells_and_one_without_a_title_are_named(mira):
    page = preview(mira, file("broken-row.csv"))
    assert [item.words for item in page.one("div", role="alert").all("li")] == [
        "Line 5: it has 2 cells, but the first line names 3 columns.",
        "Line 8: there is no title.",
    ]
    assert not page.has("button", **{"class": "primary"})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('Title,Notes\na,"b\nc\n', "Line 2: a quotation mark opens a cell that never ends."),
        ('Title,Notes\na,"b"c\n', "Line 2: a quotation mark stands in the middle of a cell."),
        (f"Title,Notes\na,{'x' * 140_000}\n", "Line 2: a cell has more than 131,072 characters."),
        ("Title,Due\na,soon\n", "Line 2: “soon” (Due) is not a date that NIKKO knows."),
        ("Title,Due\na,2026-02-30\n", "Line 2: “2026-02-30” (Due) is not a date that NIKKO knows."),
        ("Title,Status\n" + "".join(f"a,{n}\n" for n in range(60)), "The column “Status” has more than 50 values."),
        ("Title" + ",x" * 300 + "\n", "The first line has 301 columns; the limit is 200."),
        (b"Title\n\x81\n", "Line 2 has characters that aren't CP1252."),
        (b"\xff\xfeT\0i\0\xd8", "aren't UTF-16"),
    ],
)  # fmt: skip
@one_engine
def test_a_broken_table_names_the_line_and_can_be_read_otherwise(mira, content, says):
    page = preview(mira, content)
    assert says in page.one("div", role="alert").words
    assert page.has("select", name="encoding")
    assert not page.has("button", **{"class": "primary"})


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("To-dos", "a" + " " * 130_000 + "b"),
        ("To-dos", " " * 65_000 + "- [x] a" + " " * 65_000 + "b"),
        ("Due", "2026-11-30 10:00" + " " * 130_000 + "x"),
        ("Created", "2026-11-30" + " " * 130_000 + "x"),
    ],
)
@one_engine
def test_no_cell_keeps_anybody_waiting(mira, header, cell):
    page = preview(mira, f"Title,{header}\n" + f"x,{cell}\n" * 20)
    assert len(page.one("div", role="alert").all("li")) == 20


@one_engine
def test_of_a_line_without_an_end_no_more_is_read_than_a_table_can_have(mira):
    content = "Title\n" + "x" * 20_000_000
    tracemalloc.start()
    found = imports.survey(imports.recognise(lambda: io.BytesIO(content.encode()), {}))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.problems == ["The file: A line has more than 4,000,000 characters."]
    assert most < 60_000_000


@one_engine
def test_a_page_is_not_filled_with_the_names_of_columns_and_values(mira):
    page = preview(mira, ",".join(["&" * 50_000] * 40) + ",Status\n" + "x," * 40 + "y" * 100_000 + "\n")
    assert len(page.text) < 200_000
    page = preview(mira, "Title," + "Due " * 10_000 + "\na,soon\n")
    assert len(page.text) < 20_000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@one_engine
def test_encoding_delimiter_and_line_ends_are_found_out(mira, encoding, delimiter, end):
    rows = [["Title", "Status"], ["Café, naïve; “quoted”", "done"], ["b", "open"]]
    content = end.join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    bring_in(mira, content.encode(encoding))
    assert mira.board() == {"todo": ["b"], "in_progress": [], "done": ["Café, naïve; “quoted”"]}


@one_engine
def test_what_was_guessed_can_be_chosen_otherwise(mira):
    content = "Was,Wo,Wann\nx,Keller,1/2/2026\n"
    page = preview(mira, content)
    assert selected(page.one("form", action="/import/run"))["column_title"] == "0"
    assert "the columns Wo, Wann" in page.words
    chosen = {"column_title": "1", "column_status": "0", "column_due": "2", "status_0": "done", "dates": "month"}
    page = parse(mira.get("/import", query_string=chosen))
    assert [cell.words for cell in page.one("tbody").all("td")][:3] == ["Keller", "Done", "2026-01-02"]
    land(mira, run(mira, page))
    assert mira.board()["done"] == ["Keller"]


@one_engine
def test_month_and_day_are_told_apart_by_the_days_after_the_twelfth(mira):
    for first, second, due in (("1/2/2026", "3/13/2026", "2026-01-02"), ("1/2/2026", "13/3/2026", "2026-02-01")):
        bring_in(mira, f"Title,Due\na,{first}\nb,{second}\n")
        assert exported(mira)["tickets"][0]["due"] == due


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-30", "2026-11-30"), ("2026/11/30", "2026-11-30"), ("30.11.2026", "2026-11-30"),
        ("30.11.26", "2026-11-30"), ("30-11-2026", "2026-11-30"), ("Nov 30, 2026", "2026-11-30"),
        ("30 November 2026", "2026-11-30"), ("30-Nov-26", "2026-11-30"), ("2026-11-30T23:00:00.000Z", "2026-11-30"),
        ("2026-11-30 23:00:00 +0200", "2026-11-30"), ("11/30/2026 3:05 PM", None), ("30/11/2026 03:05", "2026-11-30"),
        ("tomorrow", None), ("2026", None), ("2026-13-01", None), ("2026-11-30 25:00", None), ("١٢.١١.٢٠٢٦", None),
        ("Foo 30, 2026", None), ("0000-01-01", None), ("2026-11-30 10:00 +9999", None),
    ],
)  # fmt: skip
@one_engine
def test_dates_are_read_as_programs_write_them(engine, text, day):
    moment = from_csv.read_moment(text)
    assert (moment and moment.date().isoformat()) == day


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("To Do", "todo"), ("Backlog", "todo"), ("Not started", "todo"), ("Ideas", "todo"), ("Offen", "todo"),
        ("In Progress", "in_progress"), ("Doing", "in_progress"), ("In Arbeit", "in_progress"),
        ("Done ✅", "done"), ("Erledigt", "done"), ("Terminé", "done"), ("Closed", "done"), ("TRUE", "done"),
        ("Abandoned", "todo"), ("not done", "todo"), ("in_progress", "in_progress"), ("", "todo"),
    ],
)  # fmt: skip
@one_engine
def test_a_status_is_guessed_by_its_name(engine, name, status):
    assert guess_status(name) == status


@one_engine
def test_what_is_too_long_stands_whole_in_the_description_and_the_preview_says_so(mira):
    title, todo, label = "t" * 600, "d" * 700, "l" * 60
    page = preview(mira, f"Title,To-dos,Labels,Notes\n{title},{todo},{label},note\n")
    assert "Line 2: a title of 600 characters is cut, a to-do of 700 characters is cut" in page.words
    land(mira, run(mira, page))
    [ticket] = exported(mira)["tickets"]
    assert ticket["title"] == "t" * 499 + "…"
    assert ticket["description"] == f"note\n\n{title}\n\n{todo}\n\nLabels: {label}"


# Trello


def test_a_trello_board(mira):
    page = preview(mira, file("trello.json"), "trello.json")
    assert (
        "The Trello board “Garden party 🌳” with 14 in To do, 11 in In progress, 13 in Done, 2 in the archive"
        in page.words
    )
    assert "comments (1)" in page.words
    assert toast(land(mira, run(mira, page))) == "40 tickets imported"
    board = mira.board()
    assert board["todo"][:4] == ["First in its list 🎉", "Second in its list", "שלום עולם", "Card number 9"]
    assert board["in_progress"][0] == "Two checklists"
    assert "Due and complete" in board["done"]
    tickets = {ticket["title"]: ticket for ticket in exported(mira)["tickets"]}
    first = tickets["First in its list 🎉"]
    assert [(todo["text"], todo["done"]) for todo in first["todos"]] == [
        ("half of it is done", True), ("and the other half isn’t", False),
    ]  # fmt: skip
    assert first["labels"] == ["Bug", "Sky"]
    assert first["description"].startswith("Line one\n\n**bold**")
    assert first["created_at"] == 1_790_000_060
    assert [todo["text"] for todo in tickets["Two checklists"]["todos"]] == [
        "Before: pack", "Before: buy tickets", "After: wash",
    ]  # fmt: skip
    assert tickets["Two checklists"]["due"] == "2026-11-30"
    assert tickets["A closed card"]["archived_at"]
    assert tickets["In a closed list"]["archived_at"]
    assert tickets["x" * 499 + "…"]["description"] == "was here before\n\n" + "x" * 600
    colours = {label["name"]: label["colour"] for label in exported(mira)["labels"]}
    assert colours == {"Bug": "red", "Sky": "teal", "Café & Küche": "grey"}


@one_engine
def test_a_list_of_trello_can_mean_another_status(mira):
    page = preview(mira, file("trello.json"), "trello.json")
    land(mira, run(mira, page, list_0="done", complete="list"))
    assert "First in its list 🎉" in mira.board()["done"]
    assert "Due and complete" in mira.board()["in_progress"]


@pytest.mark.parametrize(
    "more",
    [
        {"name": "\ud800"},
        {"name": "x" * 100_000},
        {"lists": [{"id": "l", "name": "\ud800"}]},
        {"lists": [{"id": "l", "name": "x" * 100_000}]},
        {"cards": [{"id": "a", "name": "b", "idList": {"c": "d"}}]},
        {"cards": [{"id": "a", "name": "b", "idChecklists": [{"c": "d"}, ["e"]]}]},
    ],
)
@one_engine
def test_a_board_with_strange_names_and_ids_is_shown(mira, more):
    page = preview(mira, trello({"id": "a", "name": "b", "idList": "l"}, **more), "board.json")
    assert len(page.text) < 20_000
    assert path_of(run(mira, page)) == "/"


@one_engine
def test_a_board_of_many_lists_is_refused_and_the_list_of_a_card_is_not_looked_for(mira):
    lists = [{"id": f"{number}", "name": "x"} for number in range(40_000)]
    cards = [{"id": "a", "name": "b", "idList": "39999"}] * 40_000
    page = preview(mira, trello(*cards, lists=lists), "board.json")
    assert page.one("button", **{"class": "primary"}).name == "Import 40,000 tickets"
    cards = [{"id": "a", "name": "b", "idList": f"{number}"} for number in range(501)]
    response = send(mira, trello(*cards, lists=lists), "board.json")
    assert parse(response).one(id="file-note").words == (
        "The board has more than 500 lists with cards. Nothing was saved."
    )
    response = send(mira, trello(*[{"id": "a"}] * 100_001), "board.json")
    assert "more than 100,000 cards" in parse(response).one(id="file-note").words


@one_engine
def test_a_checklist_that_many_cards_name_is_not_taken_apart_for_each(mira):
    items = [{"name": "x"}] * 100_000
    checklists = [{"id": "c", "name": "y" * 1_000_000, "checkItems": items}]
    cards = [{"id": "a", "name": "b", "idChecklists": ["c", "c"]}] * 1_000
    page = preview(mira, trello(*cards, checklists=checklists), "board.json")
    assert "it has 200,000 to-dos; the limit is 1,000" in page.one("div", role="alert").words
    checklists = [{"id": "c", "name": "y" * 1_000_000, "checkItems": items[:500]}]
    page = preview(mira, trello(*cards[:1], checklists=checklists), "board.json")
    assert "the limit is 20,000" in page.one("div", role="alert").words


@pytest.mark.parametrize("odd", [{"idList": ["a"]}, {"idChecklists": [["a"]]}])
def test_an_odd_card_of_trello_is_imported_without_what_is_odd(odd):
    board = {"lists": [{"id": "a"}], "cards": [{"id": "b", "idList": "a", "name": "Water the fern"} | odd]}
    content = json.dumps(board).encode()
    source = imports.recognise(lambda: io.BytesIO(content), {}, zoneinfo.ZoneInfo("America/New_York"))
    assert [ticket.title for ticket in imports.survey(source).examples] == ["Water the fern"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip
NAMES = st.sampled_from(["id", "name", "pos", "closed", "idList", "labels", "color", "idChecklists", "checkItems",
                         "due", "desc", "state", "dateLastActivity", "title", "status", "todos", "text"])  # fmt: skip
THINGS = st.lists(st.dictionaries(NAMES, JSON | st.sampled_from(["a", "b"]), max_size=8), max_size=4)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["lists", "cards", "checklists", "actions", "tickets", "labels"]), THINGS))
def test_no_json_breaks_the_import(members):
    for head in ({"lists": [{}], "cards": [{}]}, {"format": "nikko", "version": 1}):
        content = json.dumps(head | members).encode()
        with contextlib.suppress(json_stream.Unreadable):
            imports.survey(imports.recognise(lambda content=content: io.BytesIO(content), {}))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_no_bytes_break_the_import(content):
    with contextlib.suppress(json_stream.Unreadable):
        imports.survey(imports.recognise(lambda: io.BytesIO(content), {}))


# JSON, read in pieces


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4), st.integers(1, 9), st.booleans())
def test_json_is_read_in_pieces_as_it_is_read_whole(document, chunk, indented):
    content = json.dumps(document, ensure_ascii=indented, indent=1 if indented else None).encode(
        "utf-8", "surrogatepass"
    )
    if b"\xed" in content:
        return
    before, json_stream.CHUNK = json_stream.CHUNK, chunk
    try:
        found = {}
        for name, value, line in json_stream.members(io.BytesIO(content), "utf-8"):
            assert content.decode().splitlines()[line - 1 : line] or not indented
            if isinstance(document[name], list):
                found.setdefault(name, []).append(value)
            else:
                found[name] = value
    finally:
        json_stream.CHUNK = before
    assert found == {name: value for name, value in document.items() if value != []}


@one_engine
def test_the_memory_that_a_survey_takes_does_not_grow_with_the_file(engine):
    most = []
    for count in (20_000, 100_000):
        tickets = b",\n".join(b'{"id": %d, "title": "%s"}' % (number, b"x" * 80) for number in range(count))
        content = b'{"format": "nikko", "version": 1, "tickets": [' + tickets + b"]}"
        tracemalloc.start()
        found = imports.survey(imports.recognise(lambda content=content: io.BytesIO(content), {}))
        most.append(tracemalloc.get_traced_memory()[1] - 0)
        tracemalloc.stop()
        assert found.tickets == count
    assert most[1] < most[0] * 1.5


def test_the_board_can_be_searched_for_what_was_imported(mira):
    bring_in(mira, "Title,To-dos\nCafé,Müll\n")
    assert "<h3>" in mira.get(f"{WHOLE_BOARD}&q=cafe").text
    assert "<h3>" in mira.get(f"{WHOLE_BOARD}&q=mull").text
