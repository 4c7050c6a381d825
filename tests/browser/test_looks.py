"""The look, measured: nothing wider than the page, targets that a finger meets, and the colours of both themes."""

import pytest

from .screen import DESK, PHONE, PHONE_PLAIN, Device, expect

DEVICES = [DESK, PHONE, Device(320, True, True)]

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenhersteller" * 3
PAGES = [
    "/",
    "/?edit={ticket}#ticket-{ticket}-edit",
    "/?move={ticket}#before-{ticket}-todo",
    "/?add=done#add-done-text",
    "/#column-done",
    "/platform/{ticket}",
    "/platform/{ticket}?edit={todo}#todo-{todo}-edit",
    "/platform/{ticket}?edit=title",
    "/insights",
    "/insights?weeks=52",
    "/archive",
    "/archive?q=put",
    "/platform/{archived}",
    "/trash",
    "/trash?empty=1",
]

# Everything whose box reaches over the sides of the page, but for what is hidden or cut off on purpose.
WIDER = """
    (width) => [...document.querySelectorAll("body *")].filter((element) => {
        const box = element.getBoundingClientRect();
        const shown = element.checkVisibility({ visibilityProperty: true }) && box.width > 1 && box.height > 1;
        const wide = box.right > width + 0.5 || box.left < -0.5;
        return shown && wide && !element.closest(".sprite, .hidden, .scene, .chips a");
    }).map((element) => `${element.outerHTML.slice(0, 120)} ends at ${element.getBoundingClientRect().right}`)
"""

# How wide and high the part of the page around an element's middle is where a click meets it.
TARGET = """
    (element) => {
        element.scrollIntoView({ block: "center" });
        const box = element.getBoundingClientRect();
        const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
        const meets = (dx, dy) => {
            const met = document.elementFromPoint(x + dx, y + dy);
            return met && element.contains(met);
        };
        const reach = (dx, dy) => {
            let far = 0;
            while (far < 30 && meets(dx * (far + 0.5), dy * (far + 0.5))) far += 0.5;
            return far;
        };
        return [reach(1, 0) + reach(-1, 0), reach(0, 1) + reach(0, -1)];
    }
"""

LIGHT = {"body": "rgb(247, 245, 240)", ".card": "rgb(255, 255, 255)", "#column-todo": "rgb(239, 236, 228)"}
DARK = {"body": "rgb(20, 21, 24)", ".card": "rgb(34, 36, 42)", "#column-todo": "rgb(25, 26, 30)"}


@pytest.fixture
def lived_in(screen, person):
    """A screen of somebody who has long and short tickets, to-dos, and something in the trash."""
    screen.ticket, _, gone = person.add_tickets(LONG, "Short", "Gone " + LONG)
    person.add_tickets("Doing " * 30, status="in_progress")
    person.add_tickets("Done " + LONG, "done", status="done")
    screen.todo_id, _ = person.add_todos(screen.ticket, "To-do " + LONG, "short")
    person.post(f"/todos/{screen.todo_id}/done", done="1")
    person.post(f"/tickets/{gone}/delete")
    [screen.archived] = person.add_tickets("Put away " + LONG, status="done")
    person.post(f"/tickets/{screen.archived}/archive")
    return screen


def fits(screen):
    """Nothing on the page reaches over its sides, and it doesn't scroll sideways."""
    width = screen.device.width
    wider = screen.page.evaluate(WIDER, width)
    assert not wider, "\n".join([screen.page.url, *wider])
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_is_wider_than_the_page(lived_in):
    for path in PAGES:
        lived_in.open(path.format(ticket=lived_in.ticket, todo=lived_in.todo_id, archived=lived_in.archived))
        expect(lived_in.page.locator("#main")).to_be_visible()
        fits(lived_in)


def test_nothing_is_wider_than_the_page_of_somebody_new(screen, provoked):
    provoked.append(404)
    for path in ("/", "/platform", "/insights", "/trash", "/nowhere"):
        screen.open(path)
        fits(screen)
        sheet = screen.open_account()
        expect(sheet).to_be_in_viewport(ratio=1)
        fits(screen)


