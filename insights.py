"""What was finished when, how long it took, and how much was open: from the tickets and what the journal holds of them.

What the words mean here:

- *Finished* is a ticket that is in Done, on the board or in the archive, since when it last came there.
- It was *started* when it first came to In progress; one that went straight to Done, when it was written down. What was
  added in Done was finished before anybody wrote it down: it counts as finished, and nobody knows how long it took.
- It is *open* from when it was written down, but for the time in Done, and until it is put away in the archive. What
  comes back from there counts as if it had stayed.
- What was undone never happened, and what is in the trash (or was purged from it) never was: so the past doesn't
  change when the trash is emptied. Restored, it counts again, everywhere.
- An imported ticket has no past in the journal: it was open from `created_at` to `status_since`.

The past is derived backwards from now: a ticket whose status is older than the period had it all the time, so that only
the others and their changes of status are read.
"""

import bisect
import datetime
import functools
import itertools
import json
import math

import dates

#: How many weeks the page can look back; the first is what it does unasked.
WEEKS = (12, 52)
#: Fewer durations than this have no spread worth drawing.
ENOUGH = 5
#: What is in the journal's JSON of every change of a status, for LIKE; in a text the quotes would be escaped.
OF_STATUS = '%"status":%'

MINUTE, HOUR, DAY = 60, 3600, 86400
#: The marks of a scale of durations on which each is about as far from the next.
MARKS = {"1 min": MINUTE, "1 hour": HOUR, "1 day": DAY, "1 week": 7 * DAY, "1 month": 30 * DAY, "1 year": 365 * DAY}
#: How many stacks of dots the picture of the durations has, and how high one can be.
STACKS, HIGHEST_STACK = 40, 10


def days_of(weeks, now, time_zone):
    """The days of the last weeks, from a Monday to today, as [(date, the second in which it begins)].

    `time_zone` is an IANA name; '' is the server's own, as is one that isn't known here.
    """
    zone = dates.zone_of(time_zone)
    today = datetime.datetime.fromtimestamp(now, zone).date()
    monday = today - datetime.timedelta(today.weekday() + 7 * (weeks - 1))
    span = [monday + datetime.timedelta(number) for number in range((today - monday).days + 1)]
    return [(date, int(datetime.datetime.combine(date, datetime.time(), zone).timestamp())) for date in span]


def look_back(rows, days, counted):
    """What the page shows of these days, as `days_of` gives them.

    `rows` are the tickets whose status, or place in the archive while open, is no older than the first day: id, status,
    status_since, created_at, archived_at, and in `changes` one change of status from the journal (NULL when there is
    none); a ticket stands there once for each, oldest first. `counted` says how many tickets there are in all by
    status and in the archive, as the journal counts them in `users`.

    Returns `held` (how many tickets there are), `weeks` (dicts: name, finished, open in the end), `first` (the number
    of the week in which the first ticket was written down), `open` (at the end of each day), `most` (of these the
    highest, and its day), `finished` (how many in all), `timed` (of how many it is known how long they took), and of
    these the `spread`, None when there are too few.
    """
    tickets = tickets_of(rows)
    begins, today = [begin for _, begin in days], days[-1][0]
    is_older = sum(counted.values()) > len(tickets)
    first = 0 if is_older else min((bisect.bisect(begins, each["created_at"]) - 1 for each in tickets), default=0)
    always_open = counted["todo"] + counted["in_progress"] - sum(is_open(ticket) for ticket in tickets)
    opened, finished = open_by_day(tickets, begins, always_open), finished_by_week(tickets, begins[::7])
    took = sorted((took, ticket["id"]) for ticket in tickets if (took := duration(ticket)) is not None)
    most = max(opened)
    return {
        "held": sum(counted.values()),
        "weeks": [
            {"name": said(monday, today), "finished": count, "open": opened[min(7 * number + 6, len(days) - 1)]}
            for number, ((monday, _), count) in enumerate(zip(days[::7], finished))
        ],
        "first": max(first, 0) // 7,
        "open": opened,
        "most": (most, said(days[opened.index(most)][0], today)),
        "finished": sum(finished),
        "timed": len(took),
        "spread": spread(took) if len(took) >= ENOUGH else None,
    }


def said(date, today):
    """A day in words: 12 Nov, 12 Nov 2025."""
    return date.strftime("%-d %b" if date.year == today.year else "%-d %b %Y")


def tickets_of(rows):
    """The tickets of these rows, each with `path`: where it was and since when, oldest first, as [(status, since)]."""
    tickets = {}
    for row in reversed(rows):
        states = tickets.setdefault(row["id"], row).setdefault("states", [(row["status"], row["status_since"])])
        for table, row_id, before, _ in json.loads(row["changes"]) if row["changes"] else ():
            if "status" in before and row_id == row["id"] and table == "tickets":
                states.append((before["status"], before.get("status_since", states[-1][1])))  # both within one second
    for ticket in tickets.values():
        ticket["path"] = without_undone(reversed(ticket.pop("states")))
    return list(tickets.values())


