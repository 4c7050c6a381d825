"""What NIKKO calls things: statuses, actions and times, in words that a person reads."""

import datetime
import functools
import unicodedata

import dates
import labels

NAMED_LIMIT = 80  # characters of a title or text in a sentence
STATUSES = {"todo": "To do", "in_progress": "In progress", "done": "Done"}

# What each kind of action says. {name} is the ticket's title or the to-do's text, {count} how many there were,
# and {before}, {after} what the changed column held.
ONE = {
    "add": "“{name}” added",
    "rename": "“{before}” renamed to “{after}”",
    "move": "“{name}” moved from {before} to {after}",
    "place": "“{name}” moved to another place",
    "delete": "“{name}” deleted",
    "restore": "“{name}” restored",
    "archive": "“{name}” archived",
    "archive_old": "“{name}” archived by itself",
    "unarchive": "“{name}” brought back from the archive",
    "todo_add": "Added “{name}”",
    "todo_edit": "Changed “{before}” to “{after}”",
    "todo_tick": "Ticked “{name}”",
    "todo_untick": "Unticked “{name}”",
    "todo_move": "Moved “{name}” to another place",
    "todo_delete": "Deleted “{name}”",
    "todo_restore": "Restored “{name}”",
    "todo_text": "List edited: {edits}",
    "todo_carry": "Moved “{name}” to “{other}”",
    "todo_to_ticket": "Made “{name}” a ticket of its own",
    "ticket_to_todo": "“{name}” made a to-do",
    "describe": "Description of “{name}” changed",
    "due": "“{name}” is due {after}",
    "undue": "“{name}” has no due date any more",
    "label": "“{name}” labelled {added}",
    "unlabel": "“{name}” not labelled {removed} any more",
    "relabel": "“{name}” labelled {added} instead of {removed}",
    "label_rename": "Label “{before}” renamed to “{after}”",
    "label_colour": "Label “{name}” is {after} now",
    "label_merge": "Label “{name}” merged into “{into}”",
    "label_delete": "Label “{name}” deleted",
}
# The same on the ticket's own page, which need not name it.
OWN = ONE | {
    "add": "Added",
    "rename": "Renamed from “{before}” to “{after}”",
    "move": "Moved from {before} to {after}",
    "place": "Moved to another place",
    "delete": "Deleted",
    "restore": "Restored",
    "due": "Due {after}",
    "undue": "Due date taken away",
    "label": "Labelled {added}",
    "unlabel": "Not labelled {removed} any more",
    "relabel": "Labelled {added} instead of {removed}",
    "archive": "Archived",
    "archive_old": "Archived by itself",
    "unarchive": "Brought back from the archive",
    "describe": "Description changed",
}
SEVERAL = {
    "add": "{count} tickets added",
    "archive": "{count} tickets archived",
    "archive_old": "{count} tickets archived by themselves",
    "todo_add": "Added {count} to-dos",
}
PREFIXES = {"undo": "Undone: ", "redo": "Done again: "}
SHOWN_COLUMN = {
    "rename": "title", "todo_edit": "text", "move": "status",
    "due": "due", "label_rename": "name", "label_colour": "colour",
}  # fmt: skip


def describe(kind, changes, names, step_kind=None, sentences=ONE, today=None):
    """One sentence on an action, from `sentences` (ONE, or OWN on the ticket's page).

    It is about the row that was changed last. `changes` are the journal's, `names` maps (table, id) to a title, a text
    or a label's name, `step_kind` is what an undo or redo took back or did again, and `today` (a date; else the
    server's) says which dates need no year.
    """
    today = today or dates.today_in("")
    if kind == "undo":
        changes = [(table, row_id, after, before) for table, row_id, before, after in reversed(changes)]
    if kind in PREFIXES:
        return PREFIXES[kind] + describe(step_kind, changes, names, sentences=sentences, today=today)
    if kind == "import":  # of which the labels may be changes, too
        count = sum(table == "tickets" for table, _, _, _ in changes)
        return f"{count:,} ticket{'' if count == 1 else 's'} imported"
    table, row_id, before, after = changes[-1]  # before it stand those that made room, and new labels
    if kind in SEVERAL and len(changes) > 1:
        rows = [change[3] for change in changes if change[0] == table]
        if len(rows) > 1:
            return SEVERAL[kind].format(count=len(rows)) + marks_of_several(rows)
    column, added, removed = SHOWN_COLUMN.get(kind), "", ""
    shown = {"status": STATUSES.get, "due": lambda due: due and day_said(due, today)}.get(column, named)
    if "labels" in after:
        added, removed = label_names(after, before, names), label_names(before, after, names)
    sentence = sentences[variant(kind, after, added, removed)]
    return sentence.format(
        name=named(names.get((table, row_id), "…")),
        before=shown(before.get(column)),
        after=shown(after.get(column)),
        other=named(names.get(("tickets", after.get("ticket_id")), "…")),
        edits=edits(changes) if kind == "todo_text" else "",
        added=added,
        removed=removed,
        into=names.get(tuple(changes[-2][:2]), "…") if kind == "label_merge" else None,
    ) + (marks(after, added, today) if kind == "add" else "")


