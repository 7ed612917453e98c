-- Media in more roles and on several hosts, uploads under way, and the ledger of paid calls.

-- A CHECK cannot be altered, so the table is made again. One source for the same bytes in a group,
-- whichever host they are on.
CREATE TABLE media_again (
  group_id    TEXT NOT NULL,
  id          TEXT NOT NULL,
  thing_id    TEXT NOT NULL,
  role        TEXT NOT NULL CHECK (role IN (
    'source', 'copy', 'version', 'thumbnail', 'captions', 'cover',
    'sheet', 'storyboard', 'storyboard_cues', 'peaks', 'preview', 'audio')),
  sha256      TEXT NOT NULL,
  size        INTEGER NOT NULL,
  host        TEXT NOT NULL,
  locator     TEXT NOT NULL,
  filename    TEXT NOT NULL,
  metadata    TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  deleted_at  INTEGER,
  PRIMARY KEY (group_id, id),
  FOREIGN KEY (group_id, thing_id) REFERENCES things (group_id, id)
);
INSERT INTO media_again SELECT group_id, id, thing_id, role, sha256, size, host, locator, filename,
  metadata, created_at, updated_at, deleted_at FROM media;
DROP TABLE media;
ALTER TABLE media_again RENAME TO media;
CREATE UNIQUE INDEX media_by_hash ON media (group_id, sha256)
  WHERE role = 'source' AND deleted_at IS NULL;
CREATE INDEX media_by_place ON media (group_id, host, locator) WHERE deleted_at IS NULL;
CREATE INDEX media_by_thing ON media (group_id, thing_id, role);
-- Which file something came from: an upload that is run again looks for each of its files.
CREATE INDEX media_by_file ON media (group_id, filename)
  WHERE role IN ('source', 'version') AND deleted_at IS NULL;
CREATE TRIGGER media_keeps_group BEFORE UPDATE OF group_id ON media
  BEGIN SELECT RAISE (ABORT, 'a row keeps its group'); END;

-- Local only, like jobs: a transfer belongs to the machine that makes it. Rows of transfers that
-- are done are removed; the media row says the rest.
CREATE TABLE uploads (
  group_id    TEXT NOT NULL REFERENCES groups (id),
  id          TEXT NOT NULL,
  host        TEXT NOT NULL,
  locator     TEXT NOT NULL,
  sha256      TEXT NOT NULL,
  size        INTEGER NOT NULL,
  source      TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('active', 'failed')),
  remote_id   TEXT NOT NULL DEFAULT '',
  part_size   INTEGER NOT NULL DEFAULT 0,
  error       TEXT NOT NULL DEFAULT '',
  lease_owner TEXT NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (group_id, id),
  UNIQUE (group_id, host, locator)
);
CREATE TRIGGER uploads_keep_group BEFORE UPDATE OF group_id ON uploads
  BEGIN SELECT RAISE (ABORT, 'a row keeps its group'); END;

CREATE TABLE upload_parts (
  group_id    TEXT NOT NULL,
  upload_id   TEXT NOT NULL,
  ordinal     INTEGER NOT NULL,
  start       INTEGER NOT NULL,
  size        INTEGER NOT NULL,
  etag        TEXT NOT NULL DEFAULT '',
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (group_id, upload_id, ordinal),
  FOREIGN KEY (group_id, upload_id) REFERENCES uploads (group_id, id) ON DELETE CASCADE
) WITHOUT ROWID;

-- What paid calls are estimated to cost, in millionths of a US dollar. A reservation whose lease
-- ran out belonged to a process that died: whether its call was made is unknown, so it counts.
CREATE TABLE costs (
  group_id    TEXT NOT NULL REFERENCES groups (id),
  id          TEXT NOT NULL,
  service     TEXT NOT NULL,
  operation   TEXT NOT NULL,
  thing_id    TEXT NOT NULL DEFAULT '',
  run_id      TEXT NOT NULL DEFAULT '',
  key         TEXT NOT NULL,
  units       TEXT NOT NULL CHECK (json_valid(units)),
  amount      INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('reserved', 'spent', 'released')),
  metadata    TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  lease_owner TEXT NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (group_id, id)
);
CREATE UNIQUE INDEX costs_by_key ON costs (group_id, key) WHERE state <> 'released';
CREATE INDEX costs_by_time ON costs (group_id, created_at);
-- A cap is of the whole library, in whichever group the money was spent.
CREATE INDEX costs_of_everyone ON costs (created_at, amount) WHERE state <> 'released';
CREATE INDEX costs_of_run ON costs (run_id, amount) WHERE state <> 'released';
CREATE TRIGGER costs_keep_group BEFORE UPDATE OF group_id ON costs
  BEGIN SELECT RAISE (ABORT, 'a row keeps its group'); END;
