-- Keys for AUTH, one a device. The secret is sealed under the server key whose
-- id is key_id; that key is in no database. Times are milliseconds since 1970, UTC.
CREATE TABLE user_key (
    user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    sealed BLOB NOT NULL,
    key_id TEXT NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER,
    PRIMARY KEY (user_id, label)
) WITHOUT ROWID;