def test_nothing_is_wider_than_the_door(blank):
    for path in ("/login", "/register"):
        blank.open(path)
        expect(blank.page.get_by_label("Username")).to_be_visible()
        fits(blank)


def test_nothing_is_wider_than_the_page_when_a_text_was_changed_elsewhere(lived_in, person, provoked):
    lived_in.open(f"/platform/{lived_in.ticket}?edit=title")
    person.post(f"/tickets/{lived_in.ticket}/title", title="W" * 500)
    field = lived_in.page.get_by_label("Title of the ticket")
    field.fill("M" * 500)
    field.press("Enter")
    expect(lived_in.page.locator(".both")).to_be_visible()
    provoked.append(409)
    fits(lived_in)


def test_toasts_menus_and_notices_fit(lived_in):
    lived_in.open()
    card = lived_in.page.locator(f"#ticket-{lived_in.ticket}")
    sheet = lived_in.menu(card)
    expect(sheet).to_be_in_viewport(ratio=1)
    fits(lived_in)
    lived_in.press(sheet.get_by_text("Delete"))
    expect(lived_in.page.locator("#toast .toast")).to_be_in_viewport(ratio=1)
    fits(lived_in)


# How many lines the text of an element takes.
LINES = """
    (element) => {
        const range = document.createRange();
        range.selectNodeContents(element);
        return new Set([...range.getClientRects()].map((box) => Math.round(box.bottom))).size;
    }
"""


@pytest.mark.parametrize("device", [*DEVICES, Device(800, False, True)], ids=str)
def test_no_word_of_the_bar_or_of_a_heading_is_broken(lived_in, person):
    person.post(f"/tickets/{lived_in.ticket}/labels", labels="home")
    for path in ("/", "/labels", "/archive", "/import"):
        lived_in.open(path)
        words = lived_in.page.locator(".brand-name, .bar nav a, .head h1").locator("visible=true")
        assert words.count() > 2
        assert [each.inner_text() for each in words.all() if each.evaluate(LINES) != 1] == [], path


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_the_count_above_the_board_stays_in_its_line_beside_many_labels(lived_in, person):
    for ticket in range(2):
        names = ", ".join(f"label number {ticket}{number}" for number in range(9))
        person.post(f"/tickets/{lived_in.ticket}/labels", labels=names)
    person.post(f"/tickets/{lived_in.ticket}/due", due="yesterday")
    lived_in.open()
    expect(lived_in.page.locator(".chips a")).to_have_count(22)
    assert lived_in.page.locator("#board-head > p").evaluate(LINES) == 1


# The words of an element's text that go over more than one line.
BROKEN = """
    (element) => [...element.textContent.matchAll(/\\S+/g)].filter(({ 0: word, index }) => {
        const range = document.createRange();
        range.setStart(element.firstChild, index);
        range.setEnd(element.firstChild, index + word.length);
        return range.getClientRects().length > 1;
    }).map(([word]) => word)
"""


@pytest.mark.parametrize("device", [Device(844, True, True), Device(1024, True, True)], ids=str)
def test_on_a_phone_on_its_side_titles_and_chips_are_whole(screen, person):
    titles = ["Fix the rounding of line totals", "Renew the domain", "Replace the doorbell battery"]
    done = person.add_tickets(*titles, status="done")
    person.post(f"/tickets/{done[0]}/labels", labels="one label, another label, a third label, a fourth, a fifth")
    screen.open()
    for title in screen.page.locator("#tickets-done h3 a").all():
        assert title.evaluate(BROKEN) == []
    row = screen.page.locator(".chips").bounding_box()
    for chip in screen.page.locator(".chips a").all():
        box = chip.bounding_box()
        assert row["y"] <= box["y"]
        assert box["y"] + box["height"] <= row["y"] + row["height"]


