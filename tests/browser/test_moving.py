"""Moving is equal for everyone: a mouse, a finger and a form reach any place, keep the focus, and hear where it is."""

import re

import pytest

from .screen import DESK, DESK_PLAIN, NAMES, PHONE, PHONE_PLAIN, expect

DEVICES = [DESK]
BOTH = pytest.mark.parametrize("device", [DESK, PHONE], ids=str)
EVERYONE = pytest.mark.parametrize("device", [DESK, DESK_PLAIN, PHONE, PHONE_PLAIN], ids=str)


class Hand:
    """What drags on a screen: the mouse, or a finger, of which Chromium is told as if the glass had felt it."""

    def __init__(self, screen):
        self.page, self.touch = screen.page, screen.touch
        self.client = screen.page.context.new_cdp_session(screen.page) if screen.touch else None
        self.at = None

    def feel(self, kind, *points):
        points = [{"x": x, "y": y, "id": int((x, y) != self.at)} for x, y in points]  # 0 is the finger that drags
        self.client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def take(self, locator):
        """Press down on the middle of something and pull it far enough to be a drag."""
        self.press(locator)
        self.to(self.at[0] + 4, self.at[1] + 9)

    def press(self, locator):
        self.at = middle(locator)
        if self.touch:
            self.feel("touchStart", self.at)
        else:
            self.page.mouse.move(*self.at)
            self.page.mouse.down()

    def to(self, x, y):
        if self.touch:
            left, top = self.at
            for part in (0.25, 0.5, 0.75, 1):
                self.at = (left + part * (x - left), top + part * (y - top))
                self.feel("touchMove", self.at)
            self.at = (x, y)
        else:
            self.at = (x, y)
            self.page.mouse.move(x, y, steps=4)

    def let_go(self):
        if self.touch:
            self.page.wait_for_timeout(
                200
            )  # a finger rests before it lifts, or it is a flick, which the next tap stops
            self.feel("touchEnd")
        else:
            self.page.mouse.up()


def middle(locator):
    """Where the middle of something is in the window."""
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture
def hand(screen):
    return Hand(screen)


@pytest.fixture
def board(screen, person):
    """A screen with the board A, B, C · D · nothing done yet."""
    person.add_tickets("A", "B", "C")
    person.add_tickets("D", status="in_progress")
    screen.open()
    return screen


def column(screen, status):
    return screen.page.locator(f"#tickets-{status}")


def has(screen, status, *titles):
    """Wait until a column of the page holds these; a column that isn't shown on a phone counts as well."""
    expect(column(screen, status).locator("h3")).to_have_text(list(titles))


def tells(screen, sentence):
    """Wait until the live region says that, with the place."""
    expect(screen.page.locator("#toast[role=status] p")).to_have_text(sentence)


def undo(screen):
    screen.press_button("Undo", screen.page.locator("#toast"))


def over(screen, hand, status, before=None):
    """Bring what the hand holds before a card, or to the end of a column; on a phone over the strip."""
    if not column(screen, status).is_visible():
        hand.to(*middle(screen.page.locator(f'.strip a[href="#column-{status}"]')))
        expect(column(screen, status)).to_be_visible()
    list_box = column(screen, status).bounding_box()
    x = list_box["x"] + list_box["width"] / 2
    cards = column(screen, status).locator("li")
    if before:
        hand.to(x, screen.card(before).bounding_box()["y"] + 3)
    elif cards.count():
        box = cards.last.bounding_box()
        hand.to(x, box["y"] + box["height"] - 2)
    else:
        hand.to(x, list_box["y"] + 12)


def hold(page, pattern):
    """Let what is sent there wait; returns the list of what waits, each to be answered by the test."""
    held = []
    page.route(pattern, lambda route: held.append(route))
    return held


def nothing_is_held(screen):
    """Nothing on the page looks as if somebody dragged it."""
    expect(screen.page.locator(".ghost, .dragged, .dragging")).to_have_count(0)


