"""The board: adding, renaming, moving and deleting tickets with plain forms."""

import re

import pytest
from hostile import HOSTILE_TEXTS
from pages import at_once, counted, kept, land, one_engine, parse, path_of, press, problems, read, toast

import words

STATUSES = ("todo", "in_progress", "done")


def titles(person):
    """The titles in To do; on an empty board there are no columns."""
    return person.board().get("todo", [])


def version(person):
    return person.site.db.execute("SELECT version FROM users WHERE id = ?", person.id)[0]["version"]


def actions(person):
    """How many steps the journal has of somebody."""
    return person.site.db.execute("SELECT COUNT(*) AS count FROM actions WHERE user_id = ?", person.id)[0]["count"]


# Adding


def test_a_new_ticket_stands_at_the_top_of_to_do(mira):
    mira.add_tickets("first")
    response = press(mira, "/", "Add", title="second")
    assert path_of(response) == "/"
    assert mira.board() == {"todo": ["second", "first"], "in_progress": [], "done": []}


@pytest.mark.parametrize("status", STATUSES)
def test_a_ticket_can_be_added_to_each_column(mira, status):
    mira.add_tickets("there")
    press(mira, f"/?add={status}", "Add", f"column-{status}", title="new")
    assert mira.board()[status][0] == "new"


@one_engine
@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\n\n\r\n \r"], ids=repr)
def test_several_lines_make_several_tickets_in_their_order(mira, break_):
    mira.post("/tickets", title=break_.join(["", "one", "two", "three", ""]))
    mira.post("/tickets", title="before")
    assert mira.board()["todo"] == ["before", "one", "two", "three"]
    assert actions(mira) == 2


@one_engine
@pytest.mark.parametrize("letter", ["\u2028", "\u2029", "\u0085", "\v", "\f", "\x1c", "\x1d", "\x1e"], ids=repr)
def test_nothing_else_ends_a_line(mira, letter):
    mira.post("/tickets", title=f"a{letter}b")
    assert mira.board()["todo"] == [f"a{letter}b"]


def test_every_hostile_title_comes_back_as_it_was_typed(mira):
    for start in range(0, len(HOSTILE_TEXTS), 30):
        texts = HOSTILE_TEXTS[start : start + 30]
        ids = mira.add_tickets(*texts, status="done")
        assert mira.board()["done"][: len(texts)] == texts
    for ticket_id, text in list(zip(ids, texts))[:5]:
        page = read(mira, f"/?edit={ticket_id}")
        assert page.one(id=f"ticket-{ticket_id}-edit").text == text
        assert page.one("input", name="was").attributes["value"] == text


def test_every_hostile_text_can_be_a_new_title_and_stands_in_the_toast(mira):
    [ticket_id] = mira.add_tickets("plain")
    was = "plain"
    for text in HOSTILE_TEXTS:
        response = mira.post(f"/tickets/{ticket_id}/title", page="/", title=text, was=was)
        page = land(mira, response)
        assert page.one(id=f"ticket-{ticket_id}").one("h3").text == text
        assert page.one(id="toast").all("span")[0].text == f"“{words.named(was)}” renamed to “{words.named(text)}”"
        was = text


