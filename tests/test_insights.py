"""The insights: what was finished when, how long it took, how much was open; the histories are made by the forms."""

import datetime
import itertools
import random
import time
from types import SimpleNamespace

import pytest
from pages import counted, one_engine, parse, read, toast

import insights
import journal

HOUR, DAY = 3600, 86400
WEEK = 7 * DAY


class Clock:
    """The journal's time, which a test sets: it begins at noon on the Monday four weeks before this one."""

    def __init__(self):
        self.today = datetime.date.today()
        self.monday = self.today - datetime.timedelta(self.today.weekday())
        self.now = self.at(4)

    def at(self, weeks_ago, days=0):
        """Noon of the Monday so many weeks before this one, or of another day of that week."""
        day = self.monday - datetime.timedelta(7 * weeks_ago - days)
        return int(datetime.datetime.combine(day, datetime.time(12)).timestamp())

    def name(self, weeks_ago):
        """What the tables call that week."""
        return insights.said(self.monday - datetime.timedelta(7 * weeks_ago), self.today)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(journal, "time", SimpleNamespace(time=lambda: clock.now))
    return clock


def add(person, title="a ticket", status="todo"):
    (ticket_id,) = person.add_tickets(title, status=status)
    return ticket_id


def move(person, ticket_id, *statuses):
    for status in statuses:
        assert person.post(f"/tickets/{ticket_id}/status", status=status).status_code == 303


def archive(person, ticket_id):
    assert person.post(f"/tickets/{ticket_id}/archive").status_code == 303


def add_finished(person, clock, *durations):
    """A ticket for each duration in seconds, finished so long after it came to In progress."""
    for number, seconds in enumerate(durations):
        ticket_id = add(person, f"ticket {number}", "in_progress")
        clock.now += seconds
        move(person, ticket_id, "done")
        clock.now -= seconds


def table(person, part, path="/insights"):
    """The numbers of a part of the page, as {row: number}; {} when there are none."""
    section = read(person, path).one("section", **{"aria-labelledby": f"{part}-head"})
    rows = [row for body in section.all("tbody") for row in body.all("tr")]
    return {row.one("th").words.partition(",")[0]: row.one("td").words for row in rows}


def words(person, part, path="/insights"):
    """The sentences of a part of the page."""
    section = read(person, path).one("section", **{"aria-labelledby": f"{part}-head"})
    return " ".join(each.words for each in section.all("p"))


def finished(person):
    """The weeks in which something was finished."""
    return {week: int(count) for week, count in table(person, "finished").items() if count != "0"}


# What was finished


def test_a_week_counts_what_came_to_done_in_it(mira, clock):
    one, two, three = (add(mira, title) for title in ("one", "two", "three"))
    move(mira, one, "done")
    clock.now = clock.at(2)
    move(mira, two, "in_progress", "done")
    clock.now = clock.at(2, days=6)
    move(mira, three, "done")
    assert finished(mira) == {clock.name(4): 1, clock.name(2): 2}
    assert list(table(mira, "finished")) == [clock.name(ago) for ago in range(5)]


def test_what_was_moved_back_is_not_finished_and_counts_anew_when_it_is(mira, clock):
    ticket_id = add(mira)
    move(mira, ticket_id, "done")
    clock.now = clock.at(3)
    move(mira, ticket_id, "todo")
    assert finished(mira) == {}
    clock.now = clock.at(1)
    move(mira, ticket_id, "done")
    assert finished(mira) == {clock.name(1): 1}


def test_undoing_takes_it_back_and_redoing_gives_it_its_old_week(mira, clock):
    move(mira, add(mira), "done")
    clock.now = clock.at(1)
    mira.post("/undo")
    assert finished(mira) == {}
    mira.post("/redo")
    assert finished(mira) == {clock.name(4): 1}


def test_undoing_the_way_back_gives_the_old_week_again(mira, clock):
    ticket_id = add(mira)
    move(mira, ticket_id, "done")
    clock.now = clock.at(2)
    move(mira, ticket_id, "todo")
    clock.now = clock.at(1)
    mira.post("/undo")
    assert finished(mira) == {clock.name(4): 1}


