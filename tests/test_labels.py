"""Labels: made by typing them, shown on cards, and kept on a page of their own; and what quick add understands."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pages import contents, counted, history, kept, land, one_engine, parse, press, problems, read, toast

import dates
import labels
import quickadd

FRIDAY = datetime.date(2026, 11, 27)


def label(person, ticket_id, names, page=None):
    """Give a ticket just these labels, by the form."""
    return person.post(f"/tickets/{ticket_id}/labels", page=page, labels=names)


def shown(person, path="/"):
    """The labels on the cards of a board: {title: [(name, colour)]}."""
    return {
        card.one("h3").words: [
            (each.words.removeprefix("Label "), each.attributes["class"].removeprefix("label label-"))
            for each in card.all("span")
            if each.attributes.get("class", "").startswith("label ")
        ]
        for card in read(person, path).all("li")
        if card.attributes.get("class") == "card"
    }


def named(person, path="/"):
    """The names of the labels on the cards of a board: {title: [name]}."""
    return {title: [name for name, _ in marks] for title, marks in shown(person, path).items()}


def listed(person):
    """What the page of the labels shows: [(name, colour, how many tickets)]."""
    found = []
    for item in read(person, "/labels").one("section").all("li"):
        [name] = [each for each in item.all("a") if each.attributes.get("class", "").startswith("label ")]
        count = item.one("span", **{"class": "when"}).words
        found.append((name.words, name.attributes["class"].removeprefix("label label-"), count))
    return found


def id_of(person, name):
    rows = person.site.db.execute(
        "SELECT id FROM labels WHERE user_id = ? AND name_key = ?", person.id, labels.key(name)
    )
    return rows[0]["id"]


def quick(person, text, **fields):
    return person.post("/tickets", title=text, quick="1", **fields)


@pytest.fixture
def ticket(mira):
    return mira.add_tickets("Fix the tap")[0]


@pytest.fixture
def board(mira):
    """A person with labelled tickets."""
    for title, names in (("one", "bug, client"), ("two", "client"), ("three", "")):
        label(mira, mira.add_tickets(title)[0], names)
    return mira


# On a ticket


def test_labels_are_made_by_typing_their_names_and_each_gets_the_next_colour(mira, ticket):
    page = land(mira, press(mira, f"/?labels={ticket}", "Save", f"ticket-{ticket}", labels="bug,  in  review , Bug,,"))
    assert toast(page) == "“Fix the tap” labelled bug and in review"
    assert shown(mira) == {"Fix the tap": [("bug", labels.COLOURS[1]), ("in review", labels.COLOURS[2])]}
    assert listed(mira) == [("bug", labels.COLOURS[1], "1 ticket"), ("in review", labels.COLOURS[2], "1 ticket")]


def test_an_existing_label_is_taken_whatever_its_case(mira, ticket):
    label(mira, ticket, "Bug")
    [other] = mira.add_tickets("other")
    label(mira, other, "BUG, ｂｕｇ")
    assert named(mira) == {"other": ["Bug"], "Fix the tap": ["Bug"]}
    assert len(listed(mira)) == 1


def test_existing_labels_are_offered_and_those_of_the_ticket_are_chosen(board):
    [ticket] = board.ids("SELECT id FROM tickets WHERE user_id = ? AND title = 'two' LIMIT ?", 1)
    for path in (f"/?labels={ticket}", f"/platform/{ticket}?edit=labels"):
        boxes = read(board, path).all("input", type="checkbox")
        assert [(box.attributes["value"], "checked" in box.attributes) for box in boxes] == [
            ("client", True),
            ("bug", False),
        ]
    response = board.post(f"/tickets/{ticket}/labels", label=["client", "bug"], labels="home")
    assert toast(land(board, response)) == "“two” labelled bug and home"
    assert named(board)["two"] == ["client", "bug", "home"]


def test_taking_labels_away_is_said_and_undone(mira, ticket):
    label(mira, ticket, "bug, client")
    assert toast(land(mira, label(mira, ticket, "home, client"))) == "“Fix the tap” labelled home instead of bug"
    assert toast(land(mira, label(mira, ticket, ""))) == "“Fix the tap” not labelled home and client any more"
    mira.post("/undo")
    assert named(mira) == {"Fix the tap": ["home", "client"]}
    assert history(mira, ticket) == [
        "Undone: Not labelled home and client any more",
        "Not labelled home and client any more",
        "Labelled home instead of bug",
        "Labelled bug and client",
        "Added",
    ]


def test_the_same_labels_in_another_order_are_no_change(mira, ticket):
    label(mira, ticket, "bug, client")
    before = contents(mira.site)["actions"]
    label(mira, ticket, "client, bug")
    assert contents(mira.site)["actions"] == before


def test_undo_takes_a_new_label_away_with_the_ticket_and_redo_brings_both_back(mira):
    quick(mira, "Fix the tap #home")
    mira.post("/undo")
    assert listed(mira) == []
    mira.post("/redo")
    assert named(mira) == {"Fix the tap": ["home"]}
    assert listed(mira)[0][0] == "home"


def test_a_label_that_another_ticket_got_since_stays_when_its_making_is_undone(mira):
    quick(mira, "one #home")
    [action] = mira.ids("SELECT id FROM actions WHERE user_id = ? ORDER BY id DESC LIMIT ?", 1)
    quick(mira, "two #home")
    mira.post("/undo", action=action)
    assert named(mira) == {"two": ["home"]}


@one_engine
@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("x" * 51, "A label has at most 50 characters."),
        ("\ufdfa" * 50, "A label has at most 50 characters."),
        ("a\0b", "A label has no commas and no control characters."),
        ("\u200b", "A label needs a name."),
        (",".join(f"label {number}" for number in range(21)), "A ticket has at most 20 labels."),
    ],
)
def test_what_can_be_no_label_is_refused_beside_the_field_with_the_text_kept(mira, ticket, names, message):
    before = contents(mira.site)
    for page in ("/", f"/platform/{ticket}"):
        response = label(mira, ticket, names, page)
        assert response.status_code == 422
        assert problems(parse(response)) == [message]
        assert parse(response).one("input", name="labels").attributes["value"] == names
    assert contents(mira.site) == before


@one_engine
def test_a_person_has_two_hundred_labels_at_most(mira, monkeypatch, ticket):
    monkeypatch.setattr(labels, "LIMIT", 3)
    label(mira, ticket, "a, b, c")
    response = label(mira, ticket, "c, d", "/")
    assert problems(parse(response)) == ["That would be more than 3 labels."]
    mira.post(f"/labels/{id_of(mira, 'a')}/delete")
    assert label(mira, ticket, "c, d", "/").status_code == 303


@pytest.mark.parametrize("name", ["<b>", '"', "מבחן", "🏠 house", "a & b", "C#", "100 %", "_", "' OR 1=1 --"])
def test_every_name_comes_back_as_it_was_typed(mira, ticket, name):
    label(mira, ticket, name)
    assert named(mira) == {"Fix the tap": [name]}
    assert listed(mira)[0][0] == name
    label(mira, ticket, f"{name}, other")
    assert named(mira) == {"Fix the tap": [name, "other"]}


# Chips and search


def chips(person, path="/"):
    """The chips of a board: {words: (address, whether it is chosen)}."""
    links = read(person, path).one("nav", **{"class": "chips"}).all("a")
    return {link.words: (link.attributes["href"], "aria-current" in link.attributes) for link in links}


def test_chips_filter_by_label_combine_and_are_left_again(board):
    client, bug = id_of(board, "client"), id_of(board, "bug")
    assert chips(board) == {
        "All": ("/", True), "bug": (f"/?label={bug}", False), "client": (f"/?label={client}", False),
    }  # fmt: skip
    assert list(named(board, f"/?label={client}")) == ["two", "one"]
    both = chips(board, f"/?label={client}")["bug"][0]
    assert list(named(board, both)) == ["one"]
    assert read(board, both).one(id="board-head").all("p")[0].words == "1 ticket labelled client and bug"
    assert chips(board, both) == {
        "All": ("/", False), "bug": (f"/?label={client}", True), "client": (f"/?label={bug}", True),
    }  # fmt: skip


def test_a_filter_by_a_label_that_was_deleted_says_so_and_can_be_left(board):
    client = id_of(board, "client")
    board.post(f"/labels/{client}/delete")
    bug = id_of(board, "bug")
    for path, said in (
        (f"/?label={client}", "No ticket is labelled a deleted label."),
        (f"/?label={bug}&label={client}", "No ticket is labelled bug and a deleted label."),
    ):
        head = read(board, path).one(id="board-head")
        assert head.all("p")[0].words == said
        assert head.one("a", id="chip-all").attributes["href"] == "/"
        assert "aria-current" not in head.one("a", id="chip-all").attributes


def test_chips_and_a_search_narrow_each_other(board):
    client = id_of(board, "client")
    assert list(named(board, f"/?q=one&label={client}")) == ["one"]
    assert chips(board, f"/?q=one&label={client}")["All"] == ("/?q=one", False)
    search = read(board, f"/?q=one&label={client}").one("form", role="search")
    assert search.one("input", name="label").attributes["value"] == str(client)


def test_a_label_is_found_by_its_name(board):
    label(board, board.add_tickets("four", status="done")[0], "In Review")
    assert list(named(board, "/?q=label:client")) == ["two", "one"]
    assert list(named(board, "/?q=label:Client+one")) == ["one"]
    assert [title.words for title in read(board, '/?q=label:"in+review"').all("h3")] == ["four"]
    for query in ("label:nothing", "label:cli", "label:%25", "label:client+label:nothing"):
        assert named(board, f"/?q={query}") == {}
        assert read(board, f"/?q={query}").one("h1").words == "Nothing found"


def test_nobody_sees_finds_or_filters_by_somebody_elses_label(board, new_person):
    noor = new_person()
    [theirs] = noor.add_tickets("secret")
    label(noor, theirs, "client")
    assert list(named(board, "/?q=label:client")) == ["two", "one"]
    assert named(board, f"/?label={id_of(noor, 'client')}") == {}
    board.site.db.execute("UPDATE tickets SET labels = ? WHERE id = ?", f" {id_of(board, 'bug')} ", theirs)
    assert named(noor) == {"secret": []}


def test_a_renamed_label_shows_its_name_and_colour_everywhere_at_once(board):
    bug = id_of(board, "bug")
    etag = board.get("/").headers["ETag"]
    board.post(f"/labels/{bug}/name", name="defect")
    board.post(f"/labels/{bug}/colour", colour="pink")
    assert board.get("/", headers={"If-None-Match": etag}).status_code == 200
    assert ("defect", "pink") in shown(board)["one"]
    assert "defect" in chips(board)
    assert "“one” labelled" not in board.get("/labels").text


def test_a_board_of_labels_takes_two_statements(board):
    with counted(board.site.db) as statements:
        board.get("/")
    assert len(statements) == 2
    client = id_of(board, "client")
    with counted(board.site.db) as statements:
        board.get(f"/?label={client}")
    assert len(statements) == 2


# The page


def test_the_page_without_labels_says_how_one_is_made(mira):
    page = read(mira, "/labels")
    assert "Fix the tap #home" in page.one("section").words
    assert read(mira, "/").one(id="account").one("a", href="/labels").words == "Labels"


def test_the_counts_are_of_all_tickets_that_are_not_in_the_trash(board):
    [done, gone] = board.add_tickets("done", "gone", status="done")
    for ticket_id in (done, gone):
        label(board, ticket_id, "bug, home")
    board.post(f"/tickets/{gone}/delete")
    assert [(name, count) for name, _, count in listed(board)] == [
        ("bug", "2 tickets"), ("client", "2 tickets"), ("home", "1 ticket"),
    ]  # fmt: skip


def test_a_label_is_renamed_recoloured_and_undone(board):
    bug = id_of(board, "bug")
    page = land(board, press(board, f"/labels?edit={bug}", "Save", name=" a   defect "))
    assert toast(page) == "Label “bug” renamed to “a defect”"
    page = land(board, press(board, f"/labels?edit={bug}", "teal"))
    assert toast(page) == "Label “a defect” is teal now"
    assert ("a defect", "teal", "1 ticket") in listed(board)
    board.post("/undo")
    board.post("/undo")
    assert ("bug", labels.COLOURS[1], "1 ticket") in listed(board)


def test_a_name_that_another_label_has_is_refused_and_merging_offered(board):
    bug, client = id_of(board, "bug"), id_of(board, "client")
    response = board.post(f"/labels/{bug}/name", name="CLIENT")
    assert response.status_code == 422
    page = parse(response)
    assert problems(page) == ["There is a label “client” already. Merge “bug” into it below?"]
    assert page.one("input", name="name").attributes["value"] == "CLIENT"
    [option] = [each for each in page.one("select", name="into").all("option") if "selected" in each.attributes]
    assert option.attributes["value"] == str(client)


def test_merging_gives_its_tickets_the_other_label_once_and_undo_parts_them_again(board):
    bug, client = id_of(board, "bug"), id_of(board, "client")
    label(board, board.add_tickets("four")[0], "bug")
    before = named(board)
    page = land(board, press(board, f"/labels?edit={bug}", "Merge", into=str(client)))
    assert toast(page) == "Label “bug” merged into “client”"
    assert named(board) == {"four": ["client"], "three": [], "two": ["client"], "one": ["client"]}
    assert [name for name, _, _ in listed(board)] == ["client"]
    board.post("/undo")
    assert named(board) == before
    board.post("/redo")
    assert [name for name, _, _ in listed(board)] == ["client"]
    assert board.post(f"/labels/{client}/merge", into=str(client)).status_code == 303
    assert [name for name, _, _ in listed(board)] == ["client"]


def test_a_deleted_label_leaves_its_tickets_and_undo_brings_it_back_to_them(board):
    before = named(board)
    page = land(board, press(board, "/labels", "Delete client"))
    assert toast(page) == "Label “client” deleted"
    assert named(board) == {"three": [], "two": [], "one": ["bug"]}
    board.post("/undo")
    assert named(board) == before


def test_a_deleted_label_that_is_typed_again_comes_back_to_that_ticket_alone(board):
    client = id_of(board, "client")
    board.post(f"/labels/{client}/delete")
    [ticket] = board.add_tickets("four")
    label(board, ticket, "Client")
    assert named(board) == {"four": ["Client"], "three": [], "two": [], "one": ["bug"]}
    assert id_of(board, "client") == client


def test_a_label_can_take_the_name_of_a_deleted_one_and_undo_takes_that_back(board):
    board.post(f"/labels/{id_of(board, 'client')}/delete")
    bug = id_of(board, "bug")
    before = shown(board), listed(board)
    page = land(board, press(board, f"/labels?edit={bug}", "Save", name="Client"))
    assert toast(page) == "Label “bug” renamed to “Client”"
    assert shown(board)["one"] == [("Client", labels.COLOURS[1])]
    assert [name for name, _, _ in listed(board)] == ["Client"]
    board.post("/undo")
    assert (shown(board), listed(board)) == before
    board.post("/redo")
    assert [name for name, _, _ in listed(board)] == ["Client"]


def test_labels_of_tickets_in_the_trash_follow(board):
    [ticket] = board.ids("SELECT id FROM tickets WHERE user_id = ? AND title = 'two' LIMIT ?", 1)
    board.post(f"/tickets/{ticket}/delete")
    land(board, board.post(f"/labels/{id_of(board, 'client')}/merge", into=str(id_of(board, "bug"))))
    board.post(f"/trash/tickets/{ticket}/restore")
    assert named(board)["two"] == ["bug"]


def test_a_ticket_that_comes_back_from_the_trash_brings_the_label_that_went_with_it(board):
    board.post("/tickets", title="Fix the tap #new", status="todo", quick="1")
    ticket = board.ids("SELECT id FROM tickets WHERE user_id = ? ORDER BY id DESC LIMIT ?", 1)[0]
    board.post("/undo")
    assert "new" not in [name for name, _, _ in listed(board)]
    board.post(f"/trash/tickets/{ticket}/restore")
    assert named(board)["Fix the tap"] == ["new"]
    assert "new" in [name for name, _, _ in listed(board)]
    board.post("/undo")
    assert "new" not in [name for name, _, _ in listed(board)]


def test_a_history_names_labels_that_are_gone(board):
    [ticket] = board.ids("SELECT id FROM tickets WHERE user_id = ? AND title = 'two' LIMIT ?", 1)
    board.post(f"/labels/{id_of(board, 'client')}/delete")
    assert history(board, ticket) == ["Labelled client", "Added"]


@one_engine
def test_what_was_typed_as_a_name_survives_a_session_that_has_ended(board):
    bug = id_of(board, "bug")
    board.another_browser().post("/account/sessions", session="others")
    response = board.post(f"/labels/{bug}/name", name="a long name")
    assert (response.status_code, kept(parse(response))) == (401, ["a long name"])


def test_a_merge_of_many_tickets_takes_few_statements(mira):
    quick(mira, "\n".join(f"ticket {number} #bug" for number in range(60)))
    quick(mira, "other #home")
    bug, home = id_of(mira, "bug"), id_of(mira, "home")
    with counted(mira.site.db) as statements:
        mira.post(f"/labels/{bug}/merge", into=str(home))
    assert len(statements) <= 10


# Quick add


def test_the_last_words_say_label_and_due_date_and_the_toast_what_was_understood(mira, monkeypatch):
    monkeypatch.setattr(mira.site.dates, "today_in", lambda zone: FRIDAY)
    page = land(mira, press(mira, "/", "Add", title="Fix the tap #home !fri"))
    assert toast(page) == "“Fix the tap” added with home, due Fri 4 Dec"
    assert named(mira) == {"Fix the tap": ["home"]}
    quick(mira, "Only a date !tomorrow")
    assert toast(land(mira, quick(mira, "Only a date !tomorrow"))) == "“Only a date” added, due Sat 28 Nov"


def test_each_of_several_lines_has_its_own_words(mira):
    page = land(mira, quick(mira, "one #bug\ntwo !tomorrow #home #bug\nthree"))
    assert toast(page) == "3 tickets added, 2 with labels, 1 with a due date"
    assert named(mira) == {"one": ["bug"], "two": ["home", "bug"], "three": []}


def test_without_the_mark_of_the_boards_field_text_is_text(mira):
    mira.post("/tickets", title="Fix the tap #home !fri")
    assert named(mira) == {"Fix the tap #home !fri": []}


def test_a_column_of_its_own_understands_it_as_well(mira):
    mira.add_tickets("there")
    press(mira, "/?add=in_progress", "Add", "column-in_progress", title="Fix the tap #home")
    assert named(mira) == {"there": [], "Fix the tap": ["home"]}


@pytest.mark.parametrize(
    "text",
    [
        "C# tips!", "#1 in the list", "the list has #1", "#home", "!fri", "a #", "a !", "a ! #", "a !!!",
        "Watch out !important", "a !may", "a#home", "a #ho,me", "a ##home", "Say it about #home.", "See #12", "a #🏠",
        "v !1.2", "ask for 10 !10", "a #home!", "  ", "#home is where I am", "a #" + "x" * 51,
    ],
)  # fmt: skip
def test_what_is_no_label_and_no_date_stays_text(text):
    assert quickadd.parse(text, FRIDAY) == quickadd.Quick(text, [])


@pytest.mark.parametrize(
    ("text", "title", "names", "due"),
    [
        ("Fix #home", "Fix", ["home"], None),
        ("Fix  #home   #big_one\t!fri", "Fix", ["home", "big_one"], "2026-12-04"),
        ("Fix !2026-12-01 #a1", "Fix", ["a1"], "2026-12-01"),
        ("Fix !24nov", "Fix", [], "2027-11-24"),
        ("Fix #Home #home", "Fix", ["Home"], None),
        ("Fix !fri !sat", "Fix !fri", [], "2026-11-28"),
        ("Fix #1 #two", "Fix #1", ["two"], None),
        ("Learn C# #C#", "Learn C# #C#", [], None),
        ("#1 #home", "#1", ["home"], None),
        ("#home !fri", "#home", [], "2026-12-04"),
        ("Haus #grün #日本 #בית", "Haus", ["grün", "日本", "בית"], None),
    ],
)
def test_words_at_the_end_are_taken_for_labels_and_a_date(text, title, names, due):
    assert quickadd.parse(text, FRIDAY) == quickadd.Quick(title, names, due and datetime.date.fromisoformat(due))


WORDS = some.one_of(
    some.text(min_size=1, max_size=8),
    some.sampled_from(["#home", "#Home", "#1", "!fri", "!sat", "!no", "#", "!", "C#", "tips!", "a", " ", "\t", "#a,b"]),
)


@given(some.lists(WORDS, max_size=8), some.sampled_from([" ", "  ", "\t", ""]))
def test_quick_add_loses_no_text(pieces, space):
    text = space.join(pieces).strip()
    found = quickadd.parse(text, FRIDAY)
    assert text.startswith(found.title)
    for word in text[len(found.title) :].split():
        if word.startswith("#"):
            assert labels.key(word[1:]) in {labels.key(name) for name in found.labels}
        else:
            assert word.startswith("!")
            assert dates.parse(word[1:], FRIDAY) == found.due
    if text:
        assert found.title


@given(some.text(max_size=80).filter(lambda text: not any(word[0] in "#!" for word in text.split())))
def test_a_text_without_such_words_stays_exactly_as_it_is(text):
    assert quickadd.parse(text, FRIDAY) == quickadd.Quick(text, [])
