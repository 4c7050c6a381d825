"""The server can't be reached, or its answer gets lost: what was done stays on the page, and nothing goes twice."""

import pytest
from conftest import PASSWORD

import database

from .conftest import add_person, free_port, running
from .screen import DESK, Screen, expect
from .test_script import hold, is_marked, mark, notice, quick_add

DEVICES = [DESK]
OFFLINE, ABORTED, REFUSED = "net::ERR_INTERNET_DISCONNECTED", "net::ERR_FAILED", "net::ERR_CONNECTION_REFUSED"


@pytest.fixture
def board(screen, person):
    """A screen with the board A, B, C · D; D has the to-dos x, y."""
    screen.ids = dict(zip("ABC", person.add_tickets("A", "B", "C")))
    screen.ids["D"] = person.add_tickets("D", status="in_progress")[0]
    screen.ids |= zip("xy", person.add_todos(screen.ids["D"], "x", "y"))
    screen.open()
    return screen


@pytest.fixture
def platform(board):
    """A screen with the to-dos of D."""
    board.open(f"/platform/{board.ids['D']}")
    return board


@pytest.fixture(params=["request", "answer"])
def lost(request, provoked):
    """A function that loses each form a page sends, or only the answer to it."""
    provoked.append(ABORTED)

    def lose(page, waiting=()):
        """Lose all that is sent from now on, and what is waiting."""

        def handle(route):
            if route.request.method != "POST":
                return route.continue_()
            if request.param == "answer":
                route.fetch()
            return route.abort()

        page.route("**/*", handle)
        for route in waiting:
            handle(route)

    lose.what = request.param
    return lose


def unsent(screen):
    """What is marked as not sent."""
    return screen.page.locator(".unsent")


def retry(screen):
    return notice(screen).get_by_role("button", name="Retry")


def look(screen):
    """Let the page look at once whether something changed."""
    screen.page.evaluate("dispatchEvent(new Event('focus'))")


# What didn't arrive waits, marked, and goes again


def test_lines_that_got_lost_are_added_once_each_and_in_their_order(board, person, lost):
    lost(board.page)
    board.add("first")
    expect(notice(board)).to_contain_text("not sent")
    expect(unsent(board)).to_have_count(1)
    expect(quick_add(board)).to_have_value("first")
    board.page.unroute_all()
    retry(board).click()
    board.shows(todo=["first", "A", "B", "C"])
    expect(notice(board)).to_be_hidden()
    expect(unsent(board)).to_have_count(0)
    expect(quick_add(board)).to_have_value("")
    assert person.board()["todo"] == ["first", "A", "B", "C"]


def test_enter_sends_again_what_got_lost_and_then_nothing_is_unsent(board, person, lost):
    lost(board.page)
    board.add("first")
    expect(retry(board)).to_be_visible()
    board.page.unroute_all()
    quick_add(board).press("Enter")
    board.shows(todo=["first", "A", "B", "C"])
    expect(notice(board)).to_be_hidden()
    expect(unsent(board)).to_have_count(0)
    assert person.board()["todo"] == ["first", "A", "B", "C"]


def test_what_is_typed_on_while_several_get_lost_is_added_once_each(platform, person, lost):
    waiting = hold(platform.page, "**/todos")
    for text in ("one", "two"):
        quick_add(platform).press_sequentially(text)
        quick_add(platform).press("Enter")
        expect(quick_add(platform)).to_have_value("")
    quick_add(platform).press_sequentially("half")
    lost(platform.page, waiting)
    expect(quick_add(platform)).to_have_value("one\ntwo\nhalf")
    platform.page.reload()
    expect(quick_add(platform)).to_have_value("one\ntwo\nhalf")
    platform.page.unroute_all()
    quick_add(platform).press("End")
    quick_add(platform).press("Enter")
    platform.shows_todos("x", "y", "one", "two", "half")
    expect(quick_add(platform)).to_have_value("")
    assert [text for text, _ in person.todos(platform.ids["D"])] == ["x", "y", "one", "two", "half"]


def test_an_edit_that_got_lost_stays_in_its_field_and_goes_again(board, person, lost):
    field = board.start_renaming("B")
    lost(board.page)
    board.save(field, "Bee")
    expect(retry(board)).to_be_visible()
    expect(field).to_have_value("Bee")
    expect(unsent(board)).to_have_count(1)
    person.post(f"/tickets/{board.ids['A']}/delete")
    look(board)
    expect(board.page.locator("#tickets-todo li")).to_have_count(2)
    expect(field).to_have_value("Bee")
    board.page.unroute_all()
    retry(board).click()
    board.shows(todo=["Bee", "C"])
    expect(unsent(board)).to_have_count(0)


