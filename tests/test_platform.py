"""The platform page: a ticket, its to-dos and its history, with plain forms."""

import pytest
from hostile import HOSTILE_TEXTS
from pages import counted, history, kept, land, parse, path_of, press, problems, read, toast

import words


@pytest.fixture
def ticket(mira):
    """The id of a ticket of Mira's, “work”."""
    return mira.add_tickets("work")[0]


def texts(person, ticket_id):
    return [text for text, _ in person.todos(ticket_id)]


# Which ticket


def test_without_a_ticket_the_platform_page_says_where_to_begin(mira):
    page = read(mira, "/platform")
    assert page.one("h1").words == "No ticket to open yet"
    assert any(link.attributes["href"] == "/" for link in page.one(id="main").all("a"))


def test_the_platform_opens_the_ticket_last_worked_on(mira):
    one, two = mira.add_tickets("one", "two")
    mira.add_todos(one, "a")
    assert path_of(mira.get("/platform")) == f"/platform/{one}"
    mira.post(f"/tickets/{two}/status", status="done")
    assert path_of(mira.get("/platform")) == f"/platform/{two}"
    mira.post(f"/tickets/{two}/delete")
    assert path_of(mira.get("/platform")) == f"/platform/{one}"


def test_the_platform_opens_the_next_ticket_when_none_was_worked_on(mira):
    mira.add_tickets("x", "y", status="done")
    todo, _ = mira.add_tickets("one", "two")
    assert path_of(mira.get("/platform")) == f"/platform/{todo}"
    doing, _ = mira.add_tickets("three", "four", status="in_progress")
    assert path_of(mira.get("/platform")) == f"/platform/{doing}"


def test_when_every_ticket_is_in_the_trash_the_platform_is_empty(mira, ticket):
    mira.post(f"/tickets/{ticket}/delete")
    assert read(mira, "/platform").one("h1").words == "No ticket to open yet"


def test_a_ticket_in_the_trash_has_no_page(mira, ticket):
    mira.post(f"/tickets/{ticket}/delete")
    assert mira.get(f"/platform/{ticket}").status_code == 404


def test_the_active_tickets_stand_beside(mira):
    todo, other = mira.add_tickets("one", "two")
    mira.add_tickets("finished", status="done")
    mira.add_tickets("doing", status="in_progress")
    first, _ = mira.add_todos(todo, "a", "b")
    mira.post(f"/todos/{first}/done", done="1")
    beside = read(mira, f"/platform/{other}").one("nav", **{"aria-label": "Active tickets"})
    assert [each.words for each in beside.all("a")] == ["doing", "one 1/2 to-dos done", "two"]
    assert [each.words for each in beside.all("h2")] == ["In progress", "To do"]
    assert beside.one("a", **{"aria-current": "page"}).attributes["href"] == f"/platform/{other}"


# To-dos


def test_new_todos_stand_at_the_end_of_the_list_in_their_order(mira, ticket):
    response = press(mira, f"/platform/{ticket}", "Add", text="one\r\n\r\ntwo\rthree\nfour")
    assert path_of(response) == f"/platform/{ticket}"
    assert toast(land(mira, response)) == "Added 4 to-dos"
    assert toast(land(mira, press(mira, f"/platform/{ticket}", "Add", text="five"))) == "Added “five”"
    assert mira.todos(ticket) == [(text, False) for text in ("one", "two", "three", "four", "five")]


@pytest.mark.parametrize("letter", ["\u2028", "\u2029", "\u0085", "\v", "\f"], ids=repr)
def test_nothing_but_a_line_break_ends_a_todo(mira, ticket, letter):
    mira.post(f"/tickets/{ticket}/todos", text=f"a{letter}b")
    assert texts(mira, ticket) == [f"a{letter}b"]


def test_every_hostile_todo_comes_back_as_it_was_typed(mira, ticket):
    ids = mira.add_todos(ticket, *HOSTILE_TEXTS)
    assert texts(mira, ticket) == HOSTILE_TEXTS
    page = read(mira, f"/platform/{ticket}?edit={ids[7]}")
    assert page.one(id=f"todo-{ids[7]}-edit").text == HOSTILE_TEXTS[7]