@pytest.mark.parametrize("device", [PHONE, PHONE_PLAIN], ids=str)
def test_an_address_of_something_in_a_column_shows_that_column_alone_on_a_phone(lived_in, person):
    [ticket] = person.add_tickets("shown", status="in_progress")
    lived_in.open()
    plain, strong = (
        lived_in.page.locator(f".strip [href='#column-{status}']").evaluate("(tab) => getComputedStyle(tab).fontWeight")
        for status in ("done", "todo")
    )
    assert plain != strong
    for path, status in (
        ("/?add=done#add-done-text", "done"),
        (f"/?edit={ticket}#ticket-{ticket}-edit", "in_progress"),
        (f"/#ticket-{ticket}", "in_progress"),
        ("/#column-done", "done"),
    ):
        lived_in.open(path)
        expect(lived_in.page.locator(".column:visible")).to_have_attribute("id", f"column-{status}")
        for each in ("todo", "in_progress", "done"):
            tab = lived_in.page.locator(f".strip [href='#column-{each}']")
            expect(tab).to_have_css("font-weight", strong if each == status else plain)


def test_the_title_of_a_ticket_is_larger_than_what_is_below_it(lived_in):
    lived_in.open(f"/platform/{lived_in.ticket}")
    size = lived_in.page.locator("h1").evaluate("(element) => getComputedStyle(element).fontSize")
    assert size == ("25px" if lived_in.touch else "27px")


def test_the_days_after_which_the_archive_takes_what_is_done_stand_in_a_line_with_their_button(lived_in):
    lived_in.open("/archive")
    field = lived_in.page.get_by_label("Put away by itself what is done for").bounding_box()
    button = lived_in.page.get_by_role("button", name="Save").bounding_box()
    assert field["x"] + field["width"] < button["x"]
    assert abs(field["y"] + field["height"] / 2 - button["y"] - button["height"] / 2) < 2
    assert button["width"] < 100


def small_targets(screen, places, least):
    """The visible buttons and links in there that are smaller, as “name: width × height”."""
    small = []
    for place in places:
        found = 0
        for target in screen.page.locator(place).locator("a, button, summary, select, textarea").all():
            if not target.is_visible():
                continue
            found += 1
            width, height = target.evaluate(TARGET)
            if min(width, height) < least - 0.5:  # the measure's step
                name = target.get_attribute("aria-label") or target.inner_text() or target.get_attribute("name")
                small.append(f"{place} {name[:40]!r}: {width:g} × {height:g}")
        assert found, f"nothing to press in {place}"
    return small


def least(screen):
    return 44 if screen.touch else 24


def test_every_target_on_the_board_can_be_met(lived_in):
    lived_in.open()
    places = [".bar", ".add"] + ([".strip"] if lived_in.touch else ["#adder-done"])
    small = small_targets(lived_in, places, least(lived_in))
    for title in ("Short", "done"):
        if lived_in.touch and title == "done":
            lived_in.show_column("done")
        lived_in.over(lived_in.card(title))
        card = f"#{lived_in.card(title).get_attribute('id')}"
        small += small_targets(lived_in, [f"{card} .actions"], least(lived_in))
        sheet = lived_in.menu(lived_in.card(title))
        small += small_targets(lived_in, [f"{card} .sheet"], least(lived_in))
        lived_in.page.keyboard.press("Escape")
        expect(sheet).to_be_hidden()
    lived_in.open_account()
    small += small_targets(lived_in, ["#account .sheet"], least(lived_in))
    assert not small, "\n".join(small)


def test_every_target_on_the_platform_can_be_met(lived_in):
    lived_in.open(f"/platform/{lived_in.ticket}")
    small = small_targets(lived_in, [".beside", ".ticket-bar", ".add", ".history form"], least(lived_in))
    lived_in.over(lived_in.todo("short"))
    expect(lived_in.todo("short").locator("[data-k=more]")).to_be_visible()
    todo = f"#{lived_in.todo('short').get_attribute('id')}"
    small += small_targets(lived_in, [todo], least(lived_in))
    assert not small, "\n".join(small)


