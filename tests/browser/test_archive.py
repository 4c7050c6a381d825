"""The archive, by mouse, finger and keyboard: with the script, which loads no page, and without it."""

from .screen import expect
from .test_keys import is_somewhere


def test_a_ticket_is_put_away_from_its_menu_and_brought_back(board):
    board.choose(board.card("B"), "Archive")
    board.says("“B” archived")
    board.shows(todo=["A", "C"])
    board.press(board.open_account().get_by_role("link", name="Archive"))
    expect(board.page.locator("#archive .what a")).to_have_text(["B"])
    board.press_button("Bring B back")
    board.says("“B” brought back from the archive")
    expect(board.page.locator("#archive .what a")).to_have_count(0)
    board.open()
    board.shows(todo=["A", "B", "C"])


def test_all_of_done_is_put_away_and_undone_without_losing_the_focus(board, person):
    person.add_tickets("X", "Y", status="done")
    board.open()
    if board.touch:
        board.show_column("done")
    button = board.page.get_by_role("button", name="Archive all")
    button.focus()
    board.page.keyboard.press("Enter")
    board.says("3 tickets archived")
    board.shows(done=[])
    if board.script:
        is_somewhere(board)
    expect(button).to_be_hidden()
    board.press(board.page.locator("#toast").get_by_role("button", name="Undo"))
    board.shows(done=["X", "Y", "E"])


def test_the_page_of_an_archived_ticket_brings_it_back(board, person):
    [ticket] = person.add_tickets("Z")
    person.post(f"/tickets/{ticket}/archive")
    board.open(f"/platform/{ticket}")
    expect(board.page.get_by_text("In the archive since today")).to_be_visible()
    board.press_button("Bring back")
    board.says("“Z” brought back from the archive")
    expect(board.page.get_by_text("In the archive since today")).to_have_count(0)
