"""Search, "Show older" and opened cards: the same with the script, which loads no page, and without it."""

import re

import pytest

from .screen import DESK, PHONE, expect
from .test_script import is_marked, mark


@pytest.fixture
def board(screen, person):
    """A screen with a board on which something can be found."""
    screen.tap, screen.lamp = person.add_tickets("Replace the kitchen tap", "Hang the lamp")
    person.add_tickets("Paint the kitchen", status="in_progress")
    person.add_tickets("Renew the domain", status="done")
    screen.hole, screen.hose = person.add_todos(screen.tap, "Measure the hole", "Buy a hose")
    screen.open()
    mark(screen.page)
    return screen


def field(screen):
    return screen.page.get_by_role("searchbox")


def search(screen, text):
    """Search for that: Enter sends it, with or without the script."""
    screen.press(field(screen))
    field(screen).fill(text)
    field(screen).press("Enter")


def stayed(screen):
    """Whether no page was loaded, as far as there is a script to save it."""
    return is_marked(screen.page) or not screen.script


def older(screen, status="done"):
    return screen.page.locator(f"#older-{status}")


# Search


@pytest.mark.parametrize("device", [DESK, PHONE], ids=str)
def test_typing_shows_what_is_found_and_clearing_shows_the_board(board):
    board.press(field(board))
    field(board).press_sequentially("kitchen")
    board.shows(todo=["Replace the kitchen tap"], in_progress=["Paint the kitchen"], done=[])
    expect(board.page).to_have_url(re.compile(r"/\?q=kitchen$"))
    expect(board.page.locator("mark")).to_have_text(["kitchen", "kitchen"])
    expect(board.page.get_by_role("heading", name="Found")).to_be_visible()
    expect(field(board)).to_be_focused()
    field(board).press_sequentially(" hole")
    board.shows(todo=["Replace the kitchen tap"], in_progress=[], done=[])
    expect(board.page.locator(".found mark")).to_have_text("hole")
    field(board).press_sequentially("x")
    expect(board.page.get_by_role("heading", name="Nothing found")).to_be_visible()
    field(board).fill("")
    board.shows(todo=["Replace the kitchen tap", "Hang the lamp"], in_progress=["Paint the kitchen"])
    expect(board.page).to_have_url(re.compile(r"/$"))
    expect(field(board)).to_be_focused()
    assert is_marked(board.page)


def test_enter_makes_an_entry_of_the_history_and_back_returns(board):
    search(board, "lamp")
    board.shows(todo=["Hang the lamp"], in_progress=[], done=[])
    search(board, "kitchen")
    board.shows(todo=["Replace the kitchen tap"], in_progress=["Paint the kitchen"], done=[])
    assert stayed(board)
    board.page.go_back()
    board.shows(todo=["Hang the lamp"], in_progress=[], done=[])
    expect(field(board)).to_have_value("lamp")
    board.page.go_back()
    board.shows(todo=["Replace the kitchen tap", "Hang the lamp"], in_progress=["Paint the kitchen"])
    expect(field(board)).to_have_value("")
    expect(board.page).to_have_url(re.compile(r"/$"))
    board.page.go_forward()
    board.shows(todo=["Hang the lamp"], in_progress=[], done=[])
    expect(field(board)).to_have_value("lamp")
    board.press(board.page.get_by_role("link", name="Show the whole board"))
    board.shows(todo=["Replace the kitchen tap", "Hang the lamp"], in_progress=["Paint the kitchen"])
    assert stayed(board)


@pytest.mark.parametrize("device", [DESK], ids=str)
@pytest.mark.parametrize("is_entered", [True, False], ids=["entered", "only typed"])
def test_back_returns_to_the_board_after_a_search_was_typed(board, is_entered):
    entries = board.page.evaluate("history.length")
    for letter in "kitchen":
        with board.page.expect_response(re.compile(r"\?q=")):
            field(board).press(letter)
    board.shows(todo=["Replace the kitchen tap"], in_progress=["Paint the kitchen"], done=[])
    if is_entered:
        with board.page.expect_response(re.compile(r"\?q=")):
            field(board).press("Enter")
    assert board.page.evaluate("history.length") == entries + 1
    board.page.go_back()
    board.shows(todo=["Replace the kitchen tap", "Hang the lamp"], in_progress=["Paint the kitchen"])
    expect(board.page).to_have_url(re.compile(r"/$"))
    expect(field(board)).to_have_value("")
    assert is_marked(board.page)


