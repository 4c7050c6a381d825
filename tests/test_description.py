"""Descriptions: Markdown that can do no harm, seen before it is saved, and never lost."""

import re

import pytest
from pages import Element, history, kept, land, one_engine, parse, press, problems, read, toast

import description
import search

FRAGMENTS = {"X-Requested-With": "XMLHttpRequest"}


def html(text):
    """What is drawn of a text, as elements."""
    page = Element()
    page.feed(str(description.rendered(text)))
    page.close()
    return page


def links(text):
    """The addresses to which a text leads."""
    return [link.attributes["href"] for link in html(text).all("a")]


def describe(person, ticket_id, text, **more):
    """Save a description by its form; returns the answer."""
    return press(person, f"/platform/{ticket_id}?edit=description", "Save", "description", description=text, **more)


def stored(person, ticket_id):
    return person.site.db.execute("SELECT description FROM tickets WHERE id = ?", ticket_id)[0]["description"]


@pytest.fixture
def ticket(mira):
    [ticket_id] = mira.add_tickets("Tap")
    return ticket_id


# What is drawn


def test_it_is_markdown():
    page = html("A *b* **c** `d`\n\n- e\n- f\n\n1. g\n\n> h\n\n    i\n\n[j](https://k.example)")
    assert [page.one(tag).words for tag in ("em", "strong", "blockquote", "pre", "a")] == ["b", "c", "h", "i", "j"]
    assert [item.words for item in page.one("ul").all("li")] == ["e", "f"]
    assert page.one("ol").words == "g"


def test_lines_stay_lines():
    assert str(description.rendered("a\nb")).replace("\n", "") == '<p dir="auto">a<br>b</p>'


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <b onclick=alert(1)>b</b>",
        "<!-- x --> <?php ?> <![CDATA[x]]>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "</div></main><h1>",
        "&lt;b&gt;",
    ],
)
def test_html_is_text(text):
    page = html(text)
    assert {element.tag for element in page.all()} == {"p"}
    assert page.words == text.replace("&lt;", "<").replace("&gt;", ">")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#115;cript:alert(1)",
        "javascript&colon;alert(1)",
        "data:text/html,x",
        "data:image/png;base64,iVBORw0KGgo=",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:x",
        "about:blank",
        "x:y",
    ],
)
def test_an_address_that_does_something_else_than_lead_to_a_page_is_no_link(address):
    for text in (f"[x]({address})", f"[x](<{address}>)", f"<{address}>", f"![x]({address})", f"[x]\n\n[x]: {address}"):
        assert links(text) == [], text


def test_addresses_are_links_with_and_without_markdown():
    assert links("[a](https://a.example/_b_) [c](/platform/3) [d](mailto:e@f.example) <http://g.example>") == [
        "https://a.example/_b_",
        "/platform/3",
        "mailto:e@f.example",
        "http://g.example",
    ]
    assert links("see https://a.example/b_c_d, or (http://d.example/e_(f)). mira@g.org README.md x:y //h") == [
        "https://a.example/b_c_d",
        "http://d.example/e_(f)",
        "mailto:mira@g.org",
    ]
    for link in html("[a](https://a.example) https://b.example").all("a"):
        assert link.attributes["rel"] == "noopener nofollow"


def test_a_picture_is_a_link_to_it_and_nothing_is_loaded():
    page = html("![a *b*](https://c.example/d.png) [![e](https://f.example/g.png)](https://h.example) ![no picture]")
    assert [(link.words, link.attributes["href"]) for link in page.all("a")] == [
        ("a b", "https://c.example/d.png"),
        ("e", "https://h.example"),
    ]
    assert page.words == "a b e ![no picture]"
    assert not page.has("img")


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("# a\n## b\n### c", "345"),
        ("### a\n# b\n## c", "334"),
        ("# a\n###### b\n##### c\n# d", "3443"),
        ("a\n=\nb\n-", "34"),
        ("# a\n## b\n### c\n#### d\n##### e\n###### f", "345666"),
    ],
)
def test_headings_go_on_from_those_of_the_page_and_leave_no_level_out(text, levels):
    assert re.findall(r"<h(\d)", str(description.rendered(text))) == list(levels)


