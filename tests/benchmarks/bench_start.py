"""How long NIKKO takes to start, and how much memory a worker holds after that and after 1,000 boards.

    python tests/benchmarks/bench_start.py

Two workers, on a SQLite file with the demo's board. The time is from the command to the first 200 of /healthz, the
median of five starts. Of the memory, PSS counts what processes share once, divided among them, and RSS in each.
Linux only: it reads /proc.
"""

import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parent.parent.parent
FORM = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, method, path, body=None, **headers):
    """One request on a connection of its own, so that every worker gets its share; returns the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request(method, path, body, headers | FORM)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def start(environment):
    """Start NIKKO; returns the process, and the seconds until it answered."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        try:
            if ask(environment["PORT"], "GET", "/healthz").status == 200:
                return process, time.perf_counter() - began
        except OSError:
            time.sleep(0.002)
    raise SystemExit("NIKKO does not start")


def stop(process):
    process.terminate()
    process.wait()


def workers(process):
    """The ids of the processes that answer."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [pid for pid in children if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]


def memory(process):
    """What each worker holds, in words."""
    held = []
    for pid in workers(process):
        sizes = dict(re.findall(r"^(Rss|Pss): +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE))
        held.append(f"PSS {int(sizes['Pss']) / 1024:.0f} MB, RSS {int(sizes['Rss']) / 1024:.0f} MB")
    return "; ".join(held)


def main(starts=5, boards=1000):
    with tempfile.TemporaryDirectory() as folder:
        port = str(free_port())
        environment = os.environ | {"DATABASE_URL": f"sqlite:///{folder}/nikko.db", "PORT": port, "WORKERS": "2"}
        command = [sys.executable, "-m", "flask", "--app", "app", "demo"]
        printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
        seconds = []
        for _ in range(starts):
            process, took = start(environment)
            seconds.append(took)
            stop(process)
        print(f"start to first answer: {statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})")
        process, _ = start(environment)
        try:
            time.sleep(1)  # the other worker may still be starting
            print(f"each worker after the start: {memory(process)}")
            form = urlencode({"username": "demo", "password": printed.split()[-1]})
            cookie = ask(port, "POST", "/login", form).headers["Set-Cookie"].partition(";")[0]
            print(f"each worker after a login: {memory(process)}")
            assert {ask(port, "GET", "/", Cookie=cookie).status for _ in range(boards)} == {200}
            print(f"each worker after {boards:,} boards: {memory(process)}")
        finally:
            stop(process)


if __name__ == "__main__":
    main()
