"""Search and the views of the board: what an address says is what it shows, with or without JavaScript."""

import datetime

import pytest
from pages import counted, land, one_engine, parse, press, problems, read

import search

FRAGMENTS = {"X-Requested-With": "XMLHttpRequest"}


def found(person, query, **more):
    """The titles that a search shows, by status, in their order."""
    page = parse(person.client.get("/", query_string={"q": query, **more}))
    return {
        column.attributes["data-status"]: [title.words for title in column.all("h3")]
        for column in page.all("ol", **{"class": "tickets"})
    }


def marks(person, query):
    """What is marked on the page of a search."""
    return [mark.text for mark in parse(person.client.get("/", query_string={"q": query})).all("mark")]


@pytest.fixture
def board(new_person):
    """A person with a board on which something can be found."""
    mira = new_person()
    tap, _ = mira.add_tickets("Replace the kitchen tap", "Café für die Lesung")
    mira.add_tickets("Renew the domain", "100 % done_right! (:D", status="done")
    mira.add_todos(tap, "Measure the hole", "Neue Schläuche", "old tap")
    return mira


@pytest.mark.parametrize(
    "query", ["kitchen", "KITCHEN", "tap kitchen", '"kitchen tap"', "itch", "hole", "schlauche tap"]
)
def test_words_are_found_in_titles_and_todos_whatever_their_case_and_accents(board, query):
    assert found(board, query) == {"todo": ["Replace the kitchen tap"], "in_progress": [], "done": []}


@pytest.mark.parametrize("query", ["cafe", "CAFÉ", "für", "fur"])
def test_accents_make_no_difference(board, query):
    assert found(board, query)["todo"] == ["Café für die Lesung"]


@pytest.mark.parametrize("query", ["%", "100 %", "done_", "right!", "(:D", "done_right! 100"])
def test_what_means_something_to_the_database_is_text(board, query):
    assert found(board, query) == {"todo": [], "in_progress": [], "done": ["100 % done_right! (:D"]}


@pytest.mark.parametrize(
    "query", ["tap kitchen nowhere", '"tap kitchen"', "d_main", "is:nothing", "has:", "' OR 1=1 --"]
)
def test_what_is_nowhere_is_said_to_be_nowhere(board, query):
    page = parse(board.client.get("/", query_string={"q": query}))
    assert found(board, query) == {"todo": [], "in_progress": [], "done": []}
    assert page.one("h1").words == "Nothing found"
    assert page.one("h1").parent.one("p").words == f"No ticket and no to-do has “{query}”, not even in Done."
    assert [link.attributes["href"] for link in page.all("a") if "data-view" in link.attributes] == ["/"]


def test_operators_narrow_it_down_and_combine_with_words(board):
    assert found(board, "is:open")["todo"] == ["Replace the kitchen tap", "Café für die Lesung"]
    assert found(board, "is:open")["done"] == []
    assert found(board, "IS:done")["done"] == ["Renew the domain", "100 % done_right! (:D"]
    assert found(board, "has:todos") == {"todo": ["Replace the kitchen tap"], "in_progress": [], "done": []}
    assert found(board, "is:done domain")["done"] == ["Renew the domain"]
    assert found(board, "is:done kitchen") == {"todo": [], "in_progress": [], "done": []}


def test_an_operator_in_quotes_or_unknown_is_text(board):
    board.add_tickets("write is:open down", "due:never is no operator")
    assert found(board, '"is:open"')["todo"] == ["write is:open down"]
    assert found(board, "due:never")["todo"] == ["due:never is no operator"]


@pytest.mark.parametrize("query", ["", "   ", '""', "\u0301"])
def test_a_query_with_nothing_in_it_is_the_whole_board(board, query):
    page = parse(board.client.get("/", query_string={"q": query}))
    assert page.one("h1").words == "Board"
    assert page.one(id="count-done").words == "2"


def test_what_was_found_is_marked_in_the_title_and_in_the_todos(board):
    assert marks(board, "tap") == ["tap", "tap"]
    assert marks(board, "SCHLAUCHE") == ["Schläuche"]
    assert marks(board, "cafe für") == ["Café", "für"]
    page = parse(board.client.get("/", query_string={"q": "hole"}))
    assert [item.words for item in page.one("ul", **{"class": "found"}).all("li")] == ["Measure the hole"]


