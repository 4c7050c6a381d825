"""Everything by the keyboard: what each key does, when it does nothing, and where the focus is afterwards."""

import re

import pytest
from conftest import PASSWORD

from .screen import DESK, expect

DEVICES = [DESK]
SINGLE = ["j", "k", "e", "n", "/", "?"]
OTHERS = ["ArrowDown", "ArrowRight", "Shift+ArrowDown", "Shift+ArrowRight", "Delete"]


@pytest.fixture
def sent(page):
    """The addresses to which the page sends something."""
    sent = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    return sent


def press(screen, *keys):
    for key in keys:
        screen.page.keyboard.press(key)


def on(screen, name):
    """Wait until the card or the to-do of that name has the focus."""
    expect(screen.page.locator("h3 a:focus, .todo:has(.box:focus) .text")).to_have_text(name)


def title(screen, name):
    return screen.card(name).locator("[data-k=title]")


def has(screen, **columns):
    for status, titles in columns.items():
        expect(screen.page.locator(f"#tickets-{status} h3")).to_have_text(titles)


def tells(screen, sentence):
    expect(screen.page.locator("#toast[role=status] p")).to_have_text(sentence)


def quick_add(screen):
    return screen.page.locator("#add-todo textarea")


def keys_dialog(screen):
    return screen.page.get_by_role("dialog", name="Keyboard")


def is_somewhere(screen):
    """The focus is on something: nobody has to look for it from the top of the page."""
    expect(screen.page.locator("body *:focus")).to_have_count(1)


def texts(person, ticket_id):
    return [text for text, _ in person.todos(ticket_id)]


# What each key does


def test_j_k_and_the_arrows_go_from_card_to_card(board):
    for key, name in (
        *(("j", "A"), ("j", "B"), ("ArrowDown", "C"), ("j", "C"), ("k", "B"), ("ArrowUp", "A"), ("ArrowUp", "A")),
        *(("ArrowRight", "D"), ("ArrowRight", "E"), ("ArrowRight", "E"), ("ArrowLeft", "D"), ("ArrowLeft", "A")),
        *(("j", "B"), ("j", "C"), ("ArrowRight", "D"), ("Shift+ArrowRight", "D"), ("ArrowLeft", "A")),
        ("ArrowRight", "D"),  # over the column that is empty now
    ):
        press(board, key)
        on(board, name)


def test_shift_with_an_arrow_moves_a_card_and_says_where_it_is(board, person):
    title(board, "A").focus()
    for key, sentence, columns in (
        ("Shift+ArrowUp", None, {"todo": ["A", "B", "C"]}),
        ("Shift+ArrowDown", "“A” moved to another place, position 2 of 3", {"todo": ["B", "A", "C"]}),
        ("Shift+ArrowDown", "“A” moved to another place, position 3 of 3", {"todo": ["B", "C", "A"]}),
        ("Shift+ArrowDown", None, {"todo": ["B", "C", "A"]}),
        ("Shift+ArrowUp", "“A” moved to another place, position 2 of 3", {"todo": ["B", "A", "C"]}),
        ("Shift+ArrowRight", "“A” moved from To do to In progress, position 1 of 2", {"in_progress": ["A", "D"]}),
        ("Shift+ArrowDown", "“A” moved to another place, position 2 of 2", {"in_progress": ["D", "A"]}),
        ("Shift+ArrowRight", "“A” moved from In progress to Done, position 1 of 2", {"done": ["A", "E"]}),
        ("Shift+ArrowRight", None, {"done": ["A", "E"]}),
        ("Shift+ArrowLeft", "“A” moved from Done to In progress, position 1 of 2", {"in_progress": ["A", "D"]}),
    ):
        press(board, key)
        has(board, **columns)
        if sentence:
            tells(board, sentence)
        on(board, "A")
    board.page.reload()
    board.shows(todo=["B", "C"], in_progress=["A", "D"], done=["E"])