@pytest.mark.parametrize("text", ["x" * 500, "😀" * 500, "  " + "ß" * 500 + " \t"], ids=["x", "emoji", "trimmed"])
def test_a_title_may_have_five_hundred_characters(mira, text):
    assert mira.post("/tickets", title=text).status_code == 303
    assert mira.board()["todo"] == [text.strip()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("😀" * 501, "That is 501 characters; the limit is 500."),
        ("good\n" + "x" * 501, "That is 501 characters; the limit is 500."),
        ("", "Write something first."),
        (" \n\t\u3000\r\n", "Write something first."),
        ("a\0b", "The text has a NUL character, which can't be stored."),
        ("x\n" * 501, "501 lines at once are too many; the limit is 500."),
    ],
    ids=["emoji", "second line", "empty", "blank", "NUL", "501 lines"],
)
@pytest.mark.parametrize("tickets", [[], ["there"]], ids=["empty board", "board"])
def test_a_refused_title_stays_in_its_field_with_the_message(mira, tickets, text, message):
    if tickets:
        mira.add_tickets(*tickets)
    before = version(mira)
    response = mira.post("/tickets", page="/", title=text, status="todo")
    page = parse(response)
    assert response.status_code == 422
    assert problems(page) == [message]
    field = page.one(id="add-todo-text")
    assert field.text == text
    assert field.attributes["aria-invalid"] == "true"
    assert page.one(id=field.attributes["aria-describedby"]).words == message
    assert titles(mira) == tickets
    assert version(mira) == before


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("tickets", [[], ["there"]], ids=["empty board", "board"])
def test_a_refused_title_stays_whatever_column_it_was_for(mira, status, tickets):
    if tickets:
        mira.add_tickets(*tickets)
    response = mira.post("/tickets", page=f"/?add={status}", title="x" * 501, status=status)
    assert response.status_code == 422
    page = parse(response)
    assert kept(page) == ["x" * 501]
    assert problems(page) == ["That is 501 characters; the limit is 500."]
    form = page.all("textarea")[[bool(field.text) for field in page.all("textarea")].index(True)].around("form")
    assert form.one("input", name="status").attributes["value"] == status


@pytest.mark.parametrize("status", ["", "bogus", "TODO", ["todo", "done"]], ids=str)
def test_an_unknown_status_is_refused_and_the_title_kept(mira, status):
    mira.add_tickets("there")
    response = mira.post("/tickets", page="/", title="much work", status=status)
    assert response.status_code in (400, 422)
    assert "status" in " ".join(problems(parse(response)))
    assert kept(parse(response)) == ["much work"]
    assert mira.board()["todo"] == ["there"]


def test_a_doubled_title_is_refused_and_both_are_kept(mira):
    mira.add_tickets("there")
    response = mira.post("/tickets", page="/", title=["one", "two"])
    assert response.status_code == 400
    assert problems(parse(response)) == ["Nothing was saved: the form has the field “title” more than once."]
    assert kept(parse(response)) == ["one\ntwo"]
    assert titles(mira) == ["there"]


def test_a_missing_title_is_refused(mira):
    response = mira.post("/tickets", page="/")
    assert response.status_code == 422
    assert problems(parse(response)) == ["Nothing was saved: the form lacks the field “title”."]


def test_five_hundred_lines_are_one_step(mira):
    lines = [f"line {number}" for number in range(500)]
    assert mira.post("/tickets", title="\n".join(lines)).status_code == 303
    assert mira.board()["todo"] == lines
    assert actions(mira) == 1


def test_a_board_has_room_for_a_limited_number_of_tickets(mira, monkeypatch):
    monkeypatch.setattr(mira.site, "TICKETS_LIMIT", 3)
    mira.add_tickets("one", "two")
    response = mira.post("/tickets", page="/", title="three\nfour")
    assert response.status_code == 422
    assert problems(parse(response)) == ["That would be more than 3. Delete some and empty the trash first."]
    assert kept(parse(response)) == ["three\nfour"]
    assert mira.board()["todo"] == ["one", "two"]
    assert mira.post("/tickets", title="three").status_code == 303


def test_a_person_may_have_a_hundred_thousand_tickets(site):
    assert (site.TICKETS_LIMIT, site.TODOS_LIMIT) == (100_000, 1_000)


def test_other_peoples_tickets_take_no_room(new_person, monkeypatch):
    mira, noor = new_person(), new_person()
    monkeypatch.setattr(mira.site, "TICKETS_LIMIT", 2)
    noor.add_tickets("one", "two")
    assert mira.post("/tickets", title="one\ntwo").status_code == 303


# Twice


def key_on(page):
    return page.one(id="add-todo").one("input", name="key").attributes["value"]


