"""Undo and redo: every kind of step, by the forms, from anywhere."""

import re

import pytest
from pages import history, land, parse, path_of, press, problems, read, toast

NOTHING_TO_UNDO = "There is nothing left to undo."
NOTHING_TO_REDO = "There is nothing to redo."
CHANGED_SINCE = "That can't be undone any more: what it changed was changed since."


class Board:
    """A person with two tickets, “one” (with the to-dos a, b, c; b is ticked) and “two”, and one that is done."""

    def __init__(self, person):
        self.person = person
        self.one, self.two = person.add_tickets("one", "two")
        self.a, self.b, self.c = person.add_todos(self.one, "a", "b", "c")
        person.post(f"/todos/{self.b}/done", done="1")
        [self.x] = person.add_tickets("x", status="done")
        [self.gone] = person.add_tickets("gone")
        [self.d] = person.add_todos(self.two, "d")
        person.post(f"/tickets/{self.gone}/delete")
        person.post(f"/todos/{self.d}/delete")

    def shown(self):
        """All that the pages show."""
        person = self.person
        lists = {
            ticket_id: person.todos(ticket_id)
            for ticket_id in (self.one, self.two)
            if person.get(f"/platform/{ticket_id}").status_code == 200
        }
        deleted = [
            item.all("span")[1].text for item in read(person, "/trash").one("ul", **{"class": "trash"}).all("li")
        ]
        # An undone add waits in the trash.
        return person.board(), lists, {name for name in deleted if not name.startswith("new")}


@pytest.fixture
def board(mira):
    return Board(mira)


STEPS = {
    "add": lambda it: ("/tickets", {"title": "new"}),
    "add several": lambda it: ("/tickets", {"title": "new\nnewer\nnewest", "status": "done"}),
    "rename": lambda it: (f"/tickets/{it.one}/title", {"title": "eins"}),
    "change status": lambda it: (f"/tickets/{it.one}/status", {"status": "done"}),
    "place": lambda it: (f"/tickets/{it.two}/position", {"status": "todo", "before": it.one}),
    "place elsewhere": lambda it: (f"/tickets/{it.two}/position", {"status": "done", "before": it.x}),
    "restore": lambda it: (f"/trash/tickets/{it.gone}/restore", {}),
    "add a to-do": lambda it: (f"/tickets/{it.one}/todos", {"text": "new"}),
    "add several to-dos": lambda it: (f"/tickets/{it.one}/todos", {"text": "new\nnewer"}),
    "edit a to-do": lambda it: (f"/todos/{it.a}/text", {"text": "A"}),
    "tick": lambda it: (f"/todos/{it.a}/done", {"done": "1"}),
    "untick": lambda it: (f"/todos/{it.b}/done", {"done": "0"}),
    "move a to-do": lambda it: (f"/todos/{it.c}/position", {"before": it.a}),
    "delete a to-do": lambda it: (f"/todos/{it.b}/delete", {}),
    "restore a to-do": lambda it: (f"/trash/todos/{it.d}/restore", {}),
    "delete": lambda it: (f"/tickets/{it.one}/delete", {}),
}


def do(board, step):
    path, fields = STEPS[step](board)
    response = board.person.post(path, page="/", **fields)
    assert "done=" in response.location, response.text
    return response


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_undone_and_done_again_by_the_forms(board, step):
    before = board.shown()
    do(board, step)
    after = board.shown()
    assert before != after
    assert toast(land(board.person, press_menu(board, "Undo"))).startswith("Undone: ")
    assert board.shown() == before
    assert toast(land(board.person, press_menu(board, "Redo"))).startswith("Done again: ")
    assert board.shown() == after


def press_menu(board, button):
    """Press a button of the account's menu on the board."""
    forms = [
        form for form in read(board.person, "/").all("form") if form.attributes.get("action") == f"/{button.lower()}"
    ]
    assert any(each.name == button for form in forms for each in form.all("button"))
    return board.person.post(f"/{button.lower()}", page="/")


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_undone_and_done_again_by_its_toast(board, step):
    before = board.shown()
    response = do(board, step)
    after = board.shown()
    response = press(board.person, response.location, "Undo", "toast")
    assert board.shown() == before
    response = press(board.person, response.location, "Redo", "toast")
    assert board.shown() == after
    press(board.person, response.location, "Undo", "toast")
    assert board.shown() == before


def test_every_step_of_a_long_day_is_undone_and_done_again_in_order(board):
    states = [board.shown()]
    for step in STEPS:
        do(board, step)
        states.append(board.shown())
    for state in states[-2::-1]:
        board.person.post("/undo")
        assert board.shown() == state
    for state in states[1:]:
        board.person.post("/redo")
        assert board.shown() == state
    assert problems(parse(board.person.post("/redo"))) == [NOTHING_TO_REDO]