def test_every_hostile_text_can_be_an_edit_and_stands_in_the_toast(mira, ticket):
    [todo] = mira.add_todos(ticket, "plain")
    was = "plain"
    for text in HOSTILE_TEXTS:
        response = mira.post(f"/todos/{todo}/text", text=text, was=was)
        page = land(mira, response)
        assert page.one(id=f"text-{todo}").text == text
        assert page.one(id="toast").all("span")[0].text == f"Changed “{words.named(was)}” to “{words.named(text)}”"
        assert (
            page.one(id="history").all("li")[0].all("span")[1].text
            == f"Changed “{words.named(was)}” to “{words.named(text)}”"
        )
        was = text


def test_the_same_form_twice_adds_the_todos_once(mira, ticket):
    key = read(mira, f"/platform/{ticket}").one("input", name="key").attributes["value"]
    answers = [mira.post(f"/tickets/{ticket}/todos", text="a\nb", key=key) for _ in range(2)]
    assert answers[0].location == answers[1].location
    assert texts(mira, ticket) == ["a", "b"]
    mira.post(f"/tickets/{ticket}/todos", text="c", key=key)
    assert texts(mira, ticket) == ["a", "b", "c"]


def test_the_same_form_for_two_tickets_adds_to_both(mira):
    for ticket_id in mira.add_tickets("one", "two"):
        mira.post(f"/tickets/{ticket_id}/todos", text="same", key="k")
        assert texts(mira, ticket_id) == ["same"]


REFUSED = [
    ("😀" * 501, 422, "That is 501 characters; the limit is 500."),
    ("", 422, "Write something first."),
    (" \r\n \t", 422, "Write something first."),
    ("a\0b", 422, "The text has a NUL character, which can't be stored."),
    (["one", "two"], 400, "Nothing was saved: the form has the field “text” more than once."),
]


@pytest.mark.parametrize(
    ("text", "status", "message"), [*REFUSED, ("x\n" * 501, 422, "501 lines at once are too many; the limit is 500.")]
)
def test_refused_todos_stay_in_their_field_with_the_message(mira, ticket, text, status, message):
    mira.add_todos(ticket, "there")
    response = mira.post(f"/tickets/{ticket}/todos", text=text)
    assert response.status_code == status
    page = parse(response)
    assert problems(page) == [message]
    assert page.one(id="add-todo-text").text == ("\n".join(text) if isinstance(text, list) else text)
    assert page.one(id="add-todo-text").attributes["aria-invalid"] == "true"
    assert texts(mira, ticket) == ["there"]


@pytest.mark.parametrize(("text", "status", "message"), REFUSED)
def test_a_refused_edit_stays_in_its_field_with_the_message(mira, ticket, text, status, message):
    todo, other = mira.add_todos(ticket, "there", "other")
    response = mira.post(f"/todos/{todo}/text", text=text, was="there")
    assert response.status_code == status
    page = parse(response)
    assert problems(page) == [message]
    assert page.one(id=f"todo-{todo}-edit").text == ("\n".join(text) if isinstance(text, list) else text)
    assert not page.has(id=f"todo-{other}-edit")
    assert texts(mira, ticket) == ["there", "other"]


def test_a_ticket_has_room_for_a_limited_number_of_todos(mira, ticket, monkeypatch):
    monkeypatch.setattr(mira.site, "TODOS_LIMIT", 3)
    first, _ = mira.add_todos(ticket, "one", "two")
    response = mira.post(f"/tickets/{ticket}/todos", text="three\nfour")
    assert response.status_code == 422
    assert problems(parse(response)) == ["That would be more than 3. Delete some and empty the trash first."]
    assert kept(parse(response)) == ["three\nfour"]
    mira.post(f"/todos/{first}/delete")
    assert mira.post(f"/tickets/{ticket}/todos", text="three\nfour").status_code == 422  # the trash counts
    mira.post("/trash/empty")
    mira.add_todos(ticket, "three", "four")
    assert texts(mira, ticket) == ["two", "three", "four"]


def test_the_pencil_draws_a_todo_as_a_field(mira, ticket):
    todo, _ = mira.add_todos(ticket, "one", "two")
    link = next(each for each in read(mira, f"/platform/{ticket}").all("a") if each.name == "Edit one")
    response = press(mira, link.attributes["href"].partition("#")[0], "Save", text="  eins\r\nzwei ")
    assert response.location.endswith(f"#todo-{todo}")
    assert toast(land(mira, response)) == "Changed “one” to “eins zwei”"
    assert texts(mira, ticket) == ["eins zwei", "two"]