def test_a_mark_never_breaks_a_hostile_title(board):
    board.add_tickets("<script>alert(1)</script> & <b>")
    page = parse(board.client.get("/", query_string={"q": "<script>"}))
    assert [title.words for title in page.all("h3")] == ["<script>alert(1)</script> & <b>"]
    assert [mark.text for mark in page.all("mark")] == ["<script>"]


def test_things_in_the_trash_are_not_found(board):
    [gone] = board.add_tickets("kitchen sink")
    board.post(f"/tickets/{gone}/delete")
    page = read(board, "/?q=kitchen")
    assert [title.words for title in page.all("h3")] == ["Replace the kitchen tap"]
    [tap] = [row["id"] for row in board.site.db.execute("SELECT id FROM todos WHERE text = 'Measure the hole'")][-1:]
    board.post(f"/todos/{tap}/delete")
    assert found(board, "hole")["todo"] == []


def test_nobody_finds_what_is_somebody_elses(board, new_person):
    noor = new_person()
    noor.add_tickets("mine")
    assert found(noor, "kitchen") == {"todo": [], "in_progress": [], "done": []}
    assert "kitchen tap" not in noor.get("/?q=kitchen").text


def test_the_counts_are_of_what_was_found(board):
    page = read(board, "/?q=is:done")
    assert [page.one(id=f"count-{status}").words for status in ("todo", "in_progress", "done")] == ["0", "0", "2"]
    assert page.one("h1").parent.one("p").words == "2 tickets with “is:done”"


def test_a_search_is_found_in_done_beyond_what_is_shown(mira):
    mira.add_tickets(*[f"finished {number}" for number in range(30)], status="done")
    assert len(mira.get("/").text.split('class="card compact"')) == 21
    assert found(mira, "finished 29")["done"] == ["finished 29"]


def test_an_action_in_a_search_leads_back_to_the_search(board):
    response = press(board, "/?q=kitchen", "Move Replace the kitchen tap to In progress")
    assert response.location.startswith("/?q=kitchen&done=")
    assert [title.words for title in land(board, response).one(id="tickets-in_progress").all("h3")] == [
        "Replace the kitchen tap"
    ]


def test_a_refused_text_in_a_search_stays_in_the_search(board):
    response = press(board, "/?q=kitchen", "Add", inside="add-todo", title="x" * 501)
    assert response.status_code == 422
    page = parse(response)
    assert page.one(id="add-todo-text").text == "x" * 501
    assert page.one(id="q").attributes["value"] == "kitchen"


def test_the_search_field_keeps_what_was_searched_for(board):
    assert read(board, '/?q="kitchen tap"').one(id="q").attributes["value"] == '"kitchen tap"'
    assert read(board, "/").one(id="q").attributes["value"] == ""


@pytest.mark.parametrize(
    "query", ["x" * 100_000, '"', '"' * 1000, "a " * 2000, "\0", "\ud800".encode("utf-8", "surrogatepass")]
)
def test_no_query_is_too_much(board, query):
    assert board.client.get("/", query_string={"q": query}).status_code == 200


def test_a_search_needs_no_more_statements_for_more_tickets(board):
    def statements():
        with counted(board.site.db) as executed:
            board.get("/?q=a")
        return len(executed)

    few = statements()
    board.add_tickets(*[f"a ticket {number}" for number in range(40)])
    assert statements() == few == 4  # the session, the tickets, the descriptions and the to-dos found


def test_what_a_search_shows_and_what_follows_make_up_its_count(board):
    board.add_tickets(*[f"a tile {number}" for number in range(103)], "a tap")
    board.add_tickets(*[f"a tile {number}" for number in range(3)], status="done")
    board.site.db.execute("UPDATE tickets SET position = 7 WHERE user_id = ? AND status = 'todo'", board.id)
    with counted(board.site.db) as statements:
        page = read(board, "/?q=tile")
    assert [page.one(id=f"count-{status}").text for status in ("todo", "in_progress", "done")] == ["103", "0", "3"]
    assert len(found(board, "tile")["todo"]) == 100
    assert len(statements) == 5  # one more, for the column that goes on