def test_enter_opens_the_card(board):
    press(board, "j", "j", "Enter")
    expect(board.page.get_by_role("heading", level=1)).to_have_text("B")


def test_e_renames_and_esc_leaves_it_as_it_was(board, person):
    press(board, "j", "e")
    field = board.page.get_by_label("Title of the ticket")
    expect(field).to_be_focused()
    board.page.keyboard.type("nother")
    press(board, "Escape")
    expect(field).to_have_count(0)
    expect(board.card("A").locator(":focus")).to_have_count(1)
    press(board, "e")
    expect(field).to_have_value("A")
    board.page.keyboard.type("y")
    press(board, "Enter")
    tells(board, "“A” renamed to “Ay”")
    expect(board.card("Ay").locator(":focus")).to_have_count(1)
    assert person.board()["todo"] == ["Ay", "B", "C"]


def test_delete_undo_and_redo(board, person):
    press(board, "j", "j", "Delete")
    tells(board, "“B” deleted")
    on(board, "C")
    press(board, "Control+z")
    has(board, todo=["A", "B", "C"])
    tells(board, "Undone: “B” deleted")
    on(board, "C")
    press(board, "Control+Shift+z")
    has(board, todo=["A", "C"])
    assert person.board()["todo"] == ["A", "C"]
    press(board, "Meta+z")  # as on a Mac
    has(board, todo=["A", "B", "C"])
    on(board, "C")


def test_slash_searches_and_n_adds(board):
    press(board, "j", "/")
    expect(board.page.get_by_role("searchbox")).to_be_focused()
    title(board, "A").focus()
    press(board, "n")
    expect(quick_add(board)).to_be_focused()
    expect(quick_add(board)).to_have_value("")


def test_the_question_mark_shows_the_keys_and_esc_closes_them(board):
    title(board, "B").focus()
    press(board, "Shift+?")
    expect(keys_dialog(board)).to_be_visible()
    expect(keys_dialog(board).get_by_role("button", name="Close")).to_be_focused()
    press(board, "Escape")
    expect(keys_dialog(board)).to_be_hidden()
    on(board, "B")
    board.open("/trash")
    press(board, "Shift+?")
    expect(keys_dialog(board)).to_be_visible()


def test_the_keys_of_the_platform(platform, person):
    for key, name in (("j", "x"), ("j", "y"), ("ArrowDown", "z"), ("j", "z"), ("k", "y"), ("ArrowUp", "x")):
        press(platform, key)
        on(platform, name)
    press(platform, "Shift+ArrowDown")
    tells(platform, "Moved “x” to another place, position 2 of 3")
    platform.shows_todos("y", "x", "z")
    on(platform, "x")
    press(platform, "Shift+ArrowUp")
    tells(platform, "Moved “x” to another place, position 1 of 3")
    press(platform, "Space")
    tells(platform, "Ticked “x”")
    platform.shows_todos("x", "y", "z", ticked=["x"])
    on(platform, "x")
    press(platform, "e")
    expect(platform.page.get_by_label("Text of the to-do")).to_be_focused()
    press(platform, "Escape")
    is_somewhere(platform)
    press(platform, "e")
    expect(platform.page.get_by_label("Text of the to-do")).to_be_focused()
    platform.page.keyboard.type("-ray")
    press(platform, "Enter")
    tells(platform, "Changed “x” to “x-ray”")
    expect(platform.todo("x-ray").locator(":focus")).to_have_count(1)
    press(platform, "j", "Delete")
    tells(platform, "Deleted “y”")
    expect(platform.todo("z").locator(":focus")).to_have_count(1)
    press(platform, "Control+z")
    platform.shows_todos("x-ray", "y", "z", ticked=["x-ray"])
    press(platform, "n")
    expect(platform.page.get_by_label("Text of the new to-do")).to_be_focused()
    assert person.todos(platform.ticket_id) == [("x-ray", True), ("y", False), ("z", False)]