def test_what_is_deleted_does_not_count_until_it_is_restored(mira, clock):
    ticket_id = add(mira)
    move(mira, ticket_id, "done")
    add(mira, "another one")
    clock.now = clock.at(1)
    mira.post(f"/tickets/{ticket_id}/delete")
    assert finished(mira) == {}
    assert table(mira, "open")[clock.name(4)] == "1"
    mira.post(f"/trash/tickets/{ticket_id}/restore")
    assert finished(mira) == {clock.name(4): 1}


def test_emptying_the_trash_does_not_change_the_past(mira, clock):
    ticket_id = add(mira)
    move(mira, ticket_id, "in_progress", "done")
    add(mira, "another one")
    mira.post(f"/tickets/{ticket_id}/delete")
    before = [table(mira, part) for part in ("finished", "took", "open")]
    mira.post("/trash/empty", until=str(2**31))
    assert [table(mira, part) for part in ("finished", "took", "open")] == before


def test_what_is_in_the_archive_stays_finished(mira, clock):
    ticket_id = add(mira)
    move(mira, ticket_id, "done")
    clock.now = clock.at(1)
    archive(mira, ticket_id)
    assert finished(mira) == {clock.name(4): 1}


def test_another_persons_tickets_do_not_count(mira, new_person, clock):
    noor = new_person()
    move(noor, add(noor), "done")
    assert read(mira, "/insights").one("h1").words == "Nothing to look back on yet"
    add(mira)
    assert finished(mira) == {}


# How long it took


def took(person):
    """How many seconds each of the person's finished tickets took, by title, as the module says."""
    titles = person.site.db.execute("SELECT id, title FROM tickets WHERE user_id = ?", person.id)
    names = {row["id"]: row["title"] for row in titles}
    return {names[each["id"]]: insights.duration(each) for each in insights.tickets_of(rows_of(person))}


def rows_of(person):
    """All tickets of the person, as the page reads some of them."""
    return person.site.db.execute(
        """
        SELECT
            tickets.id, tickets.status, tickets.status_since, tickets.created_at, tickets.archived_at, actions.changes
        FROM tickets
        LEFT JOIN actions ON actions.ticket_id = tickets.id AND actions.kind <> 'add' AND actions.changes LIKE ?
        WHERE tickets.user_id = ? AND tickets.deleted_at IS NULL
        ORDER BY tickets.id, actions.id
        """,
        insights.OF_STATUS, person.id,
    )  # fmt: skip


def test_a_ticket_starts_when_it_first_comes_to_in_progress(mira, clock):
    ticket_id = add(mira, "back and forth")
    clock.now += DAY
    move(mira, ticket_id, "in_progress")
    clock.now += DAY
    move(mira, ticket_id, "todo")
    clock.now += DAY
    move(mira, ticket_id, "in_progress", "done", "todo")
    clock.now += DAY
    move(mira, ticket_id, "done")
    assert took(mira) == {"back and forth": 3 * DAY}


def test_a_ticket_that_goes_straight_to_done_starts_when_it_is_added(mira, clock):
    ticket_id = add(mira, "straight")
    clock.now += 5 * HOUR
    move(mira, ticket_id, "done")
    assert took(mira) == {"straight": 5 * HOUR}


def test_a_start_that_was_undone_is_none(mira, clock):
    ticket_id = add(mira, "too early")
    move(mira, ticket_id, "in_progress")
    clock.now += DAY
    mira.post("/undo")
    clock.now += DAY
    move(mira, ticket_id, "in_progress")
    clock.now += HOUR
    move(mira, ticket_id, "done")
    assert took(mira) == {"too early": HOUR}


def test_places_within_a_column_and_changes_of_other_things_do_not_matter(mira, clock):
    ticket_id = add(mira, '{"status":"done"}')
    other = add(mira, "other")
    move(mira, ticket_id, "in_progress")
    clock.now += HOUR
    mira.post(f"/tickets/{ticket_id}/position", status="in_progress", before="")
    mira.post(f"/tickets/{ticket_id}/title", title='"status":"in_progress","status_since":1')
    mira.add_todos(ticket_id, '[["tickets",1,{"status":"todo"}]]')
    clock.now += HOUR
    move(mira, ticket_id, "done")
    move(mira, other, "done")
    assert took(mira) == {'"status":"in_progress","status_since":1': 2 * HOUR, "other": 2 * HOUR}


