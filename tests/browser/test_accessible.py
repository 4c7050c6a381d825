"""For everyone: what axe-core, the accessibility tree and a ruler say of each page and each state of it."""

import re

import pytest

import demo
from journal import Journal
from labels import COLOURS

from .screen import DESK, PHONE, Device, expect
from .test_import import FILES
from .test_looks import TARGET, fits
from .test_moving import Hand

DEVICES = [DESK, PHONE]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: What a page's other colours can change.
OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
#: Contrast is the system's then; axe would read -webkit-text-fill-color, to which Chromium doesn't apply its colours.
FORCED = {"type": "rule", "values": ["target-size", "link-in-text-block", "scrollable-region-focusable"]}
LONG = "Fix the tap in the kitchen, and while at it the one in the bathroom, which drips since Thursday"

DESCRIPTION = """### Why
It **drips**, `drop` by drop, see https://tap.example

1. one
   - two

> A quote, and ![a picture](https://tap.example/p.png)

```
a line of code that is longer than a phone is wide, so that it has to go on below or to be moved sideways
```
# And then"""


@pytest.fixture(scope="session")
def axe_script():
    base = pytest.importorskip("axe_playwright_python.base", reason="pip install -r tests/requirements.txt")
    return base.AXE_SCRIPT


@pytest.fixture
def judge(axe_script):
    """A function that has axe-core look at a page as it is now, in light and in dark; any finding fails the test."""
    findings, counts = [], []

    def look(page, name, schemes=("light", "dark")):
        for scheme in schemes:
            if scheme == "forced":
                page.emulate_media(forced_colors="active", reduced_motion="reduce")
            else:
                page.emulate_media(color_scheme=scheme, forced_colors="none", reduced_motion="reduce")
            if not page.evaluate("'axe' in window"):
                page.evaluate(axe_script)
            found = page.evaluate(
                "(only) => axe.run({ runOnly: only, resultTypes: ['violations'] })"
                ".then(({ violations, passes }) => [passes.length, violations])",
                {"forced": FORCED, schemes[0]: TAGS}.get(scheme, OF_COLOURS),
            )
            counts.append(f"{name}, {scheme}: {len(found[1])} of {found[0] + len(found[1])} rules")
            assert found[0] > (10 if scheme == schemes[0] else 0), f"axe looked at nothing on {name}"
            for rule in found[1]:
                for node in rule["nodes"]:
                    findings.append(f"{name}, {scheme}: {rule['id']}: {node['html'][:160]}\n  {node['failureSummary']}")
        page.emulate_media(color_scheme="light", forced_colors="none")

    yield look
    print("\n".join(["", *counts]))  # with pytest -s
    assert counts, "nothing was looked at"
    assert not findings, "\n".join(findings)


@pytest.fixture
def lived_in(screen, person):
    """A screen of somebody with tickets in every column, to-dos, more in Done than is shown, and something deleted."""
    screen.ticket, screen.other, gone = person.add_tickets(LONG, "Short", "Gone")
    person.add_tickets("Book the ferry", "Écrire à Zoë", status="in_progress")
    person.add_tickets(*(f"Done {number}" for number in range(23)), status="done")
    screen.todo_id, *_ = person.add_todos(screen.ticket, "Buy a washer", "Shut the water off", "Call <Ana>")
    person.post(f"/todos/{screen.todo_id}/done", done="1")
    person.post(f"/tickets/{gone}/delete")
    person.post(f"/tickets/{screen.ticket}/description", description=DESCRIPTION)
    [screen.archived] = person.add_tickets("Put away", status="done")
    person.post(f"/tickets/{screen.archived}/archive")
    person.post(f"/tickets/{screen.ticket}/labels", labels=", ".join(COLOURS))  # each gets another one
    screen.label = re.search(r'id="label-(\d+)"', person.get("/labels"))[1]
    person.post(f"/tickets/{screen.ticket}/due", due="yesterday")
    person.post(f"/tickets/{screen.other}/due", due="tomorrow")
    return screen


def shows(page, level, name):
    expect(page.get_by_role("heading", level=level, name=name)).to_be_attached()


# axe


def test_axe_finds_nothing_at_the_door(blank, judge, provoked):
    for path in ("/login", "/register"):
        blank.open(path)
        judge(blank.page, path, ("light", "dark", "forced"))
    blank.page.get_by_label("First name").fill("Aiko")
    blank.page.get_by_label("Last name").fill("Mori")
    blank.page.get_by_label("Username").fill("aiko")
    blank.page.get_by_label("Password").fill("short")
    blank.press_button("Create account")
    expect(blank.page.locator("[aria-invalid=true]")).to_be_focused()
    judge(blank.page, "/register with a refused field")
    provoked.append(422)


