"""Everything that a person can do, on a desk and on a phone, with and without JavaScript."""

import re

import pytest
from conftest import PASSWORD, numbers
from hostile import HOSTILE_TEXTS

from .screen import DESK_PLAIN, PHONE, PHONE_PLAIN, expect

PAPER = {"light": "rgb(247, 245, 240)", "dark": "rgb(20, 21, 24)"}


@pytest.fixture
def platform(screen, person):
    """A screen with a ticket's to-dos x, y, z and another ticket beside it."""
    person.add_tickets("Another")
    (screen.ticket_id,) = person.add_tickets("Ticket")
    person.add_todos(screen.ticket_id, "x", "y", "z")
    screen.open(f"/platform/{screen.ticket_id}")
    return screen


# Account


def test_a_refused_password_keeps_the_names_and_a_better_one_registers(blank, provoked):
    page = blank.page
    username = f"aiko{next(numbers)}"
    blank.open("/register")
    for label, text in {
        "First name": "Aiko",
        "Last name": "O'Brien",
        "Username": username,
        "Password": "short",
    }.items():
        page.get_by_label(label).fill(text)
    blank.press_button("Create account")
    password = page.get_by_label("Password")
    expect(page.locator("#password-note")).to_have_text("At least 8 characters. A few words in a row make a good one.")
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(password).to_be_focused()
    provoked.append(422)
    expect(page.get_by_label("First name")).to_have_value("Aiko")
    expect(page.get_by_label("Last name")).to_have_value("O'Brien")
    expect(page.get_by_label("Username")).to_have_value(username)
    expect(password).to_have_value("short" if blank.script else "")
    password.fill(PASSWORD)
    blank.press_button("Create account")
    expect(page.get_by_role("heading", name="Nothing on the board yet")).to_be_visible()
    expect(page.get_by_label("AO, account of Aiko O'Brien")).to_be_visible()


def test_a_person_logs_out_and_in_again_and_lands_where_they_were_heading(screen, person, provoked):
    page = screen.page
    screen.open()
    screen.press(screen.open_account().get_by_text("Log out"))
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    screen.open("/trash")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Password").fill("not it, I am afraid")
    screen.press_button("Log in")
    expect(page.locator("#username-note")).to_have_text("That name and password don't go together.")
    provoked.append(422)
    expect(page.get_by_label("Username")).to_have_value(person.username)
    page.get_by_label("Password").fill(PASSWORD)
    screen.press_button("Log in")
    expect(page.get_by_role("heading", name="Trash")).to_be_visible()
    expect(page).to_have_url(re.compile("/trash$"))


