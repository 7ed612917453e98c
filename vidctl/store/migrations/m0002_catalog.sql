-- A person of a group above may be linked to what a group holds, and a membership leads to a group:
-- so the two ends of a link are checked by triggers, which know those cases, not by foreign keys.
CREATE TABLE connections_anew (
  group_id    TEXT NOT NULL REFERENCES groups (id),
  id          TEXT NOT NULL,
  from_id     TEXT NOT NULL,
  to_id       TEXT NOT NULL,
  type        TEXT NOT NULL,
  position    REAL,
  metadata    TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  deleted_at  INTEGER,
  PRIMARY KEY (group_id, id),
  UNIQUE (group_id, from_id, type, to_id)
);
INSERT INTO connections_anew (group_id, id, from_id, to_id, type, position, metadata, created_at,
  updated_at, deleted_at)
SELECT group_id, id, from_id, to_id, type, position, metadata, created_at, updated_at, deleted_at
FROM connections;
DROP TABLE connections;
ALTER TABLE connections_anew RENAME TO connections;
CREATE INDEX connections_by_target ON connections (group_id, to_id, type);
-- The last column is always NULL: with it, links are counted from the index alone.
CREATE INDEX connections_in_order ON connections
  (group_id, from_id, type, position, id, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX things_put_away ON things (group_id, id) WHERE status = 'archived';
CREATE INDEX people_by_id ON things (id) WHERE type IN ('creator', 'user');

CREATE TRIGGER connections_stay BEFORE DELETE ON connections
  BEGIN SELECT RAISE (ABORT, 'connections are marked deleted, never removed'); END;
CREATE TRIGGER connections_keep_group BEFORE UPDATE OF group_id ON connections
  BEGIN SELECT RAISE (ABORT, 'a row keeps its group'); END;
CREATE TRIGGER connections_begin_somewhere BEFORE INSERT ON connections
  WHEN NOT EXISTS (SELECT 1 FROM things AS t WHERE t.group_id = NEW.group_id AND t.id = NEW.from_id)
  AND NOT EXISTS (SELECT 1 FROM things AS t WHERE t.id = NEW.from_id
    AND t.type IN ('creator', 'user'))
  BEGIN SELECT RAISE (ABORT, 'a link needs a thing to begin at'); END;
CREATE TRIGGER connections_lead_somewhere BEFORE INSERT ON connections
  WHEN NOT (NEW.type = 'member_of' AND NEW.to_id = NEW.group_id)
  AND NOT EXISTS (SELECT 1 FROM things AS t WHERE t.group_id = NEW.group_id AND t.id = NEW.to_id)
  BEGIN SELECT RAISE (ABORT, 'a link needs a thing to lead to'); END;

-- Roll-ups: sums over events, kept in the same transaction and made anew by doctor --fix. Whole
-- numbers only, so that adding up in any order gives the same: milliseconds, and millionths.
-- A day is at / 86400000: days of UTC, counted from 1970-01-01.
CREATE TABLE rollup_days (
  group_id    TEXT NOT NULL,
  day         INTEGER NOT NULL,
  device      TEXT NOT NULL,
  views       INTEGER NOT NULL,
  watch_ms    INTEGER NOT NULL,
  rated       INTEGER NOT NULL,
  rate_ppm    INTEGER NOT NULL,
  PRIMARY KEY (group_id, day, device)
) WITHOUT ROWID;

CREATE TABLE rollup_items (
  group_id    TEXT NOT NULL,
  item_id     TEXT NOT NULL,
  device      TEXT NOT NULL,
  views       INTEGER NOT NULL,
  watch_ms    INTEGER NOT NULL,
  rated       INTEGER NOT NULL,
  rate_ppm    INTEGER NOT NULL,
  PRIMARY KEY (group_id, item_id, device)
) WITHOUT ROWID;

-- By day, and by the 7 days that begin on a Monday.
CREATE TABLE rollup_item_days (
  group_id    TEXT NOT NULL,
  item_id     TEXT NOT NULL,
  days        INTEGER NOT NULL CHECK (days IN (1, 7)),
  first_day   INTEGER NOT NULL,
  views       INTEGER NOT NULL,
  watch_ms    INTEGER NOT NULL,
  rated       INTEGER NOT NULL,
  rate_ppm    INTEGER NOT NULL,
  PRIMARY KEY (group_id, item_id, days, first_day)
) WITHOUT ROWID;

-- Who watched what: the day of the first event, and whether they ever finished.
CREATE TABLE rollup_viewers (
  group_id    TEXT NOT NULL,
  item_id     TEXT NOT NULL,
  person_id   TEXT NOT NULL,
  started_day INTEGER NOT NULL,
  is_finished INTEGER NOT NULL,
  PRIMARY KEY (group_id, item_id, person_id)
) WITHOUT ROWID;

-- How many people ever began an item, and how many of them ever finished it.
CREATE TABLE rollup_reach (
  group_id    TEXT NOT NULL,
  item_id     TEXT NOT NULL,
  viewers     INTEGER NOT NULL,
  finished    INTEGER NOT NULL,
  PRIMARY KEY (group_id, item_id)
) WITHOUT ROWID;

-- How many began an item on a day, and how many of those have finished it since.
CREATE TABLE rollup_starts (
  group_id    TEXT NOT NULL,
  day         INTEGER NOT NULL,
  starts      INTEGER NOT NULL,
  finishes    INTEGER NOT NULL,
  PRIMARY KEY (group_id, day)
) WITHOUT ROWID;

-- Everybody who ever watched something, numbered from 0 in the order they came.
CREATE TABLE rollup_people (
  group_id    TEXT NOT NULL,
  person_id   TEXT NOT NULL,
  number      INTEGER NOT NULL,
  PRIMARY KEY (group_id, person_id),
  UNIQUE (group_id, number)
) WITHOUT ROWID;

-- Who watched something on a day, or in 7 or 28 days that begin on a Monday: bit n of a block stands
-- for person 60 * block + n. So the people of any days are the union of a few numbers.
CREATE TABLE rollup_presence (
  group_id    TEXT NOT NULL,
  days        INTEGER NOT NULL CHECK (days IN (1, 7, 28)),
  first_day   INTEGER NOT NULL,
  block       INTEGER NOT NULL,
  bits        INTEGER NOT NULL,
  PRIMARY KEY (group_id, days, first_day, block)
) WITHOUT ROWID;

-- Labels are few among the chunks that share their table.
CREATE INDEX knowledge_labels ON knowledge (group_id, content_hash) WHERE type = 'label';
