-- Dictionaries, their generations, and the words of each generation.
-- An import fills a new generation; one UPDATE of live_gen makes it visible.
CREATE TABLE dictionary (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    info TEXT NOT NULL DEFAULT '',
    lang_from TEXT NOT NULL DEFAULT '',
    lang_to TEXT NOT NULL DEFAULT '',
    licence TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT '',
    content_type TEXT NOT NULL DEFAULT 'text/plain',
    position INTEGER NOT NULL,
    live_gen INTEGER
);
-- state: loading, ready or dead. Times are milliseconds since 1970, UTC.
CREATE TABLE generation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dictionary_name TEXT NOT NULL,
    state TEXT NOT NULL,
    source TEXT NOT NULL,
    format TEXT NOT NULL,
    articles INTEGER NOT NULL DEFAULT 0,
    rows_done INTEGER NOT NULL DEFAULT 0,
    headwords INTEGER NOT NULL DEFAULT 0,
    started INTEGER NOT NULL,
    heartbeat INTEGER NOT NULL
);
-- k and k2 are folded by us, bytes, never a collation.
CREATE TABLE words (
    gen INTEGER NOT NULL,
    k BLOB NOT NULL,
    seq INTEGER NOT NULL,
    word TEXT NOT NULL,
    k2 BLOB NOT NULL,
    mean_no INTEGER NOT NULL,
    kind TEXT NOT NULL DEFAULT 'main',
    PRIMARY KEY (gen, k, seq)
) WITHOUT ROWID;
CREATE TABLE means (
    gen INTEGER NOT NULL,
    no INTEGER NOT NULL,
    mean TEXT NOT NULL,
    markup TEXT NOT NULL DEFAULT '',
    senses TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (gen, no)
) WITHOUT ROWID;
