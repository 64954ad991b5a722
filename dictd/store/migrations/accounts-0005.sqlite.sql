-- Words that nobody found, and never who asked. k is the folded word, empty for those that
-- were too many to be counted each by itself. Times are milliseconds since 1970, UTC.
CREATE TABLE miss (
    k BLOB NOT NULL,
    dictionary TEXT NOT NULL,
    word TEXT NOT NULL,
    count INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (k, dictionary)
) WITHOUT ROWID;
-- What ends the sessions of a user makes it another: sessions on other machines see by it that they have ended.
ALTER TABLE user ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
