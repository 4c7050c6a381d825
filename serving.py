"""What stands between the network and the routes: the server, a worker's requests in turn, headers, and retries."""

import errno
import io
import os
import random
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from database import Deadlock
from helpers import whole


def replayed(dispatch):
    """Run a request once more when the database gave its transaction up for another one; three times at most."""

    def dispatch_again():
        for _ in range(3):
            try:
                return dispatch()
            except Deadlock:
                time.sleep(random.uniform(0.005, 0.05))  # noqa: S311  (so that two don't meet again)
        return dispatch()

    return dispatch_again


def in_turn(wsgi_app, db, form_limit):
    """Run a worker's requests one after the other, each on one connection of `db`, a database.SQL.

    Threads that change places at every statement cost SQLite a quarter of the speed. A form is read before its
    turn, so that a slow sender holds nobody up; who has a password checked leaves the turn; and who has waited a
    quarter of a second (for another process that writes) goes on beside the others. With 20 ms, 200 busy people got
    out of turn and stayed so: their forms took 1.2 s instead of 0.17.
    """
    turn = threading.Lock()

    def application(environ, start_response):
        length = whole(environ.get("CONTENT_LENGTH"))
        is_file = length and length > form_limit  # read later, if at all
        if length and not is_file:
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        mine = [turn] if db.kind == "sqlite" and not is_file and turn.acquire(timeout=0.25) else []

        def leave():
            if mine:
                mine.pop().release()

        environ["nikko.leave_turn"] = leave
        try:
            with db.kept():
                return wsgi_app(environ, start_response)
        finally:
            leave()

    return application


PROTECTION = [
    (
        "Content-Security-Policy",
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
]


def protected(wsgi_app):
    """Add the headers of every answer, errors included; pages are never kept by a browser or a proxy."""

    def application(environ, start_response):
        def start(status, headers, *more):
            headers += PROTECTION
            if not any(name == "Cache-Control" for name, _ in headers):  # which a static file has
                headers.append(("Cache-Control", "no-store"))
            if environ["wsgi.url_scheme"] == "https":
                headers.append(("Strict-Transport-Security", "max-age=31536000"))
            return start_response(status, headers, *more)

        return wsgi_app(environ, start)

    return application


def obey_while_starting():
    """Let a worker that still starts end at a signal to stop.

    It begins with its parent's handlers, which would swallow the signal there, and the parent then waits for ever.
    """
    stops = {signal.SIGTERM, signal.SIGINT}

    def obey():
        for each in stops:
            signal.signal(each, signal.SIG_DFL)
        release()

    def release():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stops)

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, stops), after_in_parent=release, after_in_child=obey
    )


def serve(target, config, db):
    """Serve `target` ("module:name") on HOST and PORT until stopped; `db` is closed, for each worker has its own."""
    from granian import Granian  # only the server needs it
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings

    with socket.socket(socket.AF_INET6 if ":" in config.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            way = f"PORT={config.port + 1} python app.py" if error.errno == errno.EADDRINUSE else "another HOST or PORT"
            sys.exit(f"NIKKO can't start: {config.host}:{config.port}: {error.strerror}. Try: {way}")
    db.close()
    obey_while_starting()
    print(f"NIKKO is at http://{config.host}:{config.port} (Ctrl+C stops it)", flush=True)
    Granian(
        target,
        address=config.host,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=config.workers,
        blocking_threads=256,  # each half-sent form holds one
        backpressure=1024,  # open connections, not requests
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        log_level="error",
        respawn_failed_workers=True,
        working_dir=Path(__file__).parent,
    ).serve()
