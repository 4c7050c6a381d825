"""Registering, logging in and out: the lists "Passwords", "Login" and "Sessions" of OWASP ASVS that apply here."""

import contextlib
import itertools
import threading

import flask
import pytest
from conftest import PASSWORD, PASSWORD_HASH, Person
from hostile import HOSTILE_TEXTS
from pages import at_once, contents, land, one_engine, parse, path_of, press, problems, read

import helpers
import throttle

GOOD = "Ein Löffel voll Sägespäne"
TAKEN = "Somebody already has that name. Try another."
WRONG = "That name and password don't go together."
names = (f"noor{number}" for number in itertools.count(1))


@pytest.fixture
def quick_hashes(site, monkeypatch):
    """Hashes that take no time, and as many accounts as it takes, for tests of something else."""
    monkeypatch.setattr(site.helpers, "HASH_METHOD", "pbkdf2:sha256:1")
    monkeypatch.setattr(site, "REGISTRATIONS_OF_ADDRESS", 10**6)


def form(**changes):
    """A registration that is right but for the changes; None leaves a field out."""
    fields = {"first_name": "Noor", "last_name": "Árnason", "username": next(names), "password": GOOD} | changes
    return {name: value for name, value in fields.items() if value is not None}


def a_visitor(site):
    return Person(site, site.app.test_client())


def stored(site, username):
    return site.db.execute("SELECT id, password_hash FROM users WHERE username = ?", username)


# Registering


def test_a_person_registers_logs_out_and_logs_in_again(visitor, site):
    fields = form()
    response = press(visitor, "/register", "Create account", **fields)
    assert path_of(response) == "/"
    assert land(visitor, response).one("summary", **{"aria-label": "NÁ, account of Noor Árnason"})
    assert stored(site, fields["username"])[0]["password_hash"].startswith("scrypt:32768:8:3$")
    assert path_of(press(visitor, "/", "Log out")) == "/login"
    assert visitor.get("/").status_code == 303
    response = press(visitor, "/login", "Log in", username=fields["username"].upper(), password=GOOD)
    assert path_of(response) == "/"
    land(visitor, response)


@pytest.mark.parametrize("field", ["first_name", "last_name", "username", "password"])
@pytest.mark.parametrize(
    ("value", "status"),
    [(None, 422), ("", 422), (" \t\u3000", 422), (["a" * 9, "b" * 9], 400), ("x" * 1025, 422)],
    ids=["missing", "empty", "blank", "doubled", "long"],
)
def test_a_refused_registration_keeps_what_was_typed_but_never_the_password(
    visitor, site, quick_hashes, field, value, status
):
    fields = form(**{field: value})
    response = visitor.post("/register", **fields)
    page = parse(response)
    assert response.status_code == status
    assert len(problems(page)) == 1
    assert page.one("input", **{"aria-invalid": "true"}).attributes["name"] == field
    for name in ("first_name", "last_name", "username"):
        typed = fields.get(name, "")
        assert page.one("input", name=name).attributes["value"] == (typed[0] if isinstance(typed, list) else typed)
    assert "value" not in page.one("input", name="password").attributes
    assert GOOD not in response.text
    assert not stored(site, str(fields.get("username")))
    assert "Set-Cookie" not in response.headers


def test_names_come_back_as_they_were_typed(visitor, site, quick_hashes):
    for text in HOSTILE_TEXTS:
        if len(text) > 100:
            continue
        person = a_visitor(site)
        person.post("/register", **form(first_name=text, last_name=f" {text} "))
        page = read(person, "/")
        assert page.one("p", **{"class": "sheet-head"}).all("bdi")[0].text == f"{text} {text}"


@pytest.mark.parametrize("length", [50, 100])
def test_a_name_may_be_long(visitor, site, quick_hashes, length):
    username = "😀" * 40 + next(names)
    response = visitor.post("/register", **form(first_name="ß" * 100, last_name="😀" * length, username=username))
    assert response.status_code == 303


def test_a_name_that_is_taken_is_refused_however_it_is_written(visitor, site, quick_hashes):
    base = next(names)
    visitor.post("/register", **form(username=base))
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in base)
    for name in (base, base.upper(), wide, wide.upper(), f" {base} "):
        response = a_visitor(site).post("/register", **form(username=name))
        assert response.status_code == 422
        assert problems(parse(response)) == [TAKEN]
        assert parse(response).one("input", name="username").attributes["value"] == name