def test_a_stale_edit_shows_both_texts_and_saves_nothing(mira, ticket):
    [todo] = mira.add_todos(ticket, "old")
    mira.another_browser().post(f"/todos/{todo}/text", text="theirs", was="old")
    response = mira.post(f"/todos/{todo}/text", page=f"/platform/{ticket}", text="mine", was="old")
    assert response.status_code == 409
    page = parse(response)
    assert page.one("textarea").text == "mine"
    assert "theirs" in page.one(id="main").text
    assert texts(mira, ticket) == ["theirs"]
    form = page.one("textarea").around("form")
    assert form.attributes["action"] == f"/todos/{todo}/text"
    assert mira.post(f"/todos/{todo}/text", text="mine", was="theirs").status_code == 303
    assert texts(mira, ticket) == ["mine"]


def test_a_stale_page_without_a_referrer_leads_to_the_ticket(mira, ticket):
    [todo] = mira.add_todos(ticket, "theirs")
    for path, field in ((f"/todos/{todo}/text", "text"), (f"/tickets/{ticket}/title", "title")):
        page = parse(mira.post(path, **{field: "mine", "was": "old"}))
        keep = next(link for link in page.all("a") if link.name == "Keep what is there")
        assert keep.attributes["href"] in (f"/platform/{ticket}", "/")


def test_the_same_text_again_is_no_step(mira, ticket):
    [todo] = mira.add_todos(ticket, "same")
    before = history(mira, ticket)
    for was in ("same", "something else"):
        response = mira.post(f"/todos/{todo}/text", text=" same ", was=was)
        assert path_of(response) == f"/platform/{ticket}"
        assert "done=" not in response.location
    assert history(mira, ticket) == before


def test_a_todo_is_ticked_and_unticked_by_its_box(mira, ticket):
    mira.add_todos(ticket, "one", "two")
    assert (
        toast(land(mira, press(mira, f"/platform/{ticket}", "", f"todo-{box_of(mira, ticket, 'two')}")))
        == "Ticked “two”"
    )
    assert mira.todos(ticket) == [("one", False), ("two", True)]
    assert "1 of 2 done" in read(mira, f"/platform/{ticket}").one(id="main").words
    assert (
        toast(land(mira, press(mira, f"/platform/{ticket}", "", f"todo-{box_of(mira, ticket, 'two')}")))
        == "Unticked “two”"
    )
    assert mira.todos(ticket) == [("one", False), ("two", False)]


def box_of(person, ticket_id, text):
    """The id of the to-do with that text."""
    todos = read(person, f"/platform/{ticket_id}").one(id="todos").all("li")
    return next(each.attributes["id"].removeprefix("todo-") for each in todos if text in each.text)


def test_a_tick_that_is_there_already_is_no_step(mira, ticket):
    [todo] = mira.add_todos(ticket, "one")
    mira.post(f"/todos/{todo}/done", done="1")
    assert "done=" not in mira.post(f"/todos/{todo}/done", done="1").location
    assert mira.todos(ticket) == [("one", True)]
    assert len(history(mira, ticket)) == 3


@pytest.mark.parametrize("done", [None, "", "2", "-1", "true", "on", "1 ", "１", ["0", "1"]], ids=str)
def test_a_tick_is_one_or_zero(mira, ticket, done):
    [todo] = mira.add_todos(ticket, "one")
    response = mira.post(f"/todos/{todo}/done", **({} if done is None else {"done": done}))
    assert response.status_code in (400, 422)
    assert "“done”" in problems(parse(response))[0]
    assert mira.todos(ticket) == [("one", False)]


@pytest.mark.parametrize("mover", ["a", "b", "c"])
@pytest.mark.parametrize("before", ["a", "b", "c", None])
def test_a_todo_moves_before_any_other_or_to_the_end(mira, ticket, mover, before):
    ids = dict(zip("abc", mira.add_todos(ticket, *"abc")))
    mira.post(f"/todos/{ids[mover]}/position", before=ids.get(before, ""))
    expected = [letter for letter in "abc" if letter != mover]
    if before == mover:
        expected = list("abc")
    else:
        expected.insert(expected.index(before) if before else 2, mover)
    assert texts(mira, ticket) == expected


def test_the_arrows_move_a_todo_by_one(mira, ticket):
    mira.add_todos(ticket, *"abc")
    here = f"/platform/{ticket}"
    assert toast(land(mira, press(mira, here, "Move a down"))) == "Moved “a” to another place"
    assert texts(mira, ticket) == ["b", "a", "c"]
    press(mira, here, "Move a down")
    assert texts(mira, ticket) == ["b", "c", "a"]
    press(mira, here, "Move a up")
    press(mira, here, "Move a up")
    assert texts(mira, ticket) == ["a", "b", "c"]
    names = [button.name for button in read(mira, here).all("button")]
    assert "Move a up" not in names
    assert "Move c down" not in names


