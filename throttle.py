"""Counts failed attempts in the database, for all workers and machines, and says when there were too many."""

import hashlib
import ipaddress
import time

#: Seconds after which the count begins anew.
WINDOW = 900


class TooMany(Exception):
    """There were too many attempts; `seconds` says when the next one is let through."""

    def __init__(self, seconds):
        super().__init__(seconds)
        self.seconds = seconds


class Throttle:
    """The table `attempts`; `db` is a database.SQL.

    An attempt is counted before it is known whether it fails, so that many at once don't slip through, each in a
    statement of its own, so that it counts whatever becomes of the request.
    """

    def __init__(self, db):
        self.db = db

    def count(self, limit, *whose):
        """Count an attempt. Raises TooMany when it is above `limit` in this WINDOW."""
        key, now = hashed(whose), int(time.time())
        if not self._add(key, now):
            try:
                self.db.execute("INSERT INTO attempts (whose, failures, since) VALUES (?, 1, ?)", key, now)
            except ValueError:  # another one was quicker
                self._add(key, now)
        row = self.db.execute("SELECT failures, since FROM attempts WHERE whose = ?", key)[0]
        if row["failures"] > limit:
            raise TooMany(min(max(row["since"] + WINDOW - now, 1), WINDOW))

    def _add(self, key, now):
        return self.db.execute(
            """
            UPDATE attempts
            SET
                failures = CASE WHEN since <= ? THEN 1 ELSE failures + 1 END,
                since = CASE WHEN since <= ? THEN ? ELSE since END
            WHERE whose = ?
            """,
            now - WINDOW, now - WINDOW, now, key,
        )  # fmt: skip

    def succeeded(self, *whose):
        """It was no failure: take the latest attempt out of the count."""
        self.db.execute("UPDATE attempts SET failures = failures - 1 WHERE whose = ? AND failures > 0", hashed(whose))

    def forget(self, *whose):
        """Begin to count anew."""
        self.db.execute("DELETE FROM attempts WHERE whose = ?", hashed(whose))

    def purge(self):
        """Remove the counts whose WINDOW is over; returns how many."""
        return self.db.execute("DELETE FROM attempts WHERE since <= ?", int(time.time()) - WINDOW)


def network(address):
    """What counts as one address: of IPv6 its first 64 bits, for a household has all of the others to itself."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((int(ip) >> 64 << 64, 64)))


def hashed(whose):
    """What is stored: who reads the database should not learn who logs in from where."""
    return hashlib.sha256(repr(whose).encode("utf-8", "replace")).hexdigest()