def test_of_people_who_register_the_same_name_at_the_same_moment_one_gets_it(site, quick_hashes):
    for _ in range(3):
        base = next(names)
        wide = "".join(chr(ord(letter) + 0xFEE0) for letter in base)
        people = [a_visitor(site) for _ in range(4)]
        answers = at_once(
            *[
                lambda each=each, name=name: each.post("/register", **form(username=name))
                for each, name in zip(people, [base, base.upper(), wide, base.title()])
            ]
        )
        assert sorted(answer.status_code for answer in answers) == [303, 422, 422, 422]
        for person, answer in zip(people, answers):
            if answer.status_code == 303:
                assert person.get("/").status_code == 200
            else:
                assert problems(parse(answer)) == [TAKEN]
                assert parse(answer).one("input", name="first_name").attributes["value"] == "Noor"
                assert person.get("/").status_code == 303


# Too many accounts


@pytest.fixture
def three_accounts(visitor, quick_hashes, site, monkeypatch):
    """An address that has made as many accounts as it may; gives a function that asks for another one."""
    monkeypatch.setattr(site, "REGISTRATIONS_OF_ADDRESS", 3)

    def register(address="127.0.0.1", **changes):
        fields, environment = form(**changes), {"REMOTE_ADDR": address}
        return a_visitor(site).client.post("/register", data=fields, environ_overrides=environment)

    assert [register().status_code for _ in range(3)] == [303] * 3
    return register


def test_an_address_makes_a_limited_number_of_accounts(three_accounts, site):
    username = next(names)
    response = three_accounts(username=username)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= throttle.WINDOW
    page = parse(response)
    assert problems(page) == ["Too many accounts from your network. Wait 15 minutes and try again."]
    assert [page.one(id=name).attributes["value"] for name in ("first_name", "last_name", "username")] == [
        "Noor", "Árnason", username,
    ]  # fmt: skip
    assert not stored(site, username)
    assert three_accounts("192.0.2.7").status_code == 303


def test_it_makes_more_after_its_time(three_accounts, site):
    site.db.execute("UPDATE attempts SET since = since - ?", throttle.WINDOW)
    assert three_accounts().status_code == 303


def test_a_network_of_ipv6_makes_as_many_accounts_as_one_address(three_accounts):
    answers = [three_accounts(f"2001:db8:1:2::{number}").status_code for number in range(4)]
    assert answers == [303] * 3 + [429]


def test_who_may_make_no_more_accounts_can_log_in(three_accounts, new_person, site):
    person = new_person()
    assert a_visitor(site).post("/login", username=person.username, password=PASSWORD).status_code == 303


def test_a_class_registers_from_one_address(site):
    assert site.REGISTRATIONS_OF_ADDRESS >= 30


def test_a_registration_that_is_refused_is_no_account(visitor, quick_hashes, site, monkeypatch):
    monkeypatch.setattr(site, "REGISTRATIONS_OF_ADDRESS", 1)
    taken = form()
    site.insert_user(taken["username"], taken["username"], "-", "Noor", "Árnason")
    with monkeypatch.context() as busy:
        busy.setattr(site.helpers, "hash_password", lambda _: (_ for _ in ()).throw(site.Problem(503, "busy")))
        answers = [a_visitor(site).post("/register", **form()).status_code for _ in range(2)]
    answers += [a_visitor(site).post("/register", **form(password="short")).status_code for _ in range(2)]
    answers += [a_visitor(site).post("/register", **taken).status_code for _ in range(2)]
    assert answers == [503, 503, 422, 422, 422, 422]
    assert a_visitor(site).post("/register", **form()).status_code == 303
    assert a_visitor(site).post("/register", **form()).status_code == 429


def test_accounts_of_the_same_moment_are_all_counted(visitor, quick_hashes, site, monkeypatch):
    monkeypatch.setattr(site, "REGISTRATIONS_OF_ADDRESS", 3)
    answers = at_once(*[lambda: a_visitor(site).post("/register", **form()).status_code for _ in range(8)])
    assert sorted(answers) == [303] * 3 + [429] * 5


