"""Due dates: words that mean a day, what is late and due this week, and whose midnight counts."""

import datetime

import pytest
from conftest import Person
from hypothesis import given
from hypothesis import strategies as some
from pages import (
    counted,
    history,
    kept,
    land,
    one_engine,
    parse,
    path_of,
    press,
    problems,
    read,
    toast,
)

import dates
import words

FRIDAY = datetime.date(2026, 11, 27)
TODAY = FRIDAY  # of the tests that go through the pages


def day(text, today=FRIDAY):
    """What a person means by a text on a Friday, as YYYY-MM-DD; None when it is no date."""
    found = dates.parse(text, today)
    return found and str(found)


# Reading


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("today", "2026-11-27"),
        ("Tomorrow", "2026-11-28"),
        ("yesterday", "2026-11-26"),
        ("sat", "2026-11-28"),
        ("Thursday", "2026-12-03"),
        ("tues", "2026-12-01"),
        ("next week", "2026-11-30"),
        ("in 3 days", "2026-11-30"),
        ("in a week", "2026-12-04"),
        ("in 2 weeks", "2026-12-11"),
        ("2026-12-01", "2026-12-01"),
        ("2026-1-5", "2026-01-05"),
        ("28 nov", "2026-11-28"),
        ("28nov", "2026-11-28"),
        ("Nov 28", "2026-11-28"),
        ("28th November", "2026-11-28"),
        ("november 28th", "2026-11-28"),
        ("1 Sept 2027", "2027-09-01"),
        ("28.11.", "2026-11-28"),
        ("28. 11. 2026", "2026-11-28"),
        ("  Sat,  28   Nov 2026 ", "2026-11-28"),
    ],
)
def test_a_day_can_be_said_in_words(text, meant):
    assert day(text) == meant


@pytest.mark.parametrize("month", range(1, 13))
def test_each_month_is_known_by_its_short_and_its_long_name(month):
    meant = datetime.date(2030, month, 9)
    for name in (f"{meant:%b}", f"{meant:%B}"):
        for text in (f"9 {name} 2030", f"{name} 9 2030", f"9 {name.upper()} 2030"):
            assert dates.parse(text, FRIDAY) == meant


@pytest.mark.parametrize("number", range(7))
def test_a_weekday_is_the_next_one_and_never_today(number):
    for name in (dates.WEEKDAYS[number], dates.WEEKDAYS[number][:3]):
        for shift in range(7):
            today = FRIDAY + shift * dates.DAY
            found = dates.parse(name, today)
            assert found.weekday() == number
            assert 1 <= (found - today).days <= 7
    assert day("fri") == "2026-12-04"


def test_a_day_without_a_year_is_the_next_one_today_included():
    assert day("27 nov") == "2026-11-27"
    assert day("24 nov") == "2027-11-24"
    assert day("24 nov", datetime.date(2026, 12, 31)) == "2027-11-24"
    assert day("1 jan", datetime.date(2026, 12, 31)) == "2027-01-01"
    assert day("tomorrow", datetime.date(2026, 12, 31)) == "2027-01-01"
    assert day("29 feb") == "2028-02-29"
    assert day("29 feb", datetime.date(2096, 3, 1)) == "2104-02-29"


NO_DATES = [
    "", "soon", "may", "10", "1.2", "fr", "32 nov", "29 feb 2027", "2026-02-30", "0024-01-01", "9999-12-31",
    "24 nov 26", "mon 28 nov", "٢٨ nov", "2026-12-01T10:00", "24/11", "fri fri", "in 0.5 days", "nov 2026", "today!",
    "\0", "x" * 500,
]  # fmt: skip


@pytest.mark.parametrize("text", NO_DATES)
def test_anything_else_is_no_date(text):
    assert day(text) is None


@given(some.text(max_size=40), some.dates(datetime.date(1971, 1, 1), datetime.date(2180, 1, 1)))
def test_no_text_breaks_the_reading_of_dates(text, today):
    found = dates.parse(text, today)
    assert found is None or dates.FIRST <= found <= dates.LAST


