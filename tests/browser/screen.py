"""What a person does on a page, the same on every device: with a mouse or a finger, with or without JavaScript."""

import re
from typing import NamedTuple

try:
    from playwright.sync_api import expect
except ImportError:  # the fixture `browser` says so
    expect = None


class Device(NamedTuple):
    """How wide the page is, whether it is touched, and whether its script runs."""

    width: int
    touch: bool
    script: bool

    def __str__(self):
        return f"{self.width}-{'script' if self.script else 'plain'}"


DESK, DESK_PLAIN = Device(1360, False, True), Device(1360, False, False)
PHONE, PHONE_PLAIN = Device(390, True, True), Device(390, True, False)

LEFT_OF = {"in_progress": "todo", "done": "in_progress"}
NAMES = {"todo": "To do", "in_progress": "In progress", "done": "Done"}


class Screen:
    """A page on a device."""

    def __init__(self, page, device):
        self.page, self.device = page, device
        self.script, self.touch = device.script, device.touch

    # Looking

    def card(self, title):
        """The ticket on the board."""
        whole = re.compile(rf"^\s*{re.escape(title)}\s*$")  # some of it may be marked
        return self.page.locator("li.card").filter(has=self.page.locator("h3 a").filter(has_text=whole))

    def todo(self, text):
        """The to-do on the platform page."""
        return self.page.locator("li.todo").filter(has=self.page.locator(f'.text:text-is("{text}")'))

    def shows(self, **columns):
        """Wait until the columns hold just these titles."""
        for status, titles in columns.items():
            expect(self.page.locator(f"#tickets-{status} h3")).to_have_text(titles)
            expect(self.page.locator(f"#count-{status}")).to_have_text(str(len(titles)))

    def shows_todos(self, *texts, ticked=()):
        """Wait until the list holds just these to-dos."""
        expect(self.page.locator(".todo .text")).to_have_text(list(texts))
        expect(self.page.locator(".todo.ticked .text")).to_have_text(list(ticked))
        for box in self.page.get_by_role("checkbox").all():
            expect(box).to_be_checked(checked="ticked" in box.locator("xpath=ancestor::li").get_attribute("class"))

    def says(self, text):
        """Wait until the toast says that."""
        expect(self.page.locator("#toast .toast span:first-child")).to_have_text(text)

    def has_focus(self, locator):
        expect(locator).to_be_focused()

    # Doing

    def open(self, path="/"):
        self.page.goto(path)

    def press(self, locator):
        """Click, or touch."""
        if self.touch:
            locator.tap()
        else:
            locator.click()

    def press_button(self, name, inside=None):
        self.press((inside or self.page).get_by_role("button", name=name, exact=True))

    def show_column(self, status):
        """On a phone there is one column at a time."""
        if self.touch:
            self.press(self.page.locator(".strip").get_by_role("link", name=re.compile(f"^{NAMES[status]} ")))
        expect(self.page.locator(f"#column-{status}")).to_be_visible()

    def add(self, text, to=""):
        """Write into the field that adds, and send it: with Enter, which only a script can listen to."""
        field = self.page.locator(f"#add-{to or 'todo'} textarea")
        field.fill(text)
        if self.script:
            field.press("Enter")
        else:
            self.press_button("Add", self.page.locator(f"#add-{to or 'todo'}"))

    def menu(self, card):
        """Open the ⋯ menu; returns what it opens."""
        self.over(card)
        self.press(card.locator("summary"))
        sheet = card.locator(".sheet")
        expect(sheet).to_be_visible()
        return sheet

    def over(self, element):
        """Point at it, so that its actions show: with the mouse, or by a touch on a place that does nothing else."""
        if not self.touch:
            element.hover()
        elif element.locator(".text").count():
            element.locator(".text").tap()

    def choose(self, card, entry):
        """Choose from a card's menu."""
        self.press(self.menu(card).locator("a, button").filter(has_text=re.compile(rf"^\s*{re.escape(entry)}")))

    def start_renaming(self, title):
        """Open a card's title as a field; returns the field."""
        card = self.card(title)
        if self.touch:
            self.choose(card, "Rename")
        else:
            card.hover()
            self.press(card.locator("[data-k=edit]"))
        field = self.page.get_by_label("Title of the ticket")
        expect(field).to_have_value(title)
        return field

    def save(self, field, text):
        """Write into a field that edits, and save it: with Enter, which only a script can listen to."""
        field.fill(text)
        if self.script:
            field.press("Enter")
        else:
            self.press_button("Save")

    def give_up(self, field):
        """Leave a field that edits as it was: with Esc, which only a script can listen to."""
        if self.script:
            field.press("Escape")
        else:
            self.press(self.page.get_by_role("link", name="Cancel", exact=True))

    def move(self, title, status):
        """Change a card's status: by the arrows that a mouse finds, or by Move to… on touch."""
        card = self.card(title)
        if self.touch:
            self.choose(card, "Move to…")
            self.press_button(f"Move to {NAMES[status]}")
        else:
            card.hover()
            self.press_button(f"Move {title} to {NAMES[status]}", card)

    def delete(self, title):
        """Delete a ticket on the board."""
        self.choose(self.card(title), "Delete")

    def act(self, text, action):
        """Press a to-do's action: edit, up, down, delete."""
        todo = self.todo(text)
        if self.touch and action == "delete":
            return self.choose(todo, "Delete")
        self.over(todo)
        return self.press(todo.locator(f"[data-k={action}]"))

    def tick(self, text):
        self.press(self.todo(text).get_by_role("checkbox"))

    def open_account(self):
        """Open the menu of the account; returns it."""
        self.press(self.page.locator("#account summary"))
        sheet = self.page.locator("#account .sheet")
        expect(sheet).to_be_visible()
        return sheet