def test_e_beside_the_todos_renames_the_ticket(platform):
    platform.page.locator(".segments button").first.focus()
    press(platform, "e")
    expect(platform.page.get_by_label("Title of the ticket")).to_be_focused()
    press(platform, "Escape")
    expect(platform.page.get_by_role("link", name="Rename Ticket")).to_be_focused()


# Fast


def test_keys_pressed_faster_than_the_server_answers_end_in_the_right_order(screen, person):
    names = [f"t{number}" for number in range(8)]
    ticket_id = person.add_tickets(*names)[0]
    person.add_todos(ticket_id, *names)
    screen.open()
    title(screen, "t0").focus()
    press(screen, *["Shift+ArrowDown"] * 5)
    tells(screen, "“t0” moved to another place, position 6 of 8")
    has(screen, todo=[*names[1:6], "t0", *names[6:]])
    on(screen, "t0")
    assert person.board()["todo"] == [*names[1:6], "t0", *names[6:]]
    press(screen, "Shift+ArrowUp", "Shift+ArrowRight")
    tells(screen, "“t0” moved from To do to In progress, position 1 of 1")
    press(screen, "e")  # which is drawn by the server: the card is as it says
    expect(screen.page.get_by_label("Title of the ticket")).to_be_focused()
    press(screen, "Escape")
    expect(screen.card("t0").get_by_role("button", name="Move t0 to Done")).to_have_count(1)
    press(screen, *["Control+z"] * 6)
    tells(screen, "Undone: “t0” moved to another place, position 2 of 8")
    assert person.board()["todo"] == ["t1", "t0", *names[2:]]
    screen.open(f"/platform/{ticket_id}")
    screen.todo("t0").get_by_role("checkbox").focus()
    press(screen, *["Shift+ArrowDown"] * 5)
    tells(screen, "Moved “t0” to another place, position 6 of 8")
    screen.shows_todos(*names[1:6], "t0", *names[6:])
    on(screen, "t0")
    assert texts(person, ticket_id) == [*names[1:6], "t0", *names[6:]]


@pytest.mark.parametrize("what", ["cards", "todos"])
def test_an_answer_on_an_earlier_key_does_not_take_a_later_one_back(board, person, what):
    ticket_id = person.add_tickets("t")[0]
    person.add_todos(ticket_id, "A", "B", "C", "D")
    board.open("/" if what == "cards" else f"/platform/{ticket_id}")
    items = board.page.locator("#tickets-todo h3" if what == "cards" else "#todos .text")
    names = ["t", "A", "B", "C"] if what == "cards" else ["A", "B", "C", "D"]
    held = []
    board.page.route("**/position", lambda route: held.append(route))
    press(board, "j", "Shift+ArrowDown", "Shift+ArrowDown")
    first = names.pop(0)
    expect(items).to_have_text([*names[:2], first, names[2]])
    with board.page.expect_request_finished(lambda request: "position" in request.url):
        held.pop().continue_()
    expect(board.page.locator("#toast p")).to_contain_text("position 2 of 4")
    expect(items).to_have_text([*names[:2], first, names[2]])
    press(board, "Shift+ArrowDown")
    expect(items).to_have_text([*names, first])
    for place in (3, 4):
        expect(items).to_have_text([*names, first])
        held.pop().continue_()
        expect(board.page.locator("#toast p")).to_contain_text(f"position {place} of 4")
    on(board, first)
    expect(items).to_have_text([*names, first])
    assert (person.board()["todo"] if what == "cards" else texts(person, ticket_id)) == [*names, first]


def test_undo_pressed_three_times_takes_three_steps_back(board, person):
    press(board, "j")
    for left in (["B", "C"], ["C"], []):
        press(board, "Delete")
        has(board, todo=left)
    is_somewhere(board)
    board.page.locator("#account summary").focus()
    press(board, *["Control+z"] * 3)
    has(board, todo=["A", "B", "C"])
    press(board, *["Control+Shift+z"] * 2)
    has(board, todo=["C"])
    assert person.board()["todo"] == ["C"]


