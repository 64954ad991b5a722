-- Words that nobody found, and never who asked. k is the folded word, empty for those that
-- were too many to be counted each by itself. Times are milliseconds since 1970, UTC.
CREATE TABLE IF NOT EXISTS miss (
    k VARBINARY(511) NOT NULL,
    dictionary VARCHAR(64) NOT NULL,
    word VARCHAR(512) NOT NULL,
    count BIGINT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (k, dictionary)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- What ends the sessions of a user makes it another: sessions on other machines see by it that they have ended.
ALTER TABLE user ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
