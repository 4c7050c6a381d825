"""The account page, links for a new password, the throttle, and what the log says of all that."""

import re
import threading
import time

import pytest
from conftest import PASSWORD
from pages import at_once, contents, land, one_engine, parse, path_of, press, problems, read, toast

import throttle as throttles
import words
from sessions import hashed

NEW = "ein anderer Tritt in den Schnee"


@pytest.fixture(autouse=True)
def nobody_has_failed(site):
    """Every test comes from the same address."""
    site.db.execute("DELETE FROM attempts")


def log_in(visitor, username, password=PASSWORD, **environment):
    return visitor.client.post(
        "/login", data={"username": username, "password": password}, environ_overrides=environment
    )  # fmt: skip


def is_in(person):
    return person.get("/").status_code == 200


# Name and password


def test_a_name_is_changed_and_shows_at_once(mira):
    response = press(mira, "/account", "Save name", first_name="Ümit", last_name="<b>O'Neil</b>")
    page = land(mira, response)
    assert toast(page) == "Your name is changed."
    assert page.one(id="account").one("summary").name == "Ü<, account of Ümit <b>O'Neil</b>"
    assert page.one(id="first_name").attributes["value"] == "Ümit"


def test_a_refused_name_stays_in_its_field(mira):
    response = press(mira, "/account", "Save name", first_name="x" * 101, last_name="Kovač")
    assert response.status_code == 422
    page = parse(response)
    assert page.one(id="first_name").attributes["value"] == "x" * 101
    assert page.one(id="first_name-note").words == "That is 101 characters; the limit is 100."


def test_a_password_is_changed_with_the_old_one_and_ends_every_other_session(mira, visitor):
    elsewhere = mira.another_browser()
    cookie = mira.client.get_cookie("nikko").value
    response = press(mira, "/account", "Change password", current_password=PASSWORD, new_password=NEW)
    assert toast(land(mira, response)) == "Your password is changed, and you are logged out everywhere else."
    assert not is_in(elsewhere)
    assert mira.client.get_cookie("nikko").value != cookie
    assert log_in(visitor, mira.username).status_code == 422
    assert path_of(log_in(visitor, mira.username, NEW)) == "/"


@pytest.mark.parametrize(
    ("current", "new", "field", "message"),
    [
        ("not it at all", NEW, "current_password", "That is not your password."),
        (PASSWORD, "short", "new_password", "At least 8 characters. A few words in a row make a good one."),
        (PASSWORD, "password1", "new_password", "That one is easy to guess. A few words in a row make a good one."),
    ],
)
def test_a_password_that_can_not_be_changed_is_refused_with_the_reason(mira, visitor, current, new, field, message):
    elsewhere = mira.another_browser()
    response = press(mira, "/account", "Change password", current_password=current, new_password=new)
    assert response.status_code == 422
    page = parse(response)
    assert page.one(id=f"{field}-note").words == message
    assert f'"{current}"' not in response.text
    assert f'"{new}"' not in response.text
    assert is_in(elsewhere)
    assert path_of(log_in(visitor, mira.username)) == "/"


def test_a_script_is_told_beside_which_field(mira):
    response = mira.ajax("/account/password", current_password="wrong one", new_password=NEW)
    assert (response.status_code, response.headers["X-Field"]) == (422, "current_password")
    assert response.text == "That is not your password."


# Where somebody is logged in


def sessions(person):
    """What the account page lists, as (words, the button's value)."""
    items = read(person, "/account").one(id="sessions").all("li")
    return [
        (item.one("span", **{"class": "what"}).words, [each.attributes["value"] for each in item.all("button")])
        for item in items
    ]


def test_the_page_lists_where_somebody_is_logged_in(new_person, site, visitor):
    noor = new_person()
    headers = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605 Version/18.0 Safari/604.1"}
    visitor.client.post("/login", data={"username": noor.username, "password": PASSWORD}, headers=headers)
    listed = sessions(visitor)
    assert len(listed) == 2
    [(here, no_button)] = [each for each in listed if "(this one)" in each[0]]
    assert re.fullmatch(r"Safari on an iPhone \(this one\) since \d\d:\d\d, last seen \d\d:\d\d", here)
    assert no_button == []
    assert site.db.execute("SELECT id FROM sessions WHERE id = ?", hashed(visitor.client.get_cookie("nikko").value))