def test_the_words_of_a_query_are_taken_apart_as_a_person_means_them():
    def parse(query):
        return search.parse(query, 7, datetime.date(2026, 11, 25))

    words, filters = parse('tap "old hose" is:done HAS:todos')
    assert words == ("tap", "old hose")
    assert filters == ((search.OPERATORS["is:done"], ()), (search.OPERATORS["has:todos"], ()))
    assert parse("is: x:y label: due:never") == search.Search(("is:", "x:y", "label:", "due:never"), ())
    assert parse('an "open quote') == search.Search(("an", '"open', "quote"), ())
    assert [values for _, values in parse('LABEL:Home label:"In Review" "label:x"').filters] == [
        ("% @ %", 7, "home"),
        ("% @ %", 7, "in review"),
    ]
    assert parse('LABEL:Home label:"In Review" "label:x"').words == ("label:x",)
    assert parse("due:week is:late").filters[0][1] == ("2026-11-25", "2026-11-29")


# More of a column


def shown(person, path, status):
    return [title.words for title in read(person, path).one(id=f"tickets-{status}").all("h3")]


def older(person, path, status):
    """The link that shows more of a column; None when there is no more."""
    links = read(person, path).one(id=f"older-{status}").all("a")
    return links[0] if links else None


def test_done_shows_its_first_twenty_and_the_rest_on_demand(mira):
    mira.add_tickets(*[f"done {number}" for number in range(130)], status="done")
    page = read(mira, "/")
    assert page.one(id="count-done").words == "130"
    assert shown(mira, "/", "done") == [f"done {number}" for number in range(20)]
    link = older(mira, "/", "done")
    assert link.words == "Show 100 older"
    assert shown(mira, link.attributes["href"], "done") == [f"done {number}" for number in range(120)]
    link = older(mira, link.attributes["href"], "done")
    assert link.words == "Show 10 older"
    assert len(shown(mira, link.attributes["href"], "done")) == 130
    assert older(mira, link.attributes["href"], "done") is None


@pytest.mark.parametrize("status", ["todo", "in_progress"])
def test_a_column_past_a_hundred_is_shown_in_parts(mira, status):
    mira.add_tickets(*[f"ticket {number}" for number in range(101)], status=status)
    assert len(shown(mira, "/", status)) == 100
    link = older(mira, "/", status)
    assert link.words == "Show 1 more"
    assert shown(mira, link.attributes["href"], status)[-1] == "ticket 100"


def test_exactly_twenty_done_need_no_link(mira):
    mira.add_tickets(*[f"done {number}" for number in range(20)], status="done")
    assert older(mira, "/", "done") is None


def test_what_follows_the_shown_part_is_named_for_moves_to_its_end(mira):
    ids = mira.add_tickets(*[f"done {number}" for number in range(22)], status="done")
    assert read(mira, "/").one(id="tickets-done").attributes["data-next"] == str(ids[20])


def test_an_action_keeps_what_is_shown(mira):
    mira.add_tickets(*[f"done {number}" for number in range(30)], status="done")
    response = press(mira, "/?more=done", "Move done 25 to In progress")
    assert response.location.startswith("/?more=done&done=")
    assert len(land(mira, response).one(id="tickets-done").all("h3")) == 29


def test_an_old_done_ticket_is_shown_when_it_is_renamed_or_moved(mira):
    ids = mira.add_tickets(*[f"done {number}" for number in range(30)], status="done")
    assert read(mira, f"/?edit={ids[29]}").one(id=f"ticket-{ids[29]}-edit").text == "done 29"
    assert read(mira, f"/?move={ids[29]}").has("h4", id=f"move-{ids[29]}")


@pytest.mark.parametrize(
    "view", ["more=nothing", "more=", "open=0", "open=x", "open=99999999999", "open=1&open=2", "q"]
)
def test_a_view_that_makes_no_sense_is_the_board(mira, view):
    mira.add_tickets("one")
    assert shown(mira, f"/?{view}", "todo") == ["one"]


@pytest.mark.parametrize(
    "view", ["more=todo&" * 3000, "open=1&" * 3000, "label=1&" * 3000, "weeks=" + "1" * 30_000, "q=" + "x" * 30_000]
)
@one_engine
def test_a_long_address_makes_no_page_of_megabytes(mira, view):
    mira.add_tickets(*[f"x{number}" for number in range(30)])
    for path in ("/", "/archive", "/insights"):
        response = mira.get(f"{path}?{view}")
        assert response.status_code == 200
        assert len(response.text) < 1_000_000