def test_the_chosen_colours_stay_after_a_reload_and_on_another_device(screen, person, new_page, device):
    page = screen.page
    screen.open()
    expect(page.locator("body")).to_have_css("background-color", PAPER["light"])
    screen.press_button("Dark", screen.open_account())
    expect(page.locator("body")).to_have_css("background-color", PAPER["dark"])
    page.reload()
    expect(page.locator("body")).to_have_css("background-color", PAPER["dark"])
    expect(screen.open_account().get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    elsewhere = new_page(device, person.session())
    elsewhere.goto("/trash")
    expect(elsewhere.locator("body")).to_have_css("background-color", PAPER["dark"])
    screen.press_button("Auto", page.locator("#account"))
    expect(page.locator("body")).to_have_css("background-color", PAPER["light"])


# Adding


def test_an_empty_board_says_what_to_do_and_takes_the_first_ticket(screen, person):
    screen.open()
    expect(screen.page.get_by_role("heading", name="Nothing on the board yet")).to_be_visible()
    screen.add("The first")
    screen.says("“The first” added")
    screen.shows(todo=["The first"], in_progress=[], done=[])
    expect(screen.page.locator("#count-open")).to_have_text("1")
    assert person.board() == {"todo": ["The first"], "in_progress": [], "done": []}


def test_a_new_ticket_stands_right_under_the_field_and_several_keep_their_order(board, person):
    board.add("new")
    board.says("“new” added")
    board.shows(todo=["new", "A", "B", "C"])
    board.add("1\n\n  2  \n3")
    board.says("3 tickets added")
    board.shows(todo=["1", "2", "3", "new", "A", "B", "C"])
    expect(board.page.locator("#add-todo textarea")).to_have_value("")
    assert person.board()["todo"] == ["1", "2", "3", "new", "A", "B", "C"]


def test_enter_with_shift_breaks_the_line_and_so_does_enter_alone_without_javascript(board):
    field = board.page.locator("#add-todo textarea")
    field.focus()
    for key in ("1", "Shift+Enter" if board.script else "Enter", "2"):
        board.page.keyboard.press(key)
    expect(field).to_have_value("1\n2")
    if board.script:
        board.page.keyboard.press("Enter")
    else:
        board.press_button("Add", board.page.locator("#add-todo"))
    board.shows(todo=["1", "2", "A", "B", "C"])


def test_a_ticket_is_added_to_another_column(board, person):
    for status, before in (("in_progress", "D"), ("done", "E")):
        board.show_column(status)
        board.press(board.page.locator(f"#adder-{status} a"))
        expect(board.page.locator(f"#add-{status} textarea")).to_be_visible()
        board.add(f"new {status}", to=status)
        board.says(f"“new {status}” added")
        board.shows(**{status: [f"new {status}", before]})
    assert person.board() == {
        "todo": ["A", "B", "C"],
        "in_progress": ["new in_progress", "D"],
        "done": ["new done", "E"],
    }


def test_a_double_click_on_add_adds_once(board, person):
    board.page.locator("#add-todo textarea").fill("once")
    button = board.page.locator("#add-todo button")
    if board.touch:
        button.tap(no_wait_after=True)
        button.tap()
    else:
        button.dblclick()
    board.shows(todo=["once", "A", "B", "C"])
    board.says("“once” added")
    assert person.board()["todo"] == ["once", "A", "B", "C"]


def test_hostile_texts_come_back_exactly_as_they_were_typed(screen, person):
    screen.open()
    screen.add("\n".join(HOSTILE_TEXTS))
    screen.says(f"{len(HOSTILE_TEXTS)} tickets added")
    screen.press(screen.page.get_by_role("link", name=f"Show {len(HOSTILE_TEXTS) - 100} more"))
    expect(screen.page.locator("#tickets-todo > li")).to_have_count(len(HOSTILE_TEXTS))
    shown = screen.page.locator("#tickets-todo h3 a").evaluate_all("links => links.map(link => link.textContent)")
    assert shown == HOSTILE_TEXTS
    assert person.board()["todo"] == HOSTILE_TEXTS


def test_a_refused_title_stays_in_the_field_with_the_reason(board, person, provoked):
    board.add("x" * 501)
    expect(board.page.locator("#add-todo-problem")).to_have_text("That is 501 characters; the limit is 500.")
    provoked.append(422)
    expect(board.page.locator("#add-todo textarea")).to_have_value("x" * 501)
    assert person.board()["todo"] == ["A", "B", "C"]
    board.add("x" * 500)
    board.shows(todo=["x" * 500, "A", "B", "C"])
    expect(board.page.locator("#add-todo-problem")).to_be_hidden()


# Changing


def test_a_ticket_is_renamed_in_its_place(board, person):
    board.save(board.start_renaming("B"), "Bee")
    board.says("“B” renamed to “Bee”")
    board.shows(todo=["A", "Bee", "C"])
    expect(board.page.get_by_label("Title of the ticket")).to_have_count(0)
    assert person.board()["todo"] == ["A", "Bee", "C"]


def test_a_renaming_that_is_given_up_leaves_the_title(board, person):
    field = board.start_renaming("B")
    field.fill("Bee")
    board.give_up(field)
    board.shows(todo=["A", "B", "C"])
    expect(field).to_have_count(0)
    assert person.board()["todo"] == ["A", "B", "C"]


def test_a_renaming_that_is_refused_keeps_what_was_typed(board, person, provoked):
    board.save(board.start_renaming("B"), "y" * 501)
    expect(board.page.get_by_text("That is 501 characters; the limit is 500.")).to_be_visible()
    provoked.append(422)
    expect(board.page.get_by_label("Title of the ticket")).to_have_value("y" * 501)
    board.save(board.page.get_by_label("Title of the ticket"), "Bee")
    board.says("“B” renamed to “Bee”")
    assert person.board()["todo"] == ["A", "Bee", "C"]


@pytest.mark.parametrize("device", [DESK_PLAIN, PHONE_PLAIN], ids=str)
def test_a_renaming_that_was_refused_first_leads_back_to_the_board(board, provoked):
    board.save(board.start_renaming("B"), "y" * 501)
    provoked.append(422)
    board.save(board.page.get_by_label("Title of the ticket"), "Bee")
    board.says("“B” renamed to “Bee”")
    assert board.page.url.partition("?")[0].endswith("/"), board.page.url
    board.shows(todo=["A", "Bee", "C"])


def test_a_title_that_was_changed_elsewhere_shows_both_and_lets_the_person_choose(board, person, provoked):
    (ticket_id,) = person.add_tickets("there")
    board.open()
    field = board.start_renaming("there")
    person.post(f"/tickets/{ticket_id}/title", title="theirs")
    board.save(field, "mine")
    expect(board.page.get_by_text("This was changed elsewhere while you were writing.")).to_be_visible()
    provoked.append(409)
    expect(board.page.get_by_label("Yours")).to_have_value("mine")
    expect(board.page.locator(".theirs")).to_have_text("theirs")
    assert person.board()["todo"][0] == "theirs"
    board.press_button("Keep yours")
    expect(board.page.locator(".both")).to_have_count(0)
    assert person.board()["todo"][0] == "mine"


def test_a_ticket_changes_its_status_and_goes_to_the_top_of_the_column(board, person):
    board.move("B", "in_progress")
    board.says("“B” moved from To do to In progress")
    board.shows(todo=["A", "C"], in_progress=["B", "D"], done=["E"])
    board.show_column("in_progress")
    board.move("D", "done")
    board.says("“D” moved from In progress to Done")
    board.shows(todo=["A", "C"], in_progress=["B"], done=["D", "E"])
    expect(board.card("D").locator(".when")).to_have_text("today")
    board.show_column("done")
    board.move("E", "in_progress")
    board.says("“E” moved from Done to In progress")
    board.shows(todo=["A", "C"], in_progress=["E", "B"], done=["D"])
    assert person.board() == {"todo": ["A", "C"], "in_progress": ["E", "B"], "done": ["D"]}


def test_move_to_brings_a_ticket_to_any_place(board, person):
    board.choose(board.card("A"), "Move to…")
    board.page.get_by_label("To do", exact=True).select_option("At the end")
    board.press_button("Move to To do")
    board.says("“A” moved to another place")
    board.shows(todo=["B", "C", "A"])
    board.choose(board.card("C"), "Move to…")
    board.page.get_by_label("In progress", exact=True).select_option("At the end")
    board.press_button("Move to In progress")
    board.says("“C” moved from To do to In progress")
    board.shows(todo=["B", "A"], in_progress=["D", "C"])
    board.show_column("in_progress")
    board.choose(board.card("D"), "Move to…")
    board.page.get_by_label("To do", exact=True).select_option("Before “A”")
    board.press_button("Move to To do")
    board.says("“D” moved from In progress to To do")
    board.shows(todo=["B", "D", "A"], in_progress=["C"])
    assert person.board() == {"todo": ["B", "D", "A"], "in_progress": ["C"], "done": ["E"]}


def test_move_to_can_be_given_up(board):
    board.choose(board.card("B"), "Move to…")
    select = board.page.get_by_label("In progress", exact=True)
    expect(select).to_be_visible()
    board.press(board.page.get_by_role("link", name="Cancel"))
    expect(select).to_have_count(0)
    board.shows(todo=["A", "B", "C"], in_progress=["D"])


# Deleting, undoing


def test_a_deleted_ticket_comes_back_by_undo_and_goes_again_by_redo(board, person):
    board.delete("B")
    board.says("“B” deleted")
    board.shows(todo=["A", "C"])
    assert person.board()["todo"] == ["A", "C"]
    toast = board.page.locator("#toast")
    board.press_button("Undo", toast)
    board.says("Undone: “B” deleted")
    board.shows(todo=["A", "B", "C"])
    assert person.board()["todo"] == ["A", "B", "C"]
    board.press_button("Redo", toast)
    board.says("Done again: “B” deleted")
    board.shows(todo=["A", "C"])
    assert person.board()["todo"] == ["A", "C"]


def test_the_account_menu_undoes_and_redoes_the_latest_step(board, person):
    board.move("A", "in_progress")
    board.shows(todo=["B", "C"], in_progress=["A", "D"])
    board.says("“A” moved from To do to In progress")
    board.press_button("Undo", board.open_account())
    board.says("Undone: “A” moved from To do to In progress")
    board.shows(todo=["A", "B", "C"], in_progress=["D"])
    board.press_button("Redo", board.open_account())
    board.says("Done again: “A” moved from To do to In progress")
    board.shows(todo=["B", "C"], in_progress=["A", "D"])


def test_many_tickets_added_at_once_go_by_one_undo(board, person):
    board.add("1\n2\n3")
    board.shows(todo=["1", "2", "3", "A", "B", "C"])
    board.press_button("Undo", board.page.locator("#toast"))
    board.says("Undone: 3 tickets added")
    board.shows(todo=["A", "B", "C"], in_progress=["D"], done=["E"])
    assert person.board()["todo"] == ["A", "B", "C"]


def test_the_last_ticket_deleted_leaves_the_empty_board_and_undo_brings_it_back(screen, person):
    person.add_tickets("only")
    screen.open()
    screen.delete("only")
    expect(screen.page.get_by_role("heading", name="Nothing on the board yet")).to_be_visible()
    screen.press_button("Undo", screen.page.locator("#toast"))
    screen.shows(todo=["only"], in_progress=[], done=[])


# Platform


def test_a_ticket_opens_from_the_board_and_takes_todos_at_the_end(board, person):
    board.press(board.card("A").get_by_role("link", name="A", exact=True))
    expect(board.page.get_by_role("heading", name="A", level=1)).to_be_visible()
    board.add("1")
    board.says("Added “1”")
    board.shows_todos("1")
    board.add("2\n3")
    board.says("Added 2 to-dos")
    board.shows_todos("1", "2", "3")
    expect(board.page.locator(".todos-head")).to_contain_text("0 of 3 done")
    expect(board.page.locator("#add-todo textarea")).to_have_value("")
    assert person.todos(int(board.page.url.partition("/platform/")[2].split("?")[0].split("#")[0])) == [
        ("1", False),
        ("2", False),
        ("3", False),
    ]


def test_a_tick_shows_in_the_list_the_bar_the_side_list_and_on_the_board(platform, person):
    beside = platform.page.locator("#beside li").filter(has_text="Ticket")
    expect(beside).to_contain_text("0/3")
    platform.tick("y")
    platform.says("Ticked “y”")
    platform.shows_todos("x", "y", "z", ticked=["y"])
    expect(platform.page.locator(".todos-head")).to_contain_text("1 of 3 done")
    expect(beside).to_contain_text("1/3")
    expect(beside.locator(".ring .part")).to_have_attribute("stroke-dasharray", "1 3")
    platform.tick("y")
    platform.says("Unticked “y”")
    platform.shows_todos("x", "y", "z")
    expect(beside).to_contain_text("0/3")
    platform.tick("x")
    platform.says("Ticked “x”")
    assert person.todos(platform.ticket_id) == [("x", True), ("y", False), ("z", False)]
    platform.open()
    expect(platform.card("Ticket").locator(".progress")).to_contain_text("1/3")


def test_a_todo_is_edited_in_its_place(platform, person):
    field = platform.page.get_by_label("Text of the to-do")
    platform.act("y", "edit")
    expect(field).to_have_value("y")
    field.fill("nothing")
    platform.give_up(field)
    expect(field).to_have_count(0)
    platform.shows_todos("x", "y", "z")
    platform.act("y", "edit")
    platform.save(field, "why")
    platform.says("Changed “y” to “why”")
    platform.shows_todos("x", "why", "z")
    assert person.todos(platform.ticket_id) == [("x", False), ("why", False), ("z", False)]


def test_a_todo_moves_up_and_down(platform, person):
    platform.act("y", "up")
    platform.says("Moved “y” to another place")
    platform.shows_todos("y", "x", "z")
    platform.act("x", "down")
    platform.says("Moved “x” to another place")
    platform.shows_todos("y", "z", "x")
    platform.over(platform.todo("y"))
    expect(platform.todo("y").locator("[data-k=up]")).to_have_count(0)
    expect(platform.todo("x").locator("[data-k=down]")).to_have_count(0)
    assert [text for text, _ in person.todos(platform.ticket_id)] == ["y", "z", "x"]


def test_a_deleted_todo_comes_back_by_undo(platform, person):
    platform.act("y", "delete")
    platform.says("Deleted “y”")
    platform.shows_todos("x", "z")
    platform.press_button("Undo", platform.page.locator("#toast"))
    platform.says("Undone: Deleted “y”")
    platform.shows_todos("x", "y", "z")
    assert [text for text, _ in person.todos(platform.ticket_id)] == ["x", "y", "z"]


def test_the_segments_change_the_status_and_the_side_list_follows(platform, person):
    segments = platform.page.get_by_role("group", name="Status")
    beside = platform.page.locator("#beside")
    expect(segments.get_by_role("button", name="To do")).to_have_attribute("aria-pressed", "true")
    platform.press_button("In progress", segments)
    platform.says("“Ticket” moved from To do to In progress")
    expect(segments.get_by_role("button", name="In progress")).to_have_attribute("aria-pressed", "true")
    expect(segments.get_by_role("button", name="To do")).to_have_attribute("aria-pressed", "false")
    expect(beside.get_by_role("heading")).to_have_text(["In progress", "To do"])
    expect(beside.locator("li a > span:first-of-type")).to_have_text(["Ticket", "Another"])
    platform.press_button("Done", segments)
    platform.says("“Ticket” moved from In progress to Done")
    expect(beside.get_by_role("heading")).to_have_text(["To do"])
    assert person.board() == {"todo": ["Another"], "in_progress": [], "done": ["Ticket"]}


def test_the_title_is_renamed_on_its_own_page(platform, person):
    field = platform.page.get_by_label("Title of the ticket")
    platform.press(platform.page.locator(".ticket-bar [data-k=edit]"))
    expect(field).to_have_value("Ticket")
    platform.save(field, "Renamed")
    platform.says("“Ticket” renamed to “Renamed”")
    expect(platform.page.get_by_role("heading", level=1)).to_have_text("Renamed")
    expect(platform.page.locator("#beside")).to_contain_text("Renamed")
    assert person.board()["todo"] == ["Renamed", "Another"]


def test_the_side_list_leads_to_the_other_ticket(platform):
    platform.press(platform.page.locator("#beside").get_by_role("link", name="Another"))
    expect(platform.page.get_by_role("heading", level=1)).to_have_text("Another")
    expect(platform.page.locator("#beside [aria-current=page]")).to_contain_text("Another")


def test_the_history_undoes_one_step_among_others(platform, person):
    platform.tick("x")
    platform.says("Ticked “x”")
    platform.tick("z")
    platform.says("Ticked “z”")
    history = platform.page.locator("#history")
    step = history.get_by_role("listitem").filter(has_text="Ticked “x”")
    platform.press(step.get_by_role("button", name="Undo this"))
    platform.says("Undone: Ticked “x”")
    platform.shows_todos("x", "y", "z", ticked=["z"])
    expect(history.get_by_role("listitem").first).to_contain_text("Undone: Ticked “x”")
    assert person.todos(platform.ticket_id) == [("x", False), ("y", False), ("z", True)]


def test_deleting_the_open_ticket_leads_to_the_board_with_undo(platform, person):
    platform.press(platform.page.locator(".ticket-bar summary"))
    platform.press(platform.page.locator(".ticket-bar .sheet").get_by_text("Delete"))
    platform.says("“Ticket” deleted")
    platform.shows(todo=["Another"])
    platform.press_button("Undo", platform.page.locator("#toast"))
    platform.shows(todo=["Ticket", "Another"])


def test_the_platform_without_tickets_says_where_to_begin(screen):
    screen.open()
    screen.press(screen.page.get_by_role("navigation", name="Pages").get_by_role("link", name="Platform"))
    expect(screen.page.get_by_role("heading", name="No ticket to open yet")).to_be_visible()


# Trash


def test_what_was_deleted_is_restored_from_the_trash(board, person):
    board.delete("B")
    board.says("“B” deleted")
    board.press(board.open_account().get_by_role("link", name="Trash"))
    expect(board.page.get_by_role("heading", name="Trash")).to_be_visible()
    expect(board.page.locator(".trash li")).to_have_count(1)
    board.press_button("Restore B")
    board.says("“B” restored")
    expect(board.page.locator(".trash")).to_have_text(re.compile("Nothing here"))
    board.press(board.page.get_by_role("link", name="Board", exact=True))
    board.shows(todo=["A", "B", "C"])


def test_empty_trash_asks_first_and_is_final(board, person):
    for title in ("A", "B"):
        board.delete(title)
        board.says(f"“{title}” deleted")
    board.open("/trash")
    board.press(board.page.get_by_role("link", name="Empty trash"))
    question = board.page.locator(".ask")
    expect(question).to_contain_text("Remove all 2 for good?")
    board.press(question.get_by_role("link", name="Keep"))
    expect(board.page.locator(".trash li")).to_have_count(2)
    expect(question).to_have_count(0)
    board.press(board.page.get_by_role("link", name="Empty trash"))
    board.press_button("Empty trash", question)
    expect(board.page.locator(".trash")).to_have_text(re.compile("Nothing here"))
    assert "Nothing here" in person.get("/trash")
    board.open()
    board.shows(todo=["C"])


# Around


@pytest.mark.parametrize("device", [PHONE, PHONE_PLAIN], ids=str)
def test_on_a_phone_the_strip_shows_one_column_at_a_time(board):
    for status, title in {"in_progress": "D", "done": "E", "todo": "A"}.items():
        board.show_column(status)
        expect(board.card(title)).to_be_visible()
        expect(board.page.locator(".column:visible")).to_have_count(1)
    expect(board.page.locator(".strip a")).to_have_text(["To do 3", "In progress 1", "Done 1"])


def test_an_error_is_a_page_of_the_house_with_a_way_back(screen, provoked):
    for path, status, says in (
        ("/nowhere", 404, "There is nothing here (any more)."),
        ("/platform/999999", 404, "There is nothing here (any more)."),
        ("/tickets/1/delete", 405, "That address is for a form."),
    ):
        assert screen.page.goto(path).status == status
        expect(screen.page.get_by_role("alert").filter(has_text=says)).to_be_visible()
        expect(screen.page.locator("body")).to_have_css("background-color", PAPER["light"])
        screen.press(screen.page.get_by_role("link", name="To the board"))
        expect(screen.page.get_by_role("heading", name="Nothing on the board yet")).to_be_visible()
    provoked.extend([404, 405])


def test_a_form_sent_after_the_session_ended_gives_the_text_back(board, provoked):
    board.page.context.clear_cookies()
    board.add("not lost")
    provoked.append(401)
    if board.script:
        expect(board.page.locator("#notice a")).to_be_visible()
        expect(board.page.locator("#add-todo textarea")).to_have_value("not lost")
    else:
        expect(board.page.get_by_label("What you typed, to keep:")).to_have_value("not lost")
        expect(board.page.get_by_role("link", name="Log in")).to_be_visible()