#: Unicode's bidirectional classes of letters and signs that turn the direction of what stands around them.
TURNING = {"R", "AL", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI"}


def named(text):
    """A title or text as it stands in a sentence: not so long that the rest is lost, nor turning that around.

    What is written from right to left, or turns the writing, gets the signs that isolate it (U+2068, U+2069).
    """
    text = str(text)
    if len(text) > NAMED_LIMIT:
        text = text[: NAMED_LIMIT - 1] + "…"
    if not text.isascii() and TURNING.intersection(map(unicodedata.bidirectional, text)):
        return f"\u2068{text}\u2069"
    return text


def variant(kind, after, added, removed):
    """What an action is called by what it did."""
    if kind == "move" and "status" not in after:
        return "place"
    if kind == "todo_tick" and not after["done"]:
        return "todo_untick"
    if kind == "due" and not after["due"]:
        return "undue"
    if kind == "label" and removed:
        return "relabel" if added else "unlabel"
    return kind


def label_names(after, before, names):
    """The labels that a ticket has `after` and had not `before`, by name: bug and client."""
    had = labels.ids(before.get("labels") or "")
    return in_a_row(
        names.get(("labels", each), "…") for each in labels.ids(after.get("labels") or "") if each not in had
    )


def in_a_row(things, last=" and "):
    """Things as a sentence lists them: a, b and c."""
    *first, end = [*things] or [""]
    return ", ".join(first) + last + end if first else end


def marks(ticket, named, today):
    """What a new ticket came with: with home, due Fri 27 Nov."""
    due = f", due {day_said(ticket['due'], today)}" if ticket.get("due") else ""
    return (f" with {named}" if named else "") + due


def marks_of_several(tickets):
    """The same of several, in numbers."""
    labelled = sum(bool(ticket.get("labels")) for ticket in tickets)
    dated = sum(bool(ticket.get("due")) for ticket in tickets)
    return (f", {labelled} with labels" if labelled else "") + (f", {dated} with a due date" if dated else "")


def day_said(due, today):
    """A due date (YYYY-MM-DD) in words."""
    return dates.said(datetime.date.fromisoformat(due), today)


#: The due dates by which the board is filtered, as its chips say them.
DUE = {"late": "Late", "today": "Today", "week": "This week"}


def filtered(due, names, today):
    """What a filter asks for: due this week (today until Sun 29 Nov), labelled bug and client."""
    sunday = dates.said(dates.end_of_week(today), today)
    said = {"late": "late", "today": "due today", "week": f"due this week (today until {sunday})"}
    parts = [in_a_row((said[each] for each in DUE if each in due), " or ")]
    parts.append(f"labelled {in_a_row(names)}" if names else "")
    return ", ".join(filter(None, parts))


def edits(changes):
    """What became of a list, in words: 2 added, 1 changed."""
    counts = {"added": 0, "changed": 0, "moved": 0, "deleted": 0}
    for row_changes in rows_of(changes).values():
        if "deleted_at" in row_changes:
            counts["deleted" if row_changes["deleted_at"] else "added"] += 1
        else:
            counts["changed" if {"text", "done"} & row_changes.keys() else "moved"] += 1
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def rows_of(changes):
    """The columns after these changes, by row."""
    rows = {}
    for table, row_id, _, after in changes:
        rows.setdefault((table, row_id), {}).update(after)
    return rows


@functools.lru_cache(4096)
def day(seconds, zone, today):
    """The day of a moment in words, seen from `today` in that time zone: today, yesterday, Thu, 12 Nov, 12 Nov 2025."""
    then = dates.local(seconds, zone)
    days = (today - then.date()).days
    if days < 2:
        return ("today", "yesterday")[max(days, 0)]
    if days < 7:
        return f"{then:%a}"
    return f"{then.day} {then:%b}" + ("" if then.year == today.year else f" {then.year}")


@functools.lru_cache(4096)
def moment(seconds, zone, today):
    """A moment in words: 14:02 on the day itself, else the day."""
    words = day(seconds, zone, today)
    return f"{dates.local(seconds, zone):%H:%M}" if words == "today" else words


#: What of a User-Agent header names the browser and the machine; the first that is in it counts.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "FxiOS": "Firefox", "Chrom": "Chrome",
            "CriOS": "Chrome", "Safari": "Safari"}  # fmt: skip
MACHINES = {"iPhone": "an iPhone", "iPad": "an iPad", "Android": "Android", "Windows": "Windows", "Mac OS": "a Mac",
            "CrOS": "a Chromebook", "Linux": "Linux"}  # fmt: skip


def browser(user_agent):
    """What somebody logs in with, in words: Firefox on Linux."""
    name = next((name for mark, name in BROWSERS.items() if mark in user_agent), "A browser")
    machine = next((name for mark, name in MACHINES.items() if mark in user_agent), None)
    return f"{name} on {machine}" if machine else name


def in_trash(seconds, kept, zone, today):
    """How long ago something was deleted, and how many of the days for which it is `kept` are left.

    It goes by the calendar, for the page is the same all day.
    """
    words = day(seconds, zone, today)
    if words in ("today", "yesterday"):
        return words
    days = (today - dates.local(seconds, zone).date()).days
    return f"{days} days ago, {max(kept - days, 0)} left"
