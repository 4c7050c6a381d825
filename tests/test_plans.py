"""No request reads another person's rows: the plans of every statement that the routes send."""

import io
import re
import time

import pytest
from conftest import PASSWORD
from plans import faults, gathered
from test_security import OWNED, path_of

import upgrade
import uploads
from sessions import hashed

#: The fields with which each other form works; a new route needs a row.
FORMS = {
    "/register": {"username": "planner", "password": PASSWORD, "first_name": "Mira", "last_name": "K"},
    "/login": {"password": PASSWORD},
    "/logout": {},
    "/reset/<code>": {"password": PASSWORD},
    "/account/name": {"first_name": "Mira", "last_name": "K"},
    "/account/password": {"current_password": PASSWORD, "new_password": PASSWORD},
    "/account/sessions": {"session": "others"},
    "/account/delete": {"your_password": PASSWORD},
    "/account/theme": {"theme": "dark"},
    "/account/shortcuts": {"on": "0"},
    "/account/zone": {"time_zone": "Europe/Zagreb"},
    "/tickets": {"title": "one\ntwo #home #new !fri", "form_key": "x", "quick": "1"},
    "/undo": {},
    "/redo": {},
    "/trash/empty": {"until": str(2**31)},
    "/account/calendar": {"on": "1"},
    "/import/file": {"file": "Title\na\n"},
    "/import/run": {"upload": "{upload}"},
    "/import/discard": {},
    "/archive/done": {},
    "/archive/after": {"days": "1"},
}
FORMS |= {key.removeprefix("POST "): fields for key, fields in OWNED.items() if key.startswith("POST")}
FORMS |= {path: {"ticket": "{another}"} for path in ("/tickets/<id:ticket_id>/todo", "/todos/<id:todo_id>/carry")}
FORMS["/labels/<id:label_id>/merge"] = {"into": "{other}"}
#: Other fields for a form that can do several things; {other} is another ticket or to-do.
MORE_FORMS = [
    ("/tickets/<id:ticket_id>/position", {"status": "todo", "before": "{other}"}),
    ("/todos/<id:todo_id>/position", {"before": "{other}"}),
    ("/labels/<id:label_id>/name", {"name": "was deleted"}),
    ("/redo", {"action": "{action}"}),
    ("/account/sessions", {"session": "{session}"}),
]
VIEWS = ["", "?q=tap+hole+is:open+has:todos", "?q=is:done", "?open={ticket}&more=todo&edit={ticket}&move={ticket}"]
VIEWS += ["?done={action}", "?empty=1", "?q=label:home+due:week+is:late", "?label={label}&due=today&due=week"]
VIEWS += ["?labels={ticket}", "?date={ticket}", "?edit={label}"]


class Planner:
    """A person with something of everything, on whom one request is tried."""

    def __init__(self, person):
        self.person, self.db = person, person.site.db
        ticket, other, gone, old = person.add_tickets("tap", "hole", "gone", "old")
        todo, next_todo, gone_todo = person.add_todos(ticket, "tap", "hole", "gone")
        for path in (f"/todos/{gone_todo}/delete", f"/tickets/{gone}/delete", f"/tickets/{old}/delete"):
            person.post(path)
        self.db.execute("UPDATE tickets SET deleted_at = 1 WHERE id = ?", old)
        _, done = person.add_tickets("done", "tap put away", status="done")
        person.post(f"/tickets/{done}/archive")
        self.db.execute("UPDATE tickets SET status_since = 1 WHERE user_id = ?", person.id)
        self.db.execute("UPDATE users SET archive_after = 1 WHERE id = ?", person.id)
        person.post(f"/tickets/{ticket}/description", description="the tap drips")
        person.post(f"/tickets/{ticket}/title", title="a new title")
        person.post("/undo")
        person.post(f"/tickets/{ticket}/labels", labels="home, garden, was deleted")
        person.post(f"/tickets/{ticket}/due", due="tomorrow")
        label, other_label, deleted = person.ids("SELECT id FROM labels WHERE user_id = ? ORDER BY id DESC LIMIT ?", 3)
        person.post(f"/labels/{deleted}/delete")
        self.ids = {"ticket": ticket, "todo": todo, "label": label}
        self.values = {"ticket": ticket, "another": other, "label": label}
        self.values |= {"session": self.latest("sessions"), "action": self.latest("actions")}
        uploads.keep(self.db, person.id, "x.csv", io.BytesIO(b"Title,Labels,To-dos\na,Bug,x\n"))
        self.values["upload"] = self.latest("uploads")
        key = f"{person.id:_>43}"
        self.db.execute("UPDATE users SET calendar_key = ? WHERE id = ?", key, person.id)
        self.db.execute("UPDATE tickets SET due = '2026-11-30' WHERE user_id = ?", person.id)
        self.known = {
            "/reset/x": f"/reset/code{person.id}",
            "export.x": "export.json",
            "/calendar/x": f"/calendar/{key}",
        }
        self.others = {"ticket": other, "todo": next_todo, "label": other_label}
        self.trashed = {"ticket": gone, "todo": gone_todo}
        self.db.execute(
            "INSERT INTO resets (code, user_id, expires_at) VALUES (?, ?, ?)",
            hashed(f"code{person.id}"), person.id, 2**31,
        )  # fmt: skip

    def latest(self, table):
        return self.db.execute(f"SELECT MAX(id) AS id FROM {table} WHERE user_id = ?", self.person.id)[0]["id"]

    def send(self, rule, fields=None, page=None):
        """Send a form (as the script does when it stands on a `page`), or open a page; returns the answers."""
        path = path_of(rule, **(self.trashed if rule.rule.startswith("/trash/") else self.ids))
        for unknown, known in self.known.items():
            path = path.replace(unknown, known)
        if fields is None:
            views = [view.format(**self.values) for view in VIEWS]
            return [self.person.client.get(path + view, headers=headers(page)) for view in views]
        other = next((self.others[each] for each in ("todo", "label") if f"{each}_id" in rule.arguments), None)
        other = other or self.others["ticket"]
        fields = {name: value.format(other=other, **self.values) for name, value in fields.items()}
        if rule.rule == "/register":
            fields["username"] += str(time.time_ns())
        if rule.rule == "/login":
            fields["username"] = self.person.username
        if "file" in fields:
            fields["file"] = (io.BytesIO(fields["file"].encode()), "x.csv")
        page = page and page.format(**self.values)
        return [self.person.client.post(path, data=fields, headers=headers(page))]


