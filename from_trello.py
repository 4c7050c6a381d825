"""Reads a Trello board, as Trello exports it: lists become statuses, cards tickets, checklists to-dos."""

import collections
import functools
import re

import description
from from_csv import read_moment
from helpers import TODOS_LIMIT
from incoming import Ticket, Todo, Wrong, asked, guess_status, made, shown
from json_stream import Unreadable, members
from words import STATUSES

#: Trello's colours, as near as the palette of labels.py comes.
TRELLO_COLOURS = {
    "green": "green", "yellow": "amber", "orange": "amber", "red": "red", "purple": "purple", "blue": "blue",
    "sky": "teal", "lime": "green", "pink": "pink", "black": "grey",
}  # fmt: skip
#: How many lists, cards and checklists are held in memory, of each, and how many lists are asked about.
HELD_LIMIT, LISTS_LIMIT = 100_000, 500


class Trello:
    """A board as Trello exports it ("Print, export, and share", "Export as JSON"): its cards are the tickets.

    A card in a closed list, or that is closed itself, goes to the archive. Of a card with several checklists each to-do
    begins with the name of its checklist.
    """

    def __init__(self, open_file, encoding, options, zone):
        self.zone, self.labels, self.questions, self.board = zone, {}, [], ""
        held = {"lists": [], "cards": [], "checklists": []}
        self.counts = collections.Counter()
        with open_file() as file:
            for name, item, line in members(file, encoding):
                if name == "name" and isinstance(item, str):
                    self.board = item
                elif name == "actions":
                    self.counts["comments"] += isinstance(item, dict) and item.get("type") == "commentCard"
                elif name in held:
                    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
                        raise Unreadable(f"Line {line:,}: there is something in “{name}” that isn't Trello's.")
                    held[name].append(item)
                    if len(held[name]) > HELD_LIMIT:
                        raise Unreadable(f"The board has more than {HELD_LIMIT:,} {name}.")
        self.name = f"The Trello board “{shown(self.board)}”" if self.board else "A Trello board"
        self.lists = {each["id"]: each for each in sorted(held["lists"], key=place_of)}
        self.checklists = {each["id"]: each for each in held["checklists"]}
        order = {list_id: number for number, list_id in enumerate(self.lists)}
        self.cards = sorted(held["cards"], key=lambda card: (order.get(text_of(card, "idList"), -1), place_of(card)))
        self.ask(options)
        self.count()

    def ask(self, options):
        """Ask for the status of each list that has cards, and of cards that are marked complete."""
        used = {text_of(card, "idList") for card in self.cards}
        self.statuses = {}
        if len(used) > LISTS_LIMIT:
            raise Unreadable(f"The board has more than {LISTS_LIMIT} lists with cards.")
        for number, each in enumerate(self.lists.values()):
            if each["id"] in used:
                name = text_of(each, "name")
                closed = " (archived)" if each.get("closed") is True else ""
                question = asked(
                    options, f"list_{number}", "is", STATUSES, guess_status(name), about=shown(name) + closed
                )
                self.statuses[each["id"]] = question.chosen
                self.questions.append(question)
        self.complete = False
        if complete := sum(card.get("dueComplete") is True for card in self.cards):
            choices = {"done": "Done, whatever their list", "list": "what their list is"}
            about = f"{complete:,} card{'s' if complete > 1 else ''} marked complete"
            self.questions.append(asked(options, "complete", "is", choices, "done", about=about))
            self.complete = self.questions[-1].chosen == "done"

    def count(self):
        """Count what can't be taken along."""
        for card in self.cards:
            self.counts["attachments"] += len(items_of(card, "attachments"))
            self.counts["assigned members"] += len(items_of(card, "idMembers"))
            self.counts["custom fields"] += len(items_of(card, "customFieldItems"))
            self.counts["start dates"] += card.get("start") is not None
            self.counts["names of checklists (of cards that have one)"] += len(self.checklists_of(card)) == 1
        for checklist in self.checklists.values():
            self.counts["due dates of checklist items"] += sum(
                isinstance(item, dict) and item.get("due") is not None for item in items_of(checklist, "checkItems")
            )
        self.left_out = [f"{what} ({count:,})" for what, count in self.counts.items() if count]

    def tickets(self):
        for card in self.cards:
            name = " ".join(text_of(card, "name").split())
            where = f"The card “{shown(name)}”"
            yield made(functools.partial(self.ticket, card, where), where)

    def ticket(self, card, where):
        """The ticket of a card. Raises Wrong."""
        of_list = self.lists.get(text_of(card, "idList"), {})
        status = "done" if self.complete and card.get("dueComplete") is True else self.statuses.get(of_list.get("id"))
        seen = trello_time(card.get("dateLastActivity"))
        due = trello_moment(card.get("due"))
        closed = card.get("closed") is True or of_list.get("closed") is True
        return Ticket(
            where,
            title=text_of(card, "name"),
            status=status or "todo",
            description=text_of(card, "desc"),
            due=due and self.day(due),
            labels=[self.label(each) for each in items_of(card, "labels") if isinstance(each, dict)],
            todos=self.todos(card),
            created_at=born(card["id"]),
            status_since=seen,
            archived_at=(seen or born(card["id"]) or 1) if closed else None,
        )

    def day(self, moment):
        """The day on which a moment is. Raises Wrong."""
        try:
            return moment.astimezone(self.zone).date().isoformat()
        except OverflowError:
            raise Wrong("it is due where calendars begin or end.") from None

    def label(self, item):
        """The name of a label; one without a name is called as its colour."""
        colour = text_of(item, "color").partition("_")[0]
        name = text_of(item, "name").strip() or colour.capitalize() or "Label"
        self.labels.setdefault(name, TRELLO_COLOURS.get(colour, "grey"))
        return name

    def todos(self, card):
        """The items of a card's checklists. Raises Wrong."""
        own = self.checklists_of(card)
        held = sum(len(items_of(checklist, "checkItems")) for checklist in own)
        if held > TODOS_LIMIT:  # several cards may name the same one: it is not taken apart for each
            raise Wrong(f"it has {held:,} to-dos; the limit is {TODOS_LIMIT:,}.")
        return [
            Todo(
                (f"{text_of(checklist, 'name')[: description.LIMIT]}: " if len(own) > 1 else "")
                + text_of(item, "name"),
                done=item.get("state") == "complete",
            )
            for checklist in own
            for item in sorted(filter(is_object, items_of(checklist, "checkItems")), key=place_of)
        ]

    def checklists_of(self, card):
        """The checklists that a card names, in their order."""
        ids = [each for each in items_of(card, "idChecklists") if isinstance(each, str)]
        return sorted((self.checklists[each] for each in ids if each in self.checklists), key=place_of)


def is_object(item):
    return isinstance(item, dict)


def place_of(item):
    """Where it stands among the others."""
    place = item.get("pos")
    return place if isinstance(place, (int, float)) else 0


def text_of(item, name):
    """A text, "" when it is something else."""
    value = item.get(name)
    return value if isinstance(value, str) else ""


def items_of(item, name):
    """A list, empty when it is something else."""
    value = item.get(name)
    return value if isinstance(value, list) else []


def trello_moment(text):
    """A moment as Trello writes it, 2026-11-30T17:00:00.000Z; None for any other."""
    return read_moment(text) if isinstance(text, str) else None


def trello_time(text):
    """The same in seconds."""
    moment = trello_moment(text)
    return moment and max(int(moment.timestamp()), 1)


def born(identifier):
    """When something of Trello's was made: the first half of its id is the time."""
    return int(identifier[:8], 16) if re.fullmatch("[0-9a-f]{24}", identifier) else None