def test_a_name_that_is_taken_costs_no_hash(visitor, quick_hashes, site, monkeypatch):
    taken = form()
    a_visitor(site).post("/register", **taken)
    monkeypatch.setattr(site.helpers, "hash_password", pytest.fail)
    assert problems(parse(visitor.post("/register", **taken))) == [TAKEN]


# What may be a name or a password (no database needed)


def new_password(*names):
    """The password of a form, as registering takes it."""
    return helpers.new_password(helpers.read("password"), *names)


def asked(read_field, *arguments, **fields):
    """What a reader of helpers.py makes of a form: its answer, or the message."""
    with flask.Flask("form").test_request_context(method="POST", data=fields):
        try:
            return read_field(*arguments)
        except helpers.Problem as problem:
            return problem.message


def test_every_hostile_text_is_a_username_or_refused_with_a_message():
    for text in HOSTILE_TEXTS:
        answer = asked(helpers.read_username, username=text)
        assert answer[0] == text or answer.startswith(("A username has no", "That is "))


@pytest.mark.parametrize(
    "name",
    [
        "a b", "a\u00a0b", "a\u3000b", "a\tb", "a\nb", "a\x01b", "a\x7fb", "a\u0085b", "a\u200bb", "a\u200db",
        "a\u2060b", "a\ufeffb", "a\u00adb", "a\u202eb", "a\u2066b", "a\u2028b", "a\u034fb", "a\u115fb", "a\u3164b",
        "a\uffa0b", "a\ufe0fb", "a\u180eb", "a\u2800b", "a\ue000b", "a\U000e0041b", "a\U000e0101b", "a\ufffeb",
        "¨", "a\u061cb",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_username_has_no_spaces_and_nothing_that_can_not_be_seen(name):
    assert asked(helpers.read_username, username=name) == "A username has no spaces and no invisible characters."


@pytest.mark.parametrize("name", ["mira", "Mira.Kovač", "o'brien", "日本", "مرحبا", "नमस्ते", "😀", "-", "0", "a" * 50])
def test_a_username_may_be_in_any_script(name):
    assert asked(helpers.read_username, username=f" {name} ")[0] == name


@pytest.mark.parametrize(
    "names",
    [
        ("mira", "Mira", "MIRA", "ｍｉｒａ", "𝓶𝓲𝓻𝓪"),
        ("straße", "STRASSE", "Straße"),
        ("é", "e\u0301", "É", "E\u0301"),
        ("ﬁn", "fin"),
        ("Å", "\u212b", "å"),
        ("ς", "Σ", "σ"),
    ],
    ids=ascii,
)
def test_names_that_look_alike_have_one_key(names):
    assert len({asked(helpers.read_username, username=name)[1] for name in names}) == 1


@pytest.mark.parametrize(
    "password",
    [
        "Ein Löffel voll Sägespäne", "        ", "12345678 ", " 3xylophon", "😀😀😀😀😀😀😀😀", "a\tb\tc\td\t",
        "x" * 1024, "ß" * 512, "<script>alert(1)</script>", "correct horse battery staple", "nikkonikko", "miramira",
        "a\u0301" * 8,
        "ЁЖИК в тумане",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_password_is_taken_as_it_is(password):
    assert asked(new_password, "mira", "Mira", "Kovač", password=password) == password


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("", "At least 8 characters."),
        ("1234567", "At least 8 characters."),
        ("😀" * 7, "At least 8 characters."),
        ("x" * 1025, "At most 1,024 bytes"),
        ("ß" * 513, "At most 1,024 bytes"),
        ("password", "easy to guess"),
        ("PASSWORD", "easy to guess"),
        ("12345678", "easy to guess"),
        ("iloveyou", "easy to guess"),
        ("qwertyuiop", "easy to guess"),
        ("Mira-Kovač", "easy to guess"),
        ("mira-kovač", "easy to guess"),
        ("Alexandra", "easy to guess"),
        ("alexandra1999", "easy to guess"),
        ("!!Papadopoulos!!", "easy to guess"),
        ("nikko123", "easy to guess"),
        ("2026NIKKO!", "easy to guess"),
    ],
    ids=ascii,
)
def test_a_short_long_or_easy_password_is_refused(password, message):
    answer = asked(new_password, "mira-kovač", "Alexandra", "Papadopoulos", password=password)
    assert message in answer


def test_three_thousand_common_passwords_are_refused():
    common = helpers.commonest_passwords()
    assert len(common) == 3000
    assert {"password", "baseball", "trustno1", "football"} <= common
    assert min(map(len, common)) == 8


@pytest.mark.parametrize(
    "path",
    [
        "//e", "//evil.example/", "/\\e", "/\\/e", "\\\\e", "/\t/e", "/\n/e", "/\r/e", "\t//e",
        " //e", "https:e", "https://evil.example", "http:///e", "javascript:alert(1)", "data:text/html,x", "e", "",
        None, "/ /e", "/\x00/e", "/x\r\nSet-Cookie: a=b", "/x\\e", "/x\x7f", "?x", "#x", "///e", "/\u0000", "mailto:e",
        "@e",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_way_on_to_another_site_leads_to_the_board(path):
    assert helpers.safe_next(path) == "/"


@pytest.mark.parametrize(
    "path", ["/", "/platform/3", "/trash?empty=1", "/?edit=3", "/?q=a%26b", "/%09/e", "/x//y", "/x y"]
)
def test_a_way_on_within_this_site_is_kept(path):
    assert helpers.safe_next(path) == path


# Logging in


@pytest.fixture
def noor(site, quick_hashes):
    """Somebody with an account and a quick hash, logged out; their `username` is known."""
    person = a_visitor(site)
    fields = form()
    person.post("/register", **fields)
    person.post("/logout")
    person.username = fields["username"]
    [row] = stored(site, person.username)
    person.id = row["id"]
    return person


def log_in(person, **changes):
    return person.post("/login", **({"username": person.username, "password": GOOD} | changes))


@pytest.mark.parametrize("way", ["/platform", "/trash?empty=1"])
def test_login_leads_on_to_where_the_person_was_heading(noor, way):
    response = noor.get(way)
    page = parse(noor.get(response.location))
    assert page.one("input", name="next").attributes["value"] == way
    wrong = press(noor, response.location, "Log in", username=noor.username, password="wrong")
    assert parse(wrong).one("input", name="next").attributes["value"] == way
    assert press(noor, response.location, "Log in", username=noor.username, password=GOOD).location == way


@one_engine
@pytest.mark.parametrize("way", ["//e", "/\\e", "/\t/e", "https:e", "https://evil.example", "é://"])
def test_login_never_leads_to_another_site(noor, way):
    assert log_in(noor, next=way).location == "/"


def test_every_character_of_a_password_counts(site, quick_hashes):
    for password in (
        " spaces at both ends ",
        "emoji 😀👩‍👩‍👧‍👦",
        "tab\tand\nnewline",
        "nul\0inside it",
        "\u0301combining",
        "x" * 1024,
    ):
        person = a_visitor(site)
        fields = form(password=password)
        assert person.post("/register", **fields).status_code == 303
        person.username = fields["username"]
        for wrong in (password.strip() + ".", password[:-1], password.upper() + "!", password + " "):
            assert log_in(person, password=wrong).status_code == 422
        assert log_in(person, password=password).status_code == 303


def test_an_unknown_name_and_a_wrong_password_get_the_same_answer_after_one_check(noor, site, monkeypatch):
    checks = []
    check = site.helpers.check_password_hash
    monkeypatch.setattr(site.helpers, "check_password_hash", lambda *values: checks.append(values[0]) or check(*values))
    answers = []
    for username in (noor.username, "nobody-of-that-name"):
        response = log_in(noor, username=username, password="not the password")
        assert response.status_code == 422
        assert problems(parse(response)) == [WRONG]
        answers.append(response.text.replace(username, "…"))
    assert answers[0] == answers[1]
    assert len(checks) == 2
    assert site.helpers.NOBODYS_HASH in checks
    assert site.helpers.NOBODYS_HASH.startswith("scrypt:32768:8:3$")


def test_password_managers_are_told_which_field_is_which(noor, site):
    log_in(noor)
    new, current, name = "new-password", "current-password", "username"
    for person, path, expected in (
        (a_visitor(site), "/login", [("username", name), ("password", current)]),
        (a_visitor(site), "/register", [("username", name), ("password", new)]),
        (a_visitor(site), reset_link(site, noor), [("username", name), ("password", new)]),
        (noor, "/account", [("username", name), ("current_password", current), ("new_password", new),
                            ("username", name), ("your_password", current)]),
    ):  # fmt: skip
        fields = [each.attributes for each in read(person, path).all("input") if "autocomplete" in each.attributes]
        fields = [each for each in fields if each["name"] != "q"]  # the search
        tokens = [(each["name"], each["autocomplete"]) for each in fields]
        assert [each for each in tokens if each[0] not in ("first_name", "last_name")] == expected
        for each in fields:
            assert (each.get("type") == "password") == each["name"].endswith("password")
            assert not {"maxlength", "onpaste", "pattern"} & each.keys()


def test_nobodys_password_lets_nobody_in(noor):
    for password in ("nobody", ""):
        assert log_in(noor, username="nobody-of-that-name", password=password).status_code == 422


@one_engine
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"username": ""}, 422),
        ({"username": "x" * 51}, 422),
        ({"username": "a b"}, 422),
        ({"username": "a\0b"}, 422),
        ({"username": ["a", "b"]}, 400),
        ({"password": ["a", "b"]}, 400),
        ({"password": []}, 422),
        ({"next": ["/", "/"]}, 400),
    ],
    ids=str,
)
def test_a_broken_login_is_refused_in_words_and_the_name_kept(noor, fields, status):
    response = log_in(noor, **fields)
    assert response.status_code == status
    assert len(problems(parse(response))) == 1
    assert GOOD not in response.text
    if "username" not in fields and "next" not in fields:
        assert parse(response).one("input", name="username").attributes["value"] == noor.username


