"""Labels, due dates and chips: forms in place, on every device, and what only the script can do."""

import re

import pytest

from .screen import DESK, DESK_PLAIN, PHONE, PHONE_PLAIN, expect
from .test_script import is_marked, mark


@pytest.fixture
def board(screen, person):
    """A screen with a board: tap (home, bug) and lamp in To do, paint (home) in progress."""
    screen.ids = dict(zip(("tap", "lamp"), person.add_tickets("tap", "lamp")))
    screen.ids["paint"] = person.add_tickets("paint", status="in_progress")[0]
    person.post(f"/tickets/{screen.ids['tap']}/labels", labels="home, bug")
    person.post(f"/tickets/{screen.ids['paint']}/labels", labels="home")
    screen.open()
    mark(screen.page)
    return screen


def stayed(screen):
    """Whether no page was loaded, as far as there is a script to save it."""
    return is_marked(screen.page) or not screen.script


def labels(card):
    return card.locator(".label:not(:has(input))")


def chip(screen, name):
    return screen.page.get_by_role("navigation", name="Filters").get_by_role("link", name=name, exact=True)


def titles(screen, status, *wanted):
    expect(screen.page.locator(f"#tickets-{status} h3")).to_have_text(list(wanted))


def test_labels_are_set_in_place_and_undone(board):
    card = board.card("tap")
    board.choose(card, "Labels…")
    field = board.page.get_by_label("More labels")
    expect(card.get_by_role("checkbox")).to_have_count(2)
    card.get_by_role("checkbox", name="bug").uncheck()
    board.save(field, "garden")
    board.says("“tap” labelled garden instead of bug")
    expect(labels(board.card("tap"))).to_have_text([re.compile("home$"), re.compile("garden$")])
    expect(chip(board, "garden")).to_be_visible()
    assert stayed(board)
    board.press_button("Undo", board.page.locator("#toast"))
    expect(labels(board.card("tap"))).to_have_text([re.compile("home$"), re.compile("bug$")])


@pytest.mark.parametrize("device", [DESK, PHONE], ids=str)
def test_on_a_phone_no_keyboard_covers_the_labels_to_tap(board, device):
    card = board.card("tap")
    board.choose(card, "Labels…")
    expect(card.get_by_label("home" if device.touch else "More labels")).to_be_focused()


def test_a_due_date_is_set_in_place_and_the_heading_counts_it(board):
    board.choose(board.card("lamp"), "Due date…")
    board.save(board.page.get_by_label("Due date", exact=True), "yesterday")
    expect(board.card("lamp").locator(".late")).to_have_text(re.compile("^Due Late · "))
    expect(board.page.locator("#board-head p")).to_have_text(re.compile("1 late"))
    assert stayed(board)
    expect(chip(board, "Late")).to_be_visible()


def test_a_date_that_is_none_is_refused_beside_its_field(board, provoked):
    provoked.append(422)
    board.choose(board.card("lamp"), "Due date…")
    field = board.page.get_by_label("Due date", exact=True)
    board.save(field, "some day")
    field = board.page.get_by_label("Due date", exact=True)
    expect(field).to_have_value("some day")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(board.page.locator(".mark-form .problem")).to_have_text(re.compile("^That isn’t a date"))
    board.give_up(field)
    expect(board.page.locator(".mark-form")).to_have_count(0)
    titles(board, "todo", "tap", "lamp")


@pytest.mark.parametrize("device", [DESK, PHONE], ids=str)
def test_a_date_is_shown_back_while_it_is_typed(board):
    board.choose(board.card("lamp"), "Due date…")
    field = board.page.get_by_label("Due date", exact=True)
    note = board.page.locator(".mark-form .hint")
    expect(note).to_have_text(re.compile("^Such as fri, tomorrow"))
    field.press_sequentially("24 nov 203")
    expect(note).to_have_text(re.compile("^Such as fri, tomorrow"))
    field.press_sequentially("0")
    expect(note).to_have_text("Sun 24 Nov 2030")
    field.press("Escape")
    expect(board.page.locator(".mark-form")).to_have_count(0)
    assert stayed(board)


def test_chips_combine_and_live_in_the_address(board):
    board.press(chip(board, "home"))
    titles(board, "todo", "tap")
    titles(board, "in_progress", "paint")
    board.press(chip(board, "bug"))
    titles(board, "in_progress")
    titles(board, "todo", "tap")
    expect(board.page).to_have_url(re.compile(r"/\?label=\d+&label=\d+$"))
    expect(board.page.locator("#board-head").get_by_text("1 ticket labelled home and bug")).to_have_count(1)
    assert stayed(board)
    board.page.go_back()
    titles(board, "in_progress", "paint")
    expect(chip(board, "home")).to_have_attribute("aria-current", "true")
    board.press(chip(board, "All"))
    titles(board, "todo", "tap", "lamp")


