"""What NIKKO calls things: statuses, actions and times, in words that a person reads."""

import datetime
import functools
import time

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
    "todo_add": "Added “{name}”",
    "todo_edit": "Changed “{before}” to “{after}”",
    "todo_tick": "Ticked “{name}”",
    "todo_untick": "Unticked “{name}”",
    "todo_move": "Moved “{name}” to another place",
    "todo_delete": "Deleted “{name}”",
    "todo_restore": "Restored “{name}”",
}
# The same on the ticket's own page, which need not name it.
OWN = ONE | {
    "add": "Added",
    "rename": "Renamed from “{before}” to “{after}”",
    "move": "Moved from {before} to {after}",
    "place": "Moved to another place",
    "delete": "Deleted",
    "restore": "Restored",
}
SEVERAL = {"add": "{count} tickets added", "todo_add": "Added {count} to-dos"}
PREFIXES = {"undo": "Undone: ", "redo": "Done again: "}
SHOWN_COLUMN = {"rename": "title", "todo_edit": "text", "move": "status"}


def describe(kind, changes, names, step_kind=None, sentences=ONE):
    """One sentence on an action, from `sentences` (ONE, or OWN on the ticket's page).

    `changes` are the journal's, `names` maps (table, id) to a title or text, and `step_kind` is what an undo
    or redo took back or did again.
    """
    if kind == "undo":
        changes = [(table, row_id, after, before) for table, row_id, before, after in reversed(changes)]
    if kind in PREFIXES:
        return PREFIXES[kind] + describe(step_kind, changes, names, sentences=sentences)
    if kind in SEVERAL and len(changes) > 1:
        return SEVERAL[kind].format(count=len(changes))
    table, row_id, before, after = changes[-1]  # before it stand those that made room
    if kind == "move" and "status" not in after:
        kind = "place"
    elif kind == "todo_tick" and not after["done"]:
        kind = "todo_untick"
    column = SHOWN_COLUMN.get(kind)
    shown = STATUSES.get if column == "status" else str
    return sentences[kind].format(
        name=names.get((table, row_id), "…"),
        before=shown(before.get(column)),
        after=shown(after.get(column)),
    )


def day(seconds, now=None):
    """A day in words: today, yesterday, Thu, 12 Nov, 12 Nov 2025."""
    return day_from(seconds, time.localtime(now)[:3])


@functools.lru_cache(4096)
def day_from(seconds, today):
    """The day as it is called on the day `today` (year, month, day)."""
    then = time.localtime(seconds)
    days = (datetime.date(*today) - datetime.date(*then[:3])).days
    if days < 2:
        return ("today", "yesterday")[max(days, 0)]
    if days < 7:
        return time.strftime("%a", then)
    return time.strftime("%-d %b" if then.tm_year == today[0] else "%-d %b %Y", then)


def moment(seconds, now=None):
    """A time in words: 14:02 today, else the day."""
    words = day(seconds, now)
    return time.strftime("%H:%M", time.localtime(seconds)) if words == "today" else words


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


def in_trash(seconds, now=None):
    """How long ago something was deleted, and how many of its 30 days are left."""
    now = now or time.time()
    ago = now - seconds
    if ago < 60:
        return "just now"
    words = day(seconds, now)
    if words in ("today", "yesterday"):
        return words
    days = int(ago // 86400)
    return f"{days} days ago, {max(30 - days, 0)} left"


def day_number():
    """A number that changes at midnight, and with it what `day` says."""
    return time.localtime().tm_yday