def test_an_old_hash_is_renewed_at_login(site, new_person):
    mira = new_person()
    old = site.helpers.generate_password_hash(PASSWORD, "pbkdf2:sha256:1")
    site.db.execute("UPDATE users SET password_hash = ? WHERE id = ?", old, mira.id)
    assert log_in(mira, password="wrong").status_code == 422
    assert stored(site, mira.username)[0]["password_hash"] == old
    assert log_in(mira, password=PASSWORD).status_code == 303
    renewed = stored(site, mira.username)[0]["password_hash"]
    assert renewed.startswith("scrypt:32768:8:3$")
    assert log_in(mira, password=PASSWORD).status_code == 303
    assert stored(site, mira.username)[0]["password_hash"] == renewed


def test_a_password_that_is_changed_while_an_old_hash_is_renewed_stays_changed(site, new_person, monkeypatch):
    mira = new_person()
    old, new = (site.helpers.generate_password_hash(each, "pbkdf2:sha256:1") for each in (PASSWORD, GOOD))
    site.db.execute("UPDATE users SET password_hash = ? WHERE id = ?", old, mira.id)

    def hash_password(password):
        site.db.execute("UPDATE users SET password_hash = ? WHERE id = ?", new, mira.id)
        return site.helpers.generate_password_hash(password, "pbkdf2:sha256:1")

    monkeypatch.setattr(site.helpers, "hash_password", hash_password)
    log_in(mira, password=PASSWORD)
    assert stored(site, mira.username)[0]["password_hash"] == new