@given(some.dates(dates.FIRST, dates.LAST), some.dates(dates.FIRST, dates.LAST))
def test_a_date_in_full_is_read_as_that_very_date(meant, today):
    assert dates.parse(dates.in_full(str(meant)), today) == meant
    assert dates.parse(str(meant), today) == meant


def test_every_example_of_the_hint_is_understood():
    for example in dates.EXAMPLES.replace(" or ", ", ").split(", "):
        assert dates.parse(example, FRIDAY), example


# Saying


def test_a_due_date_is_said_with_its_weekday_and_its_year_only_when_it_is_another():
    assert dates.said(FRIDAY, FRIDAY) == "Fri 27 Nov"
    assert dates.said(datetime.date(2027, 1, 1), FRIDAY) == "Fri 1 Jan 2027"
    assert dates.due_words("2026-11-27", True, FRIDAY) == ("Today", False)
    assert dates.due_words("2026-11-28", True, FRIDAY) == ("Tomorrow", False)
    assert dates.due_words("2026-12-01", True, FRIDAY) == ("Tue 1 Dec", False)
    assert dates.due_words("2026-11-20", True, FRIDAY) == ("Late · Fri 20 Nov", True)
    assert dates.due_words("2026-11-20", False, FRIDAY) == ("Fri 20 Nov", False)


def test_a_week_ends_on_its_sunday():
    for shift in range(7):
        assert str(dates.end_of_week(datetime.date(2026, 11, 23) + shift * dates.DAY)) == "2026-11-29"
    assert str(dates.end_of_week(datetime.date(2026, 11, 30))) == "2026-12-06"


# Time zones


def moment(*when):
    """Seconds since 1970 of a time in UTC."""
    return int(datetime.datetime(*when, tzinfo=datetime.UTC).timestamp())


def test_each_zone_has_its_own_day_and_clock():
    evening = moment(2026, 11, 27, 22, 30)
    assert dates.local(evening, "Asia/Tokyo").date() == datetime.date(2026, 11, 28)
    assert dates.local(evening, "America/Los_Angeles").date() == datetime.date(2026, 11, 27)
    assert words.moment(evening, "Europe/Zagreb", FRIDAY) == "23:30"
    assert words.day(evening, "Asia/Tokyo", datetime.date(2026, 11, 29)) == "yesterday"
    assert words.day(evening, "America/Los_Angeles", datetime.date(2026, 11, 29)) == "Fri"


def test_the_day_on_which_the_clocks_change_is_one_day():
    for night, day_of_change in ((moment(2026, 3, 29, 0, 59), 29), (moment(2026, 3, 29, 1, 1), 29)):
        assert words.day(night, "Europe/Zagreb", datetime.date(2026, 3, day_of_change)) == "today"
    assert words.moment(moment(2026, 3, 29, 0, 59), "Europe/Zagreb", datetime.date(2026, 3, 29)) == "01:59"
    assert words.moment(moment(2026, 3, 29, 1, 1), "Europe/Zagreb", datetime.date(2026, 3, 29)) == "03:01"
    assert words.day(moment(2026, 10, 24, 21, 59), "Europe/Zagreb", datetime.date(2026, 10, 25)) == "yesterday"
    assert words.day(moment(2026, 10, 25, 22, 59), "Europe/Zagreb", datetime.date(2026, 10, 25)) == "today"
    assert words.day(moment(2026, 10, 25, 23, 0), "Europe/Zagreb", datetime.date(2026, 10, 26)) == "today"


def test_a_zone_that_is_not_known_here_is_the_servers():
    assert dates.zone_of("") is dates.zone_of("Middle/Earth") is dates.zone_of("../../etc/passwd") is None
    assert dates.local(0, "Middle/Earth") == dates.local(0, "")


@pytest.fixture
def on(site, monkeypatch):
    """A function that makes it that day, everywhere."""

    def make(today):
        monkeypatch.setattr(site.dates, "today_in", lambda zone: today)

    make(TODAY)
    return make


