"""What a person has, as a file: JSON with everything, CSV for spreadsheets, Markdown to read."""

import csv
import io
import json
import re
import tracemalloc

import pytest
from conftest import log_in
from pages import one_engine, read

import exports

NASTY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "'=1",
    "''=1",
    "'quoted'",
    "＝1",
    'a "b", c',
    "(:D",
    "C:\\new",
    "שלום",
    "😀",
    "|a|",
    "x\u2028y",
]


def export(person, kind):
    """The file, as text."""
    response = person.get(f"/account/export.{kind}")
    assert response.status_code == 200
    return response.data.decode()


def exported(person):
    """The JSON, taken apart."""
    return json.loads(export(person, "json"))


def table(person):
    """The CSV as a list of rows, each {column: cell}."""
    return list(csv.DictReader(io.StringIO(export(person, "csv").removeprefix("\ufeff"), newline="")))


@pytest.fixture
def board(mira):
    """A person with tickets in each column, in the archive and in the trash, with labels, to-dos and a description."""
    a, b, trashed = mira.add_tickets("a", "b", "trashed")
    mira.add_tickets("c", status="done")
    mira.add_todos(a, "open", "done", "gone")
    [_, done, gone] = mira.site.db.execute("SELECT id FROM todos WHERE ticket_id = ? ORDER BY id", a)
    mira.post(f"/todos/{done['id']}/done", done="1")
    mira.post(f"/todos/{gone['id']}/delete")
    mira.post(f"/tickets/{trashed}/delete")
    with mira.site.journal.action(mira.id, "add") as action:
        [label] = action.add_all(
            "labels",
            [{"user_id": mira.id, "name": "Bug, nasty", "name_key": "bug, nasty", "colour": "red", "deleted_at": None}],
        )
        action.change("tickets", a, due="2026-11-30", labels=f" {label} ", description="Line *one*\nline two")
        action.change("tickets", b, archived_at=action.now)
    return mira


# JSON


def test_the_json_has_everything_in_its_order(board):
    file = exported(board)
    assert (file["format"], file["version"], file["person"]["username"]) == ("nikko", 1, board.username)
    assert [(label["name"], label["colour"]) for label in file["labels"]] == [("Bug, nasty", "red")]
    assert [(ticket["title"], ticket["status"]) for ticket in file["tickets"]] == [
        ("a", "todo"), ("b", "todo"), ("trashed", "todo"), ("c", "done"),
    ]  # fmt: skip
    a, b, trashed, _ = file["tickets"]
    assert (a["due"], a["labels"], a["description"]) == ("2026-11-30", ["Bug, nasty"], "Line *one*\nline two")
    assert [(todo["text"], todo["done"], todo["deleted_at"] is None) for todo in a["todos"]] == [
        ("open", False, True), ("done", True, True), ("gone", False, False),
    ]  # fmt: skip
    assert b["archived_at"]
    assert trashed["deleted_at"]


def test_the_json_has_the_history(board):
    actions = exported(board)["actions"]
    assert [action["kind"] for action in actions][:5] == ["add", "add", "todo_add", "todo_tick", "todo_delete"]
    assert actions[3]["changes"][0][2:] == [{"done": 0}, {"done": 1}]


def test_each_ticket_stands_on_a_line_of_its_own(board):
    lines = export(board, "json").splitlines()
    assert sum(line.startswith('{"id": ') and '"title"' in line and '"status_since"' in line for line in lines) >= 4


def test_nothing_of_anybody_else_is_in_a_file(board, new_person):
    other = new_person()
    assert exported(other) | {"exported_at": 0} == {
        "format": "nikko", "version": 1, "exported_at": 0, "labels": [], "tickets": [], "actions": [],
        "person": {"username": other.username, "first_name": "Mira", "last_name": "Kovač"},
    }  # fmt: skip
    assert table(other) == []


def test_a_board_of_many_pages_is_whole_and_in_order(mira, monkeypatch):
    monkeypatch.setattr(exports, "PAGE", 3)
    titles = [f"ticket {number}" for number in range(20)]
    mira.add_tickets(*titles)
    assert [ticket["title"] for ticket in exported(mira)["tickets"]] == titles
    assert [row["Title"] for row in table(mira)] == titles


def test_tickets_at_the_same_position_are_each_there_once(mira, monkeypatch):
    monkeypatch.setattr(exports, "PAGE", 2)
    mira.add_tickets(*"abcdefg")
    mira.site.db.execute("UPDATE tickets SET position = 0.1 WHERE user_id = ?", mira.id)
    assert [ticket["title"] for ticket in exported(mira)["tickets"]] == list("abcdefg")


def test_an_export_is_of_one_moment(site, mira, monkeypatch):
    """Somebody moves a ticket between two pages: it is neither missing nor there twice."""
    monkeypatch.setattr(exports, "PAGE", 2)
    ids = mira.add_tickets(*"abcdef")
    pieces = []
    with site.db.snapshot():
        for number, piece in enumerate(exports.as_json(site.db, person_of(mira))):
            pieces.append(piece)
            if number == 2:
                move_elsewhere(mira, ids)
    tickets = json.loads("".join(pieces))["tickets"]
    assert [ticket["title"] for ticket in tickets] == list("abcdef")
    assert [ticket["status"] for ticket in tickets] == ["todo"] * 6