def test_an_action_that_changed_another_ticket_too_tells_only_of_its_own(mira, clock):
    mine, other = add(mira, "mine"), add(mira, "other")
    clock.now += DAY
    with mira.site.journal.action(mira.id, "move", mine) as action:
        action.change("tickets", other, status="in_progress", status_since=action.now)
    clock.now += DAY
    move(mira, mine, "done")
    assert took(mira)["mine"] == 2 * DAY
    with mira.site.journal.action(mira.id, "move", mine) as action:
        action.change("tickets", other, status="done", status_since=action.now)
        action.change("tickets", mine, status="in_progress", status_since=action.now)
    move(mira, mine, "done")
    assert took(mira)["mine"] == 2 * DAY


def test_the_start_may_lie_before_the_weeks_that_are_shown(mira, clock):
    clock.now = clock.at(30)
    tickets = [add(mira, f"long {number}", "in_progress") for number in range(5)]
    clock.now = clock.at(1)
    for ticket_id in tickets:
        move(mira, ticket_id, "done")
    days = round((clock.at(1) - clock.at(30)) / DAY)
    assert table(mira, "took")["All"] in (f"{days} days", f"{days + 1} days")  # a clock may have been put back


def test_what_was_added_in_done_counts_as_finished_but_has_no_duration(mira, clock):
    add(mira, status="done")
    assert finished(mira) == {clock.name(4): 1}
    assert words(mira, "took") == (
        "It takes 5 finished tickets to say how long they take; in these weeks there are none. "
        "1 ticket more was done already when added, so nobody knows how long it took."
    )


def test_an_imported_ticket_without_a_history_was_open_from_created_at_to_status_since(mira, clock):
    with mira.site.journal.action(mira.id, "import") as action:
        action.add_all(
            "tickets",
            [
                {
                    "user_id": mira.id, "title": f"imported {number}", "status": "done", "position": float(number),
                    "created_at": clock.at(3), "status_since": clock.at(1), "deleted_at": None,
                }
                for number in range(5)
            ],
        )  # fmt: skip
    assert finished(mira) == {clock.name(1): 5}
    assert [table(mira, "open")[clock.name(ago)] for ago in (3, 2, 1, 0)] == ["5", "5", "0", "0"]
    assert table(mira, "took")["Half (the median)"] in ("14 days", "15 days")


def test_the_spread_is_said_in_words_and_numbers(mira, clock):
    add_finished(mira, clock, HOUR, DAY, 2 * DAY, 3 * DAY, 9 * DAY, 9 * DAY, 20 * DAY)
    assert words(mira, "took") == (
        "Half take 3 days or less; a quarter take 9 days or more. The slowest took 20 days: ticket 6."
    )
    assert table(mira, "took") == {
        "The fastest": "60 minutes", "A quarter": "1 day", "Half (the median)": "3 days", "Three quarters": "9 days",
        "All": "20 days",
    }  # fmt: skip
    section = read(mira, "/insights").one("section", **{"aria-labelledby": "took-head"})
    assert len(section.all("circle")) == 7
    assert section.one("a").attributes["href"].startswith("/platform/")


def test_all_alike_is_said_as_such(mira, clock):
    add_finished(mira, clock, *[2 * DAY] * 6)
    assert words(mira, "took") == "Three quarters take 2 days or less."


def test_too_few_have_no_spread_and_the_page_says_what_is_missing(mira, clock):
    add_finished(mira, clock, HOUR)
    assert words(mira, "took").endswith("in these weeks there is 1.")
    add_finished(mira, clock, HOUR, DAY, DAY)
    assert words(mira, "took") == "It takes 5 finished tickets to say how long they take; in these weeks there are 4."
    assert table(mira, "took") == {}
    add_finished(mira, clock, HOUR)
    assert "Half take" in words(mira, "took")


# How much was open