def test_a_hash_of_today_is_left_as_it_is(site, new_person):
    mira = new_person()
    log_in(mira, password=PASSWORD)
    assert stored(site, mira.username)[0]["password_hash"] == PASSWORD_HASH


# Sessions


def cookie(person):
    found = person.client.get_cookie("nikko")
    return found and found.value


def test_login_begins_a_session_with_a_new_id(noor):
    noor.client.set_cookie("nikko", "planted-by-somebody-else")
    log_in(noor)
    first = cookie(noor)
    assert first != "planted-by-somebody-else"
    log_in(noor)
    assert cookie(noor) != first
    thief = a_visitor(noor.site)
    for planted in ("planted-by-somebody-else", first):
        thief.client.set_cookie("nikko", planted)
        assert thief.get("/").status_code == 303


def test_a_cookie_is_worth_nothing_after_logging_out(noor):
    log_in(noor)
    copy = cookie(noor)
    assert noor.get("/").status_code == 200
    noor.post("/logout")
    assert cookie(noor) is None
    noor.client.set_cookie("nikko", copy)
    assert noor.get("/").status_code == 303


def reset_link(site, person):
    output = site.app.test_cli_runner().invoke(args=["reset-password", person.username]).output
    return f"/reset/{output.rpartition('/reset/')[2].strip()}"