def test_the_same_form_twice_adds_once_and_answers_alike(mira):
    key = key_on(read(mira, "/"))
    answers = [mira.post("/tickets", page="/", title="once", status="todo", key=key) for _ in range(2)]
    assert answers[0].location == answers[1].location
    assert toast(land(mira, answers[1])) == "“once” added"
    assert mira.board()["todo"] == ["once"]


def test_the_same_form_twice_at_the_same_moment_adds_once(mira):
    key = key_on(read(mira, "/"))
    browsers = [mira.another_browser() for _ in range(4)]
    answers = at_once(
        *[lambda each=each: each.post("/tickets", title="one\ntwo", status="todo", key=key) for each in browsers]
    )
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.location for answer in answers}) == 1
    assert mira.board()["todo"] == ["one", "two"]


def test_the_same_form_twice_adds_nothing_after_an_undo(mira):
    key = key_on(read(mira, "/"))
    mira.post("/tickets", title="once", key=key)
    mira.post("/undo")
    assert mira.post("/tickets", title="once", key=key).status_code == 303
    assert titles(mira) == []


def test_another_text_with_the_same_key_is_not_lost(mira):
    key = key_on(read(mira, "/"))
    mira.post("/tickets", title="one", key=key)
    mira.post("/tickets", title="two", key=key)
    assert mira.board()["todo"] == ["two", "one"]


def test_each_page_carries_another_key(mira):
    assert key_on(read(mira, "/")) != key_on(read(mira, "/"))


def test_the_same_line_from_two_pages_is_added_twice(mira):
    keys = [key_on(read(mira, "/")) for _ in range(3)]
    for key in keys[:2]:
        mira.post("/tickets", title="milk", key=key)
    assert titles(mira) == ["milk", "milk"]
    mira.post("/undo")
    mira.post("/tickets", title="milk", key=keys[2])
    assert titles(mira) == ["milk", "milk"]


def test_two_people_may_have_the_same_key(new_person):
    mira, noor = new_person(), new_person()
    for person in (mira, noor):
        person.post("/tickets", title="same", key="k")
        assert person.board()["todo"] == ["same"]


def test_without_a_key_twice_is_twice(mira):
    for _ in range(2):
        mira.post("/tickets", title="twice", key="")
    assert mira.board()["todo"] == ["twice", "twice"]


# Renaming


def test_the_rename_link_draws_the_title_as_a_field(mira):
    one, two = mira.add_tickets("one", "two")
    link = next(each for each in read(mira, "/").all("a") if each.name == "Rename two")
    page = read(mira, link.attributes["href"])
    assert page.one(id=f"ticket-{two}-edit").text == "two"
    assert not page.has(id=f"ticket-{one}-edit")
    response = press(mira, f"/?edit={two}", "Save", title="zwei")
    assert response.location.endswith(f"#ticket-{two}")
    assert toast(land(mira, response)) == "“two” renamed to “zwei”"
    assert mira.board()["todo"] == ["one", "zwei"]


def test_a_rename_without_was_is_saved(mira):
    [ticket_id] = mira.add_tickets("old")
    mira.post(f"/tickets/{ticket_id}/title", title="new")
    assert mira.board()["todo"] == ["new"]


def test_a_stale_rename_shows_both_texts_and_saves_nothing(mira):
    [ticket_id] = mira.add_tickets("old")
    mira.another_browser().post(f"/tickets/{ticket_id}/title", title="theirs")
    before = version(mira)
    response = mira.post(f"/tickets/{ticket_id}/title", page="/", title="mine", was="old")
    page = parse(response)
    assert response.status_code == 409
    assert page.one("textarea").text == "mine"
    assert "theirs" in page.one(id="main").text
    assert mira.board()["todo"] == ["theirs"]
    assert actions(mira) == 2
    assert page.one("h1").words == "This was changed elsewhere"
    assert version(mira) - before <= 1


