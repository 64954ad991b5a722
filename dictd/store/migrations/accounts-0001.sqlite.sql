-- Users and what they looked up. Times are milliseconds since 1970, UTC.
-- AUTOINCREMENT: without it SQLite gives the id of a deleted user to the next
-- one, and a session still open would read a stranger's history.
CREATE TABLE user (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key BLOB NOT NULL UNIQUE,
    passwd TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT 'user',
    created INTEGER NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0
);
-- rid is made by the worker and rises with time: newest first needs no index.
CREATE TABLE hist (
    user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    rid INTEGER NOT NULL,
    time INTEGER NOT NULL,
    word TEXT NOT NULL,
    k BLOB NOT NULL,
    dictionary TEXT NOT NULL,
    found INTEGER NOT NULL,
    PRIMARY KEY (user_id, rid)
) WITHOUT ROWID;