# When they do nothing


def test_no_key_fires_while_somebody_types(board, sent):
    page = board.page
    fields = {
        "quick add": lambda: quick_add(board).focus(),
        "a title": lambda: board.start_renaming("B"),
        "a new ticket for Done": lambda: page.get_by_role("link", name="Add a ticket to Done").press("Enter"),
        "a place": lambda: board.choose(board.card("C"), "Move to…"),
        "search": lambda: page.get_by_role("searchbox").focus(),
    }
    for name, enter in fields.items():
        enter()
        field = page.locator("textarea:focus, input:focus, select:focus")
        expect(field).to_have_count(1)
        page.evaluate("window.field = document.activeElement")
        if name != "a place":
            field.fill("")
        press(board, *SINGLE)
        if name != "a place":
            expect(field).to_have_value("".join(SINGLE))
        press(board, *OTHERS, "Control+z", "Control+Shift+z")
        assert page.evaluate("window.field === document.activeElement || window.field.id"), name
        expect(keys_dialog(board)).to_be_hidden()
    assert sent == []


def test_ctrl_z_in_a_field_is_the_fields_own(board, person, sent):
    quick_add(board).focus()
    board.page.keyboard.type("half a thought")
    press(board, "Control+z")
    expect(quick_add(board)).not_to_have_value("half a thought")
    press(board, "Control+Shift+z")
    expect(quick_add(board)).to_have_value("half a thought")
    assert sent == []
    assert person.board()["todo"] == ["A", "B", "C"]


def test_no_key_fires_behind_the_dialog(board, sent):
    press(board, "j", "?", *SINGLE, *OTHERS, "Control+z", "Control+Shift+z")
    expect(keys_dialog(board).get_by_role("button", name="Close")).to_be_focused()
    press(board, "Escape")
    on(board, "A")
    has(board, todo=["A", "B", "C"])
    assert sent == []


def test_no_key_fires_while_an_input_method_composes(board, sent):
    client = board.page.context.new_cdp_session(board.page)
    quick_add(board).focus()
    client.send("Input.imeSetComposition", {"text": "にっこ", "selectionStart": 3, "selectionEnd": 3})
    press(board, "Enter")
    expect(quick_add(board)).to_have_value(re.compile("^にっこ"))
    field = board.start_renaming("B")
    client.send("Input.imeSetComposition", {"text": "ー", "selectionStart": 1, "selectionEnd": 1})
    press(board, "Escape")
    expect(field).to_be_focused()
    title(board, "A").focus()
    for key in [*SINGLE, "Delete", "ArrowDown"]:
        for how in ({"isComposing": True}, {"keyCode": 229}):
            title(board, "A").dispatch_event("keydown", {"key": key, "bubbles": True, "cancelable": True, **how})
        on(board, "A")
    expect(keys_dialog(board)).to_be_hidden()
    has(board, todo=["A", "C"])  # and B, which is a field
    assert sent == []


def test_the_switch_turns_the_single_keys_off_and_is_kept(board, person):
    def turn(now, then):
        board.open_account()
        switch = board.page.get_by_role("switch", name="Single-key shortcuts")
        expect(switch).to_be_checked(checked=now == "on")
        switch.focus()
        press(board, "Space")
        expect(board.page.locator("#account")).to_have_attribute("data-shortcuts", "1" if then == "on" else "0")
        is_somewhere(board)

    turn("on", "off")
    for _ in range(2):
        title(board, "B").focus()
        press(board, *SINGLE)
        on(board, "B")
        expect(keys_dialog(board)).to_be_hidden()
        board.page.reload()
    title(board, "A").focus()
    press(board, "ArrowDown")
    on(board, "B")
    press(board, "Delete")
    has(board, todo=["A", "C"])
    press(board, "Control+z")
    has(board, todo=["A", "B", "C"])
    on(board, "C")
    press(board, "Shift+ArrowUp")
    has(board, todo=["A", "C", "B"])
    turn("off", "on")
    title(board, "A").focus()
    press(board, "j")
    on(board, "C")