def test_one_other_session_is_ended(mira):
    phone, laptop = mira.another_browser(), mira.another_browser()
    which = hashed(phone.client.get_cookie("nikko").value)
    assert toast(land(mira, mira.post("/account/sessions", session=which))) == "Logged out there."
    assert (is_in(mira), is_in(phone), is_in(laptop)) == (True, False, True)
    assert mira.post("/account/sessions", session=which).status_code == 404


@pytest.mark.parametrize("which", ["", "x", "a\0b", "x" * 9000, "😀", "' OR 1=1 --", "OTHERS"], ids=ascii)
def test_a_session_that_there_never_was_is_not_found(mira, which):
    elsewhere = mira.another_browser()
    assert mira.post("/account/sessions", session=which).status_code == 404
    assert is_in(elsewhere)


def test_ending_this_very_session_leads_to_the_login_page(mira):
    here = hashed(mira.client.get_cookie("nikko").value)
    assert path_of(mira.post("/account/sessions", session=here)) == "/login"
    assert not is_in(mira)


@pytest.mark.parametrize(
    ("path", "fields"), [("/logout", {}), ("/account/delete", {"your_password": PASSWORD}), ("/account/sessions", {})]
)
@pytest.mark.parametrize("ajax", [False, True], ids=["form", "ajax"])
def test_who_leaves_leaves_nothing_in_the_browser(mira, path, fields, ajax):
    fields = fields or {"session": hashed(mira.client.get_cookie("nikko").value)}
    response = (mira.ajax if ajax else mira.post)(path, **fields)
    assert response.headers["Clear-Site-Data"] == '"storage"'
    assert "/login" in (response.location, response.headers.get("X-Go-To"))


def test_all_other_sessions_are_ended_at_once(mira):
    others = [mira.another_browser() for _ in range(3)]
    press(mira, "/account", "Log out everywhere else")
    assert [is_in(each) for each in (mira, *others)] == [True, False, False, False]
    assert len(sessions(mira)) == 1


def test_nobody_ends_somebody_elses_session(new_person):
    mira, noor = new_person(), new_person()
    theirs = hashed(noor.client.get_cookie("nikko").value)
    assert mira.post("/account/sessions", session=theirs).status_code == 404
    assert mira.post("/account/sessions", session="others").status_code == 303
    assert is_in(noor)


@pytest.mark.parametrize(
    ("user_agent", "said"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537 Chrome/140 Safari/537 Edg/140.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 Version/18 Safari/605", "Safari on a Mac"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537 Chrome/140 Mobile Safari/537", "Chrome on Android"),
        ("curl/8.0", "A browser"),
        ("", "A browser"),
    ],
)
@one_engine
def test_a_browser_is_named_in_words(user_agent, said, engine):
    assert words.browser(user_agent) == said


# The end of an account


def test_an_account_is_deleted_with_everything_in_it(new_person, site, visitor):
    mira, noor = new_person(), new_person()
    kept_ticket = noor.add_tickets("noor's own")
    before = {table: len(rows) for table, rows in contents(site).items()}
    theirs = f"written by {mira.username}."
    for number in range(3):
        [ticket] = mira.add_tickets(f"{theirs} {number}")
        mira.add_todos(ticket, f"to-do {theirs}")
        mira.post(f"/tickets/{ticket}/status", status="done")
    elsewhere = mira.another_browser()
    response = press(mira, "/account", "Delete account and everything in it", your_password=PASSWORD)
    assert path_of(response) == "/login"
    after = contents(site)
    assert not any(theirs in row for rows in after.values() for row in rows)
    lost = {table: before[table] - len(rows) for table, rows in after.items()}
    assert lost == dict.fromkeys(before, 0) | {"users": 1, "sessions": 1}
    assert not is_in(elsewhere)
    assert not is_in(mira)
    assert log_in(visitor, mira.username).status_code == 422
    assert noor.board()["todo"] == ["noor's own"]
    assert kept_ticket


@pytest.fixture
def changed_meanwhile(mira, site, monkeypatch):
    """The next password that is checked is found right, and changed by its owner before anything is made of that."""
    check = site.helpers.check_password

    def check_slowly(password_hash, password):
        monkeypatch.undo()
        is_right = check(password_hash, password)
        change = threading.Thread(
            target=mira.post, args=["/account/password"], kwargs={"current_password": PASSWORD, "new_password": NEW}
        )
        change.start()
        change.join()
        return is_right

    monkeypatch.setattr(site.helpers, "check_password", check_slowly)


