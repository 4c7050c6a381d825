"""Another program holds SQLite's write lock: people read on, their forms are refused in time, and then all works.

python tests/faults/locked.py
"""

import contextlib
import sqlite3
import tempfile
import threading
import time

from running import Browser, Server


def main(people=20):
    """That many send a form while the lock is held."""
    answers, seconds, reads = [], [], []

    def send(number, cookie):
        began = time.monotonic()
        answer = Browser(server.port, cookie).post("/tickets", title=f"Typed {number}")
        seconds.append(time.monotonic() - began)
        answers.append((answer.status, answer.headers["Retry-After"]))
        assert f"Typed {number}" in answer.text

    with tempfile.TemporaryDirectory() as folder, Server(folder) as server:
        browser = Browser(server.port).register()
        threads = [threading.Thread(target=send, args=[number, browser.cookie]) for number in range(people)]
        with contextlib.closing(sqlite3.connect(server.file, isolation_level=None)) as elsewhere:
            elsewhere.execute("BEGIN IMMEDIATE")
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                began = time.monotonic()
                assert browser.titles() == []
                reads.append(time.monotonic() - began)
                time.sleep(0.05)
        print(f"{len(answers)} forms answered after {min(seconds):.1f} to {max(seconds):.1f} s: {set(answers)}")
        print(f"{len(reads)} boards meanwhile, the slowest after {max(reads):.2f} s")
        assert answers == [(503, "5")] * people
        assert browser.post("/tickets", title="Later").status == 303
        assert browser.titles() == ["Later"]
    print("held: refused with Retry-After and what was typed, nothing written, and it works again")


if __name__ == "__main__":
    main()
