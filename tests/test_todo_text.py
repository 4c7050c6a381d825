"""A list as text: what is written and read, and what an edited text makes of the to-dos."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import history, kept, land, one_engine, parse, press, problems, read, toast

import todo_text

ODD = [
    "- [ ] x",
    "- x",
    "[x] y",
    "x\u2028y",
    "x\ty",
    "  x ",
    "\u00a0x\u3000",
    "* [X] a",
    "-",
    "+ ",
    "x",
    "x",
    "😀",
    "<b>",
    "\x0c|",
]
TEXTS = st.sampled_from(ODD) | st.text(
    st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1, max_size=40
)
TEXTS = TEXTS.filter(str.strip)
LISTS = st.lists(st.tuples(TEXTS, st.sampled_from([0, 1]), st.booleans()), max_size=12)


def rows_of(todos):
    """A ticket's rows: (text, done, whether it is in the trash)."""
    return [
        {"id": number, "text": text, "done": done, "position": float(number), "deleted_at": 1 if trashed else None}
        for number, (text, done, trashed) in enumerate(todos, 1)
    ]


def shown(rows):
    return [row for row in rows if row["deleted_at"] is None]


def applied(rows, plan):
    """The rows as the plan leaves them, in their order; a new one has the id None."""
    rows = {row["id"]: dict(row) for row in rows}
    for row, values in plan.changes:
        rows[row["id"]] |= values
    for row in plan.deleted:
        rows[row["id"]]["deleted_at"] = 2
    added = [
        {"id": None, "text": line.text, "done": line.done, "position": place, "deleted_at": None}
        for line, place in plan.added
    ]
    return sorted([*rows.values(), *added], key=lambda row: (row["position"], row["id"] or 0))


def edited(before, after):
    """What becomes of a list that is written like that: [(id or None, done, text)]; ids are from 1."""
    rows = rows_of([(line.text, line.done, False) for line in todo_text.parse(before)])
    plan = todo_text.compare(rows, todo_text.parse(after))
    return [(row["id"], row["done"], row["text"]) for row in shown(applied(rows, plan))]


# Reading and writing


@given(LISTS)
def test_a_list_that_is_opened_and_saved_unchanged_stays_as_it_is(todos):
    rows = rows_of(todos)
    assert todo_text.compare(rows, todo_text.parse(todo_text.write(shown(rows)))) == ([], [], [])


@given(LISTS, st.sampled_from(["\r\n", "\n", "\r", "\n\n  \n"]))
def test_line_breaks_of_any_kind_and_empty_lines_make_no_difference(todos, line_break):
    rows = rows_of(todos)
    text = todo_text.write(shown(rows)).replace("\n", line_break)
    assert todo_text.compare(rows, todo_text.parse(text)) == ([], [], [])


@given(LISTS, LISTS)
def test_a_list_becomes_what_the_text_says_whatever_both_are(before, after):
    rows, wanted = rows_of(before), rows_of(after)
    lines = todo_text.parse(todo_text.write(wanted))
    plan = todo_text.compare(rows, lines)
    now = applied(rows, plan)
    assert [(row["done"], row["text"].strip()) for row in shown(now)] == [(line.done, line.text) for line in lines]
    assert {row["id"] for row in now} >= {row["id"] for row in rows}
    trashed = [row["id"] for row in rows if row["deleted_at"]]
    assert [row["id"] for row in now if row["id"] in trashed] == trashed
    assert len({row["position"] for row in now}) == len(now)
    kept = [row["text"].strip() for row in shown(now) if row["id"]]
    for text in {line.text for line in lines}:  # as many equal lines as there can be are the same to-dos
        held = [row["text"].strip() for row in shown(rows)].count(text)
        assert kept.count(text) >= min(held, [line.text for line in lines].count(text))


@given(LISTS, LISTS)
def test_positions_without_room_between_them_are_numbered_anew(before, after):
    rows = rows_of(before)
    for row in rows:
        row["position"] = 1.0
    lines = todo_text.parse(todo_text.write(rows_of(after)))
    now = applied(rows, todo_text.compare(rows, lines))
    assert [(row["done"], row["text"].strip()) for row in shown(now)] == [(line.done, line.text) for line in lines]