def drag(screen, hand, title, status, before=None, by=".grip"):
    if not screen.card(title).is_visible():
        screen.show_column(next(each for each in NAMES if column(screen, each).get_by_text(title, exact=True).count()))
    hand.take(screen.card(title).locator(by))
    over(screen, hand, status, before)
    hand.let_go()
    nothing_is_held(screen)


# Dragging cards

DRAGS = [
    # what, where, before what; the column then; what is said
    ("A", "todo", None, ["B", "C", "A"], "“A” moved to another place, position 3 of 3"),
    ("A", "todo", "C", ["B", "A", "C"], "“A” moved to another place, position 2 of 3"),
    ("A", "todo", "B", ["A", "B", "C"], "“A” moved to another place, position 1 of 3"),
    ("B", "in_progress", "D", ["B", "D"], "“B” moved from To do to In progress, position 1 of 2"),
    ("C", "in_progress", "D", ["B", "C", "D"], "“C” moved from To do to In progress, position 2 of 3"),
    ("A", "in_progress", None, ["B", "C", "D", "A"], "“A” moved from To do to In progress, position 4 of 4"),
    ("D", "done", None, ["D"], "“D” moved from In progress to Done, position 1 of 1"),
    ("C", "todo", None, ["C"], "“C” moved from In progress to To do, position 1 of 1"),
    ("D", "todo", "C", ["D", "C"], "“D” moved from Done to To do, position 1 of 2"),
]


@BOTH
def test_a_card_can_be_dragged_to_any_place_and_its_toast_takes_it_back(board, hand, person):
    for number, (title, status, before, titles, sentence) in enumerate(DRAGS):
        was = person.board()
        drag(board, hand, title, status, before, ".grip" if board.touch or number % 2 else "h3 a")
        has(board, status, *titles)
        tells(board, sentence)
        expect(board.card(title).locator("[data-k=title]")).to_be_focused()
        expect(board.page).not_to_have_url(re.compile("platform"))  # the drag ended on the link and opened nothing
        moved = person.board()
        assert moved[status] == titles
        undo(board)
        for each, those in was.items():
            has(board, each, *those)
        assert person.board() == was
        board.press_button("Redo", board.page.locator("#toast"))
        has(board, status, *titles)
        assert person.board() == moved
    board.page.reload()
    board.shows(todo=["D", "C"], in_progress=["B", "A"], done=[])


@BOTH
def test_what_is_dragged_and_where_it_would_land_can_be_seen(board, hand):
    grip = board.card("A").locator(".grip")
    box, (x, y) = board.card("A").bounding_box(), middle(grip)
    hand.take(grip)
    ghost, mark = board.page.locator(".ghost"), board.page.locator(".tickets .dragged")
    for status, before in (("todo", "C"), ("in_progress", None)):
        over(board, hand, status, before)
        board.page.wait_for_function(
            """([x, y]) => {
                const box = document.querySelector(".ghost").getBoundingClientRect();
                return Math.hypot(box.x - x, box.y - y) < 1;
            }""",
            arg=[box["x"] + hand.at[0] - x, box["y"] + hand.at[1] - y],
        )
        held = ghost.bounding_box()
        assert (held["width"], held["height"]) == pytest.approx((box["width"], box["height"]), abs=1)
        expect(ghost).to_have_text(re.compile("^\\s*A"))
        expect(ghost).to_have_css("opacity", "1")
        expect(ghost).to_have_css("position", "fixed")
        expect(ghost).to_have_css("background-color", "rgb(255, 255, 255)")
        assert ghost.evaluate("(ghost) => ghost.checkVisibility({ visibilityProperty: true, opacityProperty: true })")
        place = mark.bounding_box()
        assert place["width"] > 100
        assert place["height"] > 20
        expect(column(board, status).locator(".dragged")).to_be_visible()
        expect(mark).to_have_css("border-style", "dashed")
        expect(mark).to_have_css("border-color", "rgb(36, 86, 199)")
    has(board, "in_progress", "D", "A")
    hand.let_go()
    nothing_is_held(board)
    expect(board.card("A")).not_to_have_css("border-style", "dashed")


