"""Restart PostgreSQL while people write: what it cuts off is refused once, and then everything works.

    python tests/faults/restart.py [ROUNDS]

The PostgreSQL is one of its own in a temporary folder; no other one is touched.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from running import Browser, Server, Writer, free_port, until


def people(server, count=4):
    return [Writer(Browser(server.port).register(), None) for _ in range(count)]


def writing_through(writers, cut_off):
    """People write while the database cuts its connections off; returns them, and what happened in words.

    Once it is back, a request may find a connection that is dead: one for each person at most.
    """
    stop = threading.Event()
    writers = [writer.again(stop) for writer in writers]
    for writer in writers:
        writer.start()

    def write_on(forms):
        wanted = [(writer, writer.acknowledged + forms) for writer in writers]
        until(lambda: all(writer.acknowledged >= number or writer.failure for writer, number in wanted), "they write")

    write_on(10)
    began, _ = time.monotonic(), cut_off()
    back, acknowledged = time.monotonic(), sum(writer.acknowledged for writer in writers)
    write_on(10)
    stop.set()
    for writer in writers:
        writer.join()
        writer.settle()
        assert {status for _, status in writer.refused} <= {503}
        assert len([when for when, _ in writer.refused if when >= back]) <= 1, "it went on failing"
    refused = [when for writer in writers for when, _ in writer.refused]
    return writers, (
        f"{acknowledged} acknowledged, away for {back - began:.1f} s, {len(refused)} refused, "
        f"{sum(when >= back for when in refused)} of them when it was back; "
        f"{sum(writer.carried_out for writer in writers)} refused forms were found on a board"
    )


@contextlib.contextmanager
def postgresql():
    """Make a PostgreSQL and start it; gives its address, and what runs `pg_ctl` on it."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path())  # Debian's; else they are in the PATH
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    port = free_port()

    def run(program, *args):
        command = [binaries / program, "-D", f"{folder}/data", *args]
        subprocess.run(command, cwd=folder, user=user, check=True, stdout=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory() as folder:
        shutil.chown(folder, user or os.geteuid())
        run("initdb", "-A", "trust", "-U", "postgres")
        run("pg_ctl", "start", "-w", "-l", f"{folder}/log", "-o", f"-p {port} -k {folder} -h 127.0.0.1")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres", lambda *args: run("pg_ctl", *args)
        finally:
            run("pg_ctl", "stop", "-m", "immediate")


def main(rounds=4):
    with contextlib.ExitStack() as stack:
        address, control = stack.enter_context(postgresql())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(Server(folder, DATABASE_URL=address))
        writers = people(server)
        for number in range(rounds):
            mode = ("fast", "immediate")[number % 2]
            writers, told = writing_through(writers, lambda mode=mode: control("restart", "-w", "-m", mode))
            print(f"{mode}: {told}", flush=True)
            assert any(writer.refused for writer in writers), "nobody noticed"
    print("held: after a restart nobody was refused more than once, and nothing that was acknowledged is lost")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