def test_before_a_todo_that_left_the_list_means_the_end(mira):
    one, two = mira.add_tickets("one", "two")
    a, b, c = mira.add_todos(one, *"abc")
    [x] = mira.add_todos(two, "x")
    mira.post(f"/todos/{b}/delete")
    mira.post(f"/todos/{a}/position", before=b)
    assert texts(mira, one) == ["c", "a"]
    mira.post(f"/todos/{c}/position", before=x)
    assert texts(mira, one) == ["a", "c"]
    assert texts(mira, two) == ["x"]


def test_before_somebody_elses_todo_is_not_found(new_person):
    mira, noor = new_person(), new_person()
    [mine], [theirs] = mira.add_tickets("mine"), noor.add_tickets("theirs")
    todo, _ = mira.add_todos(mine, "a", "b")
    for before in (*noor.add_todos(theirs, "x"), 2**31 - 1):
        assert mira.post(f"/todos/{todo}/position", before=before).status_code == 404
    assert texts(mira, mine) == ["a", "b"]


def test_a_deleted_todo_leaves_the_list_and_undo_brings_it_back(mira, ticket):
    mira.add_todos(ticket, *"abc")
    response = press(mira, f"/platform/{ticket}", "Delete b")
    assert toast(land(mira, response)) == "Deleted “b”"
    assert texts(mira, ticket) == ["a", "c"]
    page = land(mira, press(mira, response.location, "Undo", "toast"))
    assert toast(page) == "Undone: Deleted “b”"
    assert texts(mira, ticket) == ["a", "b", "c"]


def test_a_todo_of_a_ticket_in_the_trash_can_not_be_changed(mira, ticket):
    todo, other = mira.add_todos(ticket, "one", "two")
    mira.post(f"/tickets/{ticket}/delete")
    for way, fields in {
        "text": {"text": "x"},
        "done": {"done": "1"},
        "position": {"before": other},
        "delete": {},
    }.items():
        assert mira.post(f"/todos/{todo}/{way}", **fields).status_code == 404
    assert mira.post(f"/tickets/{ticket}/todos", text="three").status_code == 404
    mira.post("/undo")
    assert mira.todos(ticket) == [("one", False), ("two", False)]


# The ticket on its own page


def test_the_title_is_renamed_on_its_own_page(mira, ticket):
    response = press(mira, f"/platform/{ticket}?edit=title", "Save", title="play")
    assert path_of(response) == f"/platform/{ticket}"
    page = land(mira, response)
    assert page.one("h1").text == "play"
    assert page.one("title").text == "“work” renamed to “play” · play · NIKKO"


def test_the_status_is_changed_on_its_own_page(mira, ticket):
    response = press(mira, f"/platform/{ticket}", "Done")
    assert path_of(response) == f"/platform/{ticket}"
    page = land(mira, response)
    assert [each.words for each in page.all("button", name="status", **{"aria-pressed": "true"})] == ["Done"]
    assert mira.board()["done"] == ["work"]


def test_deleting_a_ticket_on_its_own_page_leads_to_the_board(mira, ticket):
    response = press(mira, f"/platform/{ticket}", "Delete")
    assert path_of(response) == "/"
    assert toast(land(mira, response)) == "“work” deleted"


def test_deleting_another_ticket_keeps_the_person_on_their_page(mira):
    one, two = mira.add_tickets("one", "two")
    assert path_of(mira.post(f"/tickets/{two}/delete", page=f"/platform/{one}")) == f"/platform/{one}"


# History