def test_open_is_what_was_not_done_at_the_end_of_each_week(mira, clock):
    one, _ = add(mira, "one"), add(mira, "two")
    clock.now = clock.at(3)
    move(mira, one, "done")
    clock.now = clock.at(1)
    move(mira, one, "in_progress")
    assert [table(mira, "open")[clock.name(ago)] for ago in (4, 3, 2, 1, 0)] == ["2", "1", "1", "2", "2"]
    assert words(mira, "open") == "2 are open now."


def test_the_most_that_were_open_are_named_with_their_day(mira, clock):
    tickets = mira.add_tickets("one", "two", "three")
    clock.now = clock.at(2)
    move(mira, tickets[0], "done")
    move(mira, tickets[1], "done")
    assert words(mira, "open") == f"1 is open now; the most were 3, on {clock.name(4)}."


def test_what_is_put_away_undone_is_open_no_more_since_then(mira, clock):
    ticket_id = add(mira)
    clock.now = clock.at(2)
    archive(mira, ticket_id)
    assert [table(mira, "open")[clock.name(ago)] for ago in (4, 3, 2, 1)] == ["1", "1", "0", "0"]


def test_what_comes_back_from_the_archive_counts_as_if_it_had_stayed(mira, clock):
    ticket_id = add(mira)
    clock.now = clock.at(3)
    archive(mira, ticket_id)
    clock.now = clock.at(1)
    mira.post(f"/archive/tickets/{ticket_id}/restore")
    assert list(table(mira, "open").values()) == ["1"] * 5


def test_tickets_from_before_the_weeks_that_are_shown_were_open_all_along(mira, clock):
    clock.now = clock.at(20)
    mira.add_tickets("one", "two")
    clock.now = clock.at(1)
    add(mira, "three")
    shown = table(mira, "open")
    assert len(shown) == 12
    assert [shown[clock.name(ago)] for ago in (11, 2, 1)] == ["2", "2", "3"]


@pytest.mark.parametrize("seed", range(6))
def test_every_day_ends_with_what_was_open_then_and_today_with_what_the_board_says(mira, clock, seed):
    chance, held, noted, steps = random.Random(seed), [], {}, 0
    while clock.now < time.time() - DAY:
        way = chance.choice(["add", "add", "move", "move", "move", "archive", "undo", "sleep", "sleep"])
        if way == "sleep":
            clock.now, steps = clock.now + DAY, 0
        elif way == "add":
            held.append(add(mira, f"ticket {len(held)}", chance.choice(["todo", "in_progress", "done"])))
        elif way == "undo" and steps:  # only what was done on the same day: then it ends as if that had never been
            mira.post("/undo")
            if chance.random() < 0.4:
                mira.post("/redo")
            steps = 0
        elif way == "move" and held:
            mira.post(f"/tickets/{chance.choice(held)}/status", status=chance.choice(["todo", "in_progress", "done"]))
        elif way == "archive" and held:
            mira.post(f"/tickets/{held.pop(chance.randrange(len(held)))}/archive")
        steps += way in ("add", "archive")
        noted[datetime.datetime.fromtimestamp(clock.now).date()] = open_now(mira)
    days = insights.days_of(12, time.time(), "")
    opened = past_of(mira, days)["open"]
    shown = dict(zip((date for date, _ in days), opened))
    assert {day: shown[day] for day in noted} == noted
    assert opened[-1] == open_now(mira)
    assert read(mira, "/").one(id="count-open").words == str(opened[-1])
    assert table(mira, "open")[clock.name(0)] == str(opened[-1])


def open_now(person):
    counts = person.site.db.execute("SELECT todo, in_progress FROM users WHERE id = ?", person.id)[0]
    return counts["todo"] + counts["in_progress"]


def past_of(person, days):
    """What the module makes of everything that the person has."""
    counts = person.site.db.execute("SELECT todo, in_progress, done, archived FROM users WHERE id = ?", person.id)[0]
    return insights.look_back(rows_of(person), days, counts)


# The page


def test_the_page_of_an_empty_account_says_what_will_be_there(mira):
    page = read(mira, "/insights")
    assert page.one("h1").words == "Nothing to look back on yet"
    assert page.one(id="insights").one("a").attributes["href"] == "/"
    assert not page.has("table")