def test_a_card_moves_on_a_filtered_board_and_stays_found(board, person):
    board.press(chip(board, "home"))
    titles(board, "todo", "tap")
    board.move("tap", "in_progress")
    titles(board, "todo")
    titles(board, "in_progress", "tap", "paint")
    expect(board.page).to_have_url(re.compile(r"\?label=\d+"))
    assert person.board() == {"todo": ["lamp"], "in_progress": ["tap", "paint"], "done": []}


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_keys_move_a_card_on_a_filtered_board(board, person):
    person.post(f"/tickets/{board.ids['lamp']}/labels", labels="home")
    board.press(chip(board, "home"))
    titles(board, "todo", "tap", "lamp")
    board.card("lamp").locator("h3 a").focus()
    board.page.keyboard.press("Shift+ArrowUp")
    titles(board, "todo", "lamp", "tap")
    board.page.keyboard.press("Shift+ArrowRight")
    titles(board, "in_progress", "lamp", "paint")
    board.has_focus(board.card("lamp").locator("h3 a"))
    expect(board.page.locator("#toast")).to_contain_text("“lamp” moved from To do to In progress")
    assert person.board()["in_progress"] == ["lamp", "paint"]


@pytest.mark.parametrize("device", [DESK, PHONE], ids=str)
def test_a_search_keeps_the_chips(board):
    board.press(chip(board, "home"))
    titles(board, "in_progress", "paint")
    board.press(board.page.get_by_role("searchbox"))
    board.page.get_by_role("searchbox").fill("tap")
    titles(board, "in_progress")
    titles(board, "todo", "tap")
    expect(board.page).to_have_url(re.compile(r"\?q=tap&label=\d+$"))


def test_quick_add_says_what_it_understood(board, person):
    board.add("Fix it #home #new !2030-11-24")
    board.says("“Fix it” added with home and new, due Sun 24 Nov 2030")
    expect(labels(board.card("Fix it"))).to_have_text([re.compile("home$"), re.compile("new$")])
    assert stayed(board)
    expect(chip(board, "new")).to_be_visible()
    board.add("C# tips!")
    titles(board, "todo", "C# tips!", "Fix it", "tap", "lamp")


def test_a_label_is_changed_on_the_page_of_the_labels(screen, board, provoked):
    if screen.script:
        provoked.append(422)
    else:
        provoked.append(422)
    screen.open("/labels")
    mark(screen.page)
    row = screen.page.locator("li[id^=label-]").filter(has_text="bug")
    screen.press(row.get_by_role("link", name="Change bug"))
    screen.save(screen.page.get_by_label("Name", exact=True), "Home")
    expect(screen.page.get_by_text("There is a label “home” already.")).to_be_visible()
    screen.save(screen.page.get_by_label("Name", exact=True), "defect")
    screen.says("Label “bug” renamed to “defect”")
    screen.press(screen.page.get_by_role("link", name="Change defect"))
    screen.press_button("pink")
    screen.says("Label “defect” is pink now")
    expect(screen.page.locator("a.label-pink")).to_have_text("defect")
    screen.press(screen.page.get_by_role("link", name="Change defect"))
    screen.press_button("Merge")
    screen.says("Label “defect” merged into “home”")
    expect(screen.page.locator("a.label")).to_have_text(["home"])
    screen.press_button("Delete home")
    expect(screen.page.get_by_text("No labels yet.")).to_be_visible()
    screen.press_button("Undo", screen.page.locator("#toast"))
    expect(screen.page.locator("a.label")).to_have_text(["home"])
    assert stayed(screen)


def test_a_name_typed_beside_the_colours_is_kept_when_one_is_chosen(screen, board, provoked):
    screen.open("/labels")
    screen.press(screen.page.get_by_role("link", name="Change bug"))
    field = screen.page.get_by_label("Name", exact=True)
    field.fill("home")
    screen.press_button("pink")
    expect(screen.page.get_by_text("There is a label “home” already.")).to_be_visible()
    expect(field).to_have_value("home")
    provoked.append(422)
    field.fill("defect")
    screen.press_button("pink")
    screen.says("Label “defect” is pink now")
    expect(screen.page.locator("a.label-pink")).to_have_text("defect")
    expect(screen.page.locator("a.label")).to_have_text(["defect", "home"])


def test_a_refused_name_never_leads_to_merging_with_a_third_label(screen, board, person, provoked):
    person.post(f"/tickets/{board.ids['lamp']}/labels", labels="attic")
    screen.open("/labels")
    screen.press(screen.page.get_by_role("link", name="Change bug"))
    screen.save(screen.page.get_by_label("Name", exact=True), "home")
    expect(screen.page.get_by_text("Merge “bug” into it below?")).to_be_visible()
    provoked.append(422)
    into = screen.page.get_by_label("Merge into another label")
    expect(into.locator("option:checked")).to_have_text("Choose a label" if screen.script else "home")
    into.select_option("home")
    screen.press_button("Merge")
    screen.says("Label “bug” merged into “home”")