@pytest.mark.parametrize("path", ["/login", "/trash"])
def test_the_keys_of_the_board_do_no_harm_elsewhere(new_page, person, server, device, path, provoked):
    page = new_page(device, person.session() if path == "/trash" else ())
    page.goto(path)
    page.locator(".brand").last.focus()
    for key in [*SINGLE[:4], *OTHERS]:
        page.keyboard.press(key)
    if path == "/login":
        page.keyboard.press("Control+z")
        page.keyboard.press("?")
    expect(page.locator(".brand").last).to_be_focused()
    assert page.url.endswith(path)


# The focus


def test_the_focus_is_never_lost(board, person):
    def after(*keys, **columns):
        press(board, *keys)
        has(board, **columns)
        is_somewhere(board)

    title(board, "D").focus()
    after("Delete", in_progress=[])  # the last one of its column
    after("Control+z", in_progress=["D"])
    title(board, "E").focus()
    after("Delete", done=[])
    after("Control+z", done=["E"])
    title(board, "A").focus()
    after("Shift+ArrowRight", todo=["B", "C"], in_progress=["A", "D"])
    after("Control+z", todo=["A", "B", "C"], in_progress=["D"])
    after("Control+Shift+z", todo=["B", "C"], in_progress=["A", "D"])
    for name in ("A", "B", "C", "D"):
        title(board, name).focus()
        press(board, "Delete")
        tells(board, f"“{name}” deleted")
        is_somewhere(board)
    title(board, "E").focus()
    press(board, "Delete")  # the last one of the board
    expect(board.page.get_by_role("heading", name="Nothing on the board yet")).to_be_visible()
    expect(quick_add(board)).to_be_focused()
    board.page.keyboard.press("Tab")
    board.page.keyboard.press("Tab")
    expect(board.page.locator("#toast").get_by_role("button", name="Undo")).to_be_focused()
    after("Enter", done=["E"])
    after("Control+z", done=["E"], in_progress=["D"])


def test_a_menu_is_reached_walked_and_left_by_keys(board, person):
    board.card("B").locator("summary").focus()
    press(board, "Enter")
    sheet = board.card("B").locator(".sheet")
    expect(sheet).to_be_visible()
    press(board, "Tab")
    expect(sheet.get_by_text("Move to…")).to_be_focused()
    press(board, "Enter")
    expect(board.page.locator("select:focus")).to_have_count(1)
    board.page.get_by_role("button", name="Move to Done").focus()
    press(board, "Enter")
    tells(board, "“B” moved from To do to Done, position 1 of 2")
    expect(board.card("B").locator(":focus")).to_have_count(1)
    assert person.board()["done"] == ["B", "E"]


def test_nothing_takes_the_keys_away_from_a_screen_reader(board, person):
    ticket_id = person.add_tickets("t")[0]
    for path in ("/", f"/platform/{ticket_id}", "/trash"):
        board.open(path)
        expect(board.page.locator("#main")).to_be_visible()
        expect(board.page.locator("[role=application]")).to_have_count(0)


# From the door to the trash and back