def test_a_move_and_a_deletion_that_got_lost_are_put_back_marked_and_go_again(board, person, lost, provoked):
    lost(board.page)
    board.move("A", "in_progress")
    expect(retry(board)).to_be_visible()
    board.delete("C")
    expect(unsent(board)).to_have_count(2)
    expect(board.page.locator("#tickets-todo h3")).to_have_text(["A", "B", "C"])
    person.post(f"/tickets/{board.ids['B']}/title", title="Bee")
    look(board)
    expect(board.card("Bee")).to_be_visible()
    expect(unsent(board)).to_have_count(2 if lost.what == "request" else 1)  # the other one has gone
    if lost.what == "answer":
        provoked.append(404)
    board.page.unroute_all()
    with board.page.expect_response("**/delete"):
        retry(board).click()
    board.shows(todo=["Bee"], in_progress=["A", "D"])
    expect(unsent(board)).to_have_count(0)
    expect(notice(board)).to_be_hidden()
    assert person.board() == {"todo": ["Bee"], "in_progress": ["A", "D"], "done": []}


def test_two_things_that_got_lost_on_one_card_both_go_again(board, person, lost):
    lost(board.page)
    board.choose(board.card("B"), "To the top")
    expect(retry(board)).to_be_visible()
    retry(board).focus()
    field = board.start_renaming("B")
    board.save(field, "Bee")
    expect(unsent(board).locator(".problem")).to_contain_text("not sent")
    board.page.unroute_all()
    retry(board).click()
    board.shows(todo=["Bee", "A", "C"])
    expect(unsent(board)).to_have_count(0)


def test_a_tick_that_got_lost_goes_again_as_it_was_meant(platform, person, lost):
    lost(platform.page)
    platform.tick("x")
    expect(retry(platform)).to_be_visible()
    platform.shows_todos("x", "y")
    person.post(f"/todos/{platform.ids['x']}/done", done="1")
    person.post(f"/todos/{platform.ids['y']}/text", text="why")
    look(platform)
    expect(platform.todo("why")).to_be_visible()
    platform.page.unroute_all()
    retry(platform).click()
    platform.shows_todos("x", "why", ticked=["x"])
    expect(unsent(platform)).to_have_count(0)
    assert person.todos(platform.ids["D"]) == [("x", True), ("why", False)]


def test_a_to_do_moved_by_the_keyboard_that_got_lost_goes_again(platform, person, lost):
    lost(platform.page)
    platform.todo("y").locator("[data-k=box]").focus()
    platform.page.keyboard.press("Shift+ArrowUp")
    expect(retry(platform)).to_be_visible()
    platform.shows_todos("x", "y")
    platform.page.unroute_all()
    retry(platform).click()
    platform.shows_todos("y", "x")
    expect(unsent(platform)).to_have_count(0)
    assert [text for text, _ in person.todos(platform.ids["D"])] == ["y", "x"]


def test_a_card_that_somebody_deleted_meanwhile_is_not_unsent_for_ever(board, person, provoked):
    provoked += [OFFLINE, 404]
    board.page.context.set_offline(True)
    board.move("B", "in_progress")
    expect(retry(board)).to_be_visible()
    board.page.context.set_offline(False)
    person.post(f"/tickets/{board.ids['B']}/delete")
    retry(board).click()
    board.shows(todo=["A", "C"], in_progress=["D"])
    expect(unsent(board)).to_have_count(0)


def test_a_busy_database_says_so_and_offers_to_send_again(board, person, provoked):
    message = "Nothing was saved: the database is busy or away. Try again in a moment."
    board.page.route("**/status", lambda route: route.fulfill(status=503, content_type="text/plain", body=message))
    provoked.append(503)
    board.move("A", "in_progress")
    expect(notice(board)).to_contain_text(message)
    board.page.unroute_all()
    retry(board).click()
    board.shows(todo=["B", "C"], in_progress=["A", "D"])
    expect(notice(board)).to_be_hidden()


# The bar


def test_a_quiet_bar_says_that_nobody_answers_and_goes_away_by_itself(board, provoked):
    provoked.append(OFFLINE)
    mark(board.page)
    quick_add(board).fill("half a thou")
    board.page.context.set_offline(True)
    expect(notice(board)).to_contain_text("NIKKO can’t be reached")
    expect(retry(board)).to_be_hidden()
    board.page.context.set_offline(False)  # the browser says so: `online`
    expect(notice(board)).to_be_hidden()
    expect(quick_add(board)).to_have_value("half a thou")
    assert is_marked(board.page)


def test_a_server_that_stops_and_starts_again_loses_nothing(browser, new_page, tmp_path, provoked):
    provoked.append(REFUSED)
    port = free_port()
    with running(tmp_path, port) as address:
        db = database.SQL(f"sqlite:///{tmp_path}/database.db")
        person = add_person(address, db)
        db.close()
        person.add_tickets("A", "B")
        screen = Screen(new_page(DESK, person.session()), DESK)
        screen.open(address)
        mark(screen.page)
    expect(notice(screen)).to_contain_text("NIKKO can’t be reached")
    screen.add("written while it was away")
    screen.move("A", "in_progress")
    expect(retry(screen)).to_be_visible()
    expect(unsent(screen)).to_have_count(2)
    with running(tmp_path, port):
        retry(screen).click()
        screen.shows(todo=["written while it was away", "B"], in_progress=["A"])
        expect(notice(screen)).to_be_hidden()
        person.add_tickets("from elsewhere")
        look(screen)
        screen.shows(todo=["from elsewhere", "written while it was away", "B"])
        assert is_marked(screen.page)
        assert person.board()["in_progress"] == ["A"]
        screen.page.close()