def test_a_login_with_a_password_that_is_changed_meanwhile_is_refused(mira, visitor, changed_meanwhile):
    response = log_in(visitor, mira.username)
    assert response.status_code == 422
    assert not is_in(visitor)
    assert is_in(mira)
    assert path_of(log_in(visitor, mira.username, NEW)) == "/"


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/account/password", {"current_password": PASSWORD, "new_password": "the thief's own password"}),
        ("/account/delete", {"your_password": PASSWORD}),
    ],
)
def test_what_asks_for_the_password_is_refused_when_that_is_changed_meanwhile(
    mira, visitor, changed_meanwhile, path, fields
):
    response = mira.another_browser().post(path, **fields)
    assert response.status_code == 422
    assert path_of(log_in(visitor, mira.username, NEW)) == "/"


def test_an_account_is_not_deleted_without_its_password(mira):
    response = press(mira, "/account", "Delete account and everything in it", your_password="not it")
    assert response.status_code == 422
    assert parse(response).one(id="your_password-note").words == "That is not your password."
    assert is_in(mira)


# A lost password


def reset_link(site, person):
    """The path of the link that the command prints."""
    ended = site.app.test_cli_runner().invoke(args=["reset-password", person.username.upper()])
    assert ended.exit_code == 0, ended.output
    return re.search(r"https?://[^/]+(/reset/\S+)", ended.output)[1]


def test_a_link_lets_a_person_choose_a_new_password_once(mira, visitor, site):
    link = reset_link(site, mira)
    assert not [row for row in contents(site)["resets"] if link.rpartition("/")[2] in row], "stored as it is"
    assert read(visitor, link).one("bdi").words == mira.username
    response = press(visitor, link, "Save and log in", password=NEW)
    assert path_of(response) == "/"
    assert is_in(visitor)
    assert not is_in(mira), "who was logged in with the lost password"
    assert visitor.get(link).status_code == 404
    assert visitor.post(link, password="yet another one here").status_code == 404
    assert path_of(log_in(visitor, mira.username, NEW)) == "/"


def test_of_two_who_use_a_link_at_the_same_moment_one_gets_in(mira, site, new_person):
    link = reset_link(site, mira)
    clients = [site.app.test_client() for _ in range(2)]
    headers = {"Sec-Fetch-Site": "same-origin"}
    answers = at_once(
        *[lambda client=client: client.post(link, data={"password": NEW}, headers=headers) for client in clients]
    )
    assert sorted(answer.status_code for answer in answers) == [303, 404]


def test_a_bad_new_password_leaves_the_link_as_it_was(mira, visitor, site):
    link = reset_link(site, mira)
    assert problems(parse(visitor.post(link, password="short")))
    assert path_of(visitor.post(link, password=NEW)) == "/"


def test_a_link_ends_after_its_time_and_with_a_changed_password(mira, visitor, site):
    link = reset_link(site, mira)
    site.db.execute("UPDATE resets SET expires_at = ?", int(time.time()))
    response = visitor.get(link)
    assert response.status_code == 404
    assert "Ask who runs this NIKKO" in response.text
    link = reset_link(site, mira)
    mira.post("/account/password", current_password=PASSWORD, new_password=NEW)
    assert visitor.get(link).status_code == 404


def test_a_link_for_nobody_is_not_made(site):
    ended = site.app.test_cli_runner().invoke(args=["reset-password", "nobody-at-all"])
    assert (ended.exit_code, ended.output) == (1, "There is no account named nobody-at-all.\n")


# Too many tries


def test_ten_wrong_passwords_close_the_door_from_there_and_from_nowhere_else(mira, visitor):
    for _ in range(10):
        assert log_in(visitor, mira.username, "wrong password").status_code == 422
    response = log_in(visitor, mira.username)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= throttles.WINDOW
    assert problems(parse(response)) == ["Too many tries. Wait 15 minutes and try again."]
    assert parse(response).one(id="username").attributes["value"] == mira.username
    assert path_of(log_in(visitor, mira.username, REMOTE_ADDR="192.0.2.7")) == "/"