@BOTH
def test_a_column_that_is_longer_than_the_window_scrolls_under_the_drag(screen, hand, person):
    titles = [f"t{number}" for number in range(30)]
    person.add_tickets(*titles)
    screen.open()
    todo = column(screen, "todo")
    scroller = "document.scrollingElement" if screen.touch else "document.querySelector('#tickets-todo')"
    end = f"{scroller}.scrollHeight - {scroller}.clientHeight"
    bottom = 844 if screen.touch else todo.bounding_box()["y"] + todo.bounding_box()["height"]
    assert screen.page.evaluate(end) > 300
    hand.take(screen.card("t0").locator(".grip"))
    hand.to(100, bottom - 8)
    screen.page.wait_for_function(
        f"() => {scroller}.scrollTop + {scroller}.clientHeight >= {scroller}.scrollHeight - 2"
    )
    has(screen, "todo", *titles[1:], "t0")
    hand.let_go()
    tells(screen, "“t0” moved to another place, position 30 of 30")
    assert person.board()["todo"] == [*titles[1:], "t0"]
    hand.take(screen.card("t26").locator(".grip"))
    hand.to(100, 8 if screen.touch else todo.bounding_box()["y"] + 8)
    screen.page.wait_for_function(f"() => {scroller}.scrollTop <= 1")
    has(screen, "todo", "t26", *titles[1:26], *titles[27:], "t0")
    hand.let_go()
    tells(screen, "“t26” moved to another place, position 1 of 30")
    assert person.board()["todo"] == ["t26", *titles[1:26], *titles[27:], "t0"]


@BOTH
def test_the_end_of_what_is_shown_is_before_the_first_that_is_not(screen, hand, person):
    done = [f"d{number}" for number in range(24)]
    person.add_tickets(*done, status="done")
    person.add_tickets("A")
    screen.open()
    expect(column(screen, "done").locator("li")).to_have_count(20)
    hand.take(screen.card("A").locator(".grip"))
    if screen.touch:
        over(screen, hand, "done")
    hand.to(screen.device.width - 100, 836 if screen.touch else 812)
    screen.page.wait_for_function("() => document.querySelector('#tickets-done').lastElementChild.matches('.dragged')")
    hand.let_go()
    tells(screen, "“A” moved from To do to Done, position 21 of 25")
    has(screen, "done", *done[:20], "A")
    expect(screen.card("A").locator("[data-k=title]")).to_be_focused()
    expect(screen.page.locator("#older-done")).to_have_text("Show 4 older")
    assert person.board()["done"] == [*done[:20], "A", *done[20:]]


def test_a_card_dropped_where_it_was_is_not_a_step(board, hand, person):
    sent = []
    board.page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    hand.take(board.card("A").locator(".grip"))
    over(board, hand, "todo", "C")
    has(board, "todo", "B", "A", "C")
    over(board, hand, "todo", "B")
    has(board, "todo", "A", "B", "C")
    hand.let_go()
    nothing_is_held(board)
    expect(board.card("A").locator("[data-k=title]")).to_be_focused()
    board.add("after it")
    tells(board, "“after it” added")
    assert [url for url in sent if "position" in url] == []


def test_a_press_without_a_drag_opens_the_card_and_a_short_one_too(board, hand):
    hand.press(board.card("A").locator("h3 a"))
    hand.page.mouse.move(hand.at[0] + 3, hand.at[1] + 2)
    hand.let_go()
    expect(board.page.get_by_role("heading", level=1)).to_have_text("A")


