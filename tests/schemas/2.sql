-- NIKKO's tables, as they are now. Run at every start: it only adds what is missing and never drops data.
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
    done INTEGER NOT NULL DEFAULT 0
) {table};

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

-- How often somebody failed to log in lately, see throttle.py.
CREATE TABLE IF NOT EXISTS attempts (
    whose CHAR(64) PRIMARY KEY,                 -- sha256 of an address, or of an account and an address
    failures INTEGER NOT NULL,
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
    deleted_at BIGINT                           -- when it went to the trash
) {table};
CREATE INDEX IF NOT EXISTS tickets_shown ON tickets (user_id, deleted_at, status, position);
CREATE INDEX IF NOT EXISTS tickets_placed ON tickets (user_id, status, position);

CREATE TABLE IF NOT EXISTS todos (
    id {identity},
    ticket_id INTEGER NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    text_folded TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
    position DOUBLE PRECISION NOT NULL,         -- order within a ticket
    created_at BIGINT NOT NULL,
    deleted_at BIGINT
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

-- What a board held: made by that NIKKO, by its forms.
INSERT INTO nikko (version) VALUES (2);
INSERT INTO users (id, username, username_key, password_hash, first_name, last_name, theme, version, created_at, shortcuts, todo, in_progress, done) VALUES (1, 'Mira', 'mira', 'scrypt:32768:8:3$URAstnbozSs7ihpQ$18c4b28d7c1803420f0a5fc186740c6e9a8472fb8b756e45d53a7095fa3868be2b001bae6d961d2a0b475e3530c7803473d0d8e2284da03910cbcbbdc058ceee', 'Mira', 'Kovač', 'auto', 16, 1795373853, 1, 1, 1, 2);
INSERT INTO users (id, username, username_key, password_hash, first_name, last_name, theme, version, created_at, shortcuts, todo, in_progress, done) VALUES (2, 'noor', 'noor', 'scrypt:32768:8:3$AAdIyPPsg0nFtkoC$5614b310c723a8b240579dc280f375ad836ff56d5dc76d8290be4a10132dbcb39fba639cf2b8bf4f81cc944dc8cb0dcfc740f0322992b07845dec16e30416515', 'Noor', 'B', 'auto', 0, 1795373853, 1, 0, 0, 0);
INSERT INTO sessions (id, user_id, data, created_at, seen_at) VALUES ('cab54749e8dac1269535800acefd8d2038268b8cb247648673dded318a1457a1', 1, '{"_permanent": true, "user_id": 1}', 1795386503, 1795386503);
INSERT INTO attempts (whose, failures, since) VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 3, 1795373900);
INSERT INTO resets (code, user_id, expires_at) VALUES ('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 2, 1795460300);
INSERT INTO tickets (id, user_id, title, title_folded, status, status_since, position, created_at, deleted_at) VALUES (1, 1, 'Login fails with an umlaut: “Jürgen”', 'login fails with an umlaut: “jurgen”', 'todo', 1795373853, 2.0, 1795373853, NULL);
INSERT INTO tickets (id, user_id, title, title_folded, status, status_since, position, created_at, deleted_at) VALUES (2, 1, '(:D it''s <script> 🦊', '(:d it''s <script> 🦊', 'todo', 1795373853, 1.0, 1795373853, 1795373853);
INSERT INTO tickets (id, user_id, title, title_folded, status, status_since, position, created_at, deleted_at) VALUES (3, 1, 'Ask three printers', 'ask three printers', 'in_progress', 1795373853, 0.0, 1795373853, NULL);
INSERT INTO tickets (id, user_id, title, title_folded, status, status_since, position, created_at, deleted_at) VALUES (4, 1, 'Renew the domain', 'renew the domain', 'done', 1795373853, 0.0, 1795373853, NULL);
INSERT INTO tickets (id, user_id, title, title_folded, status, status_since, position, created_at, deleted_at) VALUES (5, 1, 'Book the venue', 'book the venue', 'done', 1795373853, 1.0, 1795373853, NULL);
INSERT INTO tickets (id, user_id, title, title_folded, status, status_since, position, created_at, deleted_at) VALUES (6, 1, 'Plan the release', 'plan the release', 'todo', 1795386503, -2.0, 1795386503, 1795386503);
INSERT INTO tickets (id, user_id, title, title_folded, status, status_since, position, created_at, deleted_at) VALUES (7, 1, 'Water the garlic — علي', 'water the garlic — علي', 'todo', 1795386503, -1.0, 1795386503, 1795386503);
INSERT INTO todos (id, ticket_id, text, text_folded, done, position, created_at, deleted_at) VALUES (1, 1, 'Reproduce it', 'reproduce it', 1, 0.0, 1795373853, NULL);
INSERT INTO todos (id, ticket_id, text, text_folded, done, position, created_at, deleted_at) VALUES (2, 1, 'Write the test first', 'write the test first', 0, 1.0, 1795373853, 1795373853);
INSERT INTO todos (id, ticket_id, text, text_folded, done, position, created_at, deleted_at) VALUES (3, 1, 'Tell the two people', 'tell the two people', 0, 2.0, 1795373853, NULL);
INSERT INTO todos (id, ticket_id, text, text_folded, done, position, created_at, deleted_at) VALUES (4, 1, 'Write the test first', 'write the test first', 0, 3.0, 1795386503, NULL);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (1, 1, NULL, 'add', 1, NULL, NULL, '[["tickets",1,{"deleted_at":1795373853},{"user_id":1,"status":"todo","title":"Login fails with an umlaut: “Jürgen”","status_since":1795373853,"position":0.0,"deleted_at":null}],["tickets",2,{"deleted_at":1795373853},{"user_id":1,"status":"todo","title":"(:D it''s <script> 🦊","status_since":1795373853,"position":1.0,"deleted_at":null}],["tickets",3,{"deleted_at":1795373853},{"user_id":1,"status":"todo","title":"Ask three printers","status_since":1795373853,"position":2.0,"deleted_at":null}]]', 1795373853);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (2, 1, NULL, 'add', 1, NULL, NULL, '[["tickets",4,{"deleted_at":1795373853},{"user_id":1,"status":"done","title":"Renew the domain","status_since":1795373853,"position":0.0,"deleted_at":null}],["tickets",5,{"deleted_at":1795373853},{"user_id":1,"status":"done","title":"Book the venue","status_since":1795373853,"position":1.0,"deleted_at":null}]]', 1795373853);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (3, 1, 1, 'todo_add', 1, NULL, NULL, '[["todos",1,{"deleted_at":1795373853},{"ticket_id":1,"text":"Reproduce it","done":0,"position":0.0,"deleted_at":null}],["todos",2,{"deleted_at":1795373853},{"ticket_id":1,"text":"Write the test first","done":0,"position":1.0,"deleted_at":null}],["todos",3,{"deleted_at":1795373853},{"ticket_id":1,"text":"Tell the two people","done":0,"position":2.0,"deleted_at":null}]]', 1795373853);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (4, 1, 1, 'todo_tick', 1, NULL, NULL, '[["todos",1,{"done":0},{"done":1}]]', 1795373853);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (5, 1, 3, 'move', 1, NULL, NULL, '[["tickets",3,{"status":"todo","position":2.0},{"status":"in_progress","position":0.0}]]', 1795373853);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (6, 1, 2, 'delete', 1, NULL, NULL, '[["tickets",2,{"deleted_at":null},{"deleted_at":1795373853}]]', 1795373853);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (7, 1, 1, 'todo_delete', 1, NULL, NULL, '[["todos",2,{"deleted_at":null},{"deleted_at":1795373853}]]', 1795373853);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (8, 1, 1, 'rename', 0, NULL, NULL, '[["tickets",1,{"title":"Login fails with an umlaut: “Jürgen”"},{"title":"Login fails with an umlaut in the name"}]]', 1795373853);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (9, 1, 1, 'undo', 2, 8, NULL, '[["tickets",1,{"title":"Login fails with an umlaut in the name"},{"title":"Login fails with an umlaut: “Jürgen”"}]]', 1795373853);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (10, 1, NULL, 'add', 0, NULL, '7740b36e9dfec7c8cfcac98b4feaa7893be7a4fe6e06becd815025c5a8e2e87b', '[["tickets",6,{"deleted_at":1795386503},{"user_id":1,"status":"todo","title":"Plan the release","status_since":1795386503,"position":-2.0,"deleted_at":null}],["tickets",7,{"deleted_at":1795386503},{"user_id":1,"status":"todo","title":"Water the garlic — علي","status_since":1795386503,"position":-1.0,"deleted_at":null}]]', 1795386503);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (11, 1, NULL, 'undo', 0, 10, NULL, '[["tickets",7,{"deleted_at":null},{"deleted_at":1795386503}],["tickets",6,{"deleted_at":null},{"deleted_at":1795386503}]]', 1795386503);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (12, 1, NULL, 'redo', 0, 10, NULL, '[["tickets",6,{"deleted_at":1795386503},{"deleted_at":null}],["tickets",7,{"deleted_at":1795386503},{"deleted_at":null}]]', 1795386503);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (13, 1, NULL, 'undo', 2, 10, NULL, '[["tickets",7,{"deleted_at":null},{"deleted_at":1795386503}],["tickets",6,{"deleted_at":null},{"deleted_at":1795386503}]]', 1795386503);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (14, 1, 1, 'todo_add', 1, NULL, NULL, '[["todos",4,{"deleted_at":1795386503},{"ticket_id":1,"text":"Write the test first","done":0,"position":3.0,"deleted_at":null}]]', 1795386503);
INSERT INTO actions (id, user_id, ticket_id, kind, state, step_id, form_key, changes, created_at) VALUES (15, 1, 1, 'move', 1, NULL, NULL, '[["tickets",1,{"position":0.0},{"position":2.0}]]', 1795386503);