# To-dos on the board


def test_a_card_opens_to_its_open_todos(mira):
    [ticket] = mira.add_tickets("tap")
    first, _ = mira.add_todos(ticket, "Measure the hole", "Buy it")
    mira.post(f"/todos/{first}/done", done="1")
    toggle = read(mira, "/").one("a", **{"data-k": "todos"})
    assert toggle.attributes["aria-expanded"] == "false"
    page = read(mira, toggle.attributes["href"].partition("#")[0])
    card = page.one(id=f"ticket-{ticket}")
    assert [box.words for box in card.all("span", **{"class": "text"})] == ["Buy it"]
    assert card.one("a", **{"data-k": "todos"}).attributes["aria-expanded"] == "true"


def test_an_opened_card_is_worked_on_without_leaving_the_board(mira):
    [ticket] = mira.add_tickets("tap")
    response = press(mira, f"/?open={ticket}", "Add", inside=f"add-todo-{ticket}", text="Measure\nBuy")
    assert response.location.startswith(f"/?open={ticket}&done=")
    page = land(mira, response)
    assert [text.words for text in page.all("span", **{"class": "text"})] == ["Measure", "Buy"]
    [box, _] = page.all("button", role="checkbox")
    response = mira.post(box.around("form").attributes["action"], f"/?open={ticket}", done=box.attributes["value"])
    assert [text.words for text in land(mira, response).all("span", **{"class": "text"})] == ["Buy"]
    assert mira.todos(ticket) == [("Measure", True), ("Buy", False)]


def test_a_refused_todo_on_the_board_keeps_its_text_in_the_opened_card(mira):
    [ticket] = mira.add_tickets("tap")
    response = press(mira, f"/?open={ticket}", "Add", inside=f"add-todo-{ticket}", text="x" * 501)
    assert response.status_code == 422
    page = parse(response)
    assert page.one(id=f"add-todo-{ticket}-text").text == "x" * 501
    assert not page.all(id=f"ticket-{ticket}-edit")
    assert problems(page) == ["That is 501 characters; the limit is 500."]


def test_somebody_elses_ticket_does_not_open(mira, new_person):
    noor = new_person()
    [ticket] = noor.add_tickets("theirs")
    noor.add_todos(ticket, "secret")
    mira.add_tickets("mine")
    assert "secret" not in mira.get(f"/?open={ticket}").text


# What a page looks at again


def test_a_page_is_asked_for_again_by_its_etag(mira):
    mira.add_tickets("one")
    page = mira.get("/")
    tag = parse(page).one("main").attributes["data-etag"]
    assert tag == page.headers["ETag"]
    for path in ("/", "/?done=1"):
        answer = mira.get(path, headers={"If-None-Match": tag, **FRAGMENTS})
        assert (answer.status_code, answer.text) == (304, "")
    assert mira.get("/?q=one", headers={"If-None-Match": tag, **FRAGMENTS}).status_code == 200
    mira.add_tickets("two")
    assert mira.get("/", headers={"If-None-Match": tag, **FRAGMENTS}).status_code == 200


def test_the_script_can_count_its_own_changes(mira):
    [ticket] = mira.add_tickets("one", "two")[:1]
    tag = mira.get("/").headers["ETag"]
    version = int(tag.rpartition("-")[2].strip('"'))
    headers = {**FRAGMENTS, "Referer": "http://localhost/"}
    answer = mira.client.post(f"/tickets/{ticket}/status", data={"status": "done"}, headers=headers)
    assert answer.headers["X-Version"] == str(version + 1)
    assert mira.get("/").headers["ETag"] == f'{tag.rpartition("-")[0]}-{version + 1}"'


@pytest.mark.parametrize("path", ["/", "/trash"])
def test_every_change_makes_the_page_another(mira, path):
    [ticket] = mira.add_tickets("one")
    [todo] = mira.add_todos(ticket, "a")
    seen = {mira.get(path).headers["ETag"]}
    for form, fields in (
        (f"/tickets/{ticket}/title", {"title": "uno"}),
        (f"/tickets/{ticket}/status", {"status": "done"}),
        (f"/todos/{todo}/done", {"done": 1}),
        ("/undo", {}),
        ("/redo", {}),
        (f"/tickets/{ticket}/delete", {}),
        (f"/trash/tickets/{ticket}/restore", {}),
        ("/account/theme", {"theme": "dark"}),
        ("/account/shortcuts", {"on": 0}),
    ):
        mira.post(form, **fields)
        tag = mira.get(path).headers["ETag"]
        assert tag not in seen, form
        seen.add(tag)


