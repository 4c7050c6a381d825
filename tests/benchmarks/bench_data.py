"""What export and import cost: time, and how much memory the process takes at most more than before.

    python tests/benchmarks/bench_data.py [TICKETS]

TICKETS (50,000) have five to-dos each. With TEST_POSTGRESQL and TEST_MARIADB (see tests/conftest.py) the import of
10,000 tickets is measured on these engines as well. The databases are removed afterwards.
"""

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

ENGINES = {
    "postgresql": os.environ.get("TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres"),
    "mysql": os.environ.get("TEST_MARIADB", "mysql://root@127.0.0.1:3306/mysql"),
}


def memory():
    """The memory of this process in MB."""
    return int(re.search(r"VmRSS:\s*(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


@contextlib.contextmanager
def measured(what):
    """Print how long the block took, and the most memory that it had beyond what was there before."""
    before, most, over = memory(), [0], threading.Event()

    def watch():
        while not over.wait(0.02):
            most[0] = max(most[0], memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    over.set()
    watcher.join()
    print(f"  {what:28} {seconds:7.2f} s   {max(most[0] - before, 0):5.0f} MB more than {before:.0f}", flush=True)


def csv_of(count):
    """A table of that many tickets with five to-dos each."""
    yield b"Title,Status,Due,Labels,Description,To-dos\n"
    for number in range(count):
        todos = "\n".join(f"[{'x' if each < number % 6 else ' '}] step {each} of {number}" for each in range(5))
        status, day = ("To do", "In progress", "Done")[number % 3], number % 28 + 1
        row = f'Ticket {number} wants a look,{status},2026-12-{day:02},Bug,"A line – and more","{todos}"\n'
        yield row.encode()


def run(address, count):
    """Import and export that many tickets on the database at that address."""
    os.environ["DATABASE_URL"] = address
    from conftest import log_in

    import app as site

    users = [site.insert_user(f"mira{time.time_ns()}", f"mira{time.time_ns()}", "", "Mira", "Kovač") for _ in range(2)]
    mira, noor = (log_in(site, user_id, "mira") for user_id in users)
    mira.get("/"), mira.get("/account/export.json"), mira.get("/import")

    def bring(person, file, name, what):
        with measured(f"upload {what}"):
            answer = person.client.post("/import/file", data={"file": (file, name)}, content_type="multipart/form-data")
            assert answer.status_code == 303, answer.text[-2000:]
        with measured(f"preview {what}"):
            upload = re.search(r'name="upload" value="(\d+)"', person.get("/import").text)[1]
        with measured(f"import {what}"):
            answer = person.post("/import/run", upload=upload)
            assert answer.status_code == 303, answer.text[-2000:]

    with tempfile.TemporaryFile() as file:
        for row in csv_of(count):
            file.write(row)
        print(f"{site.db.kind}: {count:,} tickets with 5 to-dos each, {file.tell() / 1e6:.1f} MB of CSV")
        file.seek(0)
        bring(mira, file, "board.csv", "CSV")
    with tempfile.TemporaryFile() as exported:
        for kind in ("csv", "md", "json"):
            with measured(f"export {kind}"):
                exported.seek(0)
                exported.truncate()
                answer = mira.get(f"/account/export.{kind}", buffered=False)
                for piece in answer.iter_encoded():
                    exported.write(piece)
                answer.close()
        print(f"  {'':28} {exported.tell() / 1e6:7.1f} MB of JSON")
        exported.seek(0)
        bring(noor, exported, "board.json", "JSON")
    with measured("undo of the import"):
        assert noor.post("/undo").status_code == 303
    with measured("redo of the import"):
        assert noor.post("/redo").status_code == 303
    assert (
        site.db.execute("SELECT todo + in_progress + done AS held FROM users WHERE id = ?", users[1])[0]["held"]
        == count
    )
    site.db.close()


def main():
    count = int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as folder:
        for size in (count, 10_000):
            subprocess.run([sys.executable, __file__, "--on", f"sqlite:///{folder}/{size}.db", str(size)], check=True)
    import sqlalchemy

    import database

    for engine, address in ENGINES.items():
        try:
            server = database.SQL(address)
        except RuntimeError as error:
            print(f"{engine} doesn't answer: {error}")
            continue
        name = f"nikko_bench_{os.getpid()}"
        server.execute(f"CREATE DATABASE {name}")
        try:
            url = sqlalchemy.make_url(address).set(database=name).render_as_string(False)
            subprocess.run([sys.executable, __file__, "--on", url, "10000"], check=True)
        finally:
            server.execute(f"DROP DATABASE {name}" + (" WITH (FORCE)" if engine == "postgresql" else ""))


if __name__ == "__main__":
    if "--on" in sys.argv:
        sys.stderr = io.StringIO()  # the log
        run(sys.argv[2], int(sys.argv[3]))
    else:
        main()