def test_the_history_says_in_words_what_was_done(mira, ticket):
    a, b, c = mira.add_todos(ticket, "a", "b", "c")
    mira.add_todos(ticket, "d")
    mira.post(f"/todos/{a}/text", text="A")
    mira.post(f"/todos/{a}/done", done="1")
    mira.post(f"/todos/{a}/done", done="0")
    mira.post(f"/todos/{c}/position", before=b)
    mira.post(f"/todos/{b}/delete")
    mira.post(f"/trash/todos/{b}/restore")
    mira.post(f"/tickets/{ticket}/title", title="play")
    [above] = mira.add_tickets("above")
    mira.post(f"/tickets/{ticket}/position", status="todo", before=above)
    mira.post(f"/tickets/{ticket}/status", status="in_progress")
    mira.post(f"/tickets/{ticket}/position", status="done", before="")
    mira.post(f"/tickets/{ticket}/delete")
    mira.post(f"/trash/tickets/{ticket}/restore")
    mira.post("/undo")
    mira.post("/redo")
    mira.post("/undo", action=action_of(mira, ticket, "todo_edit"))
    assert history(mira, ticket) == [
        "Undone: Changed “a” to “A”",
        "Done again: Restored",
        "Undone: Restored",
        "Restored",
        "Deleted",
        "Moved from In progress to Done",
        "Moved from To do to In progress",
        "Moved to another place",
        "Renamed from “work” to “play”",
        "Restored “b”",
        "Deleted “b”",
        "Moved “c” to another place",
        "Unticked “a”",
        "Ticked “a”",
        "Changed “a” to “A”",
        "Added “d”",
        "Added 3 to-dos",
        "Added",
    ]


def action_of(person, ticket_id, kind):
    return person.site.db.execute(
        "SELECT id FROM actions WHERE ticket_id = ? AND kind = ?", ticket_id, kind
    )[0]["id"]  # fmt: skip


def test_the_undo_of_a_move_names_where_it_came_from(mira, ticket):
    mira.post(f"/tickets/{ticket}/status", status="done")
    mira.post("/undo")
    mira.post("/redo")
    mira.post(f"/tickets/{ticket}/title", title="x")
    mira.post("/undo")
    assert history(mira, ticket)[:5] == [
        "Undone: Renamed from “work” to “x”",
        "Renamed from “work” to “x”",
        "Done again: Moved from To do to Done",
        "Undone: Moved from To do to Done",
        "Moved from To do to Done",
    ]


def test_a_step_in_the_history_is_undone_by_its_button(mira, ticket):
    [todo] = mira.add_todos(ticket, "one")
    mira.post(f"/todos/{todo}/text", text="eins")
    mira.post(f"/todos/{todo}/done", done="1")
    response = press(mira, f"/platform/{ticket}", "Undo this: Changed “one” to “eins”")
    assert path_of(response) == f"/platform/{ticket}"
    assert toast(land(mira, response)) == "Undone: Changed “one” to “eins”"
    assert mira.todos(ticket) == [("one", True)]
    names = [button.name for button in read(mira, f"/platform/{ticket}").all("button")]
    assert [name for name in names if name.startswith("Undo this")] == [
        "Undo this: Ticked “one”",
        "Undo this: Added “one”",
    ]


def test_tickets_do_not_share_their_history(mira):
    one, two = mira.add_tickets("one", "two")
    mira.add_todos(one, "a")
    assert history(mira, one) == ["Added “a”", "Added"]
    assert history(mira, two) == ["Added"]


def test_the_history_shows_the_latest_fifty_steps(mira, ticket):
    for number in range(55):
        mira.post(f"/tickets/{ticket}/title", title=f"title {number}")
    sentences = history(mira, ticket)
    assert len(sentences) == 50
    assert sentences[0] == "Renamed from “title 53” to “title 54”"


def test_a_step_of_which_everything_was_purged_is_gone_from_the_history(mira, ticket):
    one, _ = mira.add_todos(ticket, "one", "two")
    mira.post(f"/todos/{one}/done", done="1")
    mira.post(f"/todos/{one}/delete")
    mira.post("/trash/empty")
    assert history(mira, ticket) == ["Added “two”", "Added"]


# What it costs


def test_the_platform_page_takes_five_statements_whatever_is_on_it(mira, ticket):
    with counted(mira.site.db) as few:
        mira.get(f"/platform/{ticket}")
    todos = mira.add_todos(ticket, *map(str, range(30)))
    for other in mira.add_tickets(*"abcdefgh"):
        mira.add_todos(other, "x", "y")
    for todo in todos[:5]:
        mira.post(f"/todos/{todo}/done", done="1")
    with counted(mira.site.db) as many:
        mira.get(f"/platform/{ticket}")
    # the session with its person, the ticket, its to-dos, the tickets beside it, its history
    assert len(few) == len(many) == 5


def test_a_toast_takes_two_statements_at_most(mira, ticket):
    response = mira.post(f"/tickets/{ticket}/todos", text="\n".join(map(str, range(90))))
    with counted(mira.site.db) as statements:
        assert toast(read(mira, response.location)) == "Added 90 to-dos"
    assert len(statements) == 7
