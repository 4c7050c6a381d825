"""A file that waits for its import, in the database, where every copy of NIKKO finds it: one of each person's."""

import base64
import io
import time
import zlib

from journal import Gone

PART = 1 << 20  # bytes of the file in a row
SECONDS = 86400  # for which it waits


def keep(db, user_id, name, file):
    """Keep a binary file for a person, in the place of the one before. Raises Gone when there is no such person.

    The person's row is held, as by the journal: so it waits for their import, which reads the one before to its end.
    """
    with db.transaction():
        if not db.execute("UPDATE users SET version = version WHERE id = ?", user_id):
            raise Gone(user_id)
        db.execute("DELETE FROM uploads WHERE user_id = ?", user_id)
        upload_id = db.execute(
            "INSERT INTO uploads (user_id, name, created_at) VALUES (?, ?, ?)",
            user_id, name.replace("\0", "")[-255:], int(time.time()),
        )  # fmt: skip
        for number, part in enumerate(iter(lambda: file.read(PART), b"")):
            db.execute(
                "INSERT INTO upload_parts (upload_id, number, content) VALUES (?, ?, ?)",
                upload_id, number, base64.b64encode(zlib.compress(part, 1)).decode(),
            )  # fmt: skip


def waiting(db, user_id):
    """The person's file that waits, with `id` and `name`, or None."""
    rows = db.execute(
        "SELECT id, name FROM uploads WHERE user_id = ? AND created_at > ?", user_id, int(time.time()) - SECONDS
    )
    return rows[0] if rows else None


def forget(db, user_id):
    """Remove the person's file."""
    db.execute("DELETE FROM uploads WHERE user_id = ?", user_id)


def purge(db):
    """Remove the files that have waited for their time."""
    db.execute("DELETE FROM uploads WHERE created_at <= ?", int(time.time()) - SECONDS)


class Stored(io.RawIOBase):
    """A file that waits, to be read from its beginning, a part at a time in memory."""

    def __init__(self, db, user_id, upload_id):
        super().__init__()
        self.db, self.user_id, self.upload_id, self.number, self.part = db, user_id, upload_id, 0, b""

    def read(self, size=PART):
        """At most `size` bytes of what follows, b"" at the end."""
        if not self.part:
            rows = self.db.execute(
                """
                SELECT upload_parts.content
                FROM upload_parts JOIN uploads ON uploads.id = upload_parts.upload_id
                WHERE uploads.id = ? AND uploads.user_id = ? AND upload_parts.number = ?
                """,
                self.upload_id, self.user_id, self.number,
            )  # fmt: skip
            self.number += 1
            self.part = zlib.decompress(base64.b64decode(rows[0]["content"])) if rows else b""
        found, self.part = self.part[:size], self.part[size:]
        return found