@pytest.mark.parametrize(
    "text",
    [">", "[", "![", "*", "_", "*a ", "- ", "1. ", "`", "[a](", "<", "&", "\\", "http://a", "> - ", "# a\n", "> a\n"],
)
def test_20000_characters_of_any_mark_are_drawn_and_nothing_nests_without_end(text):
    drawn = str(description.rendered((text * description.LIMIT)[: description.LIMIT]))
    depth = deepest = 0
    for slash in re.findall(r"<(/?)(?:blockquote|ul|ol|li|em|strong|a)\b", drawn):
        depth += -1 if slash else 1
        deepest = max(deepest, depth)
    assert drawn
    assert deepest <= 45


@pytest.mark.parametrize("definition", ["[a]: /{}\n\n", '[a]: /b "{}"\n\n'])
def test_an_address_that_is_named_once_and_used_everywhere_makes_no_page_of_100_megabytes(definition):
    text = definition.format("&" * 9_000) + "[a]\n" * 2_500
    drawn = str(description.rendered(text))
    assert len(drawn) < 1_000_000
    assert drawn.count("[a]") >= 2_500  # what isn't a link stands there as it was typed


def test_addresses_that_are_named_are_links_wherever_they_are_used():
    address = "https://a.example/" + "b" * 300
    assert links("[c][d] [d] " * 200 + f"\n\n[d]: {address} 'title'") == [address] * 400


# The page


def test_a_description_is_added_changed_and_taken_away(mira, ticket):
    page = read(mira, f"/platform/{ticket}").one(id="description")
    assert page.one("a").words == "Add a description"
    page = land(mira, describe(mira, ticket, "It **drips**"))
    assert page.one(id="description").one("strong").words == "drips"
    assert toast(page) == "Description of “Tap” changed"
    assert history(mira, ticket) == ["Description changed", "Added"]
    assert (
        read(mira, f"/platform/{ticket}?edit=description").one("textarea", id="description-edit").text == "It **drips**"
    )
    page = land(mira, describe(mira, ticket, " \r\n "))
    assert page.one(id="description").one("a").words == "Add a description"
    assert stored(mira, ticket) == ""


def test_it_is_kept_as_typed_but_for_the_end(mira, ticket):
    describe(mira, ticket, "  a\r\n\r\n  \tb\r\nc  \r\n\r\n")
    assert stored(mira, ticket) == "  a\n\n  \tb\nc  "
    describe(mira, ticket, "\r\n\r\nx")
    assert stored(mira, ticket) == "\n\nx"
    response = press(mira, f"/platform/{ticket}?edit=description", "Save", "description")
    assert toast(land(mira, response)) is None
    assert stored(mira, ticket) == "\n\nx"
    assert history(mira, ticket).count("Description changed") == 2


def test_undo_takes_it_back_and_redo_does_it_again(mira, ticket):
    describe(mira, ticket, "one")
    describe(mira, ticket, "two")
    mira.post("/undo")
    assert stored(mira, ticket) == "one"
    page = land(mira, press(mira, f"/platform/{ticket}", "Undo this: Description changed"))
    assert page.one(id="description").one("a").words == "Add a description"
    mira.post("/redo")
    assert stored(mira, ticket) == "one"


def test_a_preview_shows_it_and_saves_nothing(mira, ticket):
    describe(mira, ticket, "old")
    before = read(mira, f"/platform/{ticket}?edit=description").one(id="preview")
    assert "hidden" in before.attributes
    path = f"/platform/{ticket}?edit=description"
    page = parse(press(mira, path, "Preview", "description", description="new *text*\r\n<b>"))
    assert page.one(id="preview").one("em").words == "text"
    assert "hidden" not in page.one(id="preview").attributes
    assert page.one("textarea", id="description-edit").text == "new *text*\r\n<b>"
    assert page.one("input", name="was").attributes["value"] == "old"
    assert stored(mira, ticket) == "old"
    assert history(mira, ticket)[0] == "Description changed"
    response = mira.ajax(f"/tickets/{ticket}/description/preview", description="new *text*")
    assert parse(response).one(id="preview").one("em").words == "text"