@pytest.fixture
def clock(site, monkeypatch):
    """A function that makes it that second since 1970, in each time zone."""

    def make(seconds):
        monkeypatch.setattr(site.dates, "today_in", lambda zone: dates.local(seconds, zone).date())

    return make


def zone_of(person):
    return person.site.db.execute("SELECT time_zone FROM users WHERE id = ?", person.id)[0]["time_zone"]


def test_the_time_zone_is_guessed_at_registration_and_changed_on_the_account_page(site, visitor):
    name = f"noor{site.time.time_ns()}"
    fields = {"username": name, "first_name": "N", "last_name": "A", "password": "much too long to guess"}
    assert visitor.post("/register", **fields, time_zone="Asia/Tokyo").status_code == 303
    [row] = site.db.execute("SELECT id, time_zone FROM users WHERE username = ?", name)
    assert row["time_zone"] == "Asia/Tokyo"
    noor = Person(site, visitor.client, row["id"], name)
    page = land(noor, press(noor, "/account", "Save time zone", time_zone="Europe/Zagreb"))
    assert toast(page) == "Your time zone is changed."
    assert zone_of(noor) == "Europe/Zagreb"
    chosen = [each for each in page.one("select", name="time_zone").all("option") if "selected" in each.attributes]
    assert [each.attributes["value"] for each in chosen] == ["Europe/Zagreb"]


@one_engine
@pytest.mark.parametrize("guess", ["", "Middle/Earth", "../../etc/passwd", "\0", "x" * 1000])
def test_a_guess_that_is_no_time_zone_refuses_nobody(site, visitor, guess):
    name = f"noor{site.time.time_ns()}"
    fields = {"username": name, "first_name": "N", "last_name": "A", "password": "much too long to guess"}
    assert visitor.post("/register", **fields, time_zone=guess).status_code == 303
    assert site.db.execute("SELECT time_zone FROM users WHERE username = ?", name) == [{"time_zone": ""}]


@one_engine
def test_a_time_zone_that_there_is_not_is_refused_beside_its_field(mira):
    response = mira.post("/account/zone", time_zone="Middle/Earth")
    assert response.status_code == 422
    assert parse(response).one(id="time_zone-note").words.startswith("NIKKO doesn’t know that time zone.")
    assert zone_of(mira) == ""


def test_late_and_today_go_by_each_persons_own_midnight(new_person, clock):
    tokyo, honolulu = new_person(), new_person()
    tokyo.post("/account/zone", time_zone="Asia/Tokyo")
    honolulu.post("/account/zone", time_zone="Pacific/Honolulu")
    clock(moment(2026, 11, 27, 14, 59))  # 23:59 in Tokyo, 04:59 in Honolulu
    for person in (tokyo, honolulu):
        [ticket] = person.add_tickets("one")
        person.post(f"/tickets/{ticket}/due", due="today")
        assert due_on_card(person) == "Due Today"
    clock(moment(2026, 11, 27, 15, 0))
    assert due_on_card(tokyo) == "Due Late · Fri 27 Nov"
    assert due_on_card(honolulu) == "Due Today"


def test_the_page_is_another_one_after_that_persons_midnight(mira, clock):
    mira.post("/account/zone", time_zone="Asia/Tokyo")
    clock(moment(2026, 11, 27, 14, 59))
    etag = mira.get("/").headers["ETag"]
    assert mira.get("/", headers={"If-None-Match": etag}).status_code == 304
    clock(moment(2026, 11, 27, 15, 0))
    assert mira.get("/", headers={"If-None-Match": etag}).status_code == 200


# On the pages


def due_on_card(person):
    """What the only card says of its due date, None when nothing."""
    [card] = read(person, "/").all("li", **{"class": "card"})
    said = [each for each in card.all("span") if each.attributes.get("class") in ("when", "when late")]
    return said[0].words if said else None


def heading(person, path="/"):
    return read(person, path).one(id="board-head").all("p")[0].words


def due(person, ticket_id, text, page=None):
    return person.post(f"/tickets/{ticket_id}/due", page=page, due=text)


@pytest.fixture
def ticket(mira, on):
    return mira.add_tickets("Fix the tap")[0]


