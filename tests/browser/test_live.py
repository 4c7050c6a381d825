"""Two browsers side by side: what changes in one shows in the other, and a redraw takes nothing away from anybody."""

import contextlib
import re
import secrets
import time

import pytest

from sessions import DatabaseCache, hashed

from .screen import DESK, PHONE, Screen, expect
from .test_script import is_marked, mark, notice, quick_add

DEVICES = [DESK]
ABORTED = "net::ERR_FAILED"


@contextlib.contextmanager
def soon():
    """What is expected inside has to come within three seconds, as an open page promises."""
    expect.set_options(timeout=3_000)
    try:
        yield
    finally:
        expect.set_options(timeout=5_000)


def is_look(request):
    """Whether the page asks whether it still is what it was."""
    return request.method == "GET" and "if-none-match" in request.headers


def looks(page):
    """The statuses of the answers to the page's looks, as they come."""
    statuses = []
    page.on("response", lambda response: is_look(response.request) and statuses.append(response.status))
    return statuses


def asked(page):
    """The page's looks, answered or not, as they are sent."""
    requests = []
    page.on("request", lambda request: is_look(request) and requests.append(request))
    return requests


@contextlib.contextmanager
def one_look(page, status):
    """What is done inside makes the page look, and that is answered with this status."""
    with page.expect_response(lambda response: is_look(response.request)) as got:
        yield
    assert got.value.status == status
    got.value.finished()


