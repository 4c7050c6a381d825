"""What bench_pages.py compares with: the least that Flask can do, and the least that a change can cost."""

import os
import sqlite3
import threading

from flask import Flask

import serving

app = Flask(__name__, static_folder=None)
local = threading.local()


@app.get("/")
def ok():
    return "ok"


@app.post("/write")
def write():
    """Two raw writes in one transaction that survives a power cut."""
    if not hasattr(local, "file"):
        local.file = sqlite3.connect(os.environ["BARE_DATABASE"], isolation_level=None, timeout=30)
        local.file.execute("PRAGMA synchronous = FULL")
    local.file.execute("BEGIN IMMEDIATE")
    local.file.execute("UPDATE tickets SET status = 1 - status WHERE id = 1")
    local.file.execute('INSERT INTO actions (changes) VALUES (\'[["tickets", 1, {"status": 0}, {"status": 1}]]\')')
    local.file.execute("COMMIT")
    return "ok"


served = serving.Served(app.wsgi_app, in_the_loop=True, form_limit=1_000_000)