def test_a_ticket_gets_a_due_date_in_words_loses_it_and_undo_brings_it_back(mira, ticket):
    page = land(mira, press(mira, f"/?date={ticket}", "Save", f"ticket-{ticket}", due="1 dec"))
    assert toast(page) == "“Fix the tap” is due Tue 1 Dec"
    assert due_on_card(mira) == "Due Tue 1 Dec"
    page = land(mira, press(mira, f"/platform/{ticket}?edit=date", "Save", due=""))
    assert toast(page) == "“Fix the tap” has no due date any more"
    assert due_on_card(mira) is None
    mira.post("/undo")
    assert due_on_card(mira) == "Due Tue 1 Dec"
    assert history(mira, ticket) == ["Undone: Due date taken away", "Due date taken away", "Due Tue 1 Dec", "Added"]


def test_the_field_holds_the_date_in_words_that_it_understands(mira, ticket):
    due(mira, ticket, "2026-11-20")
    for path in (f"/?date={ticket}", f"/platform/{ticket}?edit=date"):
        assert read(mira, path).one("input", name="due").attributes["value"] == "Fri 20 Nov 2026"
        press(mira, path, "Save", f"ticket-{ticket}")
    assert history(mira, ticket) == ["Due Fri 20 Nov", "Added"]


@pytest.mark.parametrize("page", ["/", "/platform/{}"])
def test_what_is_no_date_is_refused_beside_the_field_with_the_text_kept(mira, ticket, page):
    response = due(mira, ticket, "some day <b>", page.format(ticket))
    assert response.status_code == 422
    page = parse(response)
    assert page.one("input", name="due").attributes["value"] == "some day <b>"
    assert problems(page) == ["That isn’t a date that NIKKO knows. Try fri, tomorrow, 24 nov or 2026-12-01."]
    assert due_on_card(mira) is None
    response = mira.ajax(f"/tickets/{ticket}/due", due="some day")
    assert (response.status_code, response.headers["X-Field"]) == (422, "due")


@one_engine
def test_what_was_typed_for_a_date_survives_a_session_that_has_ended(site, mira, ticket):
    mira.another_browser().post("/account/sessions", session="others")
    response = due(mira, ticket, "24 nov")
    assert response.status_code == 401
    assert kept(parse(response)) == ["24 nov"]


@one_engine
def test_a_script_can_ask_what_a_text_would_mean(mira, on):
    assert mira.get("/dates?text=sat").text == "Sat 28 Nov 2026"
    for text in ("", "some+day", "x" * 5000):
        assert mira.get(f"/dates?text={text}").text == "Such as fri, tomorrow, 24 nov or 2026-12-01; empty for none."


def test_the_heading_counts_what_is_due_this_week_and_what_is_late(mira, on):
    texts = {"late": "2026-11-26", "today": "today", "sunday": "sun", "monday": "mon", "none": "", "done": "yesterday"}
    for title, text in texts.items():
        [ticket] = mira.add_tickets(title, status="done" if title == "done" else "in_progress")
        due(mira, ticket, text)
    assert heading(mira) == "5 open · 2 due this week · 1 late"
    on(datetime.date(2026, 11, 30))
    assert heading(mira) == "5 open · 1 due this week · 3 late"


def test_what_is_done_is_neither_late_nor_due(mira, ticket):
    due(mira, ticket, "yesterday")
    assert heading(mira) == "1 open · 1 late"
    mira.post(f"/tickets/{ticket}/status", status="done")
    assert heading(mira) == "0 open"
    assert "Late" not in read(mira, f"/platform/{ticket}").one(id=f"ticket-{ticket}").words
    assert "Due Thu 26 Nov" in read(mira, f"/platform/{ticket}").one(id=f"ticket-{ticket}").words


def test_the_counts_are_right_when_a_column_has_more_than_it_shows(mira, on):
    ids = mira.add_tickets(*[f"ticket {number}" for number in range(103)])
    for ticket_id, text in ((ids[0], "today"), (ids[-1], "sun"), (ids[-2], "yesterday")):
        due(mira, ticket_id, text)
    with counted(mira.site.db) as statements:
        assert heading(mira) == "103 open · 2 due this week · 1 late"
    assert len(statements) == 3