def test_axe_finds_nothing_on_the_empty_pages(screen, judge, provoked):
    for path, name in (
        ("/", "Nothing on the board yet"),
        ("/platform", "No ticket to open yet"),
        ("/insights", "Nothing to look back on yet"),
        ("/archive", "Archive"),
        ("/labels", "Labels"),
        ("/trash", "Trash"),
        ("/nowhere", "Not found"),
    ):
        screen.open(path)
        shows(screen.page, 1, name)
        judge(screen.page, f"{path} empty")
    provoked.append(404)


def test_axe_finds_nothing_on_the_full_pages(lived_in, judge):
    for path, schemes in (
        ("/", ("light", "dark", "forced")),
        ("/?q=tap", ("light", "dark")),
        ("/?q=nothing+at+all", ("light", "dark")),
        (f"/platform/{lived_in.ticket}", ("light", "dark", "forced")),
        ("/archive", ("light", "dark", "forced")),
        ("/archive?q=put", ("light", "dark")),
        (f"/platform/{lived_in.archived}", ("light", "dark")),
        ("/trash", ("light", "dark", "forced")),
        ("/trash?empty=1", ("light", "dark")),
        ("/?due=late", ("light", "dark", "forced")),
        ("/labels", ("light", "dark", "forced")),
        (f"/labels?edit={lived_in.label}", ("light", "dark", "forced")),
        ("/#column-done", ("light", "dark")),
    ):
        lived_in.open(path)
        expect(lived_in.page.get_by_role("main")).to_be_visible()
        judge(lived_in.page, re.sub("[0-9]+$", "…", path), schemes)


def test_axe_finds_nothing_on_the_pages_of_a_persons_data(screen, judge):
    screen.open("/account")
    screen.press_button("Make the address")
    expect(screen.page.locator("#calendar-address")).to_be_visible()
    judge(screen.page, "/account with a calendar", ("light", "dark", "forced"))
    for name in ("trello.json", "broken-row.csv"):
        screen.open("/import")
        screen.page.set_input_files("#file", FILES / name)
        screen.press_button("Show what is in it")
        shows(screen.page, 2, name)
        judge(screen.page, f"/import of {name}", ("light", "dark", "forced"))


def test_axe_finds_nothing_on_the_insights(screen, person, db, judge):
    person.add_tickets("one", "two", "three")
    screen.open("/insights")
    judge(screen.page, "/insights with three tickets", ("light", "dark", "forced"))
    demo.fill(Journal(db), db.execute("SELECT id FROM users WHERE username = ?", person.username)[0]["id"])
    for path in ("/insights", "/insights?weeks=52"):
        screen.open(path)
        expect(screen.page.get_by_role("img")).to_have_count(3)
        expect(screen.page.get_by_role("table")).to_have_count(3)
        judge(screen.page, path, ("light", "dark", "forced"))


def test_axe_finds_nothing_in_the_states_of_the_board(lived_in, judge, provoked):
    page = lived_in.page
    lived_in.open()
    lived_in.menu(lived_in.card("Short"))
    judge(page, "card menu open")
    page.keyboard.press("Escape")
    lived_in.open_account()
    judge(page, "account menu open")
    page.locator("[data-keys]").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    judge(page, "dialog open", ("light", "dark", "forced"))
    page.keyboard.press("Escape")
    lived_in.start_renaming("Short").fill("x" * 501)
    page.keyboard.press("Enter")
    expect(page.locator(".edit [aria-invalid=true]")).to_be_focused()
    provoked.append(422)
    judge(page, "renaming, refused with a message", ("light", "dark", "forced"))
    page.keyboard.press("Escape")
    for form in ("Labels…", "Due date…"):
        lived_in.choose(lived_in.card("Short"), form)
        expect(page.locator(".mark-form")).to_be_visible()
        judge(page, f"{form} open", ("light", "dark", "forced"))
        page.keyboard.press("Escape")
    lived_in.choose(lived_in.card("Short"), "Move to…")
    expect(page.locator(".move")).to_be_visible()
    lived_in.choose(lived_in.card(LONG), "To-dos here")
    expect(page.locator(".open-todos li")).to_have_count(2)
    judge(page, "Move to… open, and a card opened to its to-dos")
    lived_in.press(page.locator(".move [data-cancel]"))
    page.locator(f'#ticket-{lived_in.other} [data-k="delete"]').dispatch_event("click")
    lived_in.says("“Short” deleted")
    judge(page, "toast shown", ("light", "dark", "forced"))
    hand = Hand(lived_in)
    hand.take(lived_in.card(LONG).locator(".grip"))
    expect(page.locator(".ghost")).to_be_visible()
    judge(page, "while dragging")
    hand.let_go()


