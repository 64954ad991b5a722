-- Who imports a dictionary just now; one at a time. Times are milliseconds since 1970, UTC.
CREATE TABLE import_lease (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    generation INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    heartbeat INTEGER NOT NULL
) WITHOUT ROWID;
