"""Days as people write them and as NIKKO says them; a person's day begins at midnight where they are.

The words are a small table of our own over strptime: dateparser takes a third of a second to import and guesses what
`may` or `10` could mean; what is typed here is a date, or is refused.
"""

import datetime
import functools
import re
import zoneinfo

DAY = datetime.timedelta(days=1)
#: Beyond these a date is a slip of the finger.
FIRST, LAST = datetime.date(1970, 1, 1), datetime.date(2199, 12, 31)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NAMED = {"yesterday": -1, "today": 0, "tomorrow": 1}
FORMATS = ("%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%d.%m.%Y")
#: What a hint says; each of them is understood.
EXAMPLES = "fri, tomorrow, 24 nov or 2026-12-01"

# Reading


def parse(text, today):
    """The day that a person means by `text`, seen from the day `today`; None when it is none.

    `fri` is the next Friday, and on a Friday the one in a week: that day itself is `today`. `24 nov` is the next
    24 November, today included. A weekday before a date has to be the date's own.
    """
    text = " ".join(text.casefold().replace(",", " ").split())
    if not text.isascii():
        return None
    if text in NAMED:
        return kept(today, NAMED[text])
    if text == "next week":
        return kept(today, 7 - today.weekday())
    if match := re.fullmatch(r"in (\d{1,3}|an?|one) (day|week)s?", text):
        count = int(match[1]) if match[1].isdigit() else 1
        return kept(today, count * (7 if match[2] == "week" else 1))
    first, _, rest = text.partition(" ")
    weekday = next((number for number, name in enumerate(WEEKDAYS) if len(first) > 2 and name.startswith(first)), None)
    if weekday is None:
        return day_and_month(text, today)
    if not rest:
        return kept(today, 1 + (weekday - today.weekday() - 1) % 7)
    day = day_and_month(rest, today)
    return day if day and day.weekday() == weekday else None


def day_and_month(text, today):
    """The day of `24 nov`, `Nov 24th`, `24.11.` and `2026-11-24`: the next one, unless it says the year."""
    if not re.search(r"\d", text):
        return None
    text = re.sub(r"(\d)(?:st|nd|rd|th)\b", r"\1", text)
    text = re.sub(r"(\d)([a-z])", r"\1 \2", text).replace(". ", ".")
    text = re.sub(r"\bsept\b", "sep", text)
    if day := exact(text):
        return day
    space = "" if text.endswith(".") else " "  # 1.2 is a version rather than a day
    coming = (exact(f"{text}{space}{today.year + years}") for years in range(9))  # 29 February may be so far off
    return next((day for day in coming if day and day >= today), None)


def exact(text):
    """The day of a text that says the year, None when it is none."""
    for each in FORMATS:
        try:
            return kept(datetime.datetime.strptime(text, each).date())
        except ValueError:
            continue
    return None


def kept(day, later=0):
    """The day so many days later, if a ticket can be due on it, else None."""
    day += later * DAY
    return day if FIRST <= day <= LAST else None


# Saying


@functools.lru_cache(4096)
def said(day, today):
    """A day in words, as it stays true: Fri 27 Nov, or with its year when that isn't the year of `today`."""
    return f"{day:%a} {day.day} {day:%b}" + ("" if day.year == today.year else f" {day.year}")


def in_full(due):
    """A due date (YYYY-MM-DD) in words that can be read again: Fri 27 Nov 2026."""
    day = datetime.date.fromisoformat(due)
    return f"{day:%a} {day.day} {day:%b} {day.year}"


@functools.lru_cache(4096)
def due_words(due, is_open, today):
    """What a card says of a due date (YYYY-MM-DD), as (words, whether it is late); what is done is never late."""
    day = datetime.date.fromisoformat(due)
    if day < today and is_open:
        return f"Late · {said(day, today)}", True
    near = {today: "Today", today + DAY: "Tomorrow"}
    return near.get(day) or said(day, today), False


def end_of_week(today):
    """The Sunday of that day's week: `this week` is from today until then."""
    return today + (6 - today.weekday()) * DAY


# Where it is


@functools.cache
def zones():
    """The names of all time zones, as IANA has them."""
    return frozenset(zoneinfo.available_timezones())


@functools.cache
def places():
    """Those of them that a person would look for: Europe/Zagreb, UTC."""
    others = ("Etc/", "SystemV/", "US/", "Canada/", "Brazil/", "Chile/", "Mexico/")
    return sorted(name for name in zones() if name == "UTC" or ("/" in name and not name.startswith(others)))


@functools.lru_cache(1024)
def zone_of(name):
    """The time zone of that name; None, which is the server's own, for no name and for one that isn't known here."""
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None


def today_in(name):
    """The day that it is now in the time zone of that name."""
    return datetime.datetime.now(zone_of(name)).date()


def local(seconds, name):
    """A moment (seconds since 1970) as the clocks in that time zone have it."""
    return datetime.datetime.fromtimestamp(seconds, zone_of(name))
