"""Flask-Session's sessions in the database: JSON, by the hash of their id, with their owner.

An anonymous visit stores nothing, reading doesn't write (but for `seen_at`, once an hour), and a session that
was ended elsewhere can't be brought back by a request that was still under way.
"""

import hashlib
import json
import time

from cachelib.base import BaseCache
from flask import request
from flask_session.cachelib import CacheLibSessionInterface

DAY = 86400
IDLE = 30 * DAY
ABSOLUTE = 180 * DAY
SEEN_EVERY = 3600


class DatabaseCache(BaseCache):
    """The `sessions` table as cachelib wants it; `db` is a database.SQL."""

    def __init__(self, db):
        super().__init__()
        self.db = db

    def get(self, key):
        """The session, or None when it isn't there or its time (IDLE, ABSOLUTE; in seconds) is over.

        Beside what it holds it has `seen_at`, and as `user` the row of the person who is logged in.
        """
        now = int(time.time())
        rows = self.db.execute(
            """
            SELECT
                sessions.data, sessions.seen_at,
                users.id, users.username, users.first_name, users.last_name, users.theme, users.version,
                users.shortcuts, users.todo, users.in_progress, users.done, users.archived, users.time_zone
            FROM sessions LEFT JOIN users ON users.id = sessions.user_id
            WHERE sessions.id = ? AND sessions.seen_at > ? AND sessions.created_at > ?
            """,
            hashed(key), now - IDLE, now - ABSOLUTE,
        )  # fmt: skip
        if not rows:
            return None
        user = rows[0]
        data, seen_at = json.loads(user.pop("data")), user.pop("seen_at")
        return {**data, "seen_at": seen_at, "user": user if user["id"] else None}

    def add(self, key, value, timeout=None):
        """Store a new session."""
        now = int(time.time())
        self.db.execute(
            "INSERT INTO sessions (id, user_id, data, created_at, seen_at) VALUES (?, ?, ?, ?, ?)",
            hashed(key), value.get("user_id"), json.dumps(value), now, now,
        )  # fmt: skip
        return True

    def set(self, key, value, timeout=None):
        """Store what a session holds now; False when it was ended meanwhile, and then it stays so."""
        stored = self.db.execute(
            "UPDATE sessions SET user_id = ?, data = ? WHERE id = ?",
            value.get("user_id"), json.dumps(value), hashed(key),
        )  # fmt: skip
        return stored > 0

    def touch(self, key):
        """Note that the session is in use."""
        self.db.execute("UPDATE sessions SET seen_at = ? WHERE id = ?", int(time.time()), hashed(key))

    def delete(self, key):
        """End a session."""
        return self.db.execute("DELETE FROM sessions WHERE id = ?", hashed(key)) > 0


class DatabaseSessions(CacheLibSessionInterface):
    """Set it as `app.session_interface`; what is under the path `without` has no session."""

    def __init__(self, db, without=None):
        super().__init__(client=DatabaseCache(db), key_prefix="", sid_length=32)
        self.without = without

    def open_session(self, app, request):
        """Load the session of the request's cookie, with its `user`; one that isn't stored gets a new id."""
        sid = request.cookies.get(self.get_cookie_name(app))
        if self.without and request.path.startswith(self.without):
            sid = None
        data = self.cache.get(sid) if sid else None
        if data is None:
            session = self.session_class(sid=self._generate_sid(self.sid_length), permanent=True)
            session.stored, session.user, session.touched = False, None, False
            return session
        seen_at, user = data.pop("seen_at"), data.pop("user")
        # A page that asks whether it is still up to date is not a person at work.
        touched = seen_at < time.time() - SEEN_EVERY and not request.if_none_match
        if touched:
            self.cache.db.may_take_long()  # for then is cleared up, too
            self.cache.touch(sid)
        session = self.session_class(data, sid=sid)
        session.stored, session.user, session.touched = True, user, touched and user is not None
        return session

    def regenerate(self, session):
        """Give the session a new id. Set the user first: an empty session has none."""
        super().regenerate(session)
        session.stored = False

    def begin(self, session):
        """Store the session under a new id now, as every login must, and not at the end of the request."""
        self.regenerate(session)
        session.stored = self.cache.add(session.sid, dict(session))

    def save_session(self, app, session, response):
        """As Flask-Session does, but the cookie of a session that was cleared is deleted as it was set."""
        if session is None:  # the database was away when it should have been read
            return
        if not session.modified:
            if session.accessed:
                response.headers.add("Vary", "Cookie")
        elif session:
            try:
                super().save_session(app, session, response)
            except Exception:
                session.modified = False  # the page that says so must not wait for the database once more
                raise
        elif session.stored:
            self.cache.delete(session.sid)
            response.delete_cookie(
                self.get_cookie_name(app), secure=self.get_cookie_secure(app), httponly=True, samesite="Lax"
            )
            response.vary.add("Cookie")

    def get_cookie_name(self, app):
        return cookie_name(request.is_secure)

    def get_cookie_secure(self, app):
        return request.is_secure

    def should_set_storage(self, app, session):
        return session.modified

    def should_set_cookie(self, app, session):
        """Not when it was ended meanwhile: the browser may hold the cookie of a newer login."""
        return session.modified and session.stored

    def _upsert_session(self, session_lifetime, session, store_id):
        write = self.cache.set if session.stored else self.cache.add
        session.stored = write(store_id, dict(session))


def cookie_name(is_secure):
    """Under HTTPS a name that no other host and no unencrypted page can set."""
    return "__Host-nikko" if is_secure else "nikko"


def hashed(key):
    """What is stored for a session id: who reads the database can't use it."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
