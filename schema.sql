-- NIKKO's tables, as they are now: what an empty database gets. The same change for one that is there already is a step
-- in upgrade.py. IF NOT EXISTS lets MariaDB, which ends a transaction at each CREATE, go on where a start was cut off.
-- {identity}, {long} and {table} are filled in by upgrade.py, as each engine writes them.
-- Times are whole seconds since 1970, UTC. Texts are compared by code points.

-- The version of this schema, in one row; a program refuses a newer one and brings an older one up to date.
CREATE TABLE IF NOT EXISTS nikko (
    version INTEGER NOT NULL
) {table};

CREATE TABLE IF NOT EXISTS users (
    id {identity},
    username VARCHAR(50) NOT NULL,
    username_key VARCHAR(200) NOT NULL UNIQUE,  -- the username folded (NFKC, casefold), so that Mira is mira
    password_hash VARCHAR(255) NOT NULL,
    first_name VARCHAR(100) NOT NULL,
    last_name VARCHAR(100) NOT NULL,
    theme VARCHAR(5) NOT NULL DEFAULT 'auto',   -- auto, light or dark
    version INTEGER NOT NULL DEFAULT 0,         -- of this person's data: every change raises it
    created_at BIGINT NOT NULL,
    shortcuts INTEGER NOT NULL DEFAULT 1,       -- whether single keys do something (WCAG 2.1.4)
    todo INTEGER NOT NULL DEFAULT 0,            -- how many tickets the board has in each column: kept by the
    in_progress INTEGER NOT NULL DEFAULT 0,     -- journal, so that nobody counts 50,000 for a heading
    done INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0,        -- and how many are in the archive
    archive_after INTEGER,                      -- days after which what is done goes there by itself; NULL: never
    time_zone VARCHAR(64) NOT NULL DEFAULT '',  -- an IANA name, for every date; '' is the server's own
    calendar_key VARCHAR(64)                    -- the secret in the address of the calendar; NULL: there is none
) {table};
CREATE UNIQUE INDEX IF NOT EXISTS users_calendar ON users (calendar_key);

CREATE TABLE IF NOT EXISTS sessions (
    id CHAR(64) PRIMARY KEY,                    -- sha256 of the id in the cookie
    user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
    data {long} NOT NULL,                       -- JSON
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL                     -- to the hour
) {table};
CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (user_id);
CREATE INDEX IF NOT EXISTS sessions_seen ON sessions (seen_at);
CREATE INDEX IF NOT EXISTS sessions_begun ON sessions (created_at);

-- How often somebody failed to log in lately, or made an account, see throttle.py.
CREATE TABLE IF NOT EXISTS attempts (
    whose CHAR(64) PRIMARY KEY,                 -- sha256 of an address, or of an account and an address
    failures INTEGER NOT NULL,                  -- or accounts that were made
    since BIGINT NOT NULL
) {table};
CREATE INDEX IF NOT EXISTS attempts_since ON attempts (since);

-- Links with which a person may choose a new password, once.
CREATE TABLE IF NOT EXISTS resets (
    code CHAR(64) PRIMARY KEY,                  -- sha256 of the code in the link
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
) {table};
CREATE INDEX IF NOT EXISTS resets_of_user ON resets (user_id);
CREATE INDEX IF NOT EXISTS resets_expiring ON resets (expires_at);

CREATE TABLE IF NOT EXISTS tickets (
    id {identity},
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    title_folded TEXT NOT NULL,                 -- without case and accents, for search
    status VARCHAR(11) NOT NULL CHECK (status IN ('todo', 'in_progress', 'done')),
    status_since BIGINT NOT NULL,
    position DOUBLE PRECISION NOT NULL,         -- order within a user's column
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,                          -- when it went to the trash
    archived_at BIGINT,                         -- when it went to the archive; it keeps its place in its column
    due VARCHAR(10),                            -- a day as YYYY-MM-DD
    labels VARCHAR(250) NOT NULL DEFAULT '',    -- their ids in the order of the person, as ' 3 17 '
    description {long} NOT NULL DEFAULT '',     -- Markdown
    description_folded {long} NOT NULL DEFAULT ''
) {table};
CREATE INDEX IF NOT EXISTS tickets_shown ON tickets (user_id, deleted_at, archived_at, status, position);
CREATE INDEX IF NOT EXISTS tickets_placed ON tickets (user_id, status, position);

-- What tickets can be marked with. They stand in the ticket's own row, so that a board reads no second table.
CREATE TABLE IF NOT EXISTS labels (
    id {identity},
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name VARCHAR(50) NOT NULL,
    name_key VARCHAR(200) NOT NULL,             -- the name folded, so that Bug is bug
    colour VARCHAR(10) NOT NULL,                -- a name of the palette in labels.py
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    UNIQUE (user_id, name_key)
) {table};

CREATE TABLE IF NOT EXISTS todos (
    id {identity},
    ticket_id INTEGER NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    text_folded TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
    position DOUBLE PRECISION NOT NULL,         -- order within a ticket
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    link_id INTEGER                             -- the ticket that was made of it
) {table};
CREATE INDEX IF NOT EXISTS todos_counted ON todos (ticket_id, deleted_at, done);
CREATE INDEX IF NOT EXISTS todos_placed ON todos (ticket_id, position);

-- The journal: one row for each step that a person took, see journal.py.
CREATE TABLE IF NOT EXISTS actions (
    id {identity},
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    ticket_id INTEGER REFERENCES tickets (id) ON DELETE CASCADE,  -- NULL when it changed several
    kind VARCHAR(20) NOT NULL,
    state INTEGER NOT NULL,                     -- 0 spent, 1 in effect (undo takes it back), 2 an undo (redo takes that back)
    step_id INTEGER,                            -- of an undo or redo: the action that it takes back or does again
    form_key CHAR(64),                          -- of a form that adds: posted twice, it adds once
    changes {long} NOT NULL,                    -- JSON: [[table, row id, columns before, columns after], ...]
    created_at BIGINT NOT NULL,
    UNIQUE (user_id, form_key)
) {table};
CREATE INDEX IF NOT EXISTS actions_undoable ON actions (user_id, state, id);
CREATE INDEX IF NOT EXISTS actions_of_ticket ON actions (ticket_id, id);

-- A file that a person is about to import: it waits here from its preview to the import, so that any copy of NIKKO
-- that shares the database can go on with it.
CREATE TABLE IF NOT EXISTS uploads (
    id {identity},
    user_id INTEGER NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    name VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL
) {table};
CREATE INDEX IF NOT EXISTS uploads_made ON uploads (created_at);

CREATE TABLE IF NOT EXISTS upload_parts (
    id {identity},
    upload_id INTEGER NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    content {long} NOT NULL,                    -- base64 of zlib, of a megabyte at most
    UNIQUE (upload_id, number)
) {table};