def test_undo_works_after_logging_out_and_in_again(board, site):
    before = board.shown()
    do(board, "rename")
    board.person.post("/logout")
    assert board.person.get("/").status_code == 303
    board.person = board.person.another_browser()
    board.person.post("/undo")
    assert board.shown() == before


def test_undo_and_redo_work_from_another_browser(board):
    before = board.shown()
    do(board, "delete")
    after = board.shown()
    phone = board.person.another_browser()
    phone.post("/undo")
    assert board.shown() == before
    board.person.another_browser().post("/redo")
    assert board.shown() == after


def test_a_step_is_undone_by_its_number_whatever_came_after_it(board):
    response = do(board, "tick")
    tick = response.location.partition("done=")[2].partition("#")[0]
    do(board, "rename")
    do(board, "edit a to-do")
    board.person.post("/undo", action=tick)
    assert board.person.todos(board.one) == [("A", False), ("b", True), ("c", False)]
    assert "eins" in board.person.board()["todo"]


def test_undoing_by_number_twice_says_that_there_is_nothing(board):
    step = do(board, "tick").location.partition("done=")[2].partition("#")[0]
    board.person.post("/undo", action=step)
    after = board.shown()
    response = board.person.post("/undo", action=step)
    assert response.status_code == 409
    assert problems(parse(response)) == [NOTHING_TO_UNDO]
    assert board.shown() == after


def test_nothing_to_undo_or_redo_is_said_in_words(mira):
    for way, message in (("undo", NOTHING_TO_UNDO), ("redo", NOTHING_TO_REDO)):
        response = mira.post(f"/{way}", page="/")
        assert response.status_code == 409
        assert problems(parse(response)) == [message]


def test_a_step_whose_rows_were_changed_since_is_refused_in_words(board):
    first = do(board, "rename").location.partition("done=")[2].partition("#")[0]
    board.person.post(f"/tickets/{board.one}/title", title="two steps on")
    before = board.shown()
    response = board.person.post("/undo", page="/", action=first)
    assert response.status_code == 409
    assert problems(parse(response)) == [CHANGED_SINCE]
    assert board.shown() == before


def test_undoing_an_add_after_the_ticket_was_deleted_is_refused(mira):
    response = mira.post("/tickets", page="/", title="new")
    [row] = mira.site.db.execute("SELECT id FROM tickets WHERE user_id = ?", mira.id)
    mira.post(f"/tickets/{row['id']}/delete")
    step = response.location.partition("done=")[2]
    assert problems(parse(mira.post("/undo", action=step))) == [CHANGED_SINCE]


def test_redo_is_over_once_something_new_was_done(board):
    do(board, "rename")
    board.person.post("/undo")
    do(board, "tick")
    after = board.shown()
    response = board.person.post("/redo")
    assert response.status_code == 409
    assert problems(parse(response)) == [NOTHING_TO_REDO]
    assert board.shown() == after


def test_other_peoples_steps_can_not_be_undone_or_done_again(board, new_person):
    noor = new_person()
    [theirs] = noor.add_tickets("theirs")
    step = (
        noor.post(f"/tickets/{theirs}/title", page="/", title="noor's").location.partition("done=")[2].partition("#")[0]
    )
    assert problems(parse(board.person.post("/undo", action=step))) == [NOTHING_TO_UNDO]
    undo = noor.post("/undo", page="/").location.partition("done=")[2].partition("#")[0]
    assert problems(parse(board.person.post("/redo", action=undo))) == [NOTHING_TO_REDO]
    assert noor.board()["todo"] == ["theirs"]
    noor.post("/redo")
    assert noor.board()["todo"] == ["noor's"]


def test_undo_takes_ones_own_latest_step_whatever_others_did_since(board, new_person):
    before = board.shown()
    do(board, "rename")
    noor = new_person()
    noor.add_tickets("theirs")
    board.person.post("/undo")
    assert board.shown() == before
    assert noor.board()["todo"] == ["theirs"]


@pytest.mark.parametrize("way", ["undo", "redo"])
@pytest.mark.parametrize(
    "action", ["x", "-1", "0", "1.5", "99999999999999999999", "１", "1 or 1=1", ["1", "2"]], ids=str
)
def test_a_number_that_is_none_is_refused(board, way, action):
    before = board.shown()
    response = board.person.post(f"/{way}", action=action)
    assert response.status_code in (400, 422)
    assert "“action”" in problems(parse(response))[0]
    assert board.shown() == before


