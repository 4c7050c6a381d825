"""The look, measured: nothing wider than the page, targets that a finger meets, and the colours of both themes."""

import pytest

from .screen import DESK, PHONE, Device, expect

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
    "/trash",
    "/trash?empty=1",
]

# Everything whose box reaches over the sides of the page, but for what is hidden or cut off on purpose.
WIDER = """
    (width) => [...document.querySelectorAll("body *")].filter((element) => {
        const box = element.getBoundingClientRect();
        const shown = element.checkVisibility({ visibilityProperty: true }) && box.width > 1 && box.height > 1;
        return shown && (box.right > width + 0.5 || box.left < -0.5) && !element.closest(".sprite, .hidden, .scene");
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
    return screen


def fits(screen):
    """Nothing on the page reaches over its sides, and it doesn't scroll sideways."""
    width = screen.device.width
    wider = screen.page.evaluate(WIDER, width)
    assert not wider, "\n".join([screen.page.url, *wider])
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_is_wider_than_the_page(lived_in):
    for path in PAGES:
        lived_in.open(path.format(ticket=lived_in.ticket, todo=lived_in.todo_id))
        expect(lived_in.page.locator("#main")).to_be_visible()
        fits(lived_in)


def test_nothing_is_wider_than_the_page_of_somebody_new(screen, provoked):
    provoked.append(404)
    for path in ("/", "/platform", "/trash", "/nowhere"):
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
    expect(lived_in.todo("short").locator("[data-k=delete]")).to_be_visible()
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