def test_a_text_that_was_changed_elsewhere_stands_beside_mine(mira, ticket):
    describe(mira, ticket, "one\ntwo")
    path = f"/platform/{ticket}?edit=description"
    mine = {"description": "mine\r\nall", "was": "one\r\ntwo"}
    describe(mira, ticket, "theirs\n\n<b>")
    response = mira.post(f"/tickets/{ticket}/description", path, **mine)
    assert response.status_code == 409
    page = parse(response)
    assert kept(page) == ["mine\nall"]
    assert page.one("p", **{"class": "theirs"}).text == "theirs\n\n<b>"
    form = page.one("textarea").around("form")
    assert form.one("input", name="was").attributes["value"] == "theirs\n\n<b>"
    assert stored(mira, ticket) == "theirs\n\n<b>"
    response = mira.post(form.attributes["action"], path, description="mine\r\nall", was="theirs\r\n\r\n<b>")
    assert response.status_code == 303
    assert stored(mira, ticket) == "mine\nall"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 20_001, "That is 20,001 characters; the limit is 20,000."),
        ("a\0b", "The text has a NUL character, which can't be stored."),
    ],
)
@pytest.mark.parametrize("button", ["Save", "Preview"])
def test_what_can_not_be_kept_is_refused_with_what_was_typed(mira, ticket, text, message, button):
    describe(mira, ticket, "old")
    response = press(mira, f"/platform/{ticket}?edit=description", button, "description", description=text)
    assert response.status_code == 422
    page = parse(response)
    assert problems(page) == [message]
    assert kept(page) == [text]
    assert page.one("input", name="was").attributes["value"] == "old"
    assert stored(mira, ticket) == "old"


def test_broken_characters_are_refused(mira, ticket):
    response = mira.client.post(
        f"/tickets/{ticket}/description",
        data="description=a%ED%A0%80b",
        content_type="application/x-www-form-urlencoded",
    )
    assert response.status_code == 422
    assert "a\ufffd" in kept(parse(response))[0]
    assert stored(mira, ticket) == ""


def test_what_is_typed_survives_the_end_of_the_session(mira, ticket):
    path = f"/tickets/{ticket}/description"
    mira.post("/logout")
    response = mira.post(path, description="much work")
    assert response.status_code == 401
    assert kept(parse(response)) == ["much work"]


def test_20000_characters_of_four_bytes_fit(mira, ticket):
    describe(mira, ticket, "😀" * 20_000)
    assert stored(mira, ticket) == "😀" * 20_000


@one_engine
def test_the_script_gets_the_form_alone(mira, ticket):
    describe(mira, ticket, "text")
    page = parse(mira.get(f"/platform/{ticket}?edit=description", headers=FRAGMENTS))
    assert [child.attributes.get("id") for child in page.children if isinstance(child, Element)] == ["description"]
    page = parse(mira.ajax(f"/tickets/{ticket}/description", description="new", back=f"/platform/{ticket}"))
    assert page.one(id="description").one("p").words == "new"


# Search


def test_words_of_a_description_are_found_and_the_line_is_shown(mira, ticket):
    describe(mira, ticket, "First line\r\nThe *Café* drips <b>\r\nlast line")
    page = read(mira, "/?q=cafe+tap")
    assert [title.words for title in page.all("h3")] == ["Tap"]
    assert page.one("ul", **{"class": "found"}).words == "The *Café* drips <b>"
    assert [mark.text for mark in page.all("mark")] == ["Tap", "Café"]
    assert read(mira, "/?q=nowhere").one("h1").words == "Nothing found"


def test_nobody_finds_what_is_in_somebody_elses_description(mira, ticket, new_person):
    describe(mira, ticket, "secret")
    noor = new_person()
    noor.add_tickets("mine")
    assert read(noor, "/?q=secret").one("h1").words == "Nothing found"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("word", "word"),
        ("a\n  a WÖRD here  \nword", "a WÖRD here"),
        ("nothing", ""),
        ("x" * 500 + " word " + "y" * 500, "…" + "x" * 52 + " word " + "y" * 102 + "…"),
        ("word " + "y" * 500, "word " + "y" * 155 + "…"),
    ],
)
def test_an_excerpt_is_the_line_around_the_first_word(text, shown):
    query = search.parse("word wörd", 1, None)
    assert query.excerpt(text) == shown
    assert not shown or any(hit for _, hit in query.marked(shown))