def person_of(person):
    return {"id": person.id, "username": person.username, "first_name": "Mira", "last_name": "Kovač"}


def move_elsewhere(person, ids):
    """In a thread, as another request does."""
    import threading

    def move():
        person.post(f"/tickets/{ids[-1]}/status", status="done")
        person.post(f"/tickets/{ids[0]}/position", status="todo", before="")

    thread = threading.Thread(target=move)
    thread.start()
    thread.join()


@one_engine
def test_the_memory_that_an_export_takes_does_not_grow_with_the_board(site, new_person):
    most = []
    for count in (400, 4_000):
        person = new_person()
        with site.journal.action(person.id, "add") as action:
            ids = action.add_all("tickets", [row(person, number) for number in range(count)])
            action.insert(
                "todos",
                [{"ticket_id": ticket_id, "text": "x" * 50, "done": 0, "position": 0.0} for ticket_id in ids],
            )
        site.db.execute("DELETE FROM actions WHERE user_id = ?", person.id)  # one of that size is a row by itself
        export(person, "md")
        tracemalloc.start()
        with site.db.snapshot():
            length = sum(len(piece) for piece in exports.as_json(site.db, person_of(person)))
        most.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert length > 1_000_000
    assert most[1] < most[0] * 1.5


def row(person, number):
    return {
        "user_id": person.id, "title": "x" * 100, "status": "todo", "status_since": 1, "position": float(number),
        "deleted_at": None,
    }  # fmt: skip


# CSV


def test_a_table_has_what_is_not_in_the_trash(board):
    a, c, b = table(board)
    assert (a["Title"], a["Status"], a["Due"], a["Description"]) == ("a", "To do", "2026-11-30", "Line *one*\nline two")
    assert a["To-dos"] == "[ ] open\n[x] done"
    assert (c["Title"], c["Status"]) == ("c", "Done")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", b["Archived"])


def test_no_cell_is_a_formula_for_a_spreadsheet(mira):
    mira.add_tickets(*NASTY)
    for cells in csv.reader(io.StringIO(export(mira, "csv").removeprefix("\ufeff"), newline="")):
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")]
    assert [exports.unguarded(each["Title"]) for each in table(mira)] == NASTY


def test_excel_takes_a_table_for_utf_8(mira):
    assert mira.get("/account/export.csv").data.startswith(b"\xef\xbb\xbf")


# Markdown


def test_the_text_can_be_read(board):
    text = export(board, "md")
    assert (
        "## To do\n\n### a\n\n*due 2026-11-30 · Bug, nasty*\n\nLine *one*\nline two\n\n- [ ] open\n- [x] done\n" in text
    )
    assert text.endswith("\n## Archive\n\n### b\n")
    assert "trashed" not in text
    assert "gone" not in text


def test_a_title_is_no_markup(mira):
    mira.add_tickets("<b>*x* [y](z) # `q`")
    assert r"### \<b\>\*x\* \[y\](z) \# \`q\`" in export(mira, "md")


# The answer


@pytest.mark.parametrize(
    ("kind", "mimetype"), [("json", "application/json"), ("csv", "text/csv"), ("md", "text/markdown")]
)
def test_a_file_is_saved_and_not_shown(mira, kind, mimetype):
    response = mira.get(f"/account/export.{kind}")
    assert response.mimetype == mimetype
    assert re.fullmatch(
        rf'attachment; filename="nikko-\d{{4}}-\d\d-\d\d\.{kind}"', response.headers["Content-Disposition"]
    )
    assert response.content_length == len(response.data)
    assert response.headers["Cache-Control"] == "no-store"


def test_the_account_page_offers_every_format(mira):
    page = read(mira, "/account")
    for kind in ("json", "csv", "md"):
        assert page.has("a", href=f"/account/export.{kind}")
    assert mira.get("/account/export.pdf").status_code == 404


def test_a_full_disk_is_said_and_no_half_file_is_sent(mira, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setitem(mira.site.EXPORTS, "json", (full, "application/json"))
    assert mira.get("/account/export.json").status_code == 507


def test_a_snapshot_sees_one_moment_and_ends(site, mira, new_person):
    mira.add_tickets("a")
    count = "SELECT COUNT(*) AS held FROM tickets WHERE user_id = ?"
    with site.db.snapshot():
        assert site.db.execute(count, mira.id)[0]["held"] == 1
        import threading

        thread = threading.Thread(target=mira.add_tickets, args=("b",))
        thread.start()
        thread.join()
        assert site.db.execute(count, mira.id)[0]["held"] == 1
    assert site.db.execute(count, mira.id)[0]["held"] == 2
    assert log_in(site, mira.id, "mira").board()["todo"] == ["b", "a"]


def test_at_most_two_files_are_written_at_a_time_and_few_wait_for_that(site, mira):
    mira.add_tickets("a")
    queue = site.helpers.writing_files.queue
    while queue.acquire(blocking=False):
        pass
    answer = mira.get("/account/export.json")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Too many people are exporting at this moment." in answer.text
    for _ in range(20):
        queue.release()
    assert mira.get("/account/export.json").status_code == 200