WAYS_OUT = {
    "logout": lambda noor: noor.post("/logout"),
    "another login": log_in,
    "password change": lambda noor: noor.post("/account/password", current_password=GOOD, new_password="quite new"),
    "password change elsewhere": lambda noor: noor.another_browser().post(
        "/account/password", current_password=GOOD, new_password="quite new"
    ),
    "reset": lambda noor: a_visitor(noor.site).post(reset_link(noor.site, noor), password="quite new"),
    "log out everywhere else": lambda noor: noor.another_browser().post("/account/sessions", session="others"),
    "deletion": lambda noor: noor.post("/account/delete", your_password=GOOD),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_a_copied_cookie_is_worth_nothing_afterwards(noor, site, way):
    site.db.execute("DELETE FROM attempts")
    log_in(noor)
    thief = a_visitor(site)
    thief.client.set_cookie("nikko", cookie(noor))
    assert thief.get("/").status_code == 200
    assert WAYS_OUT[way](noor).status_code == 303
    thief.client.set_cookie("nikko", thief.client.get_cookie("nikko").value)
    assert thief.get("/").status_code == 303
    assert thief.post("/tickets", title="x").status_code == 401


@pytest.mark.parametrize("way", ["login", "register", "reset"])
def test_no_way_in_takes_over_a_planted_session(noor, site, way):
    """Neither an id that somebody made up nor that of a session which they really have."""
    attacker = a_visitor(site)
    attacker.post("/register", **form())
    for planted in (cookie(attacker), "x" * 43):
        site.db.execute("DELETE FROM attempts")
        victim = a_visitor(site)
        victim.client.set_cookie("nikko", planted)
        if way == "login":
            response = victim.post("/login", username=noor.username, password=GOOD)
        elif way == "register":
            response = victim.post("/register", **form())
        else:
            response = victim.post(reset_link(site, noor), password=GOOD)
        assert response.status_code == 303
        assert cookie(victim) != planted
        assert victim.get("/").status_code == 200
        attacker.client.set_cookie("nikko", planted)
        assert attacker.get("/").status_code == 303


def test_logging_out_ends_this_session_alone(noor):
    log_in(noor)
    other = noor.another_browser()
    noor.post("/logout")
    assert other.get("/").status_code == 200


def test_logging_out_twice_or_as_a_visitor_is_no_error(noor):
    for _ in range(2):
        assert path_of(noor.post("/logout")) == "/login"


def test_logging_out_takes_a_form(noor):
    log_in(noor)
    assert noor.get("/logout").status_code == 405
    assert noor.get("/").status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(noor):
    header = log_in(noor).headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Path=/" in header
    assert "Domain" not in header
    header = noor.client.post(
        "/login", data={"username": noor.username, "password": GOOD}, base_url="https://localhost"
    )
    assert header.headers["Set-Cookie"].startswith("__Host-nikko=")
    assert "Secure" in header.headers["Set-Cookie"]


def test_who_is_logged_in_is_not_asked_again(noor):
    log_in(noor)
    assert path_of(noor.get("/login")) == "/"


def test_an_anonymous_visit_stores_nothing_and_sets_no_cookie(visitor, site):
    before = contents(site)
    for path in ("/login", "/register", "/", "/platform", "/nothing", "/healthz", "/login?next=/trash"):
        assert "Set-Cookie" not in visitor.get(path).headers
    for response in (
        visitor.post("/login", username="nobody-at-all", password="x"),
        visitor.post("/logout"),
        visitor.post("/tickets"),
    ):
        assert "Set-Cookie" not in response.headers
    assert contents(site) == before


# Who may register


def test_a_closed_nikko_says_so_and_takes_nobody(another_site):
    site = another_site(REGISTRATION="closed")
    visitor = a_visitor(site)
    for response in (visitor.get("/register"), visitor.post("/register", **form())):
        assert response.status_code == 403
        assert "This NIKKO takes no new people." in parse(response).one(id="main").words
        assert not parse(response).has("input")
    assert not visitor.get("/login").text.count("/register")
    assert not site.db.execute("SELECT id FROM users")


@contextlib.contextmanager
def held_at(db, statement):
    """Whoever has run that statement in a transaction waits for a second one who has, but not for long."""
    execute, meeting = db.execute, threading.Barrier(2)

    def hold(sql, *values, **named):
        rows = execute(sql, *values, **named)
        if sql == statement and getattr(db._thread, "depth", 0):
            with contextlib.suppress(threading.BrokenBarrierError):
                meeting.wait(0.5)
        return rows

    db.execute = hold
    try:
        yield
    finally:
        del db.execute


def test_a_nikko_for_one_takes_the_first_of_those_who_come_at_once(another_site, quick_hashes):
    site = another_site(REGISTRATION="first")
    assert read(a_visitor(site), "/register").has("input", name="username")
    with held_at(site.db, "SELECT id FROM users LIMIT 1"):
        answers = at_once(*[lambda: a_visitor(site).post("/register", **form()) for _ in range(3)])
    assert sorted(answer.status_code for answer in answers) == [303, 403, 403]
    for answer in answers:
        assert answer.status_code == 303 or GOOD not in answer.text
    assert len(site.db.execute("SELECT id FROM users")) == 1
    late = a_visitor(site).get("/register")
    assert late.status_code == 403
    assert "This NIKKO takes no new people any more." in parse(late).one(id="main").words


def test_an_open_nikko_takes_everybody(visitor, site, quick_hashes):
    assert read(visitor, "/login").all("a", href="/register")
    for _ in range(2):
        assert a_visitor(site).post("/register", **form()).status_code == 303


@one_engine
def test_hashing_never_takes_more_than_two_at_a_time(site, monkeypatch):
    queue, asked, inside, most = threading.Condition(), [], [], []

    class Watched:
        """The site's own semaphore, with a count of those who came to it."""

        def __init__(self, semaphore):
            self.semaphore = semaphore

        def acquire(self, timeout):
            with queue:
                asked.append(1)
                queue.notify_all()
            return self.semaphore.acquire(timeout=timeout)

        def release(self):
            self.semaphore.release()

    def check(*_):
        with queue:
            inside.append(1)
            most.append(len(inside))
            queue.notify_all()
            assert queue.wait_for(lambda: len(asked) == 6, 10)  # all the others are there as well
            assert queue.wait_for(lambda: len(most) >= 2, 10)  # and a second one gets in
            inside.pop()
        return False

    places = site.helpers.hashing
    monkeypatch.setattr(site.helpers, "hashing", places._replace(free=Watched(places.free)))
    monkeypatch.setattr(site.helpers, "check_password_hash", check)
    answers = at_once(*[lambda: a_visitor(site).post("/login", username="nobody", password="x") for _ in range(6)])
    assert {answer.status_code for answer in answers} == {422}
    assert len(most) == 6
    assert max(most) == 2


@pytest.mark.parametrize("full", ["free", "queue"])
def test_a_login_that_finds_no_place_among_the_hashes_is_told_to_try_again_and_is_no_failure(
    site, monkeypatch, capsys, full
):
    class Full:
        def acquire(self, timeout):
            return False

    places = site.helpers.hashing
    monkeypatch.setattr(site.helpers, "hashing", places._replace(**{full: Full()}))
    site.db.execute("DELETE FROM attempts")
    response = a_visitor(site).post("/login", username="nobody", password="x")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "Try again in a few seconds." in response.text
    assert "wrong-password" not in capsys.readouterr().err
    assert not site.db.execute("SELECT failures FROM attempts")
    monkeypatch.undo()
    assert all(places.queue.acquire(timeout=0) for _ in range(20))  # who was refused has left it
    places.queue.release(20)


def test_old_sessions_and_old_trash_go_at_the_next_login(visitor, new_person, site):
    mira = new_person()
    old, _ = mira.add_tickets("old", "new")
    for ticket_id in (old, _):
        mira.post(f"/tickets/{ticket_id}/delete")
    site.db.execute("UPDATE tickets SET deleted_at = deleted_at - 31 * 86400 WHERE id = ?", old)
    site.db.execute("UPDATE sessions SET seen_at = seen_at - 31 * 86400 WHERE user_id = ?", mira.id)
    assert visitor.post("/login", username=mira.username, password=PASSWORD).status_code == 303
    assert [row["title"] for row in site.db.execute("SELECT title FROM tickets WHERE user_id = ?", mira.id)] == ["new"]
    assert len(site.db.execute("SELECT id FROM sessions WHERE user_id = ?", mira.id)) == 1
