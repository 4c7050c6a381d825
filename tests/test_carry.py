"""A to-do that becomes a ticket, a ticket that becomes a to-do, and a to-do that goes to another ticket."""

import time

import pytest
from pages import at_once, history, kept, land, parse, path_of, press, problems, read, toast


@pytest.fixture
def board(mira):
    """A person with the tickets Tap (a, b, c, of which b is done) and Sink (d)."""
    mira.tap, mira.sink = mira.add_tickets("Tap", "Sink")
    mira.a, mira.b, mira.c = mira.add_todos(mira.tap, "a", "b", "c")
    [mira.d] = mira.add_todos(mira.sink, "d")
    mira.post(f"/todos/{mira.b}/done", done="1")
    return mira


def everything(person):
    """What is stored of a person's tickets and to-dos, but for what is in the trash."""
    tickets = person.site.db.execute("SELECT * FROM tickets WHERE user_id = ? ORDER BY id", person.id)
    todos = person.site.db.execute(
        "SELECT todos.* FROM todos JOIN tickets ON tickets.id = ticket_id WHERE user_id = ? ORDER BY todos.id",
        person.id,
    )
    return [row for row in tickets + todos if row["deleted_at"] is None]


def link_of(person, ticket_id, todo_id):
    """Where a to-do leads, None when it is only text."""
    links = read(person, f"/platform/{ticket_id}").one(id=f"text-{todo_id}").all("a")
    return links[0].attributes["href"] if links else None


def purge(person):
    """Let everything in the trash pass its time."""
    person.site.db.execute("UPDATE tickets SET deleted_at = 1 WHERE deleted_at IS NOT NULL AND user_id = ?", person.id)
    person.site.journal.purge(person.id, int(time.time()) - 86400)


# A to-do becomes a ticket


def test_a_todo_becomes_a_ticket_and_a_link_to_it(board):
    before = everything(board)
    page = land(board, press(board, f"/platform/{board.tap}", "Make it a ticket", f"todo-{board.b}"))
    assert toast(page) == "Made “b” a ticket of its own"
    assert board.board()["todo"] == ["b", "Tap", "Sink"]
    assert board.todos(board.tap)[1][1] is True  # with its own box
    [new] = board.ids("SELECT id FROM tickets WHERE user_id = ? ORDER BY id DESC LIMIT ?", 1)
    assert link_of(board, board.tap, board.b) == f"/platform/{new}"
    assert read(board, f"/platform/{new}").one("h1").words == "b"
    assert (
        not read(board, f"/platform/{board.tap}")
        .one(id=f"todo-{board.b}")
        .has("button", formaction=f"/todos/{board.b}/ticket")
    )
    assert history(board, board.tap)[0] == "Made “b” a ticket of its own"
    assert history(board, new) == ["Added"]
    press(board, f"/platform/{board.tap}", "Undo this: Made “b” a ticket of its own")
    assert everything(board) == before
    assert link_of(board, board.tap, board.b) is None
    board.post("/redo")
    assert link_of(board, board.tap, board.b) == f"/platform/{new}"


def test_an_opened_card_loses_its_link_with_the_ticket_to_which_that_leads(board):
    board.post(f"/todos/{board.a}/ticket")
    [new] = board.ids("SELECT id FROM tickets WHERE user_id = ? ORDER BY id DESC LIMIT ?", 1)
    for path in ("/undo", "/redo", f"/tickets/{new}/delete"):
        answer = board.ajax(path, back=f"/?open={board.tap}")
        assert parse(answer).one(id=f"text-{board.a}").has("a", href=f"/platform/{new}") == (path == "/redo"), path


def test_the_link_is_text_while_its_ticket_is_in_the_trash(board):
    board.post(f"/todos/{board.a}/ticket")
    [new] = board.ids("SELECT id FROM tickets WHERE user_id = ? ORDER BY id DESC LIMIT ?", 1)
    assert read(board, f"/?open={board.tap}").one(id=f"text-{board.a}").has("a", href=f"/platform/{new}")
    board.post(f"/tickets/{new}/delete")
    assert link_of(board, board.tap, board.a) is None
    board.post(f"/trash/tickets/{new}/restore")
    assert link_of(board, board.tap, board.a) == f"/platform/{new}"
    board.post(f"/tickets/{new}/delete")
    purge(board)
    assert link_of(board, board.tap, board.a) is None
    assert board.todos(board.tap) == [("a", False), ("b", True), ("c", False)]
    board.post(f"/todos/{board.a}/ticket")
    assert link_of(board, board.tap, board.a)