@pytest.mark.parametrize("part", ["h3 a", ".grip"])
def test_esc_lets_go_with_everything_as_it_was(board, hand, person, part):
    hand.take(board.card("A").locator(part))
    over(board, hand, "in_progress", None)
    has(board, "in_progress", "D", "A")
    board.page.keyboard.press("Escape")
    nothing_is_held(board)
    board.shows(todo=["A", "B", "C"], in_progress=["D"])
    hand.to(*middle(board.card("A").locator("h3 a")))  # back on the link on which it began
    hand.let_go()
    has(board, "todo", "A", "B", "C")
    expect(board.card("A").locator("[data-k=title]")).to_be_focused()
    board.add("still here")
    tells(board, "“still here” added")
    assert person.board() == {"todo": ["still here", "A", "B", "C"], "in_progress": ["D"], "done": []}


def test_esc_and_then_letting_go_opens_nothing(board, hand):
    hand.take(board.card("A").locator("h3 a"))
    board.page.keyboard.press("Escape")
    nothing_is_held(board)
    hand.let_go()
    board.add("still here")
    tells(board, "“still here” added")
    board.press(board.card("A").locator("h3 a"))  # which a click does all the same
    expect(board.page.get_by_role("heading", level=1)).to_have_text("A")


@pytest.mark.parametrize("device", [PHONE], ids=str)
def test_a_finger_that_the_system_takes_away_lets_go_with_everything_as_it_was(board, hand, person):
    hand.take(board.card("A").locator(".grip"))
    over(board, hand, "in_progress", None)
    has(board, "in_progress", "D", "A")
    hand.feel("touchCancel")
    nothing_is_held(board)
    board.shows(todo=["A", "B", "C"], in_progress=["D"])
    expect(board.card("A")).to_be_visible()
    assert person.board()["todo"] == ["A", "B", "C"]


@pytest.mark.parametrize("device", [PHONE], ids=str)
def test_a_second_finger_does_not_end_a_drag(board, hand, person):
    hand.take(board.card("A").locator(".grip"))
    over(board, hand, "todo", None)
    has(board, "todo", "B", "C", "A")
    board.page.evaluate("window.lifted = 0, document.addEventListener('pointerup', () => (lifted += 1), true)")
    hand.feel("touchStart", hand.at, (300, 600))
    hand.feel("touchEnd", (300, 600))
    board.page.wait_for_function("() => lifted === 1")
    expect(board.page.locator(".ghost")).to_be_visible()
    over(board, hand, "todo", "C")
    hand.let_go()
    tells(board, "“A” moved to another place, position 2 of 3")
    assert person.board()["todo"] == ["B", "A", "C"]


@pytest.mark.parametrize("device", [PHONE], ids=str)
def test_a_finger_on_a_card_beside_its_handle_scrolls_the_page(screen, hand, person):
    person.add_tickets(*(f"t{number}" for number in range(30)))
    screen.open()
    hand.press(screen.card("t8").locator("h3"))
    for _ in range(6):
        hand.to(hand.at[0], hand.at[1] - 50)
        expect(screen.page.locator(".ghost")).to_have_count(0)
    hand.let_go()
    screen.page.wait_for_function("() => scrollY > 100")
    assert person.board()["todo"] == [f"t{number}" for number in range(30)]


@BOTH
def test_a_page_that_is_redrawn_meanwhile_does_not_break_a_drag(board, hand, person):
    hand.take(board.card("A").locator(".grip"))
    over(board, hand, "todo", "C")
    has(board, "todo", "B", "A", "C")
    person.add_tickets("from elsewhere")
    with board.page.expect_response(lambda response: response.status == 200):  # the page looked, and it has changed
        pass
    over(board, hand, "todo", "C")
    hand.let_go()
    tells(board, "“A” moved to another place, position 3 of 4")
    has(board, "todo", "from elsewhere", "B", "A", "C")
    expect(board.card("A").locator("[data-k=title]")).to_be_focused()
    assert person.board()["todo"] == ["from elsewhere", "B", "A", "C"]


