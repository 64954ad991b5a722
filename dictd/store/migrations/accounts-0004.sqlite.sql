-- nonce: of the call that made the account, to tell it from another of the same name.
-- paused: what is looked up from then on is not kept; keep_days: what is older is deleted.
ALTER TABLE user ADD COLUMN nonce BLOB;
ALTER TABLE user ADD COLUMN paused INTEGER;
ALTER TABLE user ADD COLUMN keep_days INTEGER;
-- What was forgotten, so that a row that waited elsewhere does not come after. k is a hash of
-- the folded word, empty for all words; rid the highest row id that was meant.
CREATE TABLE forgotten (
    user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    k BLOB NOT NULL,
    rid INTEGER NOT NULL,
    made INTEGER NOT NULL,
    PRIMARY KEY (user_id, k)
) WITHOUT ROWID;
-- Codes by which one may register; code is the hash of one.
CREATE TABLE invite (
    code BLOB NOT NULL PRIMARY KEY,
    label TEXT NOT NULL,
    made INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    uses INTEGER NOT NULL
) WITHOUT ROWID;
-- What tells this store from all others.
CREATE TABLE store_identity (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
);
-- The highest of all, without a look at each user.
CREATE INDEX hist_rid ON hist (rid);
