"""The server that `python app.py` starts: clients that are slow, silent or many don't stop it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HALF_A_BODY = (
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nusername="
)
A_VISIT = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """The port of a running server with one worker."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port), "WORKERS": "1"}
    environment["DATABASE_URL"] = f"sqlite:///{tmp_path_factory.mktemp('server')}/database.db"
    with subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        process.stdout.readline()  # it says where it is
        for _ in range(200):
            with contextlib.suppress(OSError):
                healthy(port)
                break
            time.sleep(0.1)
        yield port
        process.terminate()
        assert process.wait(20) == 0


def healthy(port):
    """Whether a good request is answered; well before the 10 seconds after which this gives up."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
        return answer.read() == b"ok"


@contextlib.contextmanager
def clients(port, number, sent):
    """That many open connections on which this was sent."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(number)]
        for each in sockets:
            each.sendall(sent)
        yield sockets


@pytest.mark.parametrize("sent", [HALF_A_HEAD, HALF_A_BODY], ids=["heads", "bodies"])
def test_sixty_half_sent_requests_do_not_stop_it(port, sent):
    with clients(port, 60, sent):
        assert healthy(port)


def test_two_hundred_open_connections_do_not_stop_it(port):
    with clients(port, 200, A_VISIT) as sockets:
        assert all(each.recv(12) == b"HTTP/1.1 200" for each in sockets)
        assert healthy(port)


def test_a_client_that_goes_away_in_the_middle_of_a_form_leaves_no_trace(port):
    with clients(port, 20, HALF_A_BODY):
        pass
    assert healthy(port)