def test_an_answer_that_comes_meanwhile_does_not_break_a_drag(board, hand, person):
    held = hold(board.page, "**/delete")
    board.delete("B")
    hand.take(board.card("A").locator(".grip"))
    over(board, hand, "in_progress")
    has(board, "in_progress", "D", "A")
    held[0].continue_()
    has(board, "todo", "C")  # B, before which A stood, has gone
    board.page.keyboard.press("Escape")
    hand.let_go()
    nothing_is_held(board)
    has(board, "todo", "A", "C")
    has(board, "in_progress", "D")
    assert person.board() == {"todo": ["A", "C"], "in_progress": ["D"], "done": []}


def test_two_drags_of_a_card_in_quick_succession_end_where_the_second_did(board, hand, person):
    held = hold(board.page, "**/position")
    drag(board, hand, "A", "in_progress")
    hand.take(board.card("A").locator(".grip"))
    over(board, hand, "todo", "C")
    has(board, "todo", "B", "A", "C")
    held[0].continue_()
    board.page.unroute("**/position")
    tells(board, "“A” moved from To do to In progress, position 2 of 2")
    expect(board.page.locator(".ghost")).to_be_visible()
    has(board, "todo", "B", "A", "C")  # it stays in the hand
    hand.let_go()
    tells(board, "“A” moved from In progress to To do, position 2 of 3")
    has(board, "todo", "B", "A", "C")
    assert person.board() == {"todo": ["B", "A", "C"], "in_progress": ["D"], "done": []}


def test_a_refused_drag_puts_the_card_back_and_says_so(board, hand, person, provoked):
    board.page.route("**/position", lambda route: route.fulfill(status=500, body=""))
    provoked.append(500)
    drag(board, hand, "A", "in_progress")
    expect(board.page.locator("#notice")).to_contain_text("Nothing was saved")
    board.shows(todo=["A", "B", "C"], in_progress=["D"])
    expect(board.card("A").locator(":focus")).to_have_count(1)
    assert person.board()["todo"] == ["A", "B", "C"]


# To-dos


@BOTH
def test_a_todo_is_dragged_by_its_handle(platform, hand, person):
    for text, target, texts, place in (
        ("x", "z", ["y", "z", "x"], 3),
        ("x", "y", ["x", "y", "z"], 1),
        ("z", "y", ["x", "z", "y"], 2),
    ):
        before = [each for each, _ in person.todos(platform.ticket_id)]
        hand.take(platform.todo(text).locator(".grip"))
        expect(platform.page.locator(".ghost")).to_be_visible()
        box = platform.todo(target).bounding_box()
        hand.to(hand.at[0], box["y"] + (box["height"] - 2 if place == 3 else 2))
        expect(platform.page.locator("#todos .text")).to_have_text(texts)
        expect(platform.page.locator("#todos .dragged")).to_have_css("outline-style", "dashed")
        hand.let_go()
        nothing_is_held(platform)
        tells(platform, f"Moved “{text}” to another place, position {place} of 3")
        expect(platform.todo(text).get_by_role("checkbox")).to_be_focused()
        assert [each for each, _ in person.todos(platform.ticket_id)] == texts
        undo(platform)
        platform.shows_todos(*before)
        platform.press_button("Redo", platform.page.locator("#toast"))
        platform.shows_todos(*texts)
    platform.page.reload()
    platform.shows_todos("x", "z", "y")


def test_the_text_of_a_todo_can_be_selected_rather_than_dragged(platform, hand):
    hand.press(platform.todo("y").locator(".text"))
    hand.to(hand.at[0] + 30, hand.at[1] + 40)
    expect(platform.page.locator(".ghost")).to_have_count(0)
    hand.let_go()
    platform.shows_todos("x", "y", "z")


