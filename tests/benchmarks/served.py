"""What the benchmarks in a browser share: a NIKKO on an empty database, a person with a board, and Chromium."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parent.parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@contextlib.contextmanager
def serving(folder=ROOT):
    """Start the NIKKO of that folder; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "DATABASE_URL": f"sqlite:///{data}/nikko.db", "PORT": address.rpartition(":")[2]}
        server = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            for _ in range(100):
                try:
                    urllib.request.urlopen(f"{address}/healthz").close()
                    break
                except OSError:
                    time.sleep(0.1)
            else:
                raise SystemExit(f"the NIKKO in {folder} does not start")
            yield address
        finally:
            server.terminate()
            server.wait()


class Person:
    """Somebody who has just registered."""

    def __init__(self, address):
        self.address, self.jar = address, CookieJar()
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.browser.addheaders = [("Sec-Fetch-Site", "same-origin")]
        self.post("/register", username="mira", password="ein Tritt in den Schnee", first_name="M", last_name="K")

    def post(self, path, **fields):
        self.browser.open(self.address + path, urlencode(fields).encode()).close()

    def cookies(self):
        """As a browser takes them."""
        return [{"name": each.name, "value": each.value, "url": self.address} for each in self.jar]


@contextlib.contextmanager
def chromium():
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