# Where it stands now


def test_a_move_says_where_the_ticket_is_now(mira):
    one, two, three = mira.add_tickets("one", "two", "three")
    page = land(mira, mira.post(f"/tickets/{three}/position", "/", status="todo", before=two))
    assert page.one(id="toast").one("span", **{"class": "place"}).words == ", position 2 of 3"
    page = land(mira, mira.post(f"/tickets/{one}/status", "/", status="done"))
    assert page.one(id="toast").one("span", **{"class": "place"}).words == ", position 1 of 1"
    page = land(mira, mira.post("/undo", "/"))
    assert page.one(id="toast").one("span", **{"class": "place"}).words == ", position 1 of 3"
    page = land(mira, mira.post(f"/tickets/{one}/title", "/", title="uno"))
    assert not page.one(id="toast").has("span", **{"class": "place"})


def test_a_move_of_a_todo_says_where_it_is_now(mira):
    [ticket] = mira.add_tickets("one")
    a, b, c = mira.add_todos(ticket, "a", "b", "c")
    mira.post(f"/todos/{b}/delete")
    page = land(mira, mira.post(f"/todos/{a}/position", f"/platform/{ticket}", before=""))
    assert page.one(id="toast").one("span", **{"class": "place"}).words == ", position 2 of 2"
    assert mira.todos(ticket) == [("c", False), ("a", False)]
    assert c


def test_a_ticket_goes_to_the_top_of_its_column(mira):
    ids = mira.add_tickets("one", "two", "three")
    page = land(mira, mira.post(f"/tickets/{ids[2]}/top", "/"))
    assert page.one(id="toast").one("span", **{"class": "place"}).words == ", position 1 of 3"
    assert mira.board()["todo"] == ["three", "one", "two"]
    assert land(mira, mira.post(f"/tickets/{ids[2]}/top", "/")).one(id="toast").all("span") == []
    mira.post("/undo")
    assert mira.board()["todo"] == ["one", "two", "three"]


def test_the_columns_counts_are_kept_right_by_every_step(mira):
    def counts():
        return mira.site.db.execute("SELECT todo, in_progress, done FROM users WHERE id = ?", mira.id)[0]

    one, two = mira.add_tickets("one", "two")
    assert counts() == {"todo": 2, "in_progress": 0, "done": 0}
    mira.post(f"/tickets/{one}/status", status="done")
    mira.post(f"/tickets/{two}/delete")
    assert counts() == {"todo": 0, "in_progress": 0, "done": 1}
    mira.post("/undo")
    mira.post("/undo")
    assert counts() == {"todo": 2, "in_progress": 0, "done": 0}
    mira.post("/redo")
    mira.post(f"/tickets/{one}/delete")
    mira.post("/trash/empty", until=2**40)
    assert counts() == {"todo": 1, "in_progress": 0, "done": 0}


# The keys, and what a phone asks for


def test_the_single_keys_can_be_turned_off_and_stay_so(mira):
    assert read(mira, "/").one(id="account").attributes["data-shortcuts"] == "1"
    press(mira, "/", "Single-key shortcuts")
    page = read(mira.another_browser(), "/")
    assert page.one(id="account").attributes["data-shortcuts"] == "0"
    assert page.one("button", role="switch").attributes["aria-checked"] == "false"
    assert mira.post("/account/shortcuts", on="2").status_code == 422


def test_the_manifest_names_icons_that_are_there(visitor):
    answer = visitor.get("/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    assert (answer.json["name"], answer.json["start_url"], answer.json["display"]) == ("NIKKO", "/", "standalone")
    for icon in answer.json["icons"]:
        file = visitor.get(icon["src"])
        assert (file.status_code, file.mimetype) == (200, icon["type"])
    assert {icon["sizes"] for icon in answer.json["icons"]} >= {"192x192", "512x512"}
