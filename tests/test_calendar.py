"""The calendar of due dates, as the programs that subscribe to it read it."""

import datetime
import re

import pytest
from icalendar import Calendar
from pages import land, one_engine, path_of, press, read, toast

import calendar_feed

TITLE = 'Zahnärztin; 14 Uhr, \\ mit "Röntgenbild" 😀, und einem Titel, der länger als eine Zeile von 75 Bytes ist: שלום'


@pytest.fixture
def address(mira):
    """The path of a person's calendar."""
    return make(mira)


def make(person):
    page = land(person, press(person, "/account", "Make the address"))
    return page.one(id="calendar-address").attributes["value"].removeprefix("http://localhost")


def due(person, title, day, status="todo", **columns):
    """Add a ticket that is due."""
    [ticket_id] = person.add_tickets(title, status=status)
    with person.site.journal.action(person.id, "due", ticket_id) as action:
        action.change("tickets", ticket_id, due=day, **columns)
    return ticket_id


def events(person, address):
    """The events, read by a library, as {summary: event}; anybody may ask."""
    response = person.site.app.test_client().get(address)
    assert response.status_code == 200
    return {str(event["summary"]): event for event in Calendar.from_ical(response.data).walk("VEVENT")}


def test_each_open_ticket_that_is_due_is_a_day(mira, address):
    ticket = due(mira, TITLE, "2026-11-30")
    mira.add_todos(ticket, "comb, brush; and paste", "ticked")
    [_, ticked] = mira.site.db.execute("SELECT id FROM todos WHERE ticket_id = ? ORDER BY id", ticket)
    mira.post(f"/todos/{ticked['id']}/done", done="1")
    [event] = events(mira, address).values()
    assert event["summary"] == TITLE
    assert event["dtstart"].dt == datetime.date(2026, 11, 30)
    assert event["dtend"].dt == datetime.date(2026, 12, 1)
    assert event["url"] == f"http://localhost/platform/{ticket}"
    assert event["description"] == "- comb, brush; and paste"
    assert event["dtstamp"].dt.utcoffset() == datetime.timedelta(0)
    assert event["transp"] == "TRANSPARENT"


def test_what_is_done_put_away_or_not_due_is_not_in_it(mira, address):
    due(mira, "done", "2026-11-30", status="done")
    due(mira, "archived", "2026-11-30", archived_at=7)
    due(mira, "trashed", "2026-11-30", deleted_at=7)
    mira.add_tickets("not due")
    due(mira, "open", "2026-11-30", status="in_progress")
    due(mira, "long ago", "0001-01-01")
    due(mira, "never", "9999-12-31")
    assert events(mira, address).keys() == {"open", "long ago", "never"}


def test_it_is_written_as_the_standard_wants_it(mira, address):
    due(mira, TITLE, "2026-11-30")
    response = mira.site.app.test_client().get(address)
    assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    lines = response.data.split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR"
    assert lines[-2:] == [b"END:VCALENDAR", b""]
    assert not [line for line in lines if len(line) > 75 or b"\n" in line]
    assert b"DTSTART;VALUE=DATE:20261130" in lines
    assert b"VERSION:2.0" in lines
    assert [line for line in lines if line.startswith(b"PRODID:")]


def test_a_ticket_is_the_same_event_whatever_changes(mira, address):
    ticket = due(mira, "before", "2026-11-30")
    [before] = events(mira, address).values()
    mira.post(f"/tickets/{ticket}/title", title="after")
    [after] = events(mira, address).values()
    assert (after["uid"], after["summary"]) == (before["uid"], "after")
    due(mira, "another", "2026-11-30")
    assert len({event["uid"] for event in events(mira, address).values()}) == 2


def test_an_empty_calendar_is_one(mira, address):
    assert events(mira, address) == {}


def test_who_has_the_newest_is_told_so(mira, address):
    client = mira.site.app.test_client()
    due(mira, "a", "2026-11-30")
    etag = client.get(address).headers["ETag"]
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304
    due(mira, "b", "2026-11-30")
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 200


def test_control_characters_break_no_line(mira, address):
    due(mira, "a\x0bb\x1f\x7fc\x85\u2028d", "2026-11-30")
    [event] = events(mira, address).values()
    assert event["summary"].startswith("a b  c")


@one_engine
def test_a_calendar_has_a_limited_number_of_todos_the_first_of_each_ticket(mira, address, monkeypatch):
    for title in ("a", "b"):
        due(mira, title, "2026-11-30")
        [ticket] = mira.site.db.execute("SELECT MAX(id) AS id FROM tickets WHERE user_id = ?", mira.id)
        mira.add_todos(ticket["id"], *[f"{title}{number}" for number in range(5)])
    monkeypatch.setattr(calendar_feed, "TODOS_LIMIT", 4)
    found = events(mira, address)
    assert [found[title]["description"] for title in "ab"] == ["- a0\n- a1", "- b0\n- b1"]


# The address


def test_a_new_address_ends_the_one_before(mira, address):
    page = land(mira, press(mira, "/account", "New address"))
    assert toast(page) == "The calendar has a new address."
    assert mira.site.app.test_client().get(address).status_code == 404
    assert page.one(id="calendar-address").attributes["value"] != f"http://localhost{address}"


def test_an_address_is_ended(mira, address):
    response = press(mira, "/account", "End it")
    assert path_of(response) == "/account"
    assert toast(land(mira, response)) == "The calendar's address is ended."
    assert mira.site.app.test_client().get(address).status_code == 404
    assert not read(mira, "/account").has(id="calendar-address")


def test_an_address_can_not_be_guessed_and_shows_one_persons_only(mira, address, new_person):
    noor = new_person()
    theirs = make(noor)
    due(noor, "secret", "2026-11-30")
    assert re.fullmatch(r"/calendar/[\w-]{43}\.ics", address)
    assert theirs != address
    assert events(mira, address) == {}
    assert events(mira, theirs).keys() == {"secret"}


@one_engine
@pytest.mark.parametrize("key", ["", "x", "None", "%00" * 43, "é" * 43, "_" * 43, "'" * 43, "x" * 5000])
def test_another_address_is_not_found(mira, address, key):
    assert mira.get(f"/calendar/{key}.ics").status_code == 404


@one_engine
def test_the_log_never_holds_an_address(mira, address, capsys):
    for path in (address, address.upper(), address.replace("/calendar/", "/calendar//")):
        mira.site.app.test_client().get(path)
    log = capsys.readouterr().err
    assert "path=/calendar/-" in log
    assert address[10:40] not in log
    assert address[10:40].upper() not in log


@one_engine
def test_only_who_has_due_dates_to_show_loads_the_library(mira):
    import subprocess
    import sys

    program = "import sys, calendar_feed; sys.exit('icalendar' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
