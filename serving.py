"""What stands between the network and the routes: the server, a worker's requests in turn, headers, and retries."""

import asyncio
import errno
import functools
import io
import os
import random
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import ClientDisconnected

import logs
from database import Deadlock, TakesLong, Waits

#: In the WSGI environment of a request for which others wait.
HURRIED = "nikko.hurried"
#: Of a worker: for requests that take long, and on PostgreSQL and MariaDB for each.
THREADS = 256
#: How long a form may take to come, and each part of a file; and the whole file.
FORM_SECONDS, FILE_SECONDS = 60, 600
#: After how many seconds the loop tries again what waits for another writer. A thread beside a busy loop gets Python
#: only now and then, also while it has the turn: so it is the last resort.
PAUSES = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
#: Bytes of the forms that are on their way to a worker; a form up to SMALL_FORM finds room all the same, and only it is
#: taken apart in the loop.
FORMS_LIMIT, SMALL_FORM = 64_000_000, 60_000


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


def on_one_connection(wsgi_app, db):
    """Run each request on one connection of `db`, a database.SQL, which knows whether it is in a hurry."""

    def application(environ, start_response):
        with db.kept(hurried=HURRIED in environ):
            return wsgi_app(environ, start_response)

    return application


class Served:
    """The WSGI application as an ASGI one, to be kept by the event loop of each worker of the server.

    The event loop reads the forms, so that slow senders hold nothing but memory. With `in_the_loop` it also runs the
    requests, one after the other: threads that change places at every statement take a third of a board's time. What
    takes long says so before it has written anything (TakesLong), and begins again in a thread of its own; so does in
    the end what still waits for another writer after some tries (Waits). Without `in_the_loop` each request has a
    thread. `form_limit` is in bytes: what is larger is a file, and read by who wants it.
    """

    def __init__(self, wsgi_app, in_the_loop, form_limit):
        self.wsgi_app, self.in_the_loop, self.form_limit = wsgi_app, in_the_loop, form_limit
        self.threads = ThreadPoolExecutor(THREADS, "request")
        self.room = FORMS_LIMIT

    async def __call__(self, scope, receive, send):
        environ = environ_of(scope)
        has_body = "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ
        form, ended = b"", int(environ.get("CONTENT_LENGTH") or 0) <= self.form_limit
        if has_body and ended:
            try:
                async with asyncio.timeout(FORM_SECONDS):
                    form, ended = await self.read_form(receive)
            except (ClientDisconnected, TimeoutError, NoRoom) as error:
                await refuse(send, environ, *REFUSED[type(error)])
                return
        if ended:
            environ |= {"wsgi.input": io.BytesIO(form), "CONTENT_LENGTH": str(len(form))}
        else:
            environ["wsgi.input"] = io.BufferedReader(Incoming(receive, asyncio.get_running_loop(), form), 65536)
        await respond(send, *await self.answer(environ, self.in_the_loop and ended and len(form) <= SMALL_FORM))

    async def answer(self, environ, in_the_loop):
        """What the application answers: (status, headers, an iterable of bytes)."""
        for pause in PAUSES if in_the_loop else ():
            try:
                return self.run({**environ, HURRIED: True})
            except TakesLong as error:
                environ["wsgi.input"].seek(0)
                if not isinstance(error, Waits):
                    break
                await asyncio.sleep(pause)
        return await asyncio.get_running_loop().run_in_executor(self.threads, self.run, environ)

    def run(self, environ):
        """Run the application here; the same answer."""
        head = []

        def start_response(status, headers, exc_info=None):
            head[:] = status, headers

        body = self.wsgi_app(environ, start_response)
        return *head, body

    async def read_form(self, receive):
        """The body of a request, and whether it ended below the limit. Raises ClientDisconnected, NoRoom."""
        parts, size = [], 0
        try:
            while size <= self.form_limit:
                body, more = await receive_part(receive)
                size += len(body)
                self.room -= len(body)
                if self.room < 0 and size > SMALL_FORM:
                    raise NoRoom
                parts.append(body)
                if not more:
                    return b"".join(parts), True
            return b"".join(parts), False
        finally:
            self.room += size


class NoRoom(Exception):
    """Too many forms are on their way."""


#: What is answered to a form that never came whole; who has gone won't see it, but who sent broken pieces will.
REFUSED = {
    ClientDisconnected: (400, b"the form broke off"),
    TimeoutError: (408, b"the form took too long to come"),
    NoRoom: (503, b"too many forms are on their way"),
}


async def receive_part(receive):
    """The next part of a body, and whether more follows. Raises ClientDisconnected."""
    message = await receive()
    if message["type"] != "http.request":
        raise ClientDisconnected
    return message.get("body", b""), message.get("more_body", False)


class Incoming(io.RawIOBase):
    """The body of a request as a file for another thread, which comes while it is read. Raises ClientDisconnected."""

    def __init__(self, receive, loop, begun=b""):
        self.receive, self.loop, self.rest, self.more = receive, loop, begun, True
        self.end = time.monotonic() + FILE_SECONDS

    def readable(self):
        return True

    def readinto(self, buffer):
        while self.more and not self.rest:
            coming = asyncio.run_coroutine_threadsafe(receive_part(self.receive), self.loop)
            try:
                self.rest, self.more = coming.result(min(FORM_SECONDS, max(0, self.end - time.monotonic())))
            except TimeoutError:
                coming.cancel()
                raise ClientDisconnected from None
        part, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def environ_of(scope):
    """The WSGI environment of an ASGI request, without its body."""
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": scope["server"][1],
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for header, value in scope["headers"]:
        if len(header) < 64 and (name := name_in_environ(header)):
            value = value.decode("latin-1")
            between = ";" if name == "HTTP_COOKIE" else ","
            environ[name] = f"{environ[name]}{between}{value}" if name in environ else value
    return environ


@functools.lru_cache(256)
def name_in_environ(header):
    """The name of a header in the environment; None for one that would stand there under another one's name."""
    name = header.decode("latin-1").upper()
    if "_" in name:
        return None
    name = name.replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


async def refuse(send, environ, status, why):
    """Answer a form that never came, or for which there was no room."""
    logs.write("request", method=environ["REQUEST_METHOD"], status=status, **{"from": environ["REMOTE_ADDR"]})
    headers = [*PROTECTION, ("Cache-Control", "no-store"), ("Connection", "close"), ("Retry-After", "5")]
    body = [b"Nothing was saved: " + why + b". Try again in a moment.\n"]
    await respond(send, f"{status} ", [*headers, ("Content-Type", "text/plain")], body)


async def respond(send, status, headers, body):
    """Send an answer; a file is sent as fast as it is taken."""
    try:
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": int(status[:3]), "headers": headers})
        parts = iter(body)
        part, following = next(parts, b""), next(parts, None)
        while following is not None:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0)  # who has gone takes everything at once
            part, following = following, next(parts, None)
        await send({"type": "http.response.body", "body": part})
    finally:
        if hasattr(body, "close"):
            body.close()


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
    from granian.constants import HTTPModes, Interfaces, Loops
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
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,  # on the second version a silent connection may stay for ever
        workers=config.workers,
        backpressure=1024,  # open connections, not requests
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=65_536),
        loop=Loops.asyncio,
        log_level="error",
        respawn_failed_workers=True,
        working_dir=Path(__file__).parent,
    ).serve()