def test_a_paste_of_fifty_lines_is_one_step(mira):
    lines = [f"line {number}" for number in range(50)]
    mira.add_tickets("before")
    mira.post("/tickets", title="\n".join(lines))
    assert mira.board()["todo"] == [*lines, "before"]
    assert toast(land(mira, mira.post("/undo", page="/"))) == "Undone: 50 tickets added"
    assert mira.board()["todo"] == ["before"]
    assert toast(land(mira, mira.post("/redo", page="/"))) == "Done again: 50 tickets added"
    assert mira.board()["todo"] == [*lines, "before"]


def test_a_paste_of_fifty_todos_is_one_step(mira):
    [ticket_id] = mira.add_tickets("work")
    mira.post(f"/tickets/{ticket_id}/todos", text="\n".join(map(str, range(50))))
    assert toast(land(mira, mira.post("/undo", page=f"/platform/{ticket_id}"))) == "Undone: Added 50 to-dos"
    assert mira.todos(ticket_id) == []


@pytest.mark.parametrize("titles", ["one", "one\ntwo"], ids=["one", "several"])
def test_undoing_an_add_on_its_own_page_leads_to_a_page_that_is_there(mira, titles):
    mira.post("/tickets", title=titles)
    for row in mira.site.db.execute("SELECT id FROM tickets WHERE user_id = ?", mira.id):
        response = mira.post("/undo", page=f"/platform/{row['id']}")
        assert path_of(response) == "/"
        assert toast(land(mira, response)).startswith("Undone: ")
        mira.post("/redo")


def test_redoing_a_delete_on_its_own_page_leads_to_a_page_that_is_there(mira):
    [ticket_id] = mira.add_tickets("one")
    mira.post(f"/tickets/{ticket_id}/delete")
    mira.post("/undo")
    response = mira.post("/redo", page=f"/platform/{ticket_id}")
    assert path_of(response) == "/"
    land(mira, response)


def test_an_undo_leads_back_to_the_page_where_it_was_pressed(mira):
    one, two = mira.add_tickets("one", "two")
    mira.post(f"/tickets/{one}/delete")
    response = mira.post("/undo", page=f"/platform/{two}")
    assert path_of(response) == f"/platform/{two}"
    assert toast(land(mira, response)) == "Undone: “one” deleted"


def test_an_undone_delete_is_out_of_the_trash_and_an_undone_add_is_in_it(mira):
    [ticket_id] = mira.add_tickets("one")
    mira.post("/undo")
    assert "one" in read(mira, "/trash").one(id="main").words
    mira.post("/redo")
    assert "Nothing here." in read(mira, "/trash").one(id="main").words
    assert history(mira, ticket_id)[:2] == ["Done again: Added", "Undone: Added"]


def test_a_step_that_cannot_be_undone_does_not_stand_in_the_way_of_older_ones(mira):
    [ticket_id] = mira.add_tickets("one")
    [todo_id] = mira.add_todos(ticket_id, "a")
    ticks = [mira.post(f"/todos/{todo_id}/done", done=done).location for done in "101"]
    first = re.search(r"done=(\d+)", ticks[0])[1]
    assert mira.post("/undo", action=first).status_code == 303  # it holds a tick again, so this is possible
    assert problems(parse(mira.post("/undo"))) == [CHANGED_SINCE + " The next time it is the step before that."]
    assert [mira.post("/undo").status_code for _ in range(3)] == [303, 303, 303]
    assert mira.board() == {}  # the empty page


def test_tickets_in_the_same_place_are_moved_as_the_page_shows_them(mira):
    a, _, c = mira.add_tickets("A", "B", "C")
    moved = re.search(r"done=(\d+)", mira.post(f"/tickets/{c}/position", status="todo", before=a).location)[1]
    [d] = mira.add_tickets("D")
    mira.post(f"/tickets/{d}/position", status="todo", before="")
    mira.post("/undo", action=moved)  # back to the position that D has by now
    assert mira.board()["todo"] == ["A", "B", "C", "D"]
    mira.post(f"/tickets/{a}/position", status="todo", before=d)
    assert mira.board()["todo"] == ["B", "C", "A", "D"]


def test_what_was_undone_on_the_page_of_a_ticket_that_has_gone_is_told_elsewhere(mira):
    one, two = mira.add_tickets("one", "two")
    mira.post(f"/tickets/{two}/delete")
    mira.post(f"/tickets/{one}/title", title="eins")
    page = {"Referer": f"http://localhost/platform/{two}", "X-Requested-With": "XMLHttpRequest"}
    response = mira.client.post("/undo", headers=page)
    assert response.status_code == 204
    assert response.headers["X-Go-To"].startswith("/?done=")
    assert mira.board()["todo"] == ["one"]