def test_a_new_account_with_three_tickets_is_shown_no_more_than_it_has(mira):
    mira.add_tickets("one", "two", "three")
    page = read(mira, "/insights")
    assert words(mira, "finished") == "Nothing was finished in these weeks. What you move to Done is counted here."
    assert list(table(mira, "open").values()) == ["3"]
    assert [each.attributes["role"] for each in page.one(id="insights").all("svg") if "role" in each.attributes] == [
        "img"
    ]
    assert "before your first ticket" in page.one(id="insights").one("svg", role="img").words.replace(
        "yourfirst", "your first"
    )


def test_52_weeks_are_a_link_and_what_is_no_number_of_weeks_is_12(mira, clock):
    clock.now = clock.at(60)
    add(mira)
    page = read(mira, "/insights")
    links = page.one("nav", **{"aria-label": "Period"}).all("a")
    assert [(link.words, link.attributes["href"], "aria-current" in link.attributes) for link in links] == [
        ("12 weeks", "/insights", True), ("52 weeks", "/insights?weeks=52", False),
    ]  # fmt: skip
    assert len(table(mira, "open", "/insights?weeks=52")) == 52
    for weeks in ("", "0", "53", "-1", "x", "9" * 400, "%00"):
        assert len(table(mira, "open", f"/insights?weeks={weeks}")) == 12


def test_each_picture_has_a_title_a_sentence_and_a_table_with_a_caption(mira, clock):
    add_finished(mira, clock, HOUR, DAY, DAY, DAY, DAY)
    for section in read(mira, "/insights").all("section"):
        picture, numbers = section.one("svg", role="img"), section.one("table")
        assert section.one(id=picture.attributes["aria-labelledby"]).tag == "title"
        assert section.one(id=picture.attributes["aria-describedby"]).words
        assert numbers.one("caption").words
        assert {each.attributes["scope"] for each in numbers.all("th")} == {"col", "row"}


def test_there_is_a_bar_for_each_week_that_finished_something_the_last_one_broken(mira, clock):
    for ago in (4, 2, 0):
        clock.now = clock.at(ago) if ago else int(time.time())
        move(mira, add(mira, f"ticket {ago}"), "done")
    svg = read(mira, "/insights").one("svg", **{"aria-labelledby": "finished-title"})
    bars = [each.attributes["class"] for each in svg.all("rect") if each.attributes["class"].startswith("bar-of")]
    assert bars == ["bar-of", "bar-of", "bar-of so-far"]


def test_a_page_that_did_not_change_is_not_drawn_again(mira):
    add(mira)
    script = {"X-Requested-With": "XMLHttpRequest"}
    part = mira.get("/insights", headers=script)
    assert parse(part).children[0].attributes["id"] == "insights"
    etag = part.headers["ETag"]
    assert mira.get("/insights", headers={**script, "If-None-Match": etag}).status_code == 304
    assert mira.get("/insights?weeks=52", headers={**script, "If-None-Match": etag}).status_code == 200
    add(mira, "another one")
    assert mira.get("/insights", headers={**script, "If-None-Match": etag}).status_code == 200


def test_undoing_on_the_page_stays_there(mira):
    ticket_id = add(mira)
    move(mira, ticket_id, "done")
    plain = mira.post("/undo", page="/insights?weeks=52")
    assert plain.location.startswith("/insights?weeks=52")
    answer = mira.ajax("/redo", back="/insights?weeks=52")
    assert "the last 52 weeks" in answer.text
    assert toast(parse(answer)).startswith("Done again: “a ticket” moved")


def test_every_page_leads_there(mira):
    for path in ("/", "/platform", "/trash", "/insights"):
        links = read(mira, path).one("nav", **{"aria-label": "Pages"}).all("a")
        assert [link.words for link in links] == ["Board", "Platform", "Insights"]
    assert "aria-current" in links[2].attributes
    assert read(mira, "/").one(id="account").has("a", href="/insights")


def test_two_statements_are_enough_whatever_was_finished(mira, clock):
    add_finished(mira, clock, *[DAY] * 30)
    with counted(mira.site.db) as statements:
        mira.get("/insights")
    assert len([sql for sql in statements if "sessions" not in sql]) == 2


# The module by itself