def test_pressed_twice_it_makes_one_ticket(board):
    for response in at_once(*[lambda: board.another_browser().post(f"/todos/{board.a}/ticket")] * 3):
        assert response.status_code == 303
    assert board.board()["todo"] == ["a", "Tap", "Sink"]


def test_no_ticket_is_made_beyond_the_limit(board, monkeypatch):
    monkeypatch.setattr(board.site, "TICKETS_LIMIT", 2)
    before = everything(board)
    page = parse(board.post(f"/todos/{board.a}/ticket"))
    assert problems(page) == ["That would be more than 2. Delete some and empty the trash first."]
    assert everything(board) == before


# A to-do goes to another ticket


def test_a_todo_goes_to_the_end_of_another_ticket(board):
    before = everything(board)
    page = read(board, f"/platform/{board.tap}?carry={board.b}")
    form = page.one(id=f"todo-{board.b}").one("form")
    assert form.one("label").words == "Move “b” to the ticket"
    assert [option.words for option in form.all("option")] == ["Choose a ticket", "Sink"]
    response = press(board, f"/platform/{board.tap}?carry={board.b}", "Move", f"todo-{board.b}", ticket=str(board.sink))
    page = land(board, response)
    assert path_of(response) == f"/platform/{board.tap}"
    assert toast(page) == "Moved “b” to “Sink”"
    assert board.todos(board.tap) == [("a", False), ("c", False)]
    assert board.todos(board.sink) == [("d", False), ("b", True)]
    assert history(board, board.tap)[0] == "Moved “b” to “Sink”"
    press(board, f"/platform/{board.tap}", "Undo this: Moved “b” to “Sink”")
    assert everything(board) == before
    assert history(board, board.tap)[0] == "Undone: Moved “b” to “Sink”"


def test_both_cards_follow_on_an_open_board(board):
    board.post(f"/todos/{board.b}/carry", ticket=board.sink)
    page = parse(board.client.post("/undo", data={"back": "/"}, headers={"X-Requested-With": "XMLHttpRequest"}))
    assert page.one(id=f"ticket-{board.tap}").one("a", **{"class": "progress"}).words.startswith("1/3")
    assert page.one(id=f"ticket-{board.sink}").one("a", **{"class": "progress"}).words.startswith("0/1")


@pytest.mark.parametrize(
    ("chosen", "message"), [("", "Choose a ticket."), ("x", "Nothing was saved: “ticket” is not a number.")]
)
def test_without_a_ticket_the_form_asks_for_one(board, chosen, message):
    for path, button, inside in (
        (f"/platform/{board.tap}?carry={board.b}", "Move", f"todo-{board.b}"),
        (f"/platform/{board.tap}?edit=todo", "Make it a to-do", f"ticket-{board.tap}"),
    ):
        response = press(board, path, button, inside, ticket=chosen)
        assert response.status_code == 422
        assert problems(parse(response)) == [message]
        assert parse(response).one(id=inside).has("select", name="ticket")


def test_a_ticket_that_is_full_takes_no_todo(board, monkeypatch):
    monkeypatch.setattr(board.site, "TODOS_LIMIT", 3)
    before = everything(board)
    for path, ticket in ((f"/todos/{board.d}/carry", board.tap), (f"/tickets/{board.sink}/todo", board.tap)):
        page = parse(board.post(path, f"/platform/{board.sink}", ticket=ticket))
        assert problems(page) == ["That would be more than 3. Delete some and empty the trash first."]
        assert page.one("option", selected=None, value=str(board.tap))
    assert everything(board) == before