@pytest.mark.parametrize(
    ("line", "done", "text"),
    [
        ("- [ ] tap", 0, "tap"),
        ("- [x] tap", 1, "tap"),
        ("* [X] tap", 1, "tap"),
        ("+ [ ]   tap  ", 0, "tap"),
        ("  - [x] tap", 1, "tap"),
        ("- tap", 0, "tap"),
        ("tap", 0, "tap"),
        ("- [ ] - [x] tap", 0, "- [x] tap"),
        ("- [y] tap", 0, "[y] tap"),
        ("[x] tap", 0, "[x] tap"),
        ("-tap", 0, "-tap"),
        ("1. tap", 0, "1. tap"),
        ("- [ ] a\u2028b\x0bc\x85d", 0, "a\u2028b\x0bc\x85d"),
    ],
)
def test_a_line_is_understood_as_people_write_it(line, done, text):
    assert todo_text.parse(f"\n{line}\n") == [(2, done, text)]


@pytest.mark.parametrize("text", ["", "\n \n\t", "- [ ]", "- [x] ", "-", "* \r\n+ [ ]"])
def test_a_line_with_nothing_to_do_is_none(text):
    assert todo_text.parse(text) == []


# Who is who


def test_an_equal_line_stays_the_same_todo():
    assert edited("a\nb\nc", "a\nnew\nb\nc") == [(1, 0, "a"), (None, 0, "new"), (2, 0, "b"), (3, 0, "c")]
    assert edited("a\nb\nc", "a\nc") == [(1, 0, "a"), (3, 0, "c")]


def test_a_line_between_the_same_neighbours_is_an_edit():
    assert edited("a\nb\nc", "a\nB!\nc") == [(1, 0, "a"), (2, 0, "B!"), (3, 0, "c")]
    assert edited("a\nb", "A!\nb") == [(1, 0, "A!"), (2, 0, "b")]
    assert edited("a\nb", "a\n- [x] B!") == [(1, 0, "a"), (2, 1, "B!")]
    assert edited("a", "b") == [(1, 0, "b")]


def test_two_lines_in_the_place_of_one_or_one_in_the_place_of_two_are_new():
    assert edited("a\nb\nc", "a\nB!\nB?\nc") == [(1, 0, "a"), (None, 0, "B!"), (None, 0, "B?"), (3, 0, "c")]
    assert edited("a\nb\nc\nd", "a\nBC\nd") == [(1, 0, "a"), (None, 0, "BC"), (4, 0, "d")]
    assert edited("a\nb\nc\nd", "a\nB\nC\nd") == [(1, 0, "a"), (None, 0, "B"), (None, 0, "C"), (4, 0, "d")]


def test_another_box_is_a_tick():
    assert edited("a\nb", "a\n- [x] b") == [(1, 0, "a"), (2, 1, "b")]
    assert edited("- [x] a\nb", "a\nb") == [(1, 0, "a"), (2, 0, "b")]


def test_a_line_in_another_place_is_a_move_and_the_others_stay_where_they_are():
    rows = rows_of([(text, 0, False) for text in "abcde"])
    plan = todo_text.compare(rows, todo_text.parse("e\na\nb\nc\nd"))
    assert [(row["id"], values) for row, values in plan.changes] == [(5, {"position": 0.0})]
    assert not plan.added
    assert not plan.deleted
    assert edited("a\nb\nc", "- [x] c\na\nb") == [(3, 1, "c"), (1, 0, "a"), (2, 0, "b")]


def test_of_equal_lines_those_with_the_same_box_and_in_the_same_order_are_the_same():
    assert edited("milk\n- [x] milk", "- [x] milk") == [(2, 1, "milk")]
    assert edited("a\nb\na\nc", "b\na\nc") == [(2, 0, "b"), (3, 0, "a"), (4, 0, "c")]
    assert edited("a\nb\na", "- [x] a\nb\na") == [(1, 1, "a"), (2, 0, "b"), (3, 0, "a")]


def test_what_is_in_the_trash_keeps_its_place_between_the_lines():
    rows = rows_of([("a", 0, False), ("gone", 0, True), ("b", 0, False)])
    now = applied(rows, todo_text.compare(rows, todo_text.parse("a\nnew\nb\nlast")))
    assert [row["text"] for row in now] == ["a", "gone", "new", "b", "last"]
    assert [row["position"] for row in now] == [1, 2, 2.5, 3, 4]


def test_a_thousand_lines_against_a_thousand_others_are_compared():
    rows = rows_of([("a", 0, False)] * 1000)
    plan = todo_text.compare(rows, todo_text.parse("a\nb\n" * 500))
    assert (plan.changes, len(plan.added), len(plan.deleted)) == ([], 500, 500)


# The page


