"""Kill the server with SIGKILL while people write, again and again; nothing that was acknowledged may be lost.

    python tests/faults/kill.py [ROUNDS]

Each round kills the whole process group at any moment, the first one while the database is being made. Afterwards
each person's board must show all that was acknowledged, and the form that got no answer wholly or not at all;
`integrity_check` must be ok. At the end all is undone step by step to empty boards.
"""

import random
import sys
import tempfile
import threading
import time

from running import Browser, Server, Writer, until


def rounds(folder, count, people=4):
    """Kill it `count` times, and yield a line on each."""
    server = Server(folder)
    server.launch()
    time.sleep(random.uniform(0, 1))  # at any moment of its start
    server.kill()
    with server:
        writers, total = [Writer(Browser(server.port).register(), None) for _ in range(people)], 0
        for number in range(1, count + 1):
            stop = threading.Event()
            writers = [writer.again(stop) for writer in writers]
            kill_while_they_write(server, writers)
            cut_off = sum(writer.uncertain is not None for writer in writers)
            server.start()
            for writer in writers:
                writer.settle()
            assert server.execute("PRAGMA integrity_check") == [("ok",)]
            assert server.execute("PRAGMA foreign_key_check") == []
            acknowledged = sum(writer.acknowledged for writer in writers)
            total += acknowledged
            carried_out = sum(writer.carried_out for writer in writers)
            yield f"round {number}: {acknowledged} acknowledged, {cut_off} cut off, {carried_out} of them kept"
        for writer in writers:
            writer.undo_everything()
        yield f"{total} acknowledged writes in all; every one could be undone"


def kill_while_they_write(server, writers):
    for writer in writers:
        writer.start()
    until(lambda: any(writer.acknowledged for writer in writers), "a first answer")
    time.sleep(random.uniform(0, 0.7))
    until(lambda: any(writer.uncertain for writer in writers), "a form is under way")
    server.kill()
    for writer in writers:
        writer.join()
    assert not any(writer.refused for writer in writers)


def main(count=20):
    with tempfile.TemporaryDirectory() as folder:
        for line in rounds(folder, count):
            print(line, flush=True)
    print("held: nothing that was acknowledged is lost, nothing is half-done")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