def pretend_hidden(page, hidden):
    """Another tab is in front, or this one again; a browser without a window never says so itself."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


# What changes elsewhere shows here


def test_every_change_on_one_board_shows_on_the_other(board, other, person):
    other.open()
    mark(other.page)
    board.add("new")
    with soon():
        other.shows(todo=["new", "A", "B", "C"])
    board.save(board.start_renaming("A"), "Ay")
    with soon():
        other.shows(todo=["new", "Ay", "B", "C"])
    board.move("B", "in_progress")
    with soon():
        other.shows(todo=["new", "Ay", "C"], in_progress=["B", "D"])
    board.choose(board.card("C"), "To the top")
    with soon():
        other.shows(todo=["C", "new", "Ay"])
    board.move("D", "done")
    with soon():
        other.shows(in_progress=["B"], done=["D", "E"])
    board.delete("new")
    with soon():
        other.shows(todo=["C", "Ay"])
    board.press_button("Undo", board.page.locator("#toast"))
    with soon():
        other.shows(todo=["C", "new", "Ay"])
    expect(other.page.locator("#count-open")).to_have_text("4")
    assert is_marked(other.page)


def test_what_is_done_on_a_platform_page_shows_on_the_board_and_on_the_same_page_elsewhere(
    platform, new_page, other, person
):
    board = Screen(new_page(DESK, person.session()), DESK)
    board.open()
    other.open(f"/platform/{platform.ticket_id}")
    for screen in (board, other):
        mark(screen.page)
    progress = board.card("Ticket").locator(".progress")
    platform.tick("x")
    with soon():
        expect(progress).to_contain_text("1/3")
        other.shows_todos("x", "y", "z", ticked=["x"])
    platform.add("new")
    with soon():
        expect(progress).to_contain_text("1/4")
        other.shows_todos("x", "y", "z", "new", ticked=["x"])
    platform.act("y", "edit")
    platform.save(platform.page.get_by_label("Text of the to-do"), "why")
    with soon():
        other.shows_todos("x", "why", "z", "new", ticked=["x"])
    platform.act("new", "up")
    with soon():
        other.shows_todos("x", "why", "new", "z", ticked=["x"])
    platform.act("z", "delete")
    with soon():
        expect(progress).to_contain_text("1/3")
        other.shows_todos("x", "why", "new", ticked=["x"])
    platform.press_button("Undo", platform.page.locator("#toast"))
    with soon():
        expect(progress).to_contain_text("1/4")
        other.shows_todos("x", "why", "new", "z", ticked=["x"])
    platform.press_button("In progress", platform.page.get_by_role("group", name="Status"))
    with soon():
        board.shows(todo=[], in_progress=["Ticket"])
        expect(other.page.locator(".segments [aria-pressed=true]")).to_have_text("In progress")
        expect(other.page.locator(".beside h2")).to_have_text("In progress")
    platform.press(platform.page.locator(".ticket-bar [data-k=edit]"))
    platform.save(platform.page.get_by_label("Title of the ticket"), "Renamed")
    with soon():
        board.shows(in_progress=["Renamed"])
        expect(other.page.get_by_role("heading", level=1)).to_have_text("Renamed")
        expect(other.page.locator(".beside [aria-current]")).to_contain_text("Renamed")
    expect(other.page.locator("#history li")).to_have_count(10)
    assert is_marked(board.page)
    assert is_marked(other.page)


def test_what_is_deleted_and_restored_elsewhere_shows_in_the_trash(board, other):
    other.open("/trash")
    mark(other.page)
    board.delete("A")
    with soon():
        expect(other.page.locator(".trash .what")).to_have_text([re.compile("^A")])
    board.delete("B")
    with soon():
        expect(other.page.locator(".trash .what")).to_have_text([re.compile("^[AB]")] * 2)
    other.press_button("Restore A")
    with soon():
        board.shows(todo=["A", "C"])
    board.press_button("Undo", board.open_account())
    with soon():
        expect(other.page.locator(".trash .what")).to_have_text([re.compile("^[AB]")] * 2)
    assert is_marked(other.page)


def test_the_first_and_the_last_ticket_show_on_an_empty_board(screen, other):
    screen.open()
    other.open()
    quick_add(other).fill("half a thou")
    screen.add("first")
    with soon():
        other.shows(todo=["first"])
    expect(quick_add(other)).to_have_value("half a thou")
    expect(quick_add(other)).to_be_focused()
    screen.delete("first")
    with soon():
        expect(other.page.get_by_role("heading", name="Nothing on the board yet")).to_be_visible()
    expect(quick_add(other)).to_have_value("half a thou")
    expect(quick_add(other)).to_be_focused()


def test_a_toast_outlives_what_changes_elsewhere(board, person):
    board.delete("B")
    board.says("“B” deleted")
    person.post(f"/tickets/{board.ids['A']}/title", title="Ay")
    with soon():
        board.shows(todo=["Ay", "C"])
    board.press_button("Undo", board.page.locator("#toast"))
    board.shows(todo=["Ay", "B", "C"])


def test_the_ticket_of_an_open_page_deleted_elsewhere_is_said_to_be_gone(platform, person, provoked):
    quick_add(platform).fill("half a thou")
    person.post(f"/tickets/{platform.ticket_id}/delete")
    with soon():
        expect(notice(platform)).to_contain_text("not there any more")
    provoked.append(404)
    expect(quick_add(platform)).to_have_value("half a thou")
    person.post("/undo")
    platform.page.evaluate("dispatchEvent(new Event('focus'))")
    expect(notice(platform)).to_be_hidden()
    expect(quick_add(platform)).to_have_value("half a thou")


# How it asks


def test_a_quiet_page_asks_every_two_seconds_and_is_told_that_nothing_changed(board):
    board.page.clock.install()
    board.page.reload()
    statuses, requests = looks(board.page), asked(board.page)
    for number in range(4):
        board.page.clock.run_for(1_900)
        assert len(requests) == number
        with one_look(board.page, 304):
            board.page.clock.run_for(200)
    assert statuses == [304] * len(requests) == [304] * 4


def test_its_own_changes_are_not_followed_by_a_redraw(board, person):
    statuses = looks(board.page)
    board.add("new")
    board.says("“new” added")
    board.move("A", "in_progress")
    board.says("“A” moved from To do to In progress")
    board.save(board.start_renaming("B"), "Bee")
    board.says("“B” renamed to “Bee”")
    board.delete("C")
    board.says("“C” deleted")
    board.press_button("Undo", board.page.locator("#toast"))
    board.says("Undone: “C” deleted")
    board.press_button("Dark", board.open_account())
    expect(board.page.locator("html")).to_have_attribute("data-theme", "dark")
    with one_look(board.page, 304):
        pass
    assert set(statuses) == {304}
    board.open(f"/platform/{board.ids['A']}")
    statuses = looks(board.page)
    board.add("x\ny")
    board.shows_todos("x", "y")
    board.tick("x")
    board.says("Ticked “x”")
    board.act("y", "up")
    board.shows_todos("y", "x", ticked=["x"])
    with one_look(board.page, 304):
        pass
    assert set(statuses) == {304}


def test_what_came_between_its_own_changes_shows(board, person):
    person.add_tickets("from elsewhere")
    board.move("D", "done")
    with soon():
        board.shows(todo=["from elsewhere", "A", "B", "C"], in_progress=[], done=["D", "E"])


def test_asking_does_not_prolong_the_session(board, person, db):
    def seen_at(value=None):
        if value:
            db.execute("UPDATE sessions SET seen_at = ? WHERE id = ?", value, hashed(person.cookie))
        return db.execute("SELECT seen_at FROM sessions WHERE id = ?", hashed(person.cookie))[0]["seen_at"]

    yesterday = seen_at(int(time.time()) - 86_400)
    for _ in range(2):
        with one_look(board.page, 304):
            pass
    assert seen_at() == yesterday
    db.execute("UPDATE users SET version = version + 1 WHERE username = ?", person.username)
    with one_look(board.page, 200):
        pass
    assert seen_at() == yesterday
    board.page.reload()
    assert seen_at() > yesterday


def test_it_asks_at_once_when_it_is_looked_at_again_and_seldom_while_hidden(board):
    board.page.clock.install()
    board.page.reload()
    requests = asked(board.page)
    with one_look(board.page, 304):
        board.page.evaluate("dispatchEvent(new Event('focus'))")
    pretend_hidden(board.page, True)
    board.page.clock.run_for(29_000)
    assert len(requests) == 1
    with one_look(board.page, 304):
        board.page.clock.run_for(2_000)
    board.page.clock.run_for(25_000)
    assert len(requests) == 2
    with one_look(board.page, 304):
        pretend_hidden(board.page, False)
    with one_look(board.page, 304):
        board.page.clock.run_for(2_100)


def test_it_asks_less_and_less_often_while_nobody_answers(board, provoked):
    board.page.clock.install()
    board.page.reload()
    requests = asked(board.page)
    board.page.route("**/*", lambda route: route.abort())
    provoked.append(ABORTED)
    for number, wait in enumerate((2, 4, 8, 16, 30, 30)):
        board.page.clock.run_for(1_000 * wait - 300)
        assert len(requests) == number
        with board.page.expect_event("requestfailed", is_look):
            board.page.clock.run_for(600)
        expect(notice(board)).to_contain_text("NIKKO can’t be reached")
    board.page.unroute_all()
    with one_look(board.page, 304):
        board.page.evaluate("dispatchEvent(new Event('online'))")
    expect(notice(board)).to_be_hidden()
    with one_look(board.page, 304):
        board.page.clock.run_for(2_100)


# The session


def test_a_session_that_ended_elsewhere_is_said_and_after_logging_in_the_page_goes_on(board, person, db, provoked):
    quick_add(board).fill("half a thou")
    mark(board.page)
    session = db.execute("SELECT data, user_id FROM sessions WHERE id = ?", hashed(person.cookie))[0]
    DatabaseCache(db).delete(person.cookie)
    with soon():
        expect(notice(board)).to_contain_text("You are logged out")
    provoked.append(401)
    expect(notice(board).get_by_role("link", name="Log in")).to_be_visible()
    expect(quick_add(board)).to_have_value("half a thou")
    person.cookie = secrets.token_hex()
    DatabaseCache(db).add(person.cookie, {"user_id": session["user_id"], "_permanent": True})
    board.page.context.add_cookies(person.session())
    board.page.evaluate("dispatchEvent(new Event('focus'))")
    expect(notice(board)).to_be_hidden()
    person.add_tickets("from elsewhere")
    with soon():
        board.shows(todo=["from elsewhere", "A", "B", "C"])
    expect(quick_add(board)).to_have_value("half a thou")
    assert is_marked(board.page)


def test_when_somebody_else_logs_in_elsewhere_the_page_becomes_theirs_and_takes_nothing_along(
    board, server, db, new_person
):
    quick_add(board).fill("mine alone")
    stranger = new_person()
    stranger.add_tickets("theirs")
    board.page.context.add_cookies(stranger.session())
    with soon():
        board.shows(todo=["theirs"], in_progress=[], done=[])
    expect(quick_add(board)).to_have_value("")
    expect(board.page.locator("body")).to_have_attribute("data-person", re.compile(r"\d"))
    assert board.page.evaluate("document.body.dataset.person") == str(
        db.execute("SELECT id FROM users WHERE username = ?", stranger.username)[0]["id"]
    )


# A redraw takes nothing away


def caret(page):
    """The field that has the focus, and what is selected in it."""
    return page.evaluate(
        "[document.activeElement.id, document.activeElement.selectionStart, document.activeElement.selectionEnd]"
    )


def test_a_redraw_keeps_what_is_half_typed_in_every_field_of_the_board_and_its_caret(board, person):
    person.add_todos(board.ids["D"], "x", "y")
    board.open(f"/?open={board.ids['D']}")
    board.press(board.page.get_by_role("link", name="Add a ticket to Done"))
    fields = ["#add-done textarea", f"#add-todo-{board.ids['D']} textarea", "#add-todo textarea", "#q"]
    for field in fields[:3]:
        board.page.locator(field).fill(f"half a thou in {field}")
    for number, field in enumerate(fields[:3]):
        board.page.locator(field).focus()
        for _ in range(3):
            board.page.keyboard.press("Shift+ArrowLeft")
        before = caret(board.page)
        assert before[2] - before[1] == 3
        person.post(f"/tickets/{board.ids['A']}/title", title=f"A{number}")
        person.post("/todos/" + str(person.add_todos(board.ids["D"], f"new {number}")[0]) + "/position", before="")
        with soon():
            expect(board.page.locator("#tickets-todo h3").first).to_have_text(f"A{number}")
            expect(board.card("D").locator(".todo")).to_have_count(3 + number)
        assert caret(board.page) == before
        for each in fields[:3]:
            expect(board.page.locator(each)).to_have_value(f"half a thou in {each}")


def test_a_card_that_is_moved_around_the_focus_keeps_it_and_nothing_hears_of_a_blur(board, person):
    board.card("B").locator("[data-k=title]").focus()
    board.page.evaluate("window.blurs = 0; document.addEventListener('focusout', () => (window.blurs += 1))")
    person.post(f"/tickets/{board.ids['A']}/delete")
    with soon():
        board.shows(todo=["B", "C"])
    person.post(f"/tickets/{board.ids['C']}/top")
    with soon():
        board.shows(todo=["C", "B"])
    person.post(f"/tickets/{board.ids['B']}/top")
    with soon():
        board.shows(todo=["B", "C"])
    expect(board.card("B").locator("[data-k=title]")).to_be_focused()
    assert board.page.evaluate("window.blurs") == 0


def test_an_open_rename_stays_and_shows_what_came_when_it_is_closed(board, person):
    field = board.start_renaming("B")
    field.fill("Bee, half")
    person.post(f"/tickets/{board.ids['B']}/title", title="from elsewhere")
    person.post(f"/tickets/{board.ids['A']}/delete")
    with soon():
        expect(board.page.locator("#tickets-todo li")).to_have_count(2)
    expect(field).to_have_value("Bee, half")
    expect(field).to_be_focused()
    statuses = looks(board.page)
    for _ in range(2):
        with one_look(board.page, 304):
            pass
    assert statuses == [304, 304], "what is held back is not asked for until there is room for it"
    field.press("Escape")
    with soon():
        board.shows(todo=["from elsewhere", "C"])


def test_a_card_deleted_elsewhere_while_it_is_renamed_goes_when_the_field_is_closed(board, person):
    field = board.start_renaming("B")
    field.fill("Bee, half")
    person.post(f"/tickets/{board.ids['B']}/delete")
    person.post(f"/tickets/{board.ids['A']}/title", title="Ay")
    with soon():
        expect(board.card("Ay")).to_be_visible()
    expect(field).to_have_value("Bee, half")
    field.press("Escape")
    with soon():
        board.shows(todo=["Ay", "C"])


def test_move_to_stays_open_over_a_redraw_and_closes_when_it_has_moved(board, person):
    board.choose(board.card("B"), "Move to…")
    board.page.get_by_label("In progress", exact=True).select_option("At the end")
    person.post(f"/tickets/{board.ids['A']}/title", title="Ay")
    person.post(f"/tickets/{board.ids['B']}/title", title="Bee")
    with soon():
        expect(board.card("Ay")).to_be_visible()
    expect(board.page.get_by_label("In progress", exact=True)).to_have_value("")
    board.press_button("Move to In progress")
    board.shows(todo=["Ay", "C"], in_progress=["D", "Bee"])
    expect(board.page.locator(".move")).to_have_count(0)


def test_an_open_menu_stays_where_its_button_is(screen, person):
    person.add_tickets(*(f"ticket {number}" for number in range(30)))
    screen.open()
    screen.page.locator("#tickets-todo").evaluate("list => (list.scrollTop = 300)")
    card = screen.card("ticket 9")
    sheet = screen.menu(card)
    (ticket_id,) = person.add_tickets("from elsewhere")
    person.post(f"/tickets/{ticket_id}/title", title="and renamed")
    with soon():
        expect(screen.page.locator("#count-todo")).to_have_text("31")
        expect(screen.card("and renamed")).to_have_count(1)
    expect(sheet).to_be_visible()
    beside = card.locator("summary").bounding_box(), sheet.bounding_box()
    assert 0 <= beside[1]["y"] - (beside[0]["y"] + beside[0]["height"]) < 20
    sheet.get_by_text("Rename").click()
    expect(screen.page.get_by_label("Title of the ticket")).to_have_value("ticket 9")


def test_selected_text_stays_selected_and_what_was_held_back_comes_after_it(board, person):
    board.page.evaluate("getSelection().selectAllChildren(document.querySelector('#tickets-todo li:nth-child(2) h3'))")
    assert board.page.evaluate("getSelection().toString()") == "B"
    person.post(f"/tickets/{board.ids['B']}/title", title="Bee")
    person.post(f"/tickets/{board.ids['A']}/delete")
    with soon():
        expect(board.page.locator("#tickets-todo h3")).to_have_text(["B", "C"])
    assert board.page.evaluate("getSelection().toString()") == "B"
    board.page.evaluate("getSelection().removeAllRanges()")
    with soon():
        board.shows(todo=["Bee", "C"])


@pytest.mark.parametrize("device", [DESK, PHONE], ids=str)
def test_a_redraw_keeps_the_scroll(screen, person):
    ids = person.add_tickets(*(f"ticket {number}" for number in range(40)))
    screen.open()
    scroller = "document.scrollingElement" if screen.touch else "document.querySelector('#tickets-todo')"
    screen.page.evaluate(f"{scroller}.scrollTop = 900")
    in_view = screen.page.evaluate(
        "[...document.querySelectorAll('#tickets-todo li')].find(li => li.getBoundingClientRect().top > 300).id"
    )
    place = screen.page.locator(f"#{in_view}").bounding_box()
    person.add_tickets("from elsewhere")
    person.post(f"/tickets/{ids[2]}/delete")
    with soon():
        expect(screen.page.locator("#tickets-todo h3").first).to_have_text("from elsewhere")
    assert screen.page.locator(f"#{in_view}").bounding_box() == pytest.approx(place, abs=2)


def test_a_redraw_of_the_platform_keeps_an_open_field_the_half_typed_text_and_the_focus(platform, person):
    quick_add(platform).fill("half a thou")
    platform.act("y", "edit")
    field = platform.page.get_by_label("Text of the to-do")
    field.fill("why, half")
    person.post(f"/todos/{platform.ids['x']}/delete")
    person.post(f"/todos/{platform.ids['y']}/done", done="1")
    person.post(f"/tickets/{platform.ticket_id}/title", title="Renamed")
    with soon():
        expect(platform.page.get_by_role("heading", level=1)).to_have_text("Renamed")
        expect(platform.page.locator("#todos li")).to_have_count(2)
    expect(field).to_have_value("why, half")
    expect(field).to_be_focused()
    expect(quick_add(platform)).to_have_value("half a thou")
    field.press("Escape")
    with soon():
        platform.shows_todos("y", "z", ticked=["y"])


def test_a_redraw_of_the_platform_keeps_the_focus_among_the_tickets_beside_and_in_the_history(platform, person):
    others = person.add_tickets("one", "two", "three")
    platform.page.reload()
    link = platform.page.locator(".beside a").filter(has_text="two")
    link.focus()
    person.post(f"/tickets/{others[0]}/delete")
    person.post(f"/tickets/{others[1]}/status", status="in_progress")
    with soon():
        expect(platform.page.locator(".beside h2")).to_have_text(["In progress", "To do"])
        expect(platform.page.locator(".beside a")).to_have_count(3)
    expect(link).to_be_focused()
    undo = platform.page.get_by_role("button", name="Undo this: Added 3 to-dos")
    undo.focus()
    person.post(f"/todos/{platform.ids['x']}/done", done="1")
    with soon():
        platform.shows_todos("x", "y", "z", ticked=["x"])
    expect(undo).to_be_focused()


def test_a_page_opened_with_a_field_stays_live_and_its_field_stays_open(board, person):
    board.open(f"/?edit={board.ids['B']}")
    field = board.page.get_by_label("Title of the ticket")
    field.fill("Bee, half")
    person.post(f"/tickets/{board.ids['A']}/title", title="Ay")
    with soon():
        expect(board.card("Ay")).to_be_visible()
    expect(field).to_have_value("Bee, half")
    board.page.get_by_role("link", name="Cancel").click()
    board.shows(todo=["Ay", "B", "C"])
    board.open(f"/?move={board.ids['B']}")
    board.press_button("Move to Done")
    board.shows(todo=["Ay", "C"], done=["B", "E"])
    person.post(f"/tickets/{board.ids['C']}/title", title="Sea")
    with soon():
        board.shows(todo=["Ay", "Sea"])
    expect(board.page.locator(".move")).to_have_count(0)
