-- The schema as SQLite has it after four steps. Each statement may run again: MySQL
-- commits each by itself. Times are milliseconds since 1970, UTC. Keys are octets that
-- we have folded, never a collation.
CREATE TABLE IF NOT EXISTS user (
    id BIGINT NOT NULL PRIMARY KEY,
    name VARCHAR(64) NOT NULL,
    name_key VARBINARY(1024) NOT NULL,
    passwd VARCHAR(255) NOT NULL,
    role VARCHAR(16) NOT NULL DEFAULT 'user',
    created BIGINT NOT NULL,
    disabled TINYINT NOT NULL DEFAULT 0,
    nonce VARBINARY(16),
    paused BIGINT,
    keep_days INT,
    UNIQUE KEY user_name_key (name_key)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- rid is made by the worker and rises with time: newest first needs no index.
CREATE TABLE IF NOT EXISTS hist (
    user_id BIGINT NOT NULL,
    rid BIGINT NOT NULL,
    time BIGINT NOT NULL,
    word VARCHAR(512) NOT NULL,
    k VARBINARY(511) NOT NULL,
    dictionary VARCHAR(64) NOT NULL,
    found INT NOT NULL,
    PRIMARY KEY (user_id, rid),
    KEY hist_rid (rid),
    CONSTRAINT hist_user FOREIGN KEY (user_id) REFERENCES user (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS user_key (
    user_id BIGINT NOT NULL,
    label VARCHAR(128) NOT NULL,
    sealed VARBINARY(255) NOT NULL,
    key_id VARCHAR(64) NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT,
    PRIMARY KEY (user_id, label),
    CONSTRAINT user_key_user FOREIGN KEY (user_id) REFERENCES user (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS worker_lease (
    id INT NOT NULL PRIMARY KEY,
    holder VARCHAR(255) NOT NULL,
    renewed BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- What was forgotten, so that a row that waited elsewhere does not come after. k is a hash of
-- the folded word, empty for all words; rid the highest row id that was meant.
CREATE TABLE IF NOT EXISTS forgotten (
    user_id BIGINT NOT NULL,
    k VARBINARY(16) NOT NULL,
    rid BIGINT NOT NULL,
    made BIGINT NOT NULL,
    PRIMARY KEY (user_id, k),
    CONSTRAINT forgotten_user FOREIGN KEY (user_id) REFERENCES user (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- Codes by which one may register; code is the hash of one.
CREATE TABLE IF NOT EXISTS invite (
    code VARBINARY(32) NOT NULL PRIMARY KEY,
    label VARCHAR(16) NOT NULL,
    made BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    uses INT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- What tells this store from all others.
CREATE TABLE IF NOT EXISTS store_identity (
    id INT NOT NULL PRIMARY KEY,
    name VARCHAR(32) NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