def test_an_action_inside_a_search_stays_there_and_what_no_longer_matches_goes(board, person):
    search(board, "kitchen")
    board.shows(todo=["Replace the kitchen tap"], in_progress=["Paint the kitchen"], done=[])
    board.move("Replace the kitchen tap", "in_progress")
    board.shows(todo=[], in_progress=["Replace the kitchen tap", "Paint the kitchen"], done=[])
    board.show_column("in_progress")
    board.save(board.start_renaming("Paint the kitchen"), "Paint the hall")
    hidden = "; not shown in this view" if board.script else ""
    board.says(f"“Paint the kitchen” renamed to “Paint the hall”{hidden}")
    board.shows(todo=[], in_progress=["Replace the kitchen tap"], done=[])
    expect(board.page).to_have_url(re.compile(r"/\?q=kitchen"))
    board.press_button("Undo", board.page.locator("#toast"))
    board.shows(in_progress=["Replace the kitchen tap", "Paint the kitchen"])
    expect(board.page.locator("mark")).to_have_text(["kitchen", "kitchen"])
    board.delete("Replace the kitchen tap")
    board.shows(in_progress=["Paint the kitchen"])
    expect(board.page).to_have_url(re.compile(r"/\?q=kitchen"))
    assert stayed(board)
    assert person.board()["todo"] == ["Hang the lamp"]


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_what_changes_elsewhere_shows_in_a_search(board, person):
    search(board, "kitchen")
    board.shows(todo=["Replace the kitchen tap"], in_progress=["Paint the kitchen"], done=[])
    person.post(f"/tickets/{board.lamp}/title", title="Hang the kitchen lamp")
    person.post(f"/tickets/{board.tap}/title", title="Replace the tap")
    board.shows(todo=["Hang the kitchen lamp"], in_progress=["Paint the kitchen"], done=[])
    assert is_marked(board.page)


def test_from_the_platform_page_a_search_leads_to_the_board(board):
    board.open(f"/platform/{board.tap}")
    search(board, "lamp")
    board.shows(todo=["Hang the lamp"], in_progress=[], done=[])
    expect(field(board)).to_have_value("lamp")


# Show older


def test_older_tickets_show_and_counts_are_right_while_tickets_go_out_of_done_and_into_it(screen, person):
    names = [f"finished {number}" for number in range(25)]
    person.add_tickets("A", status="in_progress")
    person.add_tickets(*names, status="done")
    screen.open()
    mark(screen.page)

    def shows(done, count, more):
        expect(screen.page.locator("#tickets-done h3")).to_have_text(done)
        expect(screen.page.locator("#count-done")).to_have_text(str(count))
        if more:
            expect(older(screen)).to_have_text(f"Show {more} older")
            screen.show_column("done")
            expect(older(screen)).to_be_visible()
        else:
            expect(older(screen).locator("a:visible")).to_have_count(0)

    def move(title, start, end):
        screen.show_column(start)
        screen.move(title, end)

    screen.show_column("done")
    shows(names[:20], 25, 5)
    if screen.script:  # which doesn't draw the column anew, so that what is shown gets fewer and more
        move("finished 3", "done", "in_progress")
        shows([*names[:3], *names[4:20]], 24, 5)
        move("A", "in_progress", "done")
        shows(["A", *names[:3], *names[4:20]], 25, 5)
        move("finished 19", "done", "in_progress")
        shows(["A", *names[:3], *names[4:19]], 24, 5)
        screen.press_button("Undo", screen.page.locator("#toast"))
        shows(["A", *names[:3], *names[4:20]], 25, 5)
    else:
        move("finished 3", "done", "in_progress")
        shows([*names[:3], *names[4:21]], 24, 4)
        move("A", "in_progress", "done")
        shows(["A", *names[:3], *names[4:20]], 25, 5)
    screen.press(older(screen).get_by_role("link"))
    rest = ["A", *names[:3], *names[4:]]
    shows(rest, 25, 0)
    screen.show_column("done")
    screen.choose(screen.card("finished 1"), "Move to…")
    screen.page.get_by_label("Done", exact=True).select_option("At the end")
    screen.press_button("Move to Done")
    rest.remove("finished 1")
    shows([*rest, "finished 1"], 25, 0)
    move("finished 24", "done", "in_progress")
    rest.remove("finished 24")
    shows([*rest, "finished 1"], 24, 0)
    screen.delete("finished 5") if not screen.touch else move("finished 5", "done", "in_progress")
    rest.remove("finished 5")
    shows([*rest, "finished 1"], 23, 0)
    assert stayed(screen)
    assert person.board()["done"] == [*rest, "finished 1"]
    screen.page.reload()
    shows([*rest, "finished 1"], 23, 0)


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_what_is_left_of_done_is_filled_up_when_most_of_what_was_shown_has_gone(screen, person):
    ids = person.add_tickets(*(f"finished {number}" for number in range(25)), status="done")
    screen.open()
    mark(screen.page)
    for ticket_id in ids[:12]:
        screen.page.locator(f"#ticket-{ticket_id} [data-k=left]").dispatch_event("click")
    expect(screen.page.locator("#count-done")).to_have_text("13")
    expect(screen.page.locator("#tickets-done li")).to_have_count(13)
    expect(older(screen).locator("a:visible")).to_have_count(0)
    assert is_marked(screen.page)


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_back_takes_show_older_back(screen, person):
    person.add_tickets(*(f"finished {number}" for number in range(25)), status="done")
    screen.open()
    screen.press(older(screen).get_by_role("link"))
    expect(screen.page.locator("#tickets-done li")).to_have_count(25)
    screen.page.reload()
    expect(screen.page.locator("#tickets-done li")).to_have_count(25)
    screen.page.go_back()
    expect(screen.page.locator("#tickets-done li")).to_have_count(20)
    expect(older(screen)).to_have_text("Show 5 older")


