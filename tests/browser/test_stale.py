"""The same text changed in two browsers: both texts stand side by side, and the person chooses."""

import pytest

from .screen import DESK, DESK_PLAIN, PHONE, expect
from .test_script import is_marked, mark, quick_add

DEVICES = [DESK, DESK_PLAIN]


@pytest.fixture
def board(screen, person):
    """A screen with the board A, B, C."""
    screen.ids = dict(zip("ABC", person.add_tickets("A", "B", "C")))
    screen.open()
    return screen


def both(screen):
    """Where both texts stand."""
    return screen.page.locator(".both")


def becomes_stale(screen, other, provoked, mine="mine", theirs="theirs"):
    """Rename B here and there, there first; returns the field in which mine stands beside theirs."""
    field = screen.start_renaming("B")
    other.open()
    other.save(other.start_renaming("B"), theirs)
    other.shows(todo=["A", theirs, "C"])
    screen.save(field, mine)
    provoked.append(409)
    expect(both(screen).get_by_text("This was changed elsewhere")).to_be_visible()
    expect(both(screen).locator(".theirs")).to_have_text(theirs)
    field = both(screen).get_by_label("Yours")
    expect(field).to_have_value(mine)
    return field


@pytest.mark.parametrize("device", [DESK, DESK_PLAIN, PHONE], ids=str)
def test_mine_can_be_kept(board, other, person, provoked):
    field = becomes_stale(board, other, provoked)
    assert person.board()["todo"] == ["A", "theirs", "C"]
    if board.script:
        expect(field).to_be_focused()
        expect(board.page.locator("#tickets-todo li").nth(1).locator(".both")).to_have_count(1)
    field.fill("mine, after all")
    board.press_button("Keep yours")
    board.shows(todo=["A", "mine, after all", "C"])
    expect(both(board)).to_have_count(0)
    other.shows(todo=["A", "mine, after all", "C"])
    board.page.reload()
    board.shows(todo=["A", "mine, after all", "C"])
    expect(board.page.get_by_label("Title of the ticket")).to_have_count(0)


def test_what_is_there_can_be_kept(board, other, person, provoked):
    becomes_stale(board, other, provoked)
    board.press(both(board).get_by_role("link", name="Keep what is there"))
    board.shows(todo=["A", "theirs", "C"])
    expect(both(board)).to_have_count(0)
    board.page.reload()
    board.shows(todo=["A", "theirs", "C"])
    expect(board.page.get_by_label("Title of the ticket")).to_have_count(0)
    assert person.board()["todo"] == ["A", "theirs", "C"]


def test_a_choice_can_itself_become_stale(board, other, person, provoked):
    field = becomes_stale(board, other, provoked)
    for again in ("theirs again", "and again"):
        person.post(f"/tickets/{board.ids['B']}/title", title=again)
        board.press_button("Keep yours")
        expect(both(board).locator(".theirs")).to_have_text([again])
        expect(field).to_have_value("mine")
    assert person.board()["todo"] == ["A", "and again", "C"]
    board.press_button("Keep yours")
    board.shows(todo=["A", "mine", "C"])
    expect(both(board)).to_have_count(0)


def test_two_texts_of_500_characters_stand_side_by_side(board, other, person, provoked):
    mine, theirs = "m" * 500, "<b>" + "t" * 497
    field = becomes_stale(board, other, provoked, mine, theirs)
    assert board.page.evaluate("document.documentElement.scrollWidth") <= board.device.width
    field.fill(mine + "m")
    board.press_button("Keep yours")
    provoked.append(422)
    expect(board.page.get_by_text("That is 501 characters; the limit is 500.")).to_be_visible()
    field = board.page.locator("textarea").filter(has_text="mmm")
    expect(field).to_have_value(mine + "m")
    field.fill(mine)
    board.press(board.page.get_by_role("button", name="Keep yours").or_(board.page.get_by_role("button", name="Save")))
    board.shows(todo=["A", mine, "C"])


def test_the_same_text_in_both_is_not_stale(board, other, person):
    field = board.start_renaming("B")
    other.open()
    other.save(other.start_renaming("B"), "same")
    other.shows(todo=["A", "same", "C"])
    board.save(field, "same")
    board.shows(todo=["A", "same", "C"])
    expect(both(board)).to_have_count(0)


def test_a_stale_todo_and_a_stale_title_stand_on_the_platform_page_each_in_its_place(screen, person, provoked):
    (ticket_id,) = person.add_tickets("Ticket")
    ids = person.add_todos(ticket_id, "x", "y")
    screen.open(f"/platform/{ticket_id}")
    screen.act("x", "edit")
    field = screen.page.get_by_label("Text of the to-do")
    person.post(f"/todos/{ids[0]}/text", text="theirs")
    screen.save(field, "mine")
    provoked.append(409)
    expect(both(screen).locator(".theirs")).to_have_text("theirs")
    if screen.script:
        expect(screen.page.locator("#todos li").first.locator(".both")).to_have_count(1)
        quick_add(screen).fill("half a thou")
        screen.press(screen.page.locator(".ticket-bar [data-k=edit]"))
        title = screen.page.get_by_label("Title of the ticket")
        person.post(f"/tickets/{ticket_id}/title", title="their title")
        screen.save(title, "my title")
        expect(both(screen).locator(".theirs")).to_have_text(["their title", "theirs"])
        for label in both(screen).locator("label").all():  # each names the field beside it
            label.click()
            expect(label.locator("xpath=../..").locator("textarea")).to_be_focused()
        screen.press_button("Keep yours", screen.page.locator(".ticket-head"))
        expect(screen.page.get_by_role("heading", level=1)).to_have_text("my title")
        expect(both(screen)).to_have_count(1)
    screen.press_button("Keep yours")
    screen.shows_todos("mine", "y")
    if screen.script:
        expect(quick_add(screen)).to_have_value("half a thou")
    screen.page.reload()
    screen.shows_todos("mine", "y")
    expect(screen.page.locator(".edit, .both")).to_have_count(0)


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_a_redraw_leaves_the_choice_as_it_is_and_a_reload_brings_my_text_back(board, other, person, provoked):
    field = becomes_stale(board, other, provoked)
    mark(board.page)
    field.fill("mine, half")
    person.post(f"/tickets/{board.ids['A']}/delete")
    expect(board.page.locator("#tickets-todo li")).to_have_count(2)
    expect(field).to_have_value("mine, half")
    expect(field).to_be_focused()
    assert is_marked(board.page)
    board.page.reload()
    field = board.page.get_by_label("Title of the ticket")
    expect(field).to_have_value("mine, half")
    field.press("Enter")
    board.shows(todo=["mine, half", "C"])
