"""Due dates as a calendar (iCalendar, RFC 5545) to which Thunderbird, Apple's and Google's subscribe."""

import datetime
import uuid

#: How many tickets it names at most, the latest due; a calendar program asks for them again and again.
LIMIT = 2_000
TODOS_LIMIT = 10_000  # of them all


def calendar(user, tickets, todos, page_of, now):
    """The bytes of the calendar of these tickets (rows with `id`, `title` and `due`).

    `todos` are the open ones of each, {ticket id: [text]}, `page_of(id)` gives the address of a ticket's page, `now` is
    in seconds. Each ticket keeps its UID whatever the address by which this NIKKO is reached.
    """
    from icalendar import Calendar, Event  # 10 MB that most never need

    feed = Calendar()
    feed.add("prodid", "-//NIKKO//Due dates//EN")
    feed.add("version", "2.0")
    feed.add("calscale", "GREGORIAN")
    feed.add("x-wr-calname", "NIKKO")
    feed.add("refresh-interval", datetime.timedelta(hours=1), parameters={"VALUE": "DURATION"})
    feed.add("x-published-ttl", "PT1H")
    for ticket in tickets:
        event, day = Event(), datetime.date.fromisoformat(ticket["due"])
        event.add("uid", str(uuid.uuid5(uuid.NAMESPACE_OID, f"nikko {user['created_at']} {user['id']} {ticket['id']}")))
        event.add("dtstamp", datetime.datetime.fromtimestamp(now, datetime.UTC))
        event.add("dtstart", day)
        if day < datetime.date.max:
            event.add("dtend", day + datetime.timedelta(days=1))
        event.add("summary", printable(ticket["title"]))
        event.add("url", page_of(ticket["id"]))
        event.add("transp", "TRANSPARENT")  # nobody is busy for it
        if lines := todos.get(ticket["id"]):
            event.add("description", "\n".join(f"- {printable(text)}" for text in lines))
        feed.add_component(event)
    return feed.to_ical()


def printable(text):
    """A text without the control characters that iCalendar forbids."""
    return "".join(" " if ord(letter) < 32 or ord(letter) == 127 else letter for letter in text)