def test_labels_and_date_are_set_on_the_platform_page(board):
    board.open(f"/platform/{board.ids['lamp']}")
    mark(board.page)
    head = board.page.locator(".ticket-head")
    board.press(head.locator("summary"))
    board.press(head.get_by_role("link", name="Due date…"))
    board.save(board.page.get_by_label("Due date", exact=True), "2030-11-24")
    expect(head.get_by_text("Due Sun 24 Nov 2030", exact=True)).to_be_visible()
    board.press(head.locator("summary"))
    board.press(head.get_by_role("link", name="Labels…"))
    board.save(board.page.get_by_label("More labels"), "bug")
    expect(labels(head)).to_have_text(re.compile("bug$"))
    expect(board.page.locator("#history")).to_contain_text("Labelled bug")
    assert stayed(board)


@pytest.mark.parametrize("device", [DESK, PHONE], ids=str)
def test_labels_and_date_give_the_focus_back_to_what_opened_them(board):
    card, bar = board.card("tap"), board.page.locator(".ticket-bar")
    field = board.page.locator(".mark-form input[autofocus]")
    for label, text in (("Labels…", "garden"), ("Due date…", "tomorrow")):
        for key in ("Escape", "Enter"):
            board.choose(card, label)
            field.fill(text)
            field.press(key)
            expect(card.locator("summary")).to_be_focused()
    board.open(f"/platform/{board.ids['tap']}")
    for label, name in (("Labels…", re.compile("^Labels: .*garden")), ("Due date…", re.compile("^Due Tomorrow"))):
        for key in ("Escape", "Enter"):
            board.press(bar.locator("summary"))
            board.press(bar.get_by_role("link", name=label, exact=True))
            field.press(key)
            expect(bar.locator("summary")).to_be_focused()
        link = board.page.get_by_role("link", name=name)
        board.press(link)
        board.press_button("Save")
        expect(link).to_be_focused()


@pytest.mark.parametrize("device", [DESK, PHONE], ids=str)
def test_the_count_of_the_todos_keeps_its_place_while_a_form_is_open(board, person):
    person.add_todos(board.ids["tap"], "one", "two")
    board.open()
    card = board.card("tap")
    for name in ("Labels…", "Due date…", "Move to…"):
        board.choose(card, name)
        form, count = card.locator(".mark-form, .move"), card.locator(".progress")
        expect(form).to_be_visible()
        assert count.bounding_box()["y"] < form.bounding_box()["y"], name
        right = [box["x"] + box["width"] for box in (card.bounding_box(), count.bounding_box())]
        assert right[0] - right[1] < 20, name
        board.page.keyboard.press("Escape")
        expect(form).to_have_count(0)


@pytest.mark.parametrize("device", [DESK_PLAIN, PHONE_PLAIN], ids=str)
def test_without_a_script_a_form_amid_a_column_is_shown_with_its_label(board, person):
    person.add_tickets(*(f"ticket {number}" for number in range(20)))
    board.open()
    card = board.card("ticket 10")
    above = card.locator(".mark-form label, .move h4").first
    for name in ("Due date…", "Labels…", "Move to…"):
        board.choose(card, name)
        expect(above).to_be_in_viewport(ratio=1)
        expect(board.page.locator(":target")).to_be_in_viewport(ratio=1)
        board.press(board.page.get_by_role("link", name="Cancel"))


@pytest.mark.parametrize("device", [DESK, PHONE], ids=str)
def test_a_date_that_is_set_is_replaced_by_what_is_typed(board, person):
    person.post(f"/tickets/{board.ids['lamp']}/due", due="yesterday")
    board.open()
    board.choose(board.card("lamp"), "Due date…")
    expect(board.page.get_by_label("Due date", exact=True)).to_be_focused()
    board.page.keyboard.type("tomorrow")
    board.page.keyboard.press("Enter")
    expect(board.card("lamp").locator(".when")).to_have_text(re.compile("Tomorrow$"))


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_the_time_zone_is_guessed_when_somebody_registers(new_page, db, device):
    page = new_page(device, timezone_id="Asia/Tokyo")
    page.goto("/register")
    for name, text in {
        "first_name": "N",
        "last_name": "A",
        "username": "tokyo",
        "password": "too long to guess",
    }.items():
        page.fill(f"#{name}", text)
    page.get_by_role("button", name="Create account").click()
    expect(page).to_have_url(re.compile(r"/$"))
    assert db.execute("SELECT time_zone FROM users WHERE username = 'tokyo'") == [{"time_zone": "Asia/Tokyo"}]


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_a_card_keeps_its_height_under_the_mouse(board, person):
    person.post(f"/tickets/{board.ids['tap']}/labels", labels="home, bug, another one, a very long name for a label")
    person.post(f"/tickets/{board.ids['tap']}/due", due="tomorrow")
    person.add_todos(board.ids["tap"], "one", "two")
    board.open()
    card, heights = board.card("tap"), []
    for look in (lambda: board.page.mouse.move(0, 0), card.hover):
        look()
        heights.append(card.bounding_box()["height"])
    assert heights[0] == heights[1]