@pytest.mark.parametrize("page", ["/", "/platform/{}"])
def test_the_choice_on_a_stale_page_works_both_ways(mira, page):
    [ticket_id] = mira.add_tickets("theirs")
    page = page.format(ticket_id)
    stale = parse(mira.post(f"/tickets/{ticket_id}/title", page=page, title="mine", was="old"))
    keep = next(link for link in stale.all("a") if link.name == "Keep what is there")
    assert keep.attributes["href"] == page
    form = stale.one("textarea").around("form")
    fields = {
        each.attributes["name"]: each.attributes.get("value", each.text)
        for each in form.all()
        if "name" in each.attributes
    }
    assert fields == {"title": "mine", "was": "theirs", "back": page}
    assert mira.post(form.attributes["action"], page="/", **fields).status_code == 303
    assert mira.board()["todo"] == ["mine"]


def test_a_stale_rename_to_what_is_there_already_is_no_conflict(mira):
    [ticket_id] = mira.add_tickets("same")
    assert mira.post(f"/tickets/{ticket_id}/title", title="same", was="old").status_code == 303
    assert actions(mira) == 1


def test_two_renames_at_the_same_moment_save_one_and_show_it_to_the_other(mira):
    [ticket_id] = mira.add_tickets("old")
    browsers = [mira.another_browser(), mira.another_browser()]
    answers = at_once(
        *[
            lambda each=each, text=text: each.post(f"/tickets/{ticket_id}/title", title=text, was="old")
            for each, text in zip(browsers, ["one", "two"])
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    saved = "one" if answers[0].status_code == 303 else "two"
    assert mira.board()["todo"] == [saved]


def test_the_same_title_again_is_no_step(mira):
    [ticket_id] = mira.add_tickets("same")
    response = mira.post(f"/tickets/{ticket_id}/title", title="  same ", was="same")
    assert "done=" not in response.location
    assert actions(mira) == 1


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r"], ids=repr)
def test_a_line_break_in_a_rename_becomes_a_space(mira, break_):
    [ticket_id] = mira.add_tickets("old")
    mira.post(f"/tickets/{ticket_id}/title", title=f"one{break_}two{break_}")
    assert mira.board()["todo"] == ["one two"]


@pytest.mark.parametrize("page", ["/", "/platform/{}"])
@pytest.mark.parametrize("title", ["", "x" * 501, "a\0b"], ids=["empty", "long", "NUL"])
def test_a_refused_rename_keeps_what_was_typed(mira, page, title):
    [ticket_id, _] = mira.add_tickets("old", "other")
    response = mira.post(f"/tickets/{ticket_id}/title", page=page.format(ticket_id), title=title, was="old")
    assert response.status_code == 422
    answer = parse(response)
    assert len(problems(answer)) == 1
    field = answer.one("textarea", name="title", **{"aria-invalid": "true"})
    assert field.text == title
    assert field.around("form").one("input", name="was").attributes["value"] == "old"
    assert mira.board()["todo"] == ["old", "other"]


def test_a_refused_rename_of_a_ticket_that_is_gone_keeps_what_was_typed(mira):
    [ticket_id, _] = mira.add_tickets("gone", "other")
    mira.post(f"/tickets/{ticket_id}/delete")
    response = mira.post(f"/tickets/{ticket_id}/title", page="/", title="y" * 501)
    assert response.status_code in (404, 422)
    assert kept(parse(response)) == ["y" * 501]


# Moving


def test_the_arrows_move_a_ticket_to_the_top_of_the_next_column(mira):
    mira.add_tickets("there", status="in_progress")
    ticket_id, _ = mira.add_tickets("one", "two")
    page = land(mira, press(mira, "/", "Move one to In progress"))
    assert toast(page) == "“one” moved from To do to In progress"
    assert mira.board() == {"todo": ["two"], "in_progress": ["one", "there"], "done": []}
    press(mira, "/", "Move one to Done")
    press(mira, "/", "Move one to In progress")
    press(mira, "/", "Move one to To do")
    assert mira.board() == {"todo": ["one", "two"], "in_progress": ["there"], "done": []}
    response = mira.post(f"/tickets/{ticket_id}/status", status="done")
    assert response.location.endswith(f"#ticket-{ticket_id}")


def test_the_status_that_it_has_already_changes_nothing(mira):
    mira.add_tickets("above")
    one, _ = mira.add_tickets("one", "two")[::-1]
    before = mira.board()
    response = mira.post(f"/tickets/{one}/status", status="todo")
    assert "done=" not in response.location
    assert mira.board() == before
    assert actions(mira) == 2


@pytest.mark.parametrize("status", [None, "", "bogus", "Done", ["todo", "done"]], ids=str)
@pytest.mark.parametrize("route", ["status", "position"])
def test_a_ticket_moves_to_one_of_three_columns_only(mira, route, status):
    [ticket_id] = mira.add_tickets("here")
    fields = {} if status is None else {"status": status}
    response = mira.post(f"/tickets/{ticket_id}/{route}", **fields)
    assert response.status_code in (400, 422)
    assert "status" in problems(parse(response))[0]
    assert mira.board()["todo"] == ["here"]


@pytest.mark.parametrize("mover", ["a", "b", "c", "d"])
@pytest.mark.parametrize("before", ["a", "b", "c", "d", None])
def test_a_ticket_moves_before_any_other_or_to_the_end(mira, mover, before):
    ids = dict(zip("abcd", mira.add_tickets(*"abcd")))
    mira.post(f"/tickets/{ids[mover]}/position", status="todo", before=ids.get(before, ""))
    expected = [letter for letter in "abcd" if letter != mover]
    if before == mover:
        expected = list("abcd")
    else:
        expected.insert(expected.index(before) if before else 3, mover)
    assert mira.board()["todo"] == expected


@pytest.mark.parametrize("before", ["x", "y", None])
def test_a_ticket_moves_to_any_place_of_another_column(mira, before):
    ids = dict(zip("xy", mira.add_tickets("x", "y", status="done")))
    [ticket_id] = mira.add_tickets("new")
    mira.post(f"/tickets/{ticket_id}/position", status="done", before=ids.get(before, ""))
    assert mira.board()["done"] == {"x": ["new", "x", "y"], "y": ["x", "new", "y"], None: ["x", "y", "new"]}[before]


def test_the_move_form_offers_every_place_of_every_column(mira):
    ids = mira.add_tickets("a", "b", "c")
    mira.add_tickets("x", status="done")
    page = read(mira, f"/?move={ids[1]}")
    offered = {
        select.attributes["id"]: [option.words for option in select.all("option")] for select in page.all("select")
    }
    assert offered == {
        f"before-{ids[1]}-todo": ["At the top, before “a”", "Before “c”", "At the end"],
        f"before-{ids[1]}-in_progress": ["The only one"],
        f"before-{ids[1]}-done": ["At the top, before “x”", "At the end"],
    }
    response = press(mira, f"/?move={ids[1]}", "Move to To do", before=str(ids[0]))
    assert toast(land(mira, response)) == "“b” moved to another place"
    press(mira, f"/?move={ids[2]}", "Move to Done", before="")
    assert mira.board() == {"todo": ["b", "a"], "in_progress": [], "done": ["x", "c"]}


def test_a_place_in_the_same_column_leaves_the_day_of_its_status(mira):
    one, _ = mira.add_tickets("one", "two", status="done")
    mira.site.db.execute("UPDATE tickets SET status_since = 1000 WHERE id = ?", one)
    mira.post(f"/tickets/{one}/position", status="done")
    since = "SELECT status_since FROM tickets WHERE id = ?"
    assert mira.site.db.execute(since, one)[0]["status_since"] == 1000
    mira.post(f"/tickets/{one}/position", status="todo")
    assert mira.site.db.execute(since, one)[0]["status_since"] > 1000


def test_before_a_ticket_that_left_the_column_means_the_end(mira):
    a, b, c = mira.add_tickets("a", "b", "c")
    mira.post(f"/tickets/{b}/status", status="done")
    mira.post(f"/tickets/{a}/position", status="todo", before=b)
    assert mira.board()["todo"] == ["c", "a"]
    mira.post(f"/tickets/{a}/delete")
    [d] = mira.add_tickets("d")
    mira.post(f"/tickets/{d}/position", status="todo", before=a)
    assert mira.board()["todo"] == ["c", "d"]
    assert c


def test_before_itself_in_another_column_means_its_end(mira):
    [ticket_id] = mira.add_tickets("a")
    mira.add_tickets("x", status="done")
    mira.post(f"/tickets/{ticket_id}/position", status="done", before=ticket_id)
    assert mira.board()["done"] == ["x", "a"]


def test_before_somebody_elses_ticket_is_not_found(new_person):
    mira, noor = new_person(), new_person()
    mine, _ = mira.add_tickets("a", "b")
    [theirs] = noor.add_tickets("x")
    for before in (theirs, 2**31 - 1):
        assert mira.post(f"/tickets/{mine}/position", status="todo", before=before).status_code == 404
    assert mira.board()["todo"] == ["a", "b"]


def test_many_moves_to_the_same_place_keep_the_order(mira):
    ids = dict(zip("abc", mira.add_tickets("a", "b", "c")))
    for mover in "bc" * 60:  # 53 bits between two positions are soon used up
        mira.post(f"/tickets/{ids[mover]}/position", status="todo", before=ids["c" if mover == "b" else "b"])
        expected = ["a", *("bc" if mover == "b" else "cb")]
        assert mira.board()["todo"] == expected


# Deleting


def test_a_deleted_ticket_leaves_the_board_and_a_toast_offers_undo(mira):
    one, _ = mira.add_tickets("one", "two")
    response = press(mira, "/", "Delete", f"ticket-{one}")
    assert path_of(response) == "/"
    assert toast(land(mira, response)) == "“one” deleted"
    assert mira.board()["todo"] == ["two"]
    page = land(mira, press(mira, response.location, "Undo", "toast"))
    assert toast(page) == "Undone: “one” deleted"
    assert mira.board()["todo"] == ["one", "two"]


def test_deleting_twice_is_not_found(mira):
    [ticket_id] = mira.add_tickets("one")
    assert mira.post(f"/tickets/{ticket_id}/delete").status_code == 303
    assert mira.post(f"/tickets/{ticket_id}/delete").status_code == 404


# The page


def test_the_toast_undoes_the_action_of_which_it_tells(mira):
    response = mira.post("/tickets", page="/", title="one")
    mira.post("/tickets", page="/", title="two")
    page = land(mira, press(mira, response.location, "Undo", "toast"))
    assert toast(page) == "Undone: “one” added"
    assert mira.board()["todo"] == ["two"]
    undone = re.search(r"/\?done=\d+", response.location)[0]
    assert not read(mira, undone).one(id="toast").has("form"), "what is undone can't be undone again"


@pytest.mark.parametrize("done", ["", "0", "x", "999999999", "99999999999999999999", "%00", "-1", "1.5"])
def test_a_toast_of_no_action_is_no_toast(mira, done):
    assert toast(read(mira, f"/?done={done}")) is None


def test_a_toast_of_somebody_elses_action_is_no_toast(new_person):
    mira, noor = new_person(), new_person()
    response = noor.post("/tickets", page="/", title="secret")
    page = mira.get(response.location)
    assert "secret" not in page.text
    assert toast(parse(page)) is None


def test_what_was_done_is_told_for_a_minute_and_not_again_by_a_later_reload(mira):
    mira.add_tickets("A")
    told = mira.post("/tickets", title="B", status="todo").location
    assert toast(read(mira, told)) is not None
    mira.site.db.execute("UPDATE actions SET created_at = created_at - 61 WHERE user_id = ?", mira.id)
    assert toast(read(mira, told)) is None


@pytest.mark.parametrize("page", ["/", "/?edit=3", "/?done=1&add=done", "/trash"])
def test_an_answer_leads_back_to_the_page_of_the_form(mira, page):
    [ticket_id] = mira.add_tickets("one")
    response = mira.post(f"/tickets/{ticket_id}/status", page=page, status="done")
    assert path_of(response) == page.partition("?")[0]
    assert "edit" not in response.location
    assert "add" not in response.location


def test_an_answer_leads_back_to_the_platform_page_of_the_form(mira):
    [ticket_id] = mira.add_tickets("one")
    for page in (f"/platform/{ticket_id}", f"/platform/{ticket_id}?edit=title"):
        response = mira.post(f"/tickets/{ticket_id}/status", page=page, status="done")
        assert path_of(response) == f"/platform/{ticket_id}"


@one_engine
@pytest.mark.parametrize(
    "referrer",
    [
        "http://evil.example/",
        "http://evil.example/platform/1",
        "http://localhost.evil.example/",
        "http://localhost:81/",
        "http://localhost@evil.example/",
        "//evil.example/",
        "http://localhost//evil.example/",
        "http://localhost/\\evil.example",
        "http://localhost/login?next=//evil.example",
        "javascript:alert(1)",
        "http://[",
        "about:blank",
        "",
        "é",
    ],
)
def test_an_answer_never_leads_to_another_site(mira, referrer):
    response = mira.client.post(
        "/tickets", data={"title": "one"}, headers={"Referer": referrer.encode().decode("latin-1")}
    )
    assert response.status_code == 303
    assert re.fullmatch(r"/(\?done=\d+)?", response.location)


def test_an_empty_board_says_what_to_do_first(mira):
    page = read(mira, "/")
    assert page.one("h1").words == "Nothing on the board yet"
    assert "Write down the next thing that needs doing." in page.one(id="main").words
    press(mira, "/", "Add", title="first")
    assert mira.board()["todo"] == ["first"]


def test_the_board_counts_tickets_and_todos(mira):
    one, _ = mira.add_tickets("one", "two")
    todo, *_ = mira.add_todos(one, "a", "b", "c")
    mira.add_tickets("x", status="done")
    assert "0/3 to-dos done" in read(mira, "/").one(id=f"ticket-{one}").words
    assert not read(mira, "/").one(id=f"ticket-{one}").has("progress")
    mira.post(f"/todos/{todo}/done", done="1")
    page = read(mira, "/")
    assert "1/3 to-dos done" in page.one(id=f"ticket-{one}").words
    assert page.one(id=f"ticket-{one}").one("progress").attributes["max"] == "3"
    assert [page.one(id=f"count-{status}").words for status in STATUSES] == ["2", "0", "1"]
    assert "2 open" in page.one(id="main").words


@one_engine
@pytest.mark.parametrize("query", ["edit", "move", "add"])
@pytest.mark.parametrize("value", ["", "0", "x", "%FF", "99999999999999999999", "-1", "%F0%9D%9F%8F", "todo\0"])
def test_a_query_that_means_nothing_shows_the_board(mira, query, value):
    mira.add_tickets("one")
    page = read(mira, f"/?{query}={value}")
    assert [each.words for each in page.all("h3")] == ["one"]
    assert len(page.all("textarea")) == 1


def test_somebody_elses_ticket_can_not_be_drawn_as_a_field(new_person):
    mira, noor = new_person(), new_person()
    [theirs] = noor.add_tickets("secret")
    mira.add_tickets("mine")
    for query in ("edit", "move"):
        assert "secret" not in mira.get(f"/?{query}={theirs}").text


def test_the_board_takes_two_statements_whatever_is_on_it(mira):
    with counted(mira.site.db) as few:
        mira.get("/")
    ids = [*mira.add_tickets(*"abcdefgh"), *mira.add_tickets(*"xyz", status="done")]
    for ticket_id in ids[:3]:
        mira.add_todos(ticket_id, *"12345")
    with counted(mira.site.db) as many:
        mira.get("/")
    assert len(few) == len(many) == 2  # the session with its person, the tickets with their counts


def test_a_status_change_takes_eight_statements_however_many_tickets_there_are(mira):
    counts = []
    for _ in range(2):
        [ticket_id, *_] = mira.add_tickets(*"abcdefgh")
        mira.add_tickets(*"xyz", status="done")
        with counted(mira.site.db) as statements:
            mira.post(f"/tickets/{ticket_id}/status", status="done")
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 8


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [("gzip", "gzip"), ("*", "gzip"), ("gzip;q=0.1", "gzip"), ("gzip;q=0", None), ("*;q=0", None), ("br", None)],
)
@one_engine
def test_pages_and_styles_are_compressed_for_who_takes_that(mira, accepted, sent):
    style = re.search(r"/static/\w+/nikko.css", mira.get("/").text)[0]
    for path in ("/", style):
        assert mira.get(path, headers={"Accept-Encoding": accepted}).headers.get("Content-Encoding") == sent


def test_a_toast_keeps_what_happened_beside_a_long_title_and_one_from_right_to_left(mira):
    [long, hebrew] = mira.add_tickets("word " * 99 + "word", "שלום")
    assert toast(land(mira, mira.post(f"/tickets/{long}/archive"))) == f"“{'word ' * 15}word…” archived"
    assert toast(land(mira, mira.post(f"/tickets/{hebrew}/archive"))) == "“\u2068שלום\u2069” archived"
    [turned] = mira.add_tickets("\u202eabc")
    assert toast(land(mira, mira.post(f"/tickets/{turned}/archive"))) == "“\u2068\u202eabc\u2069” archived"


def test_who_adds_what_the_search_hides_is_told(mira):
    mira.add_tickets("Fix the tap", "Hang the lamp")
    answer = mira.ajax("/tickets", title="Paint the hall", status="todo", back="/?q=tap")
    assert toast(parse(answer)) == "“Paint the hall” added; not shown in this view"
    answer = mira.ajax("/tickets", title="Fix the other tap", status="todo", back="/?q=tap")
    assert toast(parse(answer)) == "“Fix the other tap” added"
    [lamp] = mira.ids("SELECT id FROM tickets WHERE user_id = ? AND title = 'Hang the lamp' LIMIT ?", 1)
    assert toast(parse(mira.ajax(f"/tickets/{lamp}/delete", back="/?q=tap"))) == "“Hang the lamp” deleted"


@pytest.mark.parametrize(("path", "first"), [("/", "todo"), ("/?q=tap", "done"), ("/?q=nothing", "todo")])
def test_a_phone_begins_with_the_first_column_that_has_what_was_searched_for(mira, path, first):
    mira.add_tickets("Hang the lamp")
    mira.add_tickets("Fix the tap", status="done")
    page = read(mira, path)
    assert [column.attributes["id"] for column in page.all("section") if "first" in column.attributes["class"]] == [
        f"column-{first}"
    ]
    assert page.one("a", **{"class": "first"}).attributes["href"] == f"#column-{first}"


def test_an_address_that_repeats_itself_makes_no_longer_page(mira):
    for _ in range(4):
        mira.add_tickets(*(f"Ticket {number}" for number in range(500)), status="done")
    page = read(mira, "/?" + "more=done&" * 100)
    assert len(page.all("h3")) == 1_520
    assert page.one(id="older-done").words == "A search finds the others."
    assert len(mira.get("/?" + "q=&" * 5_000).data) < len(mira.get("/?q=").data) + 1_000


def test_an_undo_of_many_tickets_in_a_search_asks_for_few_of_them(mira):
    mira.add_tickets(*(f"Ticket {number}" for number in range(200)))
    with counted(mira.site.db) as statements:
        answer = mira.ajax("/undo", back="/?q=nothing")
    assert toast(parse(answer)) == "Undone: 200 tickets added"
    assert sum("AS following" in sql for sql in statements) == 3