@pytest.fixture
def ticket(mira):
    [ticket_id] = mira.add_tickets("Tap")
    mira.ids_of = mira.add_todos(ticket_id, "washer", "water off", "call Ana")
    mira.post(f"/todos/{mira.ids_of[0]}/done", done="1")
    return ticket_id


def save(person, ticket_id, text, **more):
    """Save the list as text by its form; returns the answer."""
    return press(person, f"/platform/{ticket_id}?edit=todos", "Save", "todos-text", text=text, **more)


def listed(person, ticket_id):
    """What is stored: [(id, text, done)], in its order, without the trash."""
    rows = person.site.db.execute(
        "SELECT id, text, done FROM todos WHERE ticket_id = ? AND deleted_at IS NULL ORDER BY position, id", ticket_id
    )
    return [tuple(row.values()) for row in rows]


def stored(person, ticket_id):
    """All of the ticket's to-dos, with the trash, as they are stored."""
    return person.site.db.execute("SELECT * FROM todos WHERE ticket_id = ? ORDER BY id", ticket_id)


def test_the_whole_list_opens_as_text(mira, ticket):
    page = read(mira, f"/platform/{ticket}?edit=todos")
    field = page.one("textarea", name="text", id="todos-text-edit")
    assert field.text == "- [x] washer\n- [ ] water off\n- [ ] call Ana"
    assert read(mira, f"/platform/{ticket}").one(id="todos-text").one("a").words == "Edit as text"


def test_an_edited_text_is_one_action_and_one_undo(mira, ticket):
    washer, water, ana = mira.ids_of
    before = stored(mira, ticket)
    text = "- [ ] call Ana\r\n- [x] washer, 3/4 inch\r\n\r\nnew tap\r\n- [X] old tap"
    page = land(mira, save(mira, ticket, text))
    assert toast(page) == "List edited: 3 added, 2 deleted"
    now = listed(mira, ticket)
    assert [(text, done) for _, text, done in now] == [
        ("call Ana", 0),
        ("washer, 3/4 inch", 1),
        ("new tap", 0),
        ("old tap", 1),
    ]
    assert now[0][0] == ana
    mira.post("/undo")
    assert listed(mira, ticket) == [(washer, "washer", 1), (water, "water off", 0), (ana, "call Ana", 0)]
    assert stored(mira, ticket)[:3] == before
    mira.post("/redo")
    assert listed(mira, ticket) == now


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- [x] washer\n- [ ] water off\n- [x] call Ana", "1 changed"),
        ("- [x] washer\n- [x] water on\n- [ ] call Ana\nx\ny", "2 added, 1 changed"),
        ("- [ ] call Ana\n- [x] washer", "1 moved, 1 deleted"),
        ("", "3 deleted"),
    ],
)
def test_the_history_says_how_many(mira, ticket, text, said):
    assert toast(land(mira, save(mira, ticket, text))).startswith(f"List edited: {said}")
    assert history(mira, ticket)[0] == f"List edited: {said}"
    page = land(mira, press(mira, f"/platform/{ticket}", f"Undo this: List edited: {said}"))
    assert toast(page).startswith(f"Undone: List edited: {said}")
    assert history(mira, ticket)[0] == f"Undone: List edited: {said}"
    assert [text for _, text, _ in listed(mira, ticket)] == ["washer", "water off", "call Ana"]


def test_saving_what_was_opened_changes_nothing(mira, ticket):
    for text in ("- [ ] x", "[x] y", "a\u2028b", "a\tb", "washer", "😀", "-", "<script>", "* [X] z"):
        mira.add_todos(ticket, text)
    [odd] = mira.add_todos(ticket, "odd ends")
    mira.site.db.execute("UPDATE todos SET text = ? WHERE id = ?", " \u3000odd ends\u00a0", odd)
    before, actions = stored(mira, ticket), history(mira, ticket)
    response = press(mira, f"/platform/{ticket}?edit=todos", "Save", "todos-text")
    assert toast(land(mira, response)) is None
    assert stored(mira, ticket) == before
    assert history(mira, ticket) == actions


def test_positions_between_which_is_no_room_are_spread_and_undone(mira, ticket):
    for todo_id in mira.ids_of:
        mira.site.db.execute("UPDATE todos SET position = 1 WHERE id = ?", todo_id)
    before = stored(mira, ticket)
    save(mira, ticket, "- [x] washer\nnew\n- [ ] water off\n- [ ] call Ana")
    assert [text for _, text, _ in listed(mira, ticket)] == ["washer", "new", "water off", "call Ana"]
    mira.post("/undo")
    assert stored(mira, ticket)[:3] == before


