"""Counts logins that fail, and accounts that are made, in the database, for all workers and machines."""

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
    transaction of its own, so that it counts whatever becomes of the request.
    """

    def __init__(self, db):
        self.db = db

    def count(self, limit, *whose):
        """Count an attempt. Raises TooMany when it is above `limit` in this WINDOW."""
        key, now = hashed(whose), int(time.time())
        with self.db.transaction():  # it reads its own count, not that of who came after it
            if not self._add(key, now):
                self._begin(key, now)
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

    def _begin(self, key, now):
        """Count the first attempt, unless another one is quicker."""
        try:
            with self.db.transaction():
                self.db.execute("INSERT INTO attempts (whose, failures, since) VALUES (?, 1, ?)", key, now)
        except ValueError:
            self._add(key, now)

    def take_back(self, *whose):
        """Take the latest attempt out of the count: a login that was right, an account that was not made."""
        self.db.execute("UPDATE attempts SET failures = failures - 1 WHERE whose = ? AND failures > 0", hashed(whose))

    def forget(self, *whose):
        """Begin to count anew."""
        self.db.execute("DELETE FROM attempts WHERE whose = ?", hashed(whose))

    def purge(self):
        """Remove the counts whose WINDOW is over."""
        self.db.execute("DELETE FROM attempts WHERE since <= ?", int(time.time()) - WINDOW)


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
