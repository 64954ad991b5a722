-- How often the headword occurs in the counts of its source; 0 is unknown.
ALTER TABLE words ADD COLUMN frequency INTEGER NOT NULL DEFAULT 0;
