"""A description and a list as text, in place; and to-dos that go elsewhere by their menu."""

import pytest

from .screen import DESK, PHONE, expect
from .test_script import is_marked, mark

LONG_TEXT = "It **drips**\n\n- since Thursday\n- https://tap.example"


def open_description(screen):
    """Press what opens the description as a field; returns the field."""
    screen.press(screen.page.locator("#description [data-k=edit]"))
    return screen.page.get_by_label("Description of the ticket")


def open_list(screen):
    """Press Edit as text; returns the field."""
    screen.press(screen.page.get_by_role("link", name="Edit as text"))
    return screen.page.get_by_label("The to-dos as text")


def choose(screen, text, entry):
    """Choose from a to-do's menu."""
    screen.choose(screen.todo(text), entry)


def keep(screen, field, text):
    """Write into a field of several lines and save it, by the keys where a script listens."""
    field.fill(text)
    if screen.script and not screen.touch:
        field.press("Control+Enter")
    else:
        screen.press_button("Save")


# On every device


def test_a_description_is_written_looked_at_and_saved(platform, person):
    page = platform.page
    field = open_description(platform)
    field.fill(LONG_TEXT)
    platform.press_button("Preview")
    preview = page.get_by_role("region", name="Preview: nothing is saved yet")
    expect(preview.locator("strong")).to_have_text("drips")
    expect(preview.get_by_role("link")).to_have_attribute("href", "https://tap.example")
    expect(field).to_have_value(LONG_TEXT)
    assert "drips" not in person.get(f"/platform/{platform.ticket_id}")
    keep(platform, field, LONG_TEXT)
    expect(page.locator("#description strong")).to_have_text("drips")
    platform.says("Description of “Ticket” changed")
    expect(open_description(platform)).to_have_value(LONG_TEXT)
    platform.press(page.get_by_role("link", name="Cancel"))
    expect(page.locator("#description strong")).to_have_text("drips")


def test_a_list_is_edited_as_text(platform, person):
    field = open_list(platform)
    expect(field).to_have_value("- [ ] x\n- [ ] y\n- [ ] z")
    if platform.script:
        expect(platform.page.locator("#todos")).to_be_hidden()
    keep(platform, field, "- [x] x\n- [ ] why\n- [ ] z\nw")
    platform.shows_todos("x", "why", "z", "w", ticked=["x"])
    platform.says("List edited: 1 added, 2 changed")
    platform.press_button("Undo", platform.page.locator("#toast"))
    platform.shows_todos("x", "y", "z")
    assert person.todos(platform.ticket_id) == [("x", False), ("y", False), ("z", False)]


def test_a_todo_becomes_a_ticket_and_leads_to_it(platform):
    choose(platform, "y", "Make it a ticket")
    link = platform.page.locator("#todos").get_by_role("link", name="y", exact=True)
    expect(link).to_be_visible()
    platform.press(link)
    expect(platform.page.get_by_role("heading", level=1)).to_have_text("y")


def test_a_todo_goes_to_another_ticket(platform, person):
    [other] = person.add_tickets("Other")
    platform.page.reload()
    choose(platform, "y", "Move to another ticket…")
    platform.page.get_by_label("Move “y” to the ticket").select_option("Other")
    platform.press_button("Move")
    platform.shows_todos("x", "z")
    platform.says("Moved “y” to “Other”")
    assert person.todos(other) == [("y", False)]


def test_a_ticket_becomes_a_todo_of_another(platform, person):
    [other] = person.add_tickets("Other")
    platform.page.reload()
    platform.press(platform.page.locator(".ticket-bar summary"))
    platform.press(platform.page.get_by_role("link", name="Make it a to-do of…"))
    platform.page.get_by_label("Make it a to-do of").select_option("Other")
    platform.press_button("Make it a to-do")
    expect(platform.page.get_by_role("heading", level=1)).to_have_text("Other")
    platform.shows_todos("Ticket", "x", "y", "z")
    assert person.todos(other)[0] == ("Ticket", False)