class Listener:
    """What somebody hears who uses no mouse: what each key brings the focus to, and what is announced meanwhile."""

    HEAR = """
        document.addEventListener("DOMContentLoaded", () => {
            const listen = (region) => new MutationObserver(() => {
                const text = region.innerText.replace(/\\s+/g, " ").trim();
                if (!region.checkVisibility()) return;
                if (text && text !== region.told) heard(`${region.getAttribute("role")}: ${text}`);
                region.told = text;
            }).observe(region, { childList: true, characterData: true, attributes: true, subtree: true });
            document.querySelectorAll("#toast, [role=alert]").forEach(listen);
        });
        document.addEventListener("mousedown", () => heard("A MOUSE WAS USED"));
    """
    STATES = ("checked", "pressed", "expanded", "invalid", "disabled")

    def __init__(self, page):
        self.page, self.lines = page, []
        self.client = page.context.new_cdp_session(page)
        page.expose_function("heard", lambda text: self.lines.append(f"{'':>22}  ((( {text} )))"))
        page.add_init_script(self.HEAR)

    def focus(self):
        """What has the focus, from the accessibility tree: role, name and states."""
        active = self.client.send("Runtime.evaluate", {"expression": "document.activeElement"})["result"]
        nodes = self.client.send(
            "Accessibility.getPartialAXTree", {"objectId": active["objectId"], "fetchRelatives": False}
        )["nodes"]
        states = [
            f"{each['name']}={each['value']['value']}"
            for each in nodes[0].get("properties", [])
            if each["name"] in self.STATES and each["value"].get("value") not in (False, "false", None)
        ]
        if nodes[0].get("value"):
            states.append(f"value “{nodes[0]['value']['value']}”")
        return " ".join([nodes[0]["role"]["value"], f"“{nodes[0].get('name', {}).get('value', '')}”", *states])

    def note(self, what):
        self.lines.append(f"{what:>22}  {self.focus()}")

    def press(self, key, until=None):
        """Press a key and wait until something has that role and name; note what has the focus then."""
        self.page.keyboard.press(key)
        if until:
            expect(until).to_be_focused()
        self.note(key)

    def type(self, text):
        self.page.keyboard.type(text)
        self.note(f"types “{text}”" if text != PASSWORD else "types the password")

    def go_to(self, role, name, key="Tab"):
        """Press Tab until it is reached."""
        target = self.page.get_by_role(role, name=name, exact=True)
        for _ in range(25):
            self.page.keyboard.press(key)
            self.note(key)
            if target.evaluate_all("(all) => all.includes(document.activeElement)"):
                return
        pytest.fail("\n".join([f"never reached {role} {name}", *self.lines]))