def test_the_door_opens_again_after_its_time(mira, visitor, site):
    for _ in range(11):
        log_in(visitor, mira.username, "wrong password")
    site.db.execute("UPDATE attempts SET since = since - ?", throttles.WINDOW)
    assert path_of(log_in(visitor, mira.username)) == "/"


def test_a_right_password_begins_the_count_anew(mira, visitor):
    for _ in range(3):
        for _ in range(9):
            assert log_in(visitor, mira.username, "wrong password").status_code == 422
        assert log_in(visitor, mira.username).status_code == 303


def test_one_address_can_not_try_one_account_after_the_other(site, visitor, monkeypatch):
    monkeypatch.setattr(site, "ATTEMPTS_OF_ADDRESS", 5)
    for number in range(5):
        assert log_in(visitor, f"nobody{number}", "wrong password").status_code == 422
    assert log_in(visitor, "nobody5", "wrong password").status_code == 429


def test_tries_at_the_same_moment_are_all_counted(site, mira, monkeypatch):
    monkeypatch.setattr(site, "ATTEMPTS_OF_ACCOUNT", 2)
    clients = [site.app.test_client() for _ in range(5)]
    form, headers = {"username": mira.username, "password": "wrong password"}, {"Sec-Fetch-Site": "same-origin"}
    answers = at_once(
        *[lambda client=client: client.post("/login", data=form, headers=headers).status_code for client in clients]
    )
    assert sorted(answers) == [422, 422, 429, 429, 429]


def test_a_guess_at_the_current_password_counts_as_well(mira):
    for _ in range(10):
        assert mira.post("/account/password", current_password="a guess", new_password=NEW).status_code == 422
    assert mira.post("/account/delete", your_password=PASSWORD).status_code == 429
    assert is_in(mira)


def test_a_try_counts_although_its_request_fails(mira, visitor, site, monkeypatch):
    def fail(*_):
        raise RuntimeError("on purpose")

    monkeypatch.setattr(site.helpers, "check_password", fail)
    for _ in range(10):
        assert log_in(visitor, mira.username).status_code == 500
    monkeypatch.undo()
    assert log_in(visitor, mira.username).status_code == 429


def test_every_worker_counts_in_the_same_place(mira, visitor, site, another_site):
    other = another_site(DATABASE_URL=site.config.database_url).app.test_client()
    form, headers = {"username": mira.username, "password": "wrong password"}, {"Sec-Fetch-Site": "same-origin"}
    for _ in range(5):
        assert log_in(visitor, mira.username, "wrong password").status_code == 422
        assert other.post("/login", data=form, headers=headers).status_code == 422
    assert other.post("/login", data=form, headers=headers).status_code == 429
    assert log_in(visitor, mira.username).status_code == 429


def test_a_forged_address_is_not_believed(mira, visitor):
    headers = {"Sec-Fetch-Site": "same-origin"}
    for number in range(10):
        headers["X-Forwarded-For"] = f"192.0.2.{number}"
        form = {"username": mira.username, "password": "wrong password"}
        assert visitor.client.post("/login", data=form, headers=headers).status_code == 422
    assert log_in(visitor, mira.username).status_code == 429


def test_a_script_is_told_when_to_try_again(mira):
    for _ in range(10):
        mira.ajax("/account/delete", your_password="a guess")
    response = mira.ajax("/account/delete", your_password=PASSWORD)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= throttles.WINDOW


@one_engine
@pytest.mark.parametrize(
    ("addresses", "status"),
    [
        (["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"], 429),
        (["2001:db8:1:2::1", "2001:db8:1:3::1"], 422),
        (["192.0.2.7", "::ffff:192.0.2.7"], 429),
        (["::ffff:192.0.2.7", "::ffff:192.0.2.8"], 422),
        (["fe80::1%eth0", "fe80::2%eth0"], 429),
        (["192.0.2.7", "192.0.2.8"], 422),
        (["", "unix:"], 422),
    ],
)
def test_a_network_of_ipv6_counts_as_one_address(mira, visitor, addresses, status):
    for _ in range(10):
        log_in(visitor, mira.username, "wrong password", REMOTE_ADDR=addresses[0])
    assert log_in(visitor, mira.username, "wrong password", REMOTE_ADDR=addresses[1]).status_code == status


def test_old_counts_go_by_themselves(mira, visitor, site):
    log_in(visitor, mira.username, "wrong password")
    site.db.execute("UPDATE attempts SET since = since - ?", throttles.WINDOW)
    log_in(visitor, mira.username, REMOTE_ADDR="192.0.2.7")
    assert len(site.db.execute("SELECT whose FROM attempts")) == 1  # the address of the login that succeeded