# Drafts


def drafts(page):
    """What is kept of texts that aren't saved."""
    return page.evaluate("Object.keys(localStorage)")


def test_nothing_typed_on_the_board_is_lost_by_a_reload(board):
    board.open(f"/?open={board.ids['D']}")
    quick_add(board).fill("a new\nthing")
    board.press(board.page.get_by_role("link", name="Add a ticket to Done"))
    board.page.locator("#add-done textarea").fill("already done")
    board.page.locator(f"#add-todo-{board.ids['D']} textarea").fill("to be done")
    board.start_renaming("B").fill("Bee")
    board.page.reload()
    expect(quick_add(board)).to_have_value("a new\nthing")
    expect(board.page.locator("#add-done textarea")).to_have_value("already done")
    expect(board.page.locator(f"#add-todo-{board.ids['D']} textarea")).to_have_value("to be done")
    field = board.page.get_by_label("Title of the ticket")
    expect(field).to_have_value("Bee")
    board.save(field, "Bee!")
    expect(board.card("Bee!")).to_be_visible()
    for form in ("#add-todo", "#add-done", f"#add-todo-{board.ids['D']}"):
        board.page.locator(f"{form} textarea").press("Enter")
        expect(board.page.locator(f"{form} textarea")).to_have_value("")
    board.shows(todo=["a new", "thing", "A", "Bee!", "C"], done=["already done"])
    expect(board.card("D").locator(".todo .text")).to_have_text(["x", "y", "to be done"])
    assert drafts(board.page) == []


def test_nothing_typed_on_the_platform_is_lost_by_a_reload(platform):
    quick_add(platform).fill("to be done")
    platform.act("y", "edit")
    platform.page.get_by_label("Text of the to-do").fill("why")
    platform.press(platform.page.locator(".ticket-bar [data-k=edit]"))
    platform.page.get_by_label("Title of the ticket").fill("Dee")
    platform.page.reload()
    expect(quick_add(platform)).to_have_value("to be done")
    expect(platform.page.get_by_label("Text of the to-do")).to_have_value("why")
    expect(platform.page.get_by_label("Title of the ticket")).to_have_value("Dee")
    for label in ("Text of the to-do", "Title of the ticket", "Text of the new to-do"):
        platform.page.get_by_label(label).press("Enter")
    platform.shows_todos("x", "why", "to be done")
    expect(platform.page.get_by_role("heading", level=1)).to_have_text("Dee")
    assert drafts(platform.page) == []


def test_a_text_that_is_saved_or_given_up_leaves_no_draft_and_the_next_line_is_kept(board):
    for _ in range(2):
        field = board.start_renaming("B")
        field.fill("Bee")
        assert len(drafts(board.page)) == 1
        field.press("Escape")
        board.shows(todo=["A", "B", "C"])
        assert drafts(board.page) == []
    quick_add(board).press_sequentially("one")
    board.page.keyboard.press("Enter")
    quick_add(board).press_sequentially("two")
    board.says("“one” added")
    board.page.reload()
    expect(quick_add(board)).to_have_value("two")
    quick_add(board).fill("")
    assert drafts(board.page) == []


def test_a_reload_before_the_answer_keeps_the_text_and_adds_it_once(board, person, lost, provoked):
    quick_add(board).fill("once")
    lost(board.page, hold(board.page, "**/tickets"))
    waiting = hold(board.page, "**/tickets")
    with board.page.expect_request("**/tickets"):
        quick_add(board).press("Enter")
    expect(quick_add(board)).to_have_value("")
    if lost.what == "answer":
        waiting[0].fetch()
    board.page.unroute("**/tickets")
    board.page.reload()
    expect(quick_add(board)).to_have_value("once")
    quick_add(board).press("Enter")
    expect(retry(board)).to_be_visible()
    board.page.unroute_all()
    quick_add(board).press("Enter")
    board.shows(todo=["once", "A", "B", "C"])
    assert person.board()["todo"] == ["once", "A", "B", "C"]


def test_drafts_are_kept_for_each_person_and_wiped_at_logout(board, new_person, person):
    quick_add(board).fill("mine")
    context = board.page.context
    stranger = new_person()
    context.add_cookies(stranger.session())
    board.open()
    expect(quick_add(board)).to_have_value("")
    quick_add(board).fill("theirs")
    context.add_cookies(person.session())
    board.open()
    expect(quick_add(board)).to_have_value("mine")
    assert len(drafts(board.page)) == 2
    board.press_button("Log out", board.open_account())
    expect(board.page.get_by_label("Password")).to_be_visible()
    assert drafts(board.page) == []
    board.page.get_by_label("Username").fill(person.username)
    board.page.get_by_label("Password").fill(PASSWORD)
    board.press_button("Log in")
    expect(quick_add(board)).to_have_value("")