# With the keyboard, in place


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_the_keyboard_opens_breaks_lines_saves_and_leaves(platform):
    page = platform.page
    mark(page)
    page.locator("#description [data-k=edit]").focus()
    page.keyboard.press("Enter")
    field = page.get_by_label("Description of the ticket")
    expect(field).to_be_focused()
    page.keyboard.type("one")
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    page.keyboard.press("Escape")
    expect(field).to_have_value("one\ntwo")  # one key gives no text up
    page.keyboard.press("Control+Enter")
    expect(page.locator("#description > .prose p")).to_have_text("one two")
    expect(page.locator("#description [data-k=edit]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    expect(page.locator("#description [data-k=edit]")).to_be_focused()
    page.get_by_role("link", name="Edit as text").focus()
    page.keyboard.press("Enter")
    field = page.get_by_label("The to-dos as text")
    expect(field).to_be_focused()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nlast")
    page.keyboard.press("Control+Enter")
    platform.shows_todos("x", "y", "z", "last")
    expect(page.get_by_role("link", name="Edit as text")).to_be_focused()
    assert is_marked(page)


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_the_focus_goes_to_the_preview_and_from_there_into_the_field(platform):
    page = platform.page
    field = open_description(platform)
    field.fill("*a*")
    page.get_by_role("button", name="Preview").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#preview")).to_be_focused()
    page.keyboard.press("Tab")
    expect(field).to_be_focused()


@pytest.mark.parametrize("device", [DESK, PHONE], ids=str)
def test_what_is_typed_outlives_a_reload_and_is_forgotten_when_it_is_given_up(platform):
    page = platform.page
    open_description(platform).fill("half a\nthought")
    page.reload()
    field = page.get_by_label("Description of the ticket")
    expect(field).to_have_value("half a\nthought")
    platform.press(page.get_by_role("link", name="Cancel"))
    open_list(platform).fill("- [ ] x\nhalf")
    page.reload()
    expect(page.get_by_label("The to-dos as text")).to_have_value("- [ ] x\nhalf")
    expect(field).to_have_count(0)
    platform.press(page.get_by_role("link", name="Cancel"))
    platform.shows_todos("x", "y", "z")
    page.reload()
    expect(page.locator(".edit")).to_have_count(0)


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_a_change_elsewhere_leaves_the_open_fields_and_both_texts_stand_side_by_side(platform, person, provoked):
    page = platform.page
    field, text = open_description(platform), open_list(platform)
    field.fill("mine\n\nall of it")
    person.post(f"/tickets/{platform.ticket_id}/description", description="theirs\n\n- too")
    person.post(f"/todos/{platform.ids['x']}/done", done="1")
    person.post(f"/tickets/{platform.ticket_id}/title", title="Seen")
    expect(page.get_by_role("heading", level=1)).to_have_text("Seen")
    expect(field).to_have_value("mine\n\nall of it")
    expect(text).to_have_value("- [ ] x\n- [ ] y\n- [ ] z")
    field.press("Control+Enter")
    provoked.append(409)
    both = page.locator("#description .both")
    expect(both.locator(".theirs")).to_have_text("theirs\n\n- too", use_inner_text=True)
    mine = both.get_by_label("Yours")
    expect(mine).to_be_focused()
    mine.press("Control+End")
    mine.press("Enter")
    expect(mine).to_have_value("mine\n\nall of it\n")
    mine.press("Control+Enter")
    expect(page.locator("#description > .prose p")).to_have_text(["mine", "all of it"])
    text.fill("- [ ] x\nmine")
    text.press("Control+Enter")
    expect(page.locator("#todos-text .theirs")).to_have_text("- [x] x\n- [ ] y\n- [ ] z", use_inner_text=True)
    platform.press(page.get_by_role("link", name="Keep what is there"))
    platform.shows_todos("x", "y", "z", ticked=["x"])


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_a_refused_text_stays_in_its_field(platform, provoked):
    field = open_list(platform)
    field.fill("good\n" + "x" * 501)
    field.press("Control+Enter")
    provoked.append(422)
    expect(platform.page.locator("#todos-text-problem")).to_have_text("Line 2 has 501 characters; the limit is 500.")
    expect(field).to_be_focused()
    expect(field).to_have_value("good\n" + "x" * 501)


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_the_form_for_another_ticket_is_left_by_escape(platform):
    choose(platform, "y", "Move to another ticket…")
    expect(platform.page.get_by_label("Move “y” to the ticket")).to_be_focused()
    platform.page.keyboard.press("Escape")
    platform.shows_todos("x", "y", "z")
