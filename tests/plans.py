"""How SQLite runs the statements that the app sends: whose rows they read."""

import re
from contextlib import contextmanager

#: By what a row may be found: whose it is, a key that the person has, or a time that is over.
OWNERS = {"user_id", "ticket_id", "rowid", "id", "code", "whose", "username_key", "calendar_key", "upload_id"}
TIMES = {"seen_at", "created_at", "expires_at", "since"}


@contextmanager
def gathered(db):
    """The statements that are sent to `db` in this block, as [(sql, values)]."""
    statements, execute = [], db.execute

    def noting(sql, *values, **named):
        statements.append((sql, values))
        return execute(sql, *values, **named)

    db.execute = noting
    try:
        yield statements
    finally:
        del db.execute


def faults(db, sql, values):
    """The lines of its plan that read a whole table, or rows by something that isn't their owner."""
    if sql.split()[0] == "INSERT":
        return []
    plan = [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", *values)]
    views = {words[1] for line in plan if (words := line.split())[0] in ("MATERIALIZE", "CO-ROUTINE")}
    return [line for line in plan if is_fault(line, views)]


def is_fault(line, views):
    """Whether a line of a plan reads more than it should; `views` are the results of a statement's own parts."""
    words = line.split()
    if words[0] == "SCAN":
        return words[1] not in views and not re.match(r"SCAN (\(subquery|\d+ CONSTANT ROW|CONSTANT ROW|nikko)", line)
    if words[0] != "SEARCH":
        return False
    condition = re.search(r"\((\w+)(=|<|>)\?", line)  # the first column of the index
    if not condition or "AUTOMATIC" in line:
        return True
    column, operator = condition.groups()
    return not ((column in OWNERS and operator == "=") or column in TIMES)
