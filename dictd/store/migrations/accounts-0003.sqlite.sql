-- The number of each process that writes history: it is part of its row ids, so no two
-- have the same. Times are milliseconds since 1970, UTC.
CREATE TABLE worker_lease (
    id INTEGER PRIMARY KEY,
    holder TEXT NOT NULL,
    renewed INTEGER NOT NULL
);