# Opened cards


def add_todo(screen, ticket_id, text):
    """Add a to-do in an opened card."""
    form = screen.page.locator(f"#add-todo-{ticket_id}")
    form.locator("textarea").fill(text)
    form.locator("textarea").press("Enter") if screen.script else screen.press_button("Add", form)
    expect(screen.card("Replace the kitchen tap").locator(".todo .text").last).to_have_text(text)


def test_a_card_opens_to_its_open_todos_to_tick_and_to_add(board, person):
    tap, lamp = board.card("Replace the kitchen tap"), board.card("Hang the lamp")
    board.press(tap.locator(".progress"))
    expect(tap.locator(".todo .text")).to_have_text(["Measure the hole", "Buy a hose"])
    expect(tap.locator(".progress")).to_have_attribute("aria-expanded", "true")
    board.press(tap.get_by_role("checkbox", name="Measure the hole"))
    expect(tap.locator(".todo .text")).to_have_text(["Buy a hose"])
    expect(tap.locator(".progress")).to_contain_text("1/2")
    add_todo(board, board.tap, "Call Ana")
    expect(tap.locator(".progress")).to_contain_text("1/3")
    board.choose(lamp, "To-dos here")
    expect(lamp.get_by_label("Text of the new to-do")).to_be_visible()
    if board.script:
        expect(lamp.get_by_label("Text of the new to-do")).to_be_focused()
    expect(tap.locator(".todo .text")).to_have_text(["Buy a hose", "Call Ana"])
    assert stayed(board)
    board.page.reload()
    mark(board.page)
    expect(tap.locator(".todo .text")).to_have_text(["Buy a hose", "Call Ana"])
    expect(lamp.get_by_label("Text of the new to-do")).to_be_visible()
    board.press(tap.locator(".progress"))
    expect(tap.locator(".todo")).to_have_count(0)
    expect(lamp.get_by_label("Text of the new to-do")).to_be_visible()
    assert stayed(board)
    assert person.todos(board.tap) == [("Measure the hole", True), ("Buy a hose", False), ("Call Ana", False)]


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_an_opened_card_stays_open_while_it_is_renamed_moved_and_changed_elsewhere(board, person):
    tap = board.card("Replace the kitchen tap")
    board.press(tap.locator(".progress"))
    text = board.page.locator(f"#add-todo-{board.tap} textarea")
    text.fill("half a thou")
    rename = board.start_renaming("Replace the kitchen tap")
    expect(text).to_have_value("half a thou")
    rename.press("Escape")
    expect(text).to_have_value("half a thou")
    board.save(board.start_renaming("Replace the kitchen tap"), "Tap")
    board.says("“Replace the kitchen tap” renamed to “Tap”")
    expect(text).to_have_value("half a thou")
    board.move("Tap", "in_progress")
    board.shows(todo=["Hang the lamp"], in_progress=["Tap", "Paint the kitchen"])
    expect(text).to_have_value("half a thou")
    person.post(f"/todos/{board.hole}/done", done="1")
    expect(board.card("Tap").locator(".todo .text")).to_have_text(["Buy a hose"])
    expect(board.card("Tap").locator(".progress")).to_contain_text("1/2")
    expect(text).to_have_value("half a thou")
    board.move("Tap", "done")
    board.shows(done=["Tap", "Renew the domain"])
    expect(text).to_have_value("half a thou")
    assert is_marked(board.page)


@pytest.mark.parametrize("device", [PHONE], ids=str)
def test_on_a_phone_the_field_of_an_opened_card_stands_in_the_card(board):
    card = board.card("Replace the kitchen tap")
    board.press(card.locator(".progress"))
    expect(card.locator(".open-todos textarea")).to_be_visible()
    inner, outer = card.locator(".open-todos .add").bounding_box(), card.bounding_box()
    assert outer["y"] < inner["y"]
    assert inner["y"] + inner["height"] < outer["y"] + outer["height"]
    expect(board.page.locator("#add-todo textarea")).to_be_in_viewport()
