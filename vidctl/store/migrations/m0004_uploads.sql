-- Uploads say what they are for, and hold their place on a host until a media row names the bytes.

-- Made again, for several may be on their way to one place: pictures that two files share. The
-- parts go first, and with their parents' names.
CREATE TABLE uploads_again (
  group_id    TEXT NOT NULL REFERENCES groups (id),
  id          TEXT NOT NULL,
  host        TEXT NOT NULL,
  locator     TEXT NOT NULL,
  sha256      TEXT NOT NULL,
  size        INTEGER NOT NULL,
  source      TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('active', 'failed')),
  -- What is on its way: an item, a new version, a move, or something that belongs to a file; a
  -- removal keeps everybody from the place while its bytes go.
  purpose     TEXT NOT NULL DEFAULT 'item' CHECK (purpose IN (
    'item', 'replace', 'move', 'beside', 'removal')),
  thing_id    TEXT NOT NULL DEFAULT '',
  details     TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(details)),
  -- Held: whoever sends it will say when it is recorded. Arrived: all of it is on the host.
  is_held     INTEGER NOT NULL DEFAULT 0,
  has_arrived INTEGER NOT NULL DEFAULT 0,
  remote_id   TEXT NOT NULL DEFAULT '',
  part_size   INTEGER NOT NULL DEFAULT 0,
  error       TEXT NOT NULL DEFAULT '',
  lease_owner TEXT NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (group_id, id)
);
INSERT INTO uploads_again (group_id, id, host, locator, sha256, size, source, state, remote_id,
  part_size, error, lease_owner, lease_until, created_at, updated_at)
SELECT group_id, id, host, locator, sha256, size, source, state, remote_id, part_size, error,
  lease_owner, lease_until, created_at, updated_at FROM uploads;
CREATE TABLE upload_parts_again (
  group_id    TEXT NOT NULL,
  upload_id   TEXT NOT NULL,
  ordinal     INTEGER NOT NULL,
  start       INTEGER NOT NULL,
  size        INTEGER NOT NULL,
  etag        TEXT NOT NULL DEFAULT '',
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (group_id, upload_id, ordinal),
  FOREIGN KEY (group_id, upload_id) REFERENCES uploads_again (group_id, id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO upload_parts_again SELECT * FROM upload_parts;
DROP TABLE upload_parts;
DROP TABLE uploads;
ALTER TABLE uploads_again RENAME TO uploads;
ALTER TABLE upload_parts_again RENAME TO upload_parts;
-- Whether bytes are here is asked for every file, of former versions as well.
CREATE INDEX media_by_bytes ON media (group_id, sha256)
  WHERE role IN ('source', 'version') AND deleted_at IS NULL;
CREATE INDEX uploads_by_place ON uploads (group_id, host, locator);
CREATE TRIGGER uploads_keep_group BEFORE UPDATE OF group_id ON uploads
  BEGIN SELECT RAISE (ABORT, 'a row keeps its group'); END;