def test_axe_finds_nothing_in_the_states_of_the_platform(lived_in, judge, person, provoked):
    page = lived_in.page
    lived_in.open(f"/platform/{lived_in.ticket}")
    lived_in.press(page.locator(".ticket-bar summary"))
    judge(page, "ticket menu open")
    page.keyboard.press("Escape")
    lived_in.act("Shut the water off", "edit")
    expect(page.get_by_label("Text of the to-do")).to_be_focused()
    judge(page, "editing a to-do")
    page.keyboard.press("Escape")
    page.route("**/todos/*/done", lambda route: route.fulfill(status=500, body=""))
    lived_in.tick("Call <Ana>")
    expect(page.locator("#notice")).to_be_visible()
    provoked.append(500)
    judge(page, "notice shown", ("light", "dark", "forced"))
    lived_in.press(page.locator(".ticket-bar [data-k=edit]"))
    field = page.get_by_label("Title of the ticket")
    expect(field).to_be_focused()
    judge(page, "renaming the ticket")
    person.post(f"/tickets/{lived_in.ticket}/title", title="theirs")
    lived_in.save(field, "mine")
    expect(page.locator(".both")).to_be_visible()
    provoked.append(409)
    judge(page, "both texts")


def test_axe_finds_nothing_where_texts_are_written_and_tickets_chosen(lived_in, judge, provoked):
    page = lived_in.page
    lived_in.open(f"/platform/{lived_in.ticket}")
    lived_in.menu(lived_in.todo("Shut the water off"))
    judge(page, "to-do menu open")
    page.keyboard.press("Escape")
    lived_in.choose(lived_in.todo("Shut the water off"), "Move to another ticket…")
    expect(page.locator(".move select")).to_be_focused()
    lived_in.press_button("Move")
    expect(page.locator(".move [aria-invalid=true]")).to_be_focused()
    judge(page, "no ticket chosen for a to-do", ("light", "dark", "forced"))
    lived_in.press(page.locator(".move [data-cancel]"))
    lived_in.press(page.locator("#description [data-k=edit]"))
    lived_in.press_button("Preview")
    expect(page.locator("#preview")).to_be_focused()
    judge(page, "a description and its preview", ("light", "dark", "forced"))
    lived_in.press(page.get_by_role("link", name="Edit as text"))
    page.get_by_label("The to-dos as text").fill("x" * 501)
    lived_in.press_button("Save", page.locator("#todos-text"))
    expect(page.locator("#todos-text-edit[aria-invalid=true]")).to_be_focused()
    fits(lived_in)
    provoked.append(422)
    judge(page, "a list as text, refused", ("light", "dark", "forced"))
    lived_in.press(page.locator("#todos-text [data-cancel]"))
    lived_in.press(page.locator("#description [data-cancel]"))
    lived_in.open(f"/platform/{lived_in.ticket}")  # at its top: a menu closes when the page scrolls
    lived_in.press(page.locator(".ticket-bar summary"))
    lived_in.press(page.get_by_role("link", name="Make it a to-do of…"))
    expect(page.locator(".ticket-head .move select")).to_be_focused()
    judge(page, "a ticket to be made a to-do")
    lived_in.open("/?q=drips")
    judge(page, "found in a description")


def test_axe_finds_nothing_on_the_page_of_a_text_that_was_changed_elsewhere(lived_in, judge, person, provoked):
    lived_in.page.route("**/nikko.js", lambda route: route.abort())  # as without it, for axe needs JavaScript
    provoked.append("net::ERR_FAILED")
    lived_in.script = False
    lived_in.open(f"/?edit={lived_in.ticket}")
    person.post(f"/tickets/{lived_in.ticket}/title", title="theirs")
    lived_in.save(lived_in.page.get_by_label("Title of the ticket"), "mine")
    shows(lived_in.page, 1, "This was changed elsewhere")
    provoked.append(409)
    judge(lived_in.page, "stale")