def test_the_script_gets_the_new_counts_with_the_card(mira, ticket):
    mira.add_tickets("another")
    headers = {"X-Requested-With": "XMLHttpRequest", "Referer": "http://localhost/"}
    for text, said in (("today", "2 open · 1 due this week"), ("yesterday", "2 open · 1 late"), ("", "2 open")):
        fragments = parse(mira.client.post(f"/tickets/{ticket}/due", data={"due": text}, headers=headers))
        assert fragments.one(id="board-head").one("p").words == said
    due(mira, ticket, "yesterday")
    for path, fields, said in (
        ("status", {"status": "done"}, "1 open"),
        ("status", {"status": "todo"}, "2 open · 1 late"),
        ("delete", {}, "1 open"),
    ):
        fragments = parse(mira.client.post(f"/tickets/{ticket}/{path}", data=fields, headers=headers))
        assert fragments.one(id="board-head").one("p").words == said


def test_chips_filter_by_when_something_is_due_and_the_address_says_so(mira, on):
    for title, text in (("late", "yesterday"), ("now", "today"), ("soon", "sun"), ("later", "mon"), ("never", "")):
        due(mira, mira.add_tickets(title)[0], text)
    due(mira, mira.add_tickets("finished", status="done")[0], "today")
    page = read(mira, "/")
    chips = {link.words: link.attributes["href"] for link in page.one("nav", **{"class": "chips"}).all("a")}
    assert chips == {"All": "/", "Late": "/?due=late", "Today": "/?due=today", "This week": "/?due=week"}
    for name, titles, said in (
        ("Late", ["late"], "1 ticket late"),
        ("Today", ["now"], "1 ticket due today"),
        ("This week", ["soon", "now"], "2 tickets due this week (today until Sun 29 Nov)"),
    ):
        page = read(mira, chips[name])
        assert [title.words for title in page.all("h3")] == titles
        assert page.one(id="board-head").all("p")[0].words == said
        assert [link.words for link in page.all("a") if link.attributes.get("class") == "chip" and
                "aria-current" in link.attributes] == [name]  # fmt: skip
    both = {link.words: link.attributes["href"] for link in page.one("nav", **{"class": "chips"}).all("a")}["Late"]
    assert [title.words for title in read(mira, both).all("h3")] == ["soon", "now", "late"]
    assert heading(mira, both) == "3 tickets late or due this week (today until Sun 29 Nov)"


def test_a_date_beyond_what_can_be_typed_may_stay(mira, ticket):
    mira.site.db.execute("UPDATE tickets SET due = '2300-05-05' WHERE id = ?", ticket)  # as an import may bring it
    assert press(mira, f"/platform/{ticket}?edit=date", "Save").status_code == 303
    assert due(mira, ticket, "5 May 2300").status_code == 422
    assert mira.site.db.execute("SELECT due FROM tickets WHERE id = ?", ticket) == [{"due": "2300-05-05"}]


def test_an_empty_filter_says_so_and_offers_the_whole_board(mira, ticket):
    due(mira, ticket, "mon")
    page = read(mira, "/?due=late")
    assert page.all("h3") == []
    assert page.one(id="board-head").all("p")[0].words == "No ticket is late."
    assert page.one("a", **{"class": "button", "data-view": None, "href": "/"}).words == "Show the whole board"


def test_there_are_no_chips_before_there_is_anything_to_filter_by(mira, ticket):
    assert not read(mira, "/").has("nav", **{"class": "chips"})
    assert not read(mira, "/?q=tap").has("nav", **{"class": "chips"})


def test_a_form_on_a_filtered_board_leads_back_to_it(mira, ticket):
    due(mira, ticket, "today")
    response = mira.post(f"/tickets/{ticket}/status", page="/?due=today&q=tap&x=1", status="in_progress")
    assert path_of(response) == "/"
    assert "due=today&q=tap&done=" in response.location
    assert [title.words for title in land(mira, response).all("h3")] == ["Fix the tap"]
