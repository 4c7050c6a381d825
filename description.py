"""A ticket's description: Markdown (CommonMark) as HTML that is safe in a page and fits into its outline."""

import functools
import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import link
from markupsafe import Markup

LIMIT = 20_000  # characters

#: An address that may become a link: to a page of NIKKO, or by one of these schemes.
LINK = re.compile(r"(?:https?|mailto|tel):|(?![^/?#]*:)", re.IGNORECASE)
#: How many characters the addresses that a text uses by name (`[a]: b`) may come to: repeated, they could be 100 MB.
REFERENCES_LIMIT = 200_000
PAGE_HEADINGS = 2  # the title is the page's <h1>, "Description" the <h2> over this text


@functools.lru_cache(256)
def rendered(text):
    """The HTML of a description, remembered: a page view draws the same text again.

    HTML in it stands there as text, pictures become links to them, and nothing is loaded from anywhere. The library
    looks no deeper than 20 levels of nesting, so that no text takes long: of 20,000 characters the worst that we found
    (nothing but opening brackets) takes a third of a second.
    """
    return Markup(markdown.render(text))  # noqa: S704  (the library escapes whatever was typed)


def picture(state, silent):
    """An inline rule in place of the library's for pictures: `![a](b)` is the link `[a](b)`."""
    if not state.src.startswith("![", state.pos):
        return False
    state.pos += 1
    if link(state, silent):
        return True
    state.pos -= 1
    return False


def limit_references(state):
    """A core rule: addresses have no names when all uses of the longest could come to more than REFERENCES_LIMIT."""
    references = state.env.get("references", {})
    longest = max((len(each["href"]) + len(each["title"]) for each in references.values()), default=0)
    if longest * state.src.count("[") > REFERENCES_LIMIT:
        references.clear()


def fit_in(state):
    """A core rule: each text has its own direction, and headings leave no level out below those of the page."""
    above = []  # the levels of the headings under which this one stands
    for token in state.tokens:
        if token.nesting == 1:
            token.attrSet("dir", "auto")
        if token.type == "heading_open":
            above = [level for level in above if level < token.tag] + [token.tag]
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(PAGE_HEADINGS + len(above), 6)}"
        token.children = token.children and list(outermost_links(token.children))


def outermost_links(tokens):
    """The tokens of a line without the links that stand in another one, as a picture in a link does."""
    depth = 0
    for token in tokens:
        depth -= token.type == "link_close"
        if not (depth and token.type in ("link_open", "link_close")):
            yield token
        if token.type == "link_open":
            token.attrSet("rel", "noopener nofollow")
            depth += 1


def reader():
    """The library, set up."""
    library = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True, "xhtmlOut": False})
    library.core.ruler.enable("linkify")
    library.linkify.set({"fuzzy_link": False})  # README.md is no address
    library.linkify.add("//", None).add("ftp:", None)
    library.inline.ruler.at("image", picture)
    library.core.ruler.before("inline", "limit_references", limit_references)
    library.core.ruler.push("fit_in", fit_in)
    library.validateLink = lambda address: bool(LINK.match(address.strip()))
    return library


markdown = reader()
