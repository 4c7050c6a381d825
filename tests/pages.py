"""Pages as a person without JavaScript meets them: reading what stands there and pressing the buttons."""

import re
import threading
from contextlib import contextmanager
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

#: For a test of what happens before the database is asked: it need not be run on each.
one_engine = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

VOID = {"br", "hr", "input", "link", "meta"}


class Element(HTMLParser):
    """An element of a page: `tag`, `attributes`, `children` (elements and texts), `parent`."""

    def __init__(self, tag="page", attributes=(), parent=None):
        super().__init__()
        self.tag, self.attributes, self.parent, self.children = tag, dict(attributes), parent, []
        self.open = self

    def handle_starttag(self, tag, attributes):
        element = Element(tag, attributes, self.open)
        self.open.children.append(element)
        if tag not in VOID:
            self.open = element

    def handle_startendtag(self, tag, attributes):
        self.open.children.append(Element(tag, attributes, self.open))

    def handle_endtag(self, tag):
        if tag not in VOID and tag != "p":
            assert self.open.tag == tag, f"</{tag}> closes <{self.open.tag}>"
        self.open = self.open.parent if self.open.tag == tag else self.open

    def handle_data(self, text):
        self.open.children.append(text)

    def all(self, tag=None, **wanted):
        """Every element below with that tag and those attributes."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if tag in (None, child.tag) and all(child.attributes.get(key) == wanted[key] for key in wanted):
                    found.append(child)
                found += child.all(tag, **wanted)
        return found

    def one(self, tag=None, **wanted):
        """The only such element."""
        found = self.all(tag, **wanted)
        assert len(found) == 1, f"{len(found)} of {tag} {wanted} in: {self.text[:2000]}"
        return found[0]

    def has(self, tag=None, **wanted):
        return bool(self.all(tag, **wanted))

    @property
    def text(self):
        """Exactly what stands in it."""
        text = "".join(child if isinstance(child, str) else child.text for child in self.children)
        return text.removeprefix("\n") if self.tag == "textarea" else text

    @property
    def words(self):
        """What stands in it, as it is read: white space is one space."""
        return re.sub(r"[ \n]+", " ", self.text).strip(" \n")

    @property
    def name(self):
        """What it is called for a screen reader."""
        return self.attributes.get("aria-label") or re.sub(r"[ \n]+", " ", self.heard).strip()

    @property
    def heard(self):
        """Its text without what is hidden from a screen reader."""
        return "".join(
            child if isinstance(child, str) else child.heard
            for child in self.children
            if isinstance(child, str) or child.attributes.get("aria-hidden") != "true"
        )

    def around(self, tag):
        """The nearest such element around this one."""
        return self if self.tag == tag else self.parent.around(tag)


def parse(response):
    """The page of an answer."""
    page = Element()
    page.feed(response.text)
    page.close()
    assert page.open is page, f"<{page.open.tag}> is never closed"
    return page


def read(person, path):
    """Open a page that must be there."""
    response = person.get(path)
    assert response.status_code == 200, (path, response.status)
    return parse(response)


def fields_of(form):
    """What a browser sends of a form: (name, value), line breaks as CRLF."""
    for field in form.all():
        name = field.attributes.get("name")
        if field.tag == "input":
            yield name, field.attributes.get("value", "")
        elif field.tag == "textarea":
            yield name, re.sub(r"\r?\n", "\r\n", field.text)
        elif field.tag == "select":
            yield name, field.all("option")[0].attributes["value"]


def press(person, path, button, inside=None, **filled):
    """Open a page, fill the form in which the button of that name stands, and press it; returns the answer."""
    page = read(person, path)
    page = page.one(id=inside) if inside else page
    buttons = [each for each in page.all("button") if each.name == button]
    assert len(buttons) == 1, f"{len(buttons)} buttons “{button}” among {[each.name for each in page.all('button')]}"
    form = buttons[0].around("form")
    fields = dict(fields_of(form))
    assert fields.keys() >= filled.keys(), f"the form has only {sorted(fields)}"
    fields |= filled
    if "name" in buttons[0].attributes:
        fields[buttons[0].attributes["name"]] = buttons[0].attributes["value"]
    return person.post(buttons[0].attributes.get("formaction", form.attributes["action"]), path, **fields)


def land(person, response):
    """The page to which an answer leads."""
    assert response.status_code == 303, (response.status, response.text[:2000])
    return read(person, response.location)


def path_of(response):
    """Where an answer leads, without the query."""
    assert response.status_code == 303, (response.status, response.text[:2000])
    return urlsplit(response.location).path


def toast(page):
    """What the toast says, None when there is none."""
    toasts = page.one(id="toast").all("span")
    return toasts[0].words if toasts else None


def history(person, ticket_id):
    """The sentences of a ticket's history, newest first."""
    return [item.all("span")[1].words for item in read(person, f"/platform/{ticket_id}").one(id="history").all("li")]


def problems(page):
    """The messages on a page."""
    found = [
        each
        for each in page.all("p")
        if "hidden" not in each.attributes
        and (each.attributes.get("class") == "problem" or each.attributes.get("role") == "alert")
    ]
    return [each.words for each in found if each.words]


def kept(page):
    """What stands in the page's text fields."""
    return [field.text for field in page.all("textarea") if field.text]


def at_once(*calls):
    """Run these at the same moment, each in a thread; returns their answers."""
    barrier, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number, call):
        barrier.wait()
        answers[number] = call()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@contextmanager
def counted(db):
    """The SQL statements that are run meanwhile, as a list; they are run all the same."""
    execute, statements = db.execute, []

    def note(sql, *values, **named):
        statements.append(sql)
        return execute(sql, *values, **named)

    db.execute = note
    try:
        yield statements
    finally:
        del db.execute


def contents(site):
    """All that the database holds."""
    return {
        table: sorted(map(repr, site.db.execute(f"SELECT * FROM {table}")))
        for table in ("nikko", "users", "sessions", "tickets", "todos", "labels", "actions", "resets")
    }