def test_to_its_own_ticket_nothing_is_moved(board):
    before = everything(board)
    assert board.post(f"/todos/{board.a}/carry", ticket=board.tap).status_code == 303
    page = parse(board.post(f"/tickets/{board.tap}/todo", ticket=board.tap))
    assert problems(page) == ["Choose another ticket."]
    assert everything(board) == before


def test_a_todo_that_was_carried_away_outlives_its_old_ticket(board):
    board.post(f"/todos/{board.b}/carry", ticket=board.sink)
    board.post(f"/tickets/{board.tap}/delete")
    purge(board)
    assert board.todos(board.sink) == [("d", False), ("b", True)]
    before = everything(board)
    board.post("/undo")  # whatever is left to be undone, it can't be brought back to where it was
    assert [row for row in before if "ticket_id" in row and row["id"] == board.b] == [
        row for row in everything(board) if "ticket_id" in row and row["id"] == board.b
    ]


# A ticket becomes a to-do


def test_a_ticket_becomes_a_todo_with_all_that_it_has(board):
    board.post(f"/tickets/{board.tap}/description", description="drips\nall day")
    board.post(f"/tickets/{board.sink}/description", description="white")
    [trashed] = board.add_todos(board.tap, "trashed")
    board.post(f"/todos/{trashed}/delete")
    before = everything(board)
    path = f"/platform/{board.tap}?edit=todo"
    response = press(board, path, "Make it a to-do", f"ticket-{board.tap}", ticket=str(board.sink))
    assert path_of(response) == f"/platform/{board.sink}"
    page = land(board, response)
    assert toast(page) == "“Tap” made a to-do"
    assert board.todos(board.sink) == [("d", False), ("Tap", False), ("a", False), ("b", True), ("c", False)]
    field = read(board, f"/platform/{board.sink}?edit=description").one("textarea", id="description-edit")
    assert field.text == "white\n\n## Tap\n\ndrips\nall day"
    assert board.board()["todo"] == ["Sink"]
    assert history(board, board.sink)[0] == "“Tap” made a to-do"
    press(board, f"/platform/{board.sink}", "Undo this: “Tap” made a to-do")
    assert everything(board) == before
    board.post("/redo")
    assert board.todos(board.sink) == [("d", False), ("Tap", False), ("a", False), ("b", True), ("c", False)]


def test_a_done_ticket_becomes_a_ticked_todo_and_adds_no_empty_description(board):
    board.post(f"/tickets/{board.sink}/status", status="done")
    board.post(f"/tickets/{board.sink}/todo", ticket=board.tap)
    assert board.todos(board.tap)[3:] == [("Sink", True), ("d", False)]
    assert read(board, f"/platform/{board.tap}").one(id="description").one("a").words == "Add a description"


def test_descriptions_that_are_too_long_together_are_refused(board):
    for ticket in (board.tap, board.sink):
        board.post(f"/tickets/{ticket}/description", description="x" * 10_000)
    before = everything(board)
    page = parse(board.post(f"/tickets/{board.tap}/todo", ticket=board.sink))
    assert problems(page) == ["Both descriptions together are longer than 20,000 characters."]
    assert everything(board) == before


def test_todos_that_went_along_outlive_the_ticket_and_the_rest_of_it_goes(board):
    [trashed] = board.add_todos(board.tap, "trashed")
    board.post(f"/todos/{trashed}/delete")
    board.post(f"/tickets/{board.tap}/todo", ticket=board.sink)
    now = everything(board)
    purge(board)
    assert everything(board) == now
    assert board.site.db.execute("SELECT id FROM todos WHERE id = ?", trashed) == []
    response = board.post("/undo")  # where they came from is gone for good
    assert response.status_code == 409
    assert everything(board) == now
    assert board.todos(board.sink) == [("d", False), ("Tap", False), ("a", False), ("b", True), ("c", False)]


def test_by_the_script_the_page_of_a_ticket_that_is_a_todo_now_leads_to_the_other(board):
    fields = {"ticket": board.sink, "back": f"/platform/{board.tap}"}
    response = board.ajax(f"/tickets/{board.tap}/todo", **fields)
    assert response.headers["X-Go-To"].startswith(f"/platform/{board.sink}?done=")
    assert kept(read(board, f"/platform/{board.sink}")) == []
