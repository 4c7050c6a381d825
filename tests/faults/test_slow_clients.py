"""Clients that are slow, silent or many don't stop the server."""

import contextlib
import socket
import time

import pytest
from running import Browser, Server

HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HALF_A_BODY = (
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nusername="
)
A_VISIT = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A running server with one worker, which has to end well."""
    with Server(tmp_path_factory.mktemp("server"), WORKERS="1") as server:
        yield server
        server.stop()


def seconds_of_a_visit(server):
    """The best of three: another process may have the processor for a moment."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        with contextlib.closing(Browser(server.port)) as browser:
            assert browser.get("/healthz").status == 200
        seconds.append(time.perf_counter() - began)
    return min(seconds)


@contextlib.contextmanager
def clients(server, number, sent):
    """That many open connections on which this was sent."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(number)]
        for each in sockets:
            each.sendall(sent)
        yield sockets


@pytest.mark.parametrize("sent", [HALF_A_HEAD, HALF_A_BODY], ids=["heads", "bodies"])
def test_six_hundred_half_sent_requests_do_not_stop_it(server, sent):
    """No more than Granian's 1,024 connections, but more than there are threads."""
    with clients(server, 600, sent):
        assert seconds_of_a_visit(server) < 1


def test_silent_connections_do_not_stop_it(server):
    with clients(server, 600, b""):
        assert seconds_of_a_visit(server) < 1


def test_a_file_above_a_megabyte_arrives_whole(server):
    browser = Browser(server.port).register()
    table = "Title\r\n" + "\r\n".join(f"Ticket {number} {'x' * 400}" for number in range(5_000))
    body = f'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n{table}\r\n--x--\r\n'
    headers = {**browser.headers, "Cookie": browser.cookie, "Content-Type": "multipart/form-data; boundary=x"}
    browser.connection.request("POST", "/import/file", body, headers)
    answer = browser.connection.getresponse()
    answer.read()  # or the connection can't be used again
    assert answer.status == 303
    assert "5,000" in browser.get("/import").text


def test_two_hundred_open_connections_do_not_stop_it(server):
    with clients(server, 200, A_VISIT) as sockets:
        assert all(each.recv(12) == b"HTTP/1.1 200" for each in sockets)
        assert seconds_of_a_visit(server) < 1


def test_a_client_that_goes_away_in_the_middle_of_a_form_leaves_no_trace(server):
    with clients(server, 20, HALF_A_BODY):
        pass
    assert seconds_of_a_visit(server) < 1