def test_a_day_without_a_mouse(blank, person):
    page = blank.page
    listener = Listener(page)
    card = lambda name: page.locator("h3 a").and_(page.get_by_text(name, exact=True))  # noqa: E731
    blank.open("/login")
    listener.go_to("textbox", "Username")
    listener.type(person.username)
    listener.go_to("textbox", "Password")
    listener.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing on the board yet")).to_be_visible()
    listener.note("Enter (the board)")
    listener.press("n", quick_add(blank))
    listener.type("Call Ana")
    listener.press("Enter")
    tells(blank, "“Call Ana” added")
    expect(page.get_by_role("heading", name="Board")).to_be_attached()
    listener.type("Fix the tap")
    listener.press("Enter")
    tells(blank, "“Fix the tap” added")
    listener.go_to("button", "Add")
    listener.press("j", card("Fix the tap"))
    listener.press("Shift+ArrowDown", card("Fix the tap"))
    tells(blank, "“Fix the tap” moved to another place, position 2 of 2")
    listener.press("Shift+ArrowRight", card("Fix the tap"))
    tells(blank, "“Fix the tap” moved from To do to In progress, position 1 of 1")
    listener.press("e", page.get_by_label("Title of the ticket"))
    listener.type(" in the kitchen")
    listener.press("Enter", card("Fix the tap in the kitchen"))
    tells(blank, "“Fix the tap” renamed to “Fix the tap in the kitchen”")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Fix the tap in the kitchen")
    listener.note("Enter (the platform)")
    listener.press("n", page.get_by_label("Text of the new to-do"))
    listener.type("Buy a washer")
    listener.press("Enter")
    tells(blank, "Added “Buy a washer”")
    listener.go_to("button", "Add")
    listener.press("j", page.get_by_role("checkbox", name="Buy a washer"))
    listener.press("Space")
    tells(blank, "Ticked “Buy a washer”")
    expect(page.get_by_role("checkbox", name="Buy a washer", checked=True)).to_be_focused()
    listener.note("(and then)")
    listener.go_to("link", "Board", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Board")).to_be_visible()
    listener.note("Enter (the board)")
    listener.press("j", card("Call Ana"))
    listener.press("ArrowRight", card("Fix the tap in the kitchen"))
    listener.press("Delete", page.get_by_role("link", name="Add a ticket to In progress"))
    tells(blank, "“Fix the tap in the kitchen” deleted")
    is_somewhere(blank)
    listener.note("(and then)")
    listener.press("Control+z")
    tells(blank, "Undone: “Fix the tap in the kitchen” deleted")
    is_somewhere(blank)
    transcript = "\n".join(listener.lines)
    print(f"\n{transcript}")
    assert "MOUSE" not in transcript
    lost = [line.removesuffix("none “”").strip() for line in listener.lines if line.endswith("none “”")]  # on <body>
    assert lost == ["Enter (the board)", "Enter (the platform)", "Enter (the board)"], "on more than new pages"
    assert "checkbox “Buy a washer” checked=true" in transcript
    assert "((( status: “Fix the tap” moved to another place, position 2 of 2 Undo )))" in transcript
    assert person.board() == {"todo": ["Call Ana"], "in_progress": ["Fix the tap in the kitchen"], "done": []}
    ticket_id = int(re.search(r'href="/platform/(\d+)"[^>]*>Fix', person.get("/")).group(1))
    assert person.todos(ticket_id) == [("Buy a washer", True)]


def test_what_is_typed_before_a_field_has_come_does_nothing_else(board, person):
    waiting = []
    board.page.route("**/?edit=*", lambda route: waiting.append(route))
    board.page.keyboard.press("j")
    with board.page.expect_request("**/?edit=*"):
        board.page.keyboard.press("e")
    for key in ("n", "Delete", "Shift+ArrowRight", "/"):
        board.page.keyboard.press(key)
    expect(board.card("A").locator("h3 a")).to_be_focused()
    waiting[0].continue_()
    expect(board.page.get_by_label("Title of the ticket")).to_be_focused()
    assert person.board() == {"todo": ["A", "B", "C"], "in_progress": ["D"], "done": ["E"]}


def test_esc_leaves_the_field_that_adds_and_the_search_so_that_single_keys_work(board):
    press(board, "n")
    quick_add(board).fill("half a thought")
    press(board, "Escape", "j")
    on(board, "A")
    expect(quick_add(board)).to_have_value("half a thought")
    press(board, "/")
    board.page.keyboard.type("B")
    has(board, todo=["B"])
    press(board, "Escape", "Escape")
    has(board, todo=["A", "B", "C"])
    press(board, "j")
    on(board, "A")


def test_arrows_go_through_an_open_menu_and_round(board):
    title(board, "A").focus()
    more = board.card("A").locator("summary")
    more.focus()
    press(board, "Enter", "ArrowDown")
    expect(board.card("A").get_by_role("link", name="Move to…")).to_be_focused()
    press(board, "ArrowUp")
    expect(board.card("A").get_by_role("button", name="Delete")).to_be_focused()
    press(board, "ArrowDown", "ArrowDown")
    expect(board.card("A").get_by_role("button", name="To the top")).to_be_focused()
    press(board, "Escape")
    expect(more).to_be_focused()


def test_who_comes_back_from_a_ticket_by_keys_is_at_its_card(board):
    press(board, "j", "j")
    on(board, "B")
    press(board, "Enter")
    expect(board.page.get_by_role("heading", name="B", level=1)).to_be_visible()
    board.page.go_back()
    on(board, "B")
    press(board, "j")
    on(board, "C")


def test_space_ticks_a_todo_after_it_was_edited_by_its_key(platform, person):
    platform.todo("y").get_by_role("checkbox").focus()
    press(platform, "e")
    field = platform.page.get_by_label("Text of the to-do")
    expect(field).to_be_focused()
    field.fill("why")
    press(platform, "Enter")
    on(platform, "why")
    press(platform, "Space")
    platform.shows_todos("x", "why", "z", ticked=["why"])