def test_a_list_that_was_changed_elsewhere_stands_beside_mine(mira, ticket):
    path = f"/platform/{ticket}?edit=todos"
    was = read(mira, path).one(id="todos-text").one("input", name="was").attributes["value"]
    mira.post(f"/todos/{mira.ids_of[1]}/done", done="1")
    before = stored(mira, ticket)
    response = mira.post(f"/tickets/{ticket}/todos/text", path, text="mine\r\nonly", was=was.replace("\n", "\r\n"))
    assert response.status_code == 409
    page = parse(response)
    assert kept(page) == ["mine\nonly"]
    theirs = "- [x] washer\n- [x] water off\n- [ ] call Ana"
    assert page.one("p", **{"class": "theirs"}).text == theirs
    assert stored(mira, ticket) == before
    form = page.one("textarea").around("form")
    fields = {"text": "mine\r\nonly", "was": form.one("input", name="was").attributes["value"]}
    assert mira.post(form.attributes["action"], path, **fields).status_code == 303
    assert [text for _, text, _ in listed(mira, ticket)] == ["mine", "only"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("good\n\n- [ ] " + "x" * 501, "Line 3 has 501 characters; the limit is 500."),
        ("good\na\0b", "The text has a NUL character, which can't be stored."),
    ],
)
def test_a_line_that_can_not_be_kept_is_named_and_all_that_was_typed_stays(mira, ticket, text, message):
    before = stored(mira, ticket)
    response = save(mira, ticket, text)
    assert response.status_code == 422
    page = parse(response)
    assert problems(page) == [message]
    assert kept(page) == [text]
    assert page.one("input", name="was").attributes["value"].startswith("- [x] washer")
    assert stored(mira, ticket) == before


def test_a_ticket_holds_so_many_todos_and_the_line_without_room_is_named(mira, ticket, monkeypatch):
    monkeypatch.setattr(mira.site, "TODOS_LIMIT", 5)
    mira.post(f"/todos/{mira.ids_of[2]}/delete")  # it counts as well
    page = parse(save(mira, ticket, "- [x] washer\n- [ ] water off\na\n\nb\nc"))
    assert problems(page) == [
        "A ticket has room for 5 to-dos, with those in the trash: line 6 is the first that finds none."
    ]
    assert "c" in kept(page)[0]
    assert save(mira, ticket, "- [x] washer\n- [ ] water off\na\nb").status_code == 303
    assert len(stored(mira, ticket)) == 5


@one_engine
def test_a_text_of_far_too_many_lines_is_refused_before_it_is_compared(mira):
    [ticket] = mira.add_tickets("Many")
    save(mira, ticket, "\n".join(f"to-do {number}" for number in range(500)))
    text = "\n".join(f"line {number}" for number in range(20_000))
    tracemalloc.start()
    response = save(mira, ticket, text)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert problems(parse(response)) == ["That is 20,000 to-dos; a ticket has room for 1,000, with those in the trash."]
    assert most < 50_000_000  # a table of each with each has 80 MB


def test_a_thousand_todos_are_saved_at_once(mira):
    [ticket] = mira.add_tickets("Many")
    text = "\n".join(f"to-do {number}" for number in range(1000))
    assert toast(land(mira, save(mira, ticket, text))) == "List edited: 1000 added"
    assert [todo[0] for todo in mira.todos(ticket)] == text.split("\n")
    ids = [todo_id for todo_id, _, _ in listed(mira, ticket)]
    response = save(mira, ticket, "\n".join(f"- [x] {line}" for line in text.split("\n")))
    assert toast(land(mira, response)) == "List edited: 1000 changed"
    assert [(row[0], row[2]) for row in listed(mira, ticket)] == [(todo_id, 1) for todo_id in ids]
    mira.post("/undo")
    mira.post("/undo")
    assert mira.todos(ticket) == []


@one_engine
def test_a_todo_that_leads_to_a_ticket_still_does_when_its_line_is_edited(mira, ticket):
    mira.post(f"/todos/{mira.ids_of[1]}/ticket")
    save(mira, ticket, "- [x] washer\n- [x] water off, all of it\n- [ ] call Ana")
    link = read(mira, f"/platform/{ticket}").one(id=f"text-{mira.ids_of[1]}").one("a")
    assert link.words == "water off, all of it"