def test_every_other_target_can_be_met(lived_in):
    small = []
    for path, place in (
        ("/trash", ".narrow"),
        ("/trash?empty=1", ".ask"),
        (f"/?edit={lived_in.ticket}", ".edit"),
        (f"/?move={lived_in.ticket}", ".move"),
    ):
        lived_in.open(path)
        small += small_targets(lived_in, [place], least(lived_in))
    assert not small, "\n".join(small)


def test_undo_in_the_toast_can_be_met(lived_in):
    lived_in.open()
    lived_in.delete("Short")
    lived_in.says("“Short” deleted")
    small = small_targets(lived_in, ["#toast"], least(lived_in))
    assert not small, "\n".join(small)


@pytest.mark.parametrize("device", [DESK, Device(1180, True, True)], ids=str)
def test_the_columns_stay_where_they_are_when_a_toast_comes(lived_in):
    lived_in.open()
    places = [column.bounding_box() for column in lived_in.page.locator(".column").all()]
    lived_in.delete("Short")
    lived_in.says("“Short” deleted")
    assert [column.bounding_box() for column in lived_in.page.locator(".column").all()] == places


@pytest.mark.parametrize("device", [DESK], ids=str)
@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("choice", ["auto", "light", "dark"])
def test_the_colours_follow_the_choice_and_else_the_system(new_page, person, device, system, choice):
    person.add_tickets("A ticket")
    person.post("/account/theme", theme=choice)
    page = new_page(device, person.session(), color_scheme=system)
    page.goto("/")
    wanted = {"auto": system, "light": "light", "dark": "dark"}[choice]
    for selector, colour in (DARK if wanted == "dark" else LIGHT).items():
        expect(page.locator(selector)).to_have_css("background-color", colour)
    expect(page.locator("html")).to_have_css("color-scheme", wanted)


@pytest.mark.parametrize("device", [DESK], ids=str)
@pytest.mark.parametrize(("system", "paper"), [("light", LIGHT["body"]), ("dark", DARK["body"])])
def test_the_door_follows_the_system(new_page, device, system, paper):
    page = new_page(device, color_scheme=system)
    page.goto("/login")
    expect(page.locator("body")).to_have_css("background-color", paper)


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_motion_is_off_for_who_asked_for_less(new_page, person, device):
    person.add_tickets("A ticket")
    for motion, seconds in (("reduce", "0s"), ("no-preference", "0.15s")):
        page = new_page(device, person.session(), reduced_motion=motion)
        page.goto("/")
        page.locator(".card").hover()
        expect(page.locator(".card .actions")).to_have_css("transition-duration", seconds)


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_the_focus_is_always_visible(lived_in):
    lived_in.open()
    lived_in.page.locator("#add-todo textarea").focus()
    reached = set()
    for _ in range(16):
        lived_in.page.keyboard.press("Tab")
        name, ring = lived_in.page.evaluate(
            """() => {
                const [active, rings] = [document.activeElement, []];
                for (let each = active; each; each = each.parentElement) {
                    const style = getComputedStyle(each);
                    if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) rings.push(each.tagName);
                }
                return [active.getAttribute("aria-label") || active.textContent.slice(0, 30), rings[0]];
            }"""
        )
        assert ring, f"no ring around {name}"
        reached.add(name)
    assert len(reached) > 12


@pytest.mark.parametrize("device", [PHONE, PHONE_PLAIN], ids=str)
def test_another_column_of_the_strip_leaves_the_bar_in_sight(screen, person, device):
    for status in ("in_progress", "done", "todo"):
        person.post("/tickets", title="\n".join(f"{number} #home" for number in range(30)), status=status, quick="1")
    screen.open()
    for status in ("in_progress", "done", "todo"):
        screen.show_column(status)
        assert screen.page.evaluate("scrollY") == 0


@pytest.mark.parametrize("device", [PHONE], ids=str)
def test_a_phone_shows_the_column_in_which_something_was_found(board, device):
    board.show_column("todo")
    board.page.locator("#q").tap()
    board.page.locator("#q").fill("E")
    expect(board.card("E")).to_be_visible()
    expect(board.page.locator("#column-todo")).to_be_hidden()