@one_engine
def test_weeks_begin_on_monday_where_the_person_is(mira, clock):
    move(mira, add(mira), "done")
    sunday = datetime.datetime(2026, 3, 29, 11, 30, tzinfo=datetime.UTC)  # in Auckland it is Monday by half an hour
    mira.site.db.execute("UPDATE tickets SET created_at = ?, status_since = ? WHERE user_id = ?",
                         int(sunday.timestamp()), int(sunday.timestamp()), mira.id)  # fmt: skip
    for zone, week in (("UTC", datetime.date(2026, 3, 23)), ("Pacific/Auckland", datetime.date(2026, 3, 30))):
        days = insights.days_of(12, sunday.timestamp() + WEEK, zone)
        past = past_of(mira, days)
        assert [each["name"] for each in past["weeks"] if each["finished"]] == [insights.said(week, week)]


@pytest.mark.parametrize("zone", ["", "UTC", "Europe/Zagreb", "America/Santiago", "Asia/Kathmandu", "No/Where"])
@pytest.mark.parametrize("weeks", insights.WEEKS)
def test_days_are_whole_days_from_a_monday_to_today_whatever_the_clocks_do(zone, weeks):
    days = insights.days_of(weeks, 1_800_000_000, zone)
    dates = [date for date, _ in days]
    assert dates[0].weekday() == 0
    assert len(days) == 7 * (weeks - 1) + dates[-1].weekday() + 1
    lengths = [later - begin for (_, begin), (_, later) in itertools.pairwise(days)]
    assert set(lengths) <= {23 * HOUR, DAY, 25 * HOUR}
    assert days[-1][1] <= 1_800_000_000 < days[-1][1] + 25 * HOUR


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "1 minute"), (1, "1 minute"), (61, "2 minutes"), (90 * 60, "90 minutes"), (90 * 60 + 1, "2 hours"),
        (23 * HOUR, "23 hours"), (DAY, "1 day"), (DAY + 1, "1½ days"), (1.5 * DAY + 1, "2 days"), (10 * DAY, "10 days"),
        (10 * DAY + 1, "11 days"), (1000 * DAY, "1,000 days"),
    ],
)  # fmt: skip
def test_durations_are_rounded_up(seconds, said):
    assert insights.in_words(seconds) == said


@pytest.mark.parametrize(
    ("highest", "marks"),
    [(0, [0, 1]), (1, [0, 1]), (3, [0, 1, 2, 3]), (5, [0, 2, 4, 6]), (14, [0, 5, 10, 15]), (33, [0, 10, 20, 30, 40])],
)
def test_a_scale_has_few_round_numbers_and_room_for_the_highest(highest, marks):
    assert insights.scale(highest) == marks


@pytest.mark.parametrize("highest", [7, 99, 12345, 50_000])
def test_no_scale_has_more_than_five_numbers(highest):
    assert len(insights.scale(highest)) <= 5
    assert insights.scale(highest)[-1] >= highest


def test_at_least_that_part_of_them_takes_no_longer():
    chance = random.Random(7)
    for _ in range(200):
        took = sorted(chance.choices(range(50), k=chance.randint(1, 40)))
        for part in (0.25, 0.5, 0.75):
            value = insights.quantile(took, part)
            assert sum(each <= value for each in took) >= part * len(took)
            assert sum(each < value for each in took) < part * len(took)


def test_the_picture_of_the_durations_has_a_dot_for_each_or_a_dot_for_several():
    few = insights.spread([(seconds, 1) for seconds in (0, 30, 5000, 5000, 700_000)])
    assert few["each"] == 1
    assert len(few["dots"]) == 5
    many = insights.spread([(DAY, 1)] * 1000 + [(20 * DAY, 1)])
    assert many["each"] == 100
    assert len(many["dots"]) == 11
    assert max(tall for _, tall in many["dots"]) < insights.HIGHEST_STACK
    for spread in (few, many, insights.spread([(10_000 * DAY, 1)] * 5)):
        assert all(0 <= where <= 100 for where, _ in spread["dots"] + [(where, 0) for _, where in spread["marks"]])
        names = [where for _, where in spread["marks"]]
        assert all(later - where > 15 for where, later in itertools.pairwise(names))