# What a screen reader has to go by


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_headings_go_down_one_by_one_and_every_page_has_one_of_the_first_level(lived_in, provoked):
    provoked.append(404)
    for path in (
        "/",
        "/?q=tap",
        f"/?move={lived_in.ticket}",
        f"/platform/{lived_in.ticket}",
        "/insights",
        "/trash",
        "/nowhere",
    ):
        lived_in.open(path)
        levels = [
            int(each.evaluate("(element) => element.tagName[1]"))
            for each in lived_in.page.get_by_role("heading").all()
            if not each.evaluate("(element) => !!element.closest('dialog')")
        ]
        assert levels.count(1) == 1, f"{path}: {levels}"
        assert all(below <= above + 1 for above, below in zip([0, *levels], levels)), f"{path}: {levels}"


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_the_accessibility_tree_of_the_board_has_landmarks_lists_and_names(lived_in):
    lived_in.open()
    page = lived_in.page
    for role, name in (
        ("banner", None),
        ("navigation", "Pages"),
        ("search", None),
        ("main", None),
        ("region", re.compile("^To do 2")),
        ("region", re.compile("^In progress 2")),
        ("region", re.compile("^Done 23")),
        ("list", re.compile("^In progress 2")),
        ("status", None),
    ):
        expect(page.get_by_role(role, name=name) if name else page.get_by_role(role)).to_have_count(1)
    region = page.get_by_role("list", name=re.compile("^To do"))
    expect(region.get_by_role("listitem")).to_have_count(2)
    for role, name in (
        ("button", f"Move {LONG} to In progress"),
        ("button", "Move Book the ferry to To do"),
        ("button", "Move Book the ferry to Done"),
        ("link", f"Rename {LONG}"),
        ("link", f"1/3 to-dos done in {LONG}"),
        ("link", "Add a ticket to Done"),
        ("link", LONG),
        ("textbox", re.compile("^Add a ticket to To do")),
        ("searchbox", "Search tickets and to-dos"),
    ):
        expect(page.get_by_role(role, name=name, exact=isinstance(name, str))).to_have_count(1)
    client = page.context.new_cdp_session(page)
    nodes = client.send("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "link", "checkbox", "textbox", "searchbox", "DisclosureTriangle", "DisclosureTriangleGrouped"}
    pressable = [node for node in nodes if not node["ignored"] and node["role"]["value"] in roles]
    assert len(pressable) > 40
    assert [node for node in pressable if not node["name"]["value"].strip()] == []
    names = {node["name"]["value"] for node in pressable}
    assert {f"More for {LONG}", "MK, account of Mira Kovač"} <= names, names


def test_what_a_search_and_a_chip_find_is_said_in_the_one_region_that_speaks(lived_in):
    lived_in.open()
    page, region = lived_in.page, lived_in.page.get_by_role("status")
    region.evaluate("(element) => { element.known = true; }")
    search = page.get_by_role("searchbox")
    search.fill("ferry")
    expect(region).to_have_text("1 ticket with “ferry”")
    search.fill("nowhere at all")
    expect(region).to_have_text("No ticket and no to-do has “nowhere at all”, not even in Done.")
    search.fill("")
    expect(region).to_have_text(re.compile("4 open · .* · 1 late"))
    page.get_by_role("link", name="Late", exact=True).press("Enter")
    expect(region).to_have_text("1 ticket late")
    assert region.evaluate("(element) => element.known"), "a region that comes with its text is silent"


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_a_refusal_is_said_although_the_focus_stays_in_its_field(lived_in, provoked):
    page, silent = lived_in.page, []
    for path, field, wrong in (
        ("/", "#add-todo-text", "x" * 501),
        (f"/?edit={lived_in.ticket}", f"#ticket-{lived_in.ticket}-edit", "x" * 501),
        (f"/?labels={lived_in.other}", f"#labels-{lived_in.other}", "x" * 100),
        (f"/?date={lived_in.other}", f"#due-{lived_in.other}", "some day"),
        (f"/labels?edit={lived_in.label}", f"#label-{lived_in.label}-name", " "),
        ("/archive", "#days", "some"),
        ("/account", "#first_name", " "),
    ):
        lived_in.open(path)
        note = page.locator("#" + page.locator(field).get_attribute("aria-describedby").split(" ")[0])
        if not note.evaluate("(element) => element.matches('[role=alert], [aria-live=polite]')"):
            silent.append(field)
        page.fill(field, wrong)
        page.press(field, "Enter")
        expect(page.locator(f"{field}[aria-invalid=true]")).to_be_focused()
        expect(note).to_have_class("problem")
        expect(note).not_to_be_empty()
    assert silent == []
    provoked.append(422)


@pytest.mark.parametrize("device", [DESK], ids=str)
def test_the_accessibility_tree_of_the_platform_names_every_todo_and_what_can_be_done_with_it(lived_in):
    lived_in.open(f"/platform/{lived_in.ticket}")
    page = lived_in.page
    for role, name in (
        ("checkbox", "Buy a washer"),
        ("button", "Move Buy a washer down"),
        ("button", "Move Shut the water off up"),
        ("button", "Delete Call <Ana>"),
        ("link", "Edit Call <Ana>"),
        ("group", "Status"),
        ("list", "To-dos"),
        ("region", "History"),
        ("navigation", "Active tickets"),
        ("article", None),
    ):
        expect(page.get_by_role(role, name=name, exact=True) if name else page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("list", name="To-dos").get_by_role("listitem")).to_have_count(3)
    expect(page.get_by_role("checkbox", name="Buy a washer")).to_be_checked()
    expect(page.get_by_role("button", name="To do", pressed=True)).to_have_count(1)
    expect(page.get_by_role("navigation", name="Active tickets").locator("[aria-current=page]")).to_contain_text(LONG)


# Fingers and narrow windows


def test_what_a_drag_is_taken_by_is_wide_enough(lived_in):
    least = 24 if lived_in.touch else 13
    lived_in.open()
    lived_in.over(lived_in.card("Short"))
    width, height = lived_in.card("Short").locator(".grip").evaluate(TARGET)
    assert width >= least
    assert height >= 24
    lived_in.open(f"/platform/{lived_in.ticket}")
    lived_in.todo("Call <Ana>").hover()
    width, height = lived_in.todo("Call <Ana>").locator(".grip").evaluate(TARGET)
    assert width >= least
    assert height >= 24


def test_the_targets_of_what_opens_can_be_met(lived_in):
    least, small = 44 if lived_in.touch else 24, []

    def measure(place):
        targets = lived_in.page.locator(place).locator("a, button, select").locator("visible=true")
        assert targets.count(), place
        for target in targets.all():
            size = target.evaluate(TARGET)
            if min(size) < least - 0.5:
                small.append(f"{place} {target.inner_text() or target.get_attribute('aria-label')}: {size}")

    lived_in.open()
    lived_in.choose(lived_in.card("Short"), "Move to…")
    expect(lived_in.page.locator(".move")).to_be_visible()
    measure(".move")
    measure(".chips")
    lived_in.press(lived_in.page.locator(".move [data-cancel]"))
    lived_in.choose(lived_in.card("Short"), "Labels…")
    expect(lived_in.page.locator(".mark-form")).to_be_visible()
    measure(".mark-form")
    lived_in.press(lived_in.page.locator(".mark-form [data-cancel]"))
    lived_in.choose(lived_in.card(LONG), "To-dos here")
    expect(lived_in.page.locator(".open-todos")).to_be_visible()
    measure(".open-todos")
    lived_in.show_column("done")
    measure("#older-done")
    lived_in.page.evaluate("document.getElementById('keys').showModal()")
    measure("#keys")
    assert not small, "\n".join(small)


@pytest.mark.parametrize("device", [Device(320, True, True)], ids=str)
def test_at_320_pixels_nothing_scrolls_sideways_in_any_state(lived_in, person):
    lived_in.open(f"/?q={LONG[:11]}")
    fits(lived_in)
    lived_in.open()
    lived_in.choose(lived_in.card("Short"), "Move to…")
    expect(lived_in.page.locator(".move")).to_be_visible()
    fits(lived_in)
    lived_in.press(lived_in.page.locator(".move [data-cancel]"))
    lived_in.choose(lived_in.card("Short"), "Labels…")
    expect(lived_in.page.locator(".mark-form")).to_be_visible()
    fits(lived_in)
    lived_in.choose(lived_in.card(LONG), "To-dos here")
    expect(lived_in.page.locator(".open-todos")).to_be_visible()
    fits(lived_in)
    lived_in.page.evaluate("document.getElementById('keys').showModal()")
    fits(lived_in)
    lived_in.page.keyboard.press("Escape")
    hand = Hand(lived_in)
    hand.take(lived_in.card(LONG).locator(".grip"))
    hand.to(hand.at[0] + 200, hand.at[1] + 30)
    assert lived_in.page.evaluate("document.documentElement.scrollWidth") <= 320
    hand.let_go()