def headers(page):
    return {"X-Requested-With": "XMLHttpRequest", "Referer": f"http://localhost{page}"} if page else {}


def sent(site, new_person):
    """All that the routes of the app send to the database, each statement once: {sql: values}."""
    statements = {}
    for rule in site.app.url_map.iter_rules():
        if rule.rule == "/static/<digest>/<name>":  # has no session, and is there or not
            continue
        pages = [None, "/", "/?q=tap+hole", "/platform/{ticket}", "/archive", "/archive?q=tap", "/labels", "/trash"]
        tries = [(None, page) for page in pages[:2]] if "GET" in rule.methods else []
        if "POST" in rule.methods:
            fields = FORMS[rule.rule]
            # A password takes a third of a second, and its answer is the same on every page.
            tries += [(fields, page) for page in pages[: 1 if PASSWORD in fields.values() else None]]
            tries += [(fields, page) for name, fields in MORE_FORMS if name == rule.rule for page in pages[:2]]
        for fields, page in tries:
            site.db.execute("DELETE FROM attempts")
            planner = Planner(new_person())
            if rule.rule == "/redo":
                planner.person.post("/undo")
                planner.values["action"] = planner.latest("actions")
            with gathered(site.db) as executed:
                answers = planner.send(rule, fields, page)
            assert all(answer.status_code < 500 for answer in answers), rule.rule
            if fields is not None:
                assert answers[0].status_code in (200, 204, 303), (rule.rule, answers[0].text)
            statements |= dict(executed)
    return statements


def in_line(sql):
    return " ".join(sql.split())


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_route_reads_another_persons_rows(site, new_person):
    statements = sent(site, new_person)
    found = [(in_line(sql), fault) for sql, values in statements.items() for fault in faults(site.db, sql, values)]
    assert len(statements) > 70
    assert found == []


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_no_route_has_to_read_a_whole_table_of_postgresql(site, new_person):
    statements = sent(site, new_person)
    found = []
    with site.db.kept():  # the setting is the connection's
        site.db.execute("SET enable_seqscan = off")  # a small table is read whole unless it can't be helped
        for sql, values in statements.items():
            plan = [row["QUERY PLAN"] for row in site.db.execute(f"EXPLAIN {sql}", *values)]
            found += [(in_line(sql), line) for line in plan if "Seq Scan on" in line and "nikko" not in line]
        site.db.execute("RESET enable_seqscan")
    assert found == []


def whole_tables(db, sql, values):
    """The tables that MariaDB has to read whole, for no index of theirs would help; a small one it may read anyway."""
    if re.match(r"INSERT INTO \w+ \([^()]*\) VALUES", in_line(sql)):  # it names the table that is written to
        return []
    plan = db.execute(f"EXPLAIN {sql}", *values)
    kinds = [(row["table"], row["type"]) for row in plan if not row["possible_keys"]]
    return [table for table, kind in kinds if kind in ("ALL", "index") and table != "nikko" and table[0] != "<"]


@pytest.mark.parametrize("engine", ["mysql"], indirect=True)
def test_no_route_has_to_read_a_whole_table_of_mariadb(site, new_person):
    statements = sent(site, new_person)
    found = [
        (in_line(sql), table) for sql, values in statements.items() for table in whole_tables(site.db, sql, values)
    ]
    assert found == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM tickets WHERE title = ?",
        "SELECT COUNT(*) FROM tickets WHERE deleted_at > ?",
        "UPDATE todos SET done = 1 WHERE text = ?",
        "DELETE FROM todos WHERE done = ?",
    ],
)
@pytest.mark.parametrize("engine", ["mysql"], indirect=True)
def test_a_whole_table_of_mariadb_is_noticed(site, new_person, sql):
    Planner(new_person())
    assert whole_tables(site.db, sql, (1,)) == [sql.replace("UPDATE", "FROM").partition("FROM ")[2].split()[0]]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_is_deleted_finds_what_belongs_to_it(db):
    for table in upgrade.blueprint():
        keys = {row["name"] for row in db.execute('SELECT "from" AS name FROM pragma_foreign_key_list(?)', table)}
        first = db.execute(
            """
            SELECT info.name
            FROM pragma_index_list(?) AS list, pragma_index_info(list.name) AS info
            WHERE info.seqno = 0
            """,
            table,
        )
        assert keys <= {row["name"] for row in first}, table


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("SELECT id FROM tickets WHERE title = ?", "SCAN tickets"),
        ("SELECT id FROM tickets WHERE id > ?", "SEARCH tickets USING INTEGER PRIMARY KEY (rowid>?)"),
        ("SELECT COUNT(*) FROM tickets WHERE deleted_at = ?", "SCAN tickets USING COVERING INDEX tickets_shown"),
        ("DELETE FROM todos WHERE done = ?", "SCAN todos"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_statement_that_reads_everybodys_rows_is_found(db, sql, fault):
    assert faults(db, sql, (1,)) == [fault]
