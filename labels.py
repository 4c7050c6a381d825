"""Labels: what tickets are marked with, and how a ticket's row holds them."""

import unicodedata

#: The colours of a label, by the names that nikko.css knows (`.label-red`), each readable in light and in dark.
COLOURS = ("grey", "red", "amber", "green", "teal", "blue", "purple", "pink")

NAME_LIMIT = 50  # characters
TICKET_LIMIT = 20  # labels of one ticket
LIMIT = 200  # labels of a person


def key(name):
    """The key under which a person has that label only once: Bug is bug."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def ids(stored):
    """The labels of a ticket's row, as ids in their order."""
    return [int(label_id) for label_id in stored.split()]


def stored(label_ids):
    """The same for the row: each id stands between spaces, so that LIKE '% 3 %' finds one of them."""
    return f" {' '.join(map(str, label_ids))} " if label_ids else ""


def replaced(stored_ids, label_id, other_id=None):
    """The labels of a ticket's row with another one in the place of that one, or without it."""
    changed = [other_id if each == label_id else each for each in ids(stored_ids)]
    return stored(list(dict.fromkeys(filter(None, changed))))


def in_order(mine):
    """Labels, {id: (name, colour)}, as [(id, (name, colour))] by their names."""
    return sorted(mine.items(), key=lambda label: key(label[1][0]))


def split(text):
    """The names in a text, separated by commas, each once."""
    names = (" ".join(name.split()) for name in text.split(","))
    return once(name for name in names if name)


def once(names):
    """The names without those that mean the same label as one before."""
    first = {}
    for name in names:
        first.setdefault(key(name), name)
    return list(first.values())


def fault(name):
    """Why a label can't be called that, in a sentence; None when it can."""
    if len(name) > NAME_LIMIT or len(key(name)) > 200:
        return f"A label has at most {NAME_LIMIT} characters."
    if "," in name or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        return "A label has no commas and no control characters."
    if not any(letter.isprintable() and not letter.isspace() for letter in name):
        return "A label needs a name."
    return None


def fault_of_held(name):
    """The same of a label that was not typed: of an import, or chosen, it may have commas."""
    return fault(name.replace(",", " "))


def next_colour(used):
    """The colour of a new label: of those that are least among `used`, the first; grey comes last."""
    return min(COLOURS[1:] + COLOURS[:1], key=used.count)
