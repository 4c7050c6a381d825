"""What the environment sets: good values work, bad ones end the start with a sentence that says what to do."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import settings

ROOT = Path(__file__).parent.parent
NAMES = ("HOST", "PORT", "DATABASE_URL", "WORKERS", "REGISTRATION", "PROXIES", "HOSTS")


@pytest.fixture
def folder(tmp_path):
    """Where a NIKKO of its own runs."""
    return tmp_path


def environment(**changes):
    """This process's environment with nothing of NIKKO's in it but the changes."""
    return {name: value for name, value in os.environ.items() if name not in NAMES} | changes


def start(folder, **changes):
    """Run `python app.py`, which has to end by itself; returns it with `stdout` and `stderr`."""
    changes = {"DATABASE_URL": f"sqlite:///{folder}/database.db", "PORT": str(free_port())} | changes
    return subprocess.run(
        [sys.executable, ROOT / "app.py"],
        cwd=folder,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=60,
    )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def assert_refused(ended, *words):
    """It ended with 1 and one sentence that has these words."""
    assert ended.returncode == 1, ended
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert line.startswith("NIKKO can't start")
    assert "Traceback" not in line
    for word in words:
        assert word in line


# Reading


@pytest.mark.parametrize(
    ("changes", "site"),
    [
        ({}, "http://127.0.0.1:5000"),
        ({"HOST": "::1", "PORT": "5001"}, "http://[::1]:5001"),
        ({"HOST": "0.0.0.0"}, f"http://{socket.gethostname()}:5000"),
        ({"HOSTS": "board.lan:5000,127.0.0.1"}, "http://board.lan:5000"),
        ({"HOSTS": "board.example.org", "PROXIES": "1"}, "https://board.example.org"),
    ],
)
def test_a_link_leads_to_where_people_reach_it(changes, site):
    assert settings.site(settings.read(changes)) == site


def test_every_setting_has_a_default_that_works():
    assert settings.read({})._asdict() == {
        "host": "127.0.0.1",
        "port": 5000,
        "database_url": "sqlite:///database.db",
        "workers": os.cpu_count() or 1,
        "registration": "open",
        "proxies": 0,
        "hosts": (),
    }


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("HOST", "0.0.0.0", "0.0.0.0"),
        ("HOST", "::", "::"),
        ("PORT", "1", 1),
        ("PORT", "65535", 65535),
        ("WORKERS", "1", 1),
        ("WORKERS", "256", 256),
        ("REGISTRATION", "open", "open"),
        ("REGISTRATION", "first", "first"),
        ("REGISTRATION", "closed", "closed"),
        ("PROXIES", "0", 0),
        ("PROXIES", "9", 9),
        ("DATABASE_URL", "postgresql://x@y/z", "postgresql://x@y/z"),
        ("HOSTS", "Board.example.org, localhost:5000,192.0.2.7", ("board.example.org", "localhost:5000", "192.0.2.7")),
        ("HOSTS", " , ", ()),
    ],
)
def test_a_good_value_is_taken(name, value, expected):
    read = settings.read({name: value})
    assert getattr(read, name.lower()) == expected
    assert read._replace(**{name.lower(): None}) == settings.read({})._replace(**{name.lower(): None})


BAD = [
    *[("PORT", value) for value in ("", "0", "65536", "-1", "5000.0", " 5000", "http", "٥٠٠٠", "²", "9" * 5000)],
    *[("WORKERS", value) for value in ("", "0", "257", "-1", "two", "1.5")],
    *[("PROXIES", value) for value in ("", "10", "-1", "yes", "true")],
    *[("REGISTRATION", value) for value in ("", "Open", "no", "none", "open ")],
    *[
        ("HOSTS", value)
        for value in ("https://x.org", "x.org/", "[::1]:5000", "*.x.org", ".x.org", "a@b", "a..b", "a:x")
    ],
]


@pytest.mark.parametrize(("name", "value"), BAD, ids=lambda text: ascii(text)[:20])
def test_a_bad_value_is_refused_with_what_to_do(name, value):
    with pytest.raises(ValueError, match="Set it to") as refused:
        settings.read({name: value})
    sentence = str(refused.value)
    assert sentence.startswith((f"{name} is ", f"{name} has "))
    assert sentence.endswith(".")
    assert ("open, first or closed" in sentence) == (name == "REGISTRATION")
    assert ("for example" in sentence) == (name != "REGISTRATION")


# Starting


@pytest.mark.parametrize(("name", "value"), [("PORT", "http"), ("REGISTRATION", "no")])
def test_a_bad_value_ends_the_start_with_one_sentence(folder, name, value):
    assert_refused(start(folder, **{name: value}), f"{name} is {value!r}. Set it to ")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        "oracle://x",
        "sqlite://",
        "sqlite:////nowhere/at/all.db",
        "postgresql://x@127.0.0.1:1/x",
        "mysql://x@127.0.0.1:1/x",
        "postgresql:/x:s3cret@127.0.0.1:1/x",
        "postgresql://x:s3cret@127.0.0.1:y/x",
    ],
)
def test_a_database_that_is_not_there_ends_the_start_with_one_sentence(folder, address):
    ended = start(folder, DATABASE_URL=address)
    assert_refused(ended)
    assert "s3cret" not in ended.stderr


def test_another_programs_file_ends_the_start_and_is_left_as_it_was(folder):
    file = folder / "letter.txt"
    file.write_text("Dear Sir or Madam, " * 100)
    assert_refused(start(folder, DATABASE_URL=f"sqlite:///{file}"), str(file), "left as it is", "DATABASE_URL")
    assert file.read_text() == "Dear Sir or Madam, " * 100


def test_a_port_in_use_ends_the_start_with_the_way_out(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_refused(start(folder, PORT=str(port)), f"127.0.0.1:{port}", "in use", f"PORT={port + 1} python app.py")


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid", "::1::"])
def test_an_address_that_is_not_this_machines_ends_the_start_with_one_sentence(folder, host):
    assert_refused(start(folder, HOST=host), host, "another HOST or PORT")


def test_it_starts_with_the_defaults_and_answers_at_the_address_that_it_prints(folder):
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, ROOT / "app.py"],
        cwd=folder,
        env=environment(PORT=str(port), WORKERS="1", DATABASE_URL="sqlite:///database.db"),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout.readline() == f"NIKKO is at http://127.0.0.1:{port} (Ctrl+C stops it)\n"
        assert answer(f"http://127.0.0.1:{port}/healthz") == "ok"
        assert (folder / "database.db").stat().st_mode & 0o777 == 0o600
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()


def answer(address, tries=200):
    """What stands there, as soon as it answers."""
    for remaining in reversed(range(tries)):
        try:
            with urllib.request.urlopen(address, timeout=5) as response:
                return response.read().decode()
        except OSError:
            if not remaining:
                raise
            time.sleep(0.05)
    return None


def test_every_variable_stands_in_the_readme_and_every_one_there_is_read():
    read = re.findall(r'environment(?:\.get\(|, )"([A-Z_]+)"', (ROOT / "settings.py").read_text())
    table = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(read) == sorted(table) == sorted(NAMES)