# The log


def lines(capsys):
    """What was logged, as (event, {name: value})."""
    found = re.findall(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ([a-z-]+) (.*)$", capsys.readouterr().err, re.MULTILINE)
    return [(event, dict(pair.split("=", 1) for pair in pairs.split())) for event, pairs in found]


def test_each_request_is_a_line(mira, capsys):
    capsys.readouterr()
    mira.get("/?q=a secret search")
    [(event, fields)] = lines(capsys)
    assert event == "request"
    assert fields.pop("ms").isdigit()
    assert re.fullmatch(r"[0-9a-f]{8}", fields.pop("id"))
    assert fields == {"method": "GET", "path": "/", "status": "200", "user": str(mira.id), "from": "127.0.0.1"}


def test_what_matters_for_security_is_a_line_with_who_and_from_where(mira, visitor, site, capsys):
    link = reset_link(site, mira)
    capsys.readouterr()
    log_in(visitor, mira.username, "wrong password")
    log_in(visitor, mira.username)
    visitor.post(link, password=NEW)
    visitor.post("/account/password", current_password=NEW, new_password=PASSWORD)
    visitor.post("/account/sessions", session="others")
    visitor.post("/logout")
    log_in(visitor, mira.username)
    visitor.post("/account/delete", your_password=PASSWORD)
    for _ in range(12):
        log_in(visitor, mira.username)
    told = [(event, fields) for event, fields in lines(capsys) if event != "request"]
    assert [event for event, _ in told] == [
        "wrong-password", "login", "password-reset", "password-change", "sessions-ended", "logout", "login",
        "account-deleted", *["wrong-password"] * 10, "throttled", "throttled",
    ]  # fmt: skip
    for event, fields in told:
        assert fields.get("user") == (None if event in ("wrong-password", "throttled") else str(mira.id))
        assert fields["from"] == "127.0.0.1"
        assert re.fullmatch(r"[0-9a-f]{8}", fields["id"])


def test_the_log_holds_no_password_no_session_and_no_text(mira, visitor, site, capsys):
    link = reset_link(site, mira)
    capsys.readouterr()
    log_in(visitor, mira.username, "a wrong password")
    log_in(visitor, mira.username)
    mira.add_tickets("a secret title")
    mira.get("/?q=secret")
    visitor.get(link)
    log = capsys.readouterr().err
    cookie = mira.client.get_cookie("nikko").value
    for secret in (
        PASSWORD,
        "wrong%20password",
        "a secret",
        "q=secret",
        cookie,
        link.rpartition("/")[2],
        mira.username,
        hashed(cookie),
    ):
        assert secret not in log


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "{}"), ("HEAD", "{}"), ("PUT", "{}"), ("GET", "{}/"), ("GET", "/x{}"), ("POST", "{}")],
)
def test_the_log_never_holds_the_code_of_a_link(mira, visitor, site, capsys, method, path):
    link = reset_link(site, mira)
    capsys.readouterr()
    visitor.client.open(path.format(link), method=method)
    visitor.client.open(path.format(link.replace("reset", "Reset")), method=method)
    log = capsys.readouterr().err
    assert log.count(" request id=") == 2
    assert link.rpartition("/")[2] not in log


def test_a_traceback_in_the_log_has_nothing_of_the_address(visitor, site, monkeypatch, caplog):
    monkeypatch.setitem(site.app.view_functions, "reset_password", lambda code: 1 / 0)
    visitor.get("/reset/a-secret-code%0d%0a2026-01-01T00:00:00Z%20login%20user=1")
    assert "ZeroDivisionError" in caplog.text
    assert "a-secret-code" not in caplog.text
    assert "login user=1" not in caplog.text


@pytest.mark.parametrize("path", ["/%0d%0a2026-01-01T00:00:00Z login user=1", "/a\u2028b", "/\x1b[2J", "/x y=z"])
def test_nobody_writes_a_line_of_their_own(visitor, capsys, path):
    capsys.readouterr()
    visitor.get(path)
    [line] = capsys.readouterr().err.splitlines()
    assert " request id=" in line
    assert len(line.split(" ")) == 8
    assert line.isascii()
    assert line.isprintable()
