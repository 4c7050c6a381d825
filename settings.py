"""What the environment sets, checked once at start; README.md lists it for people."""

import os
import re
import socket
import sys
from typing import NamedTuple


class Settings(NamedTuple):
    """See README.md, "Configuring"."""

    host: str
    port: int
    database_url: str
    workers: int
    registration: str
    proxies: int
    hosts: tuple[str, ...]


def read(environment):
    """Read the settings. Raises ValueError with a sentence that says what to do."""
    registration = environment.get("REGISTRATION", "open")
    if registration not in ("open", "first", "closed"):
        raise ValueError(f"REGISTRATION is {registration!r}. Set it to open, first or closed.")
    return Settings(
        host=environment.get("HOST", "127.0.0.1"),
        port=number(environment, "PORT", 5000, 1, 65535),
        database_url=environment.get("DATABASE_URL", "sqlite:///database.db"),
        workers=number(environment, "WORKERS", os.cpu_count() or 1, 1, 256),
        registration=registration,
        proxies=number(environment, "PROXIES", 0, 0, 9),
        hosts=tuple(map(host, environment.get("HOSTS", "").replace(",", " ").split())),
    )


def number(environment, name, default, least, most):
    """A whole number of the environment, within limits."""
    text = environment.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise ValueError(f"{name} is {text!r}. Set it to a whole number from {least} to {most}, for example {default}.")
    return int(text)


def host(text):
    """A name under which NIKKO is reached, in small letters, as browsers send it; the port makes no difference."""
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)*(:[0-9]{1,5})?", text):
        raise ValueError(f"HOSTS has {text!r}. Set it to names without https:// and /, for example board.example.org.")
    return text.lower()


def site(settings):
    """The address under which people reach this NIKKO, as far as its settings tell."""
    if settings.hosts and settings.proxies:
        return f"https://{settings.hosts[0]}"
    name = settings.hosts[0].partition(":")[0] if settings.hosts else settings.host
    if name in ("0.0.0.0", "::"):  # noqa: S104  (it is only read)
        name = socket.gethostname()
    return f"http://[{name}]:{settings.port}" if ":" in name else f"http://{name}:{settings.port}"


def read_or_exit():
    """The settings of this process; a bad one ends it with the sentence."""
    try:
        return read(os.environ)
    except ValueError as error:
        sys.exit(f"NIKKO can't start. {error}")


def command():
    """The command of this process, if it is `flask --app app COMMAND ...`; else None."""
    arguments = iter(sys.argv[1:] if os.environ.get("FLASK_RUN_FROM_CLI") == "true" else [])
    for argument in arguments:
        if argument in ("-A", "--app", "-e", "--env-file"):
            next(arguments, None)
        elif not argument.startswith("-"):
            return argument
    return None