def without_undone(states):
    """The states but for those that were undone: an undo brings an earlier one back, since when it was."""
    path = []
    for state in states:
        if state in path:
            del path[path.index(state) :]
        path.append(state)
    return path


def is_open(ticket):
    """Whether it is open now."""
    return ticket["status"] != "done" and not ticket["archived_at"]


def duration(ticket):
    """How many seconds it took from start to finish; None when it isn't finished or has no start."""
    if ticket["status"] != "done":
        return None
    straight = len(ticket["path"]) == 1 and ticket["status_since"] <= ticket["created_at"]
    written = None if straight else ticket["created_at"]
    start = next((since for status, since in ticket["path"] if status == "in_progress"), written)
    return None if start is None else max(ticket["status_since"] - start, 0)


def finished_by_week(tickets, weeks):
    """How many were finished in each week; `weeks` are the seconds in which they begin."""
    counts = [0] * len(weeks)
    for ticket in tickets:
        if ticket["status"] == "done":
            counts[bisect.bisect(weeks, ticket["status_since"]) - 1] += 1
    return counts


def open_by_day(tickets, days, always):
    """How many were open at the end of each day (of the last one: now); `always` is how many others were all along."""
    changes = [always] + [0] * (len(days) - 1)
    for ticket in tickets:
        for when, change in openings(ticket):
            changes[max(bisect.bisect(days, when) - 1, 0)] += change
    return list(itertools.accumulate(changes))


def openings(ticket):
    """Yield (when, 1) for each time that the ticket was opened, and (when, -1) for each time that it was closed."""
    path, opened = ticket["path"], False
    if path[0][1] > ticket["created_at"]:
        path = [("todo", ticket["created_at"]), *path]  # where it came from is not known, but it was open
    for status, since in path:
        if opened != (status != "done"):
            opened = not opened
            yield since, 1 if opened else -1
    if opened and ticket["archived_at"]:
        yield ticket["archived_at"], -1


# In words and on paper


def quantile(took, part):
    """The least of the sorted durations that at least this part of them doesn't exceed (nearest rank)."""
    return took[math.ceil(part * len(took)) - 1]


def in_words(seconds):
    """A duration, rounded up: 40 minutes, 3 hours, 2½ days, 12 days."""
    if seconds <= 90 * MINUTE:
        return with_noun(max(math.ceil(seconds / MINUTE), 1), "minute")
    if seconds < DAY:
        return with_noun(math.ceil(seconds / HOUR), "hour")
    halves = math.ceil(seconds / DAY * 2)
    if seconds <= 10 * DAY and halves % 2:
        return f"{halves // 2}½ days"
    return with_noun(math.ceil(seconds / DAY), "day")


def with_noun(number, noun):
    """A number and what it counts: 1 day, 2 days, 1,200 tickets."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def scale(highest):
    """Few round numbers, from 0 to the highest number or just above it."""
    steps = (step * 10**power for power in itertools.count() for step in (1, 2, 5))
    step = next(step for step in steps if 4 * step >= highest)
    return list(range(0, max(math.ceil(highest / step), 1) * step + 1, step))


def spread(took):
    """What can be said of sorted durations, as (seconds, ticket id), and their picture.

    Returns `quartiles` as [(seconds, where)], the `fastest` and the `slowest` of `took`, the `marks` of the scale as
    [(name, where)], and `dots` as [(where, how high)], each for so many tickets (`each`). Where is in percent of a
    logarithmic scale, for some tickets take an hour and others a month.
    """
    values, marks = [seconds for seconds, _ in took], list(MARKS.values())
    low = marks[max(bisect.bisect_left(marks, values[0]) - 1, 0)]
    high = marks[min(bisect.bisect(marks, values[-1]), len(marks) - 1)]
    where = functools.partial(on_scale, low, max(high, values[-1]))
    places = map(where, values)
    stacks = [list(some) for _, some in itertools.groupby(places, lambda place: round(place / 100 * STACKS))]
    each = math.ceil(max(map(len, stacks)) / HIGHEST_STACK)
    quartiles = [quantile(values, part) for part in (0.25, 0.5, 0.75)]
    return {
        "quartiles": [(value, where(value)) for value in quartiles],
        "fastest": took[0],
        "slowest": took[-1],
        "marks": apart([(name, where(value)) for name, value in MARKS.items() if low <= value <= high]),
        "dots": [
            (round(sum(stack) / len(stack), 2), height)
            for stack in stacks
            for height in range(math.ceil(len(stack) / each))
        ],
        "each": each,
    }


def apart(marks):
    """The marks without those whose names would run into the next one's on a phone."""
    following = [place for _, place in marks[1:]] + [math.inf]
    return [mark for mark, next_place in zip(marks, following) if next_place - mark[1] > 20]


def on_scale(low, high, value):
    """Where a value is between two others, in percent of the logarithmic scale."""
    return round(100 * math.log(max(value, low) / low) / math.log(high / low), 2)
