-- The schema as SQLite has it after three steps. Each statement may run again: MySQL
-- commits each by itself. Times are milliseconds since 1970, UTC.
CREATE TABLE IF NOT EXISTS dictionary (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(64) NOT NULL,
    title VARCHAR(255) NOT NULL,
    info MEDIUMTEXT NOT NULL,
    lang_from VARCHAR(64) NOT NULL DEFAULT '',
    lang_to VARCHAR(64) NOT NULL DEFAULT '',
    licence TEXT NOT NULL,
    source TEXT NOT NULL,
    content_type VARCHAR(64) NOT NULL DEFAULT 'text/plain',
    position INT NOT NULL,
    live_gen BIGINT,
    UNIQUE KEY dictionary_name (name)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- state: loading, ready or dead.
CREATE TABLE IF NOT EXISTS generation (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    dictionary_name VARCHAR(64) NOT NULL,
    state VARCHAR(16) NOT NULL,
    source TEXT NOT NULL,
    format VARCHAR(32) NOT NULL,
    articles BIGINT NOT NULL DEFAULT 0,
    rows_done BIGINT NOT NULL DEFAULT 0,
    headwords BIGINT NOT NULL DEFAULT 0,
    started BIGINT NOT NULL,
    heartbeat BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- k and k2 are folded by us, octets, never a collation.
CREATE TABLE IF NOT EXISTS words (
    gen BIGINT NOT NULL,
    k VARBINARY(511) NOT NULL,
    seq BIGINT NOT NULL,
    word VARCHAR(512) NOT NULL,
    k2 VARBINARY(511) NOT NULL,
    mean_no BIGINT NOT NULL,
    kind VARCHAR(16) NOT NULL DEFAULT 'main',
    frequency BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (gen, k, seq)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS means (
    gen BIGINT NOT NULL,
    no BIGINT NOT NULL,
    mean MEDIUMTEXT NOT NULL,
    markup MEDIUMTEXT NOT NULL,
    senses MEDIUMTEXT NOT NULL,
    PRIMARY KEY (gen, no)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS import_lease (
    name VARCHAR(64) NOT NULL PRIMARY KEY,
    holder VARCHAR(255) NOT NULL,
    generation BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    heartbeat BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
