"""Two NIKKOs on one PostgreSQL: people write through both while it restarts and one of them is killed.

    python tests/faults/several.py [FORMS]

FORMS is how many forms each person sends between the faults. The PostgreSQL is one of its own.
"""

import contextlib
import sys
import tempfile
import threading
from pathlib import Path

from restart import people, postgresql
from running import Browser, Server, until


def main(forms=50):
    with contextlib.ExitStack() as stack:
        address, control = stack.enter_context(postgresql())
        first, second = (
            stack.enter_context(Server(stack.enter_context(tempfile.TemporaryDirectory()), DATABASE_URL=address))
            for _ in range(2)
        )
        writers, stop = {first: people(first, 3), second: people(second, 3)}, threading.Event()
        for server, here in writers.items():
            writers[server] = [writer.again(stop) for writer in here]
        everybody = writers[first] + writers[second]
        for writer in everybody:
            writer.start()

        def write_on(here):
            wanted = [(writer, writer.acknowledged + forms) for writer in here]
            until(
                lambda: all(writer.acknowledged >= number or writer.failure for writer, number in wanted),
                "they write",
                60,
            )

        write_on(everybody)
        control("restart", "-w", "-m", "fast")
        write_on(everybody)
        first.kill()
        write_on(writers[second])
        stop.set()
        for writer in everybody:
            writer.join()
        for writer in writers[first]:  # their sessions are good on the other
            writer.browser = Browser(second.port, writer.browser.cookie)
        for writer in everybody:
            writer.settle()
        statuses = {status for writer in everybody for _, status in writer.refused}
        assert statuses <= {503}, statuses
        logs = [Path(server.log).read_text().count(" request ") for server in (first, second)]
        print(
            f"{sum(writer.acknowledged for writer in everybody)} forms acknowledged, {logs[0]} and {logs[1]} requests,"
        )
        print(f"{sum(len(writer.refused) for writer in everybody)} refused (503) while the database restarted")
    print("held: every board is as it was acknowledged, and who was on the killed one goes on at the other")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