@EVERYONE
def test_a_todo_moves_by_its_buttons(platform, person):
    for text, action, texts, place in (
        ("x", "down", ["y", "x", "z"], 2),
        ("x", "down", ["y", "z", "x"], 3),
        ("z", "up", ["z", "y", "x"], 1),
    ):
        platform.act(text, action)
        platform.shows_todos(*texts)
        tells(platform, f"Moved “{text}” to another place, position {place} of 3")
        if platform.script:
            expect(platform.todo(text).locator(":focus")).to_have_count(1)
        assert [each for each, _ in person.todos(platform.ticket_id)] == texts
    undo(platform)
    platform.shows_todos("y", "z", "x")
    expect(platform.todo("y").locator("[data-k=up]")).to_have_count(0)
    expect(platform.todo("x").locator("[data-k=down]")).to_have_count(0)


# Move to…


@EVERYONE
def test_move_to_reaches_any_place_and_says_where_it_is_now(board, person):
    board.choose(board.card("B"), "Move to…")
    expect(board.page.get_by_label("To do", exact=True).locator("option:checked")).to_have_text("Before “C”")
    board.press(board.page.get_by_role("link", name="Cancel"))
    has(board, "todo", "A", "B", "C")
    for status, option, titles, sentence in (
        ("todo", "At the end", ["A", "C", "B"], "“B” moved to another place, position 3 of 3"),
        ("todo", "Before “C”", ["A", "B", "C"], "“B” moved to another place, position 2 of 3"),
        ("in_progress", "At the end", ["D", "B"], "“B” moved from To do to In progress, position 2 of 2"),
    ):
        was = person.board()
        board.choose(board.card("B"), "Move to…")
        here = board.page.get_by_label("To do", exact=True).locator("option:checked")
        expect(here).to_have_text("At the end" if was["todo"][-1] == "B" else "Before “C”")
        board.page.get_by_label(NAMES[status], exact=True).select_option(option)
        board.press_button(f"Move to {NAMES[status]}")
        has(board, status, *titles)
        tells(board, sentence)
        expect(board.page.locator(".move")).to_have_count(0)
        assert person.board()[status] == titles
        if board.script and board.card("B").is_visible():
            expect(board.card("B").locator(":focus")).to_have_count(1)
        elif board.script:  # on a phone its column isn't shown
            expect(board.page.locator("#column-todo .card :focus")).to_have_count(1)
        undo(board)
        has(board, "todo", *was["todo"])
        if titles != ["D", "B"]:
            board.press_button("Redo", board.page.locator("#toast"))
            has(board, status, *titles)
    assert person.board() == {"todo": ["A", "B", "C"], "in_progress": ["D"], "done": []}


def test_move_to_leads_to_the_only_place_of_an_empty_column(board, person):
    board.choose(board.card("B"), "Move to…")
    expect(board.page.get_by_label("Done", exact=True).locator("option")).to_have_text(["The only one"])
    board.press_button("Move to Done")
    tells(board, "“B” moved from To do to Done, position 1 of 1")
    board.shows(todo=["A", "C"], done=["B"])


def test_two_cards_can_have_move_to_open_at_once(board, person):
    for title in ("A", "B"):
        board.choose(board.card(title), "Move to…")
        expect(board.card(title).get_by_label("Done", exact=True)).to_be_visible()
    board.press_button("Move to Done", board.card("B"))
    has(board, "done", "B")
    expect(board.card("A").get_by_label("Done", exact=True)).to_be_visible()


def test_undo_stays_when_the_page_is_redrawn_because_of_a_change_elsewhere(board, hand, person):
    drag(board, hand, "A", "in_progress")
    tells(board, "“A” moved from To do to In progress, position 2 of 2")
    person.add_tickets("from elsewhere")
    has(board, "todo", "from elsewhere", "B", "C")
    tells(board, "“A” moved from To do to In progress, position 2 of 2")
    undo(board)
    has(board, "in_progress", "D")
    has(board, "todo", *person.board()["todo"])
    expect(column(board, "todo").locator("li")).to_have_count(4)
