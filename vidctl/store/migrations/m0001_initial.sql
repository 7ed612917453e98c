-- The six dimensions. Every row belongs to a group; group_id never changes and is part of every
-- key, so the same schema can be distributed by group. Times are epoch milliseconds (UTC),
-- positions and durations seconds. Rows are never deleted: deleted_at marks them. Local-only
-- surrogate keys are called pk; they exist where an index table needs a stable rowid.

CREATE TABLE groups (
  id          TEXT PRIMARY KEY,
  group_id    TEXT NOT NULL CHECK (group_id = id),
  parent_id   TEXT REFERENCES groups (id),
  slug        TEXT NOT NULL,
  name        TEXT NOT NULL,
  type        TEXT NOT NULL,
  status      TEXT NOT NULL DEFAULT 'active',
  description TEXT NOT NULL DEFAULT '',
  settings    TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  deleted_at  INTEGER
);
CREATE UNIQUE INDEX groups_by_path ON groups (ifnull(parent_id, ''), slug);

CREATE TABLE things (
  group_id    TEXT NOT NULL REFERENCES groups (id),
  id          TEXT NOT NULL,
  type        TEXT NOT NULL,
  slug        TEXT NOT NULL,
  name        TEXT NOT NULL,
  status      TEXT NOT NULL,
  properties  TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(properties)),
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  deleted_at  INTEGER,
  PRIMARY KEY (group_id, id),
  UNIQUE (group_id, slug)
);
CREATE INDEX things_by_age ON things (group_id, type, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX things_by_youtube ON things (group_id, json_extract(properties, '$.youtubeId'))
  WHERE json_extract(properties, '$.youtubeId') IS NOT NULL;

CREATE TABLE connections (
  group_id    TEXT NOT NULL,
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
  UNIQUE (group_id, from_id, type, to_id),
  FOREIGN KEY (group_id, from_id) REFERENCES things (group_id, id),
  FOREIGN KEY (group_id, to_id) REFERENCES things (group_id, id)
);
CREATE INDEX connections_by_target ON connections (group_id, to_id, type);

CREATE TABLE events (
  group_id    TEXT NOT NULL REFERENCES groups (id),
  id          TEXT NOT NULL,
  type        TEXT NOT NULL,
  action      TEXT,
  actor_id    TEXT,
  target_id   TEXT,
  at          INTEGER NOT NULL,
  metadata    TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (group_id, id)
);
CREATE INDEX events_by_target ON events (group_id, target_id, action, at);
CREATE INDEX events_by_age ON events (group_id, at, id);

CREATE TABLE segments (
  group_id    TEXT NOT NULL,
  id          TEXT NOT NULL,
  thing_id    TEXT NOT NULL,
  ordinal     INTEGER NOT NULL,
  "start"     REAL NOT NULL,
  "end"       REAL NOT NULL,
  speaker     TEXT,
  text        TEXT NOT NULL,
  words       TEXT CHECK (words IS NULL OR json_valid(words)),
  source      TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  deleted_at  INTEGER,
  PRIMARY KEY (group_id, id),
  UNIQUE (group_id, thing_id, ordinal),
  FOREIGN KEY (group_id, thing_id) REFERENCES things (group_id, id)
);

-- scope repeats group_id for the full-text index, with a digit behind it that no stemmer touches.
CREATE TABLE knowledge (
  pk            INTEGER PRIMARY KEY,
  group_id      TEXT NOT NULL,
  id            TEXT NOT NULL,
  type          TEXT NOT NULL CHECK (type IN ('chunk', 'label')),
  thing_id      TEXT,
  ordinal       INTEGER,
  text          TEXT NOT NULL,
  "start"       REAL,
  "end"         REAL,
  segment_first INTEGER,
  segment_last  INTEGER,
  content_hash  TEXT NOT NULL,
  metadata      TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  deleted_at    INTEGER,
  scope         TEXT GENERATED ALWAYS AS (group_id || '0') VIRTUAL,
  UNIQUE (group_id, id),
  FOREIGN KEY (group_id, thing_id) REFERENCES things (group_id, id)
);
CREATE INDEX knowledge_by_thing ON knowledge (group_id, thing_id, ordinal);

CREATE VIRTUAL TABLE knowledge_fts USING fts5 (
  scope, text, content = 'knowledge', content_rowid = 'pk',
  tokenize = 'porter unicode61 remove_diacritics 2'
);

CREATE TABLE thing_knowledge (
  group_id     TEXT NOT NULL,
  id           TEXT NOT NULL,
  thing_id     TEXT NOT NULL,
  knowledge_id TEXT NOT NULL,
  role         TEXT NOT NULL CHECK (role IN ('chunk_of', 'label', 'keyword', 'summary')),
  metadata     TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  deleted_at   INTEGER,
  PRIMARY KEY (group_id, id),
  UNIQUE (group_id, thing_id, knowledge_id, role),
  FOREIGN KEY (group_id, thing_id) REFERENCES things (group_id, id),
  FOREIGN KEY (group_id, knowledge_id) REFERENCES knowledge (group_id, id)
);
CREATE INDEX thing_knowledge_by_knowledge ON thing_knowledge (group_id, knowledge_id);

-- The truth about embeddings: float32 little-endian, unit length. The vec0 tables named
-- vector_index_<n> are an index over it, one for each identity, and can be rebuilt at any time.
CREATE TABLE vectors (
  pk           INTEGER PRIMARY KEY,
  group_id     TEXT NOT NULL,
  id           TEXT NOT NULL,
  knowledge_id TEXT NOT NULL,
  identity     TEXT NOT NULL,
  part         INTEGER NOT NULL,
  first_word   INTEGER NOT NULL,
  last_word    INTEGER NOT NULL,
  text_hash    TEXT NOT NULL,
  vector       BLOB NOT NULL,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  UNIQUE (group_id, id),
  UNIQUE (group_id, knowledge_id, identity, part),
  FOREIGN KEY (group_id, knowledge_id) REFERENCES knowledge (group_id, id)
);
CREATE INDEX vectors_by_identity ON vectors (group_id, identity);

CREATE TABLE vector_identities (
  n            INTEGER PRIMARY KEY,
  identity     TEXT NOT NULL UNIQUE,
  dimension    INTEGER NOT NULL,
  is_indexed   INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE media (
  group_id    TEXT NOT NULL,
  id          TEXT NOT NULL,
  thing_id    TEXT NOT NULL,
  role        TEXT NOT NULL CHECK (role IN ('source', 'thumbnail', 'captions')),
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
CREATE UNIQUE INDEX media_by_hash ON media (group_id, sha256, host)
  WHERE role = 'source' AND deleted_at IS NULL;
CREATE INDEX media_by_thing ON media (group_id, thing_id, role);

CREATE TABLE jobs (
  group_id    TEXT NOT NULL,
  id          TEXT NOT NULL,
  thing_id    TEXT NOT NULL,
  stage       TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed')),
  key         TEXT NOT NULL,
  lease_owner TEXT NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,
  error       TEXT NOT NULL DEFAULT '',
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (group_id, id),
  UNIQUE (group_id, thing_id, stage),
  FOREIGN KEY (group_id, thing_id) REFERENCES things (group_id, id)
);

CREATE TABLE job_parts (
  group_id    TEXT NOT NULL,
  job_id      TEXT NOT NULL,
  ordinal     INTEGER NOT NULL,
  result      TEXT NOT NULL CHECK (json_valid(result)),
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (group_id, job_id, ordinal),
  FOREIGN KEY (group_id, job_id) REFERENCES jobs (group_id, id)
);

CREATE TRIGGER events_are_final BEFORE UPDATE ON events
  BEGIN SELECT RAISE (ABORT, 'events are append-only'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events
  BEGIN SELECT RAISE (ABORT, 'events are append-only'); END;
CREATE TRIGGER things_stay BEFORE DELETE ON things
  BEGIN SELECT RAISE (ABORT, 'things are marked deleted, never removed'); END;
CREATE TRIGGER connections_stay BEFORE DELETE ON connections
  BEGIN SELECT RAISE (ABORT, 'connections are marked deleted, never removed'); END;
CREATE TRIGGER knowledge_stays BEFORE DELETE ON knowledge
  BEGIN SELECT RAISE (ABORT, 'knowledge is marked deleted, never removed'); END;
CREATE TRIGGER groups_stay BEFORE DELETE ON groups
  BEGIN SELECT RAISE (ABORT, 'groups are archived, never removed'); END;

CREATE TRIGGER groups_keep_id BEFORE UPDATE OF id, group_id ON groups
  BEGIN SELECT RAISE (ABORT, 'a group keeps its id'); END;
CREATE TRIGGER things_keep_group BEFORE UPDATE OF group_id ON things
  BEGIN SELECT RAISE (ABORT, 'a row keeps its group'); END;
CREATE TRIGGER connections_keep_group BEFORE UPDATE OF group_id ON connections
  BEGIN SELECT RAISE (ABORT, 'a row keeps its group'); END;
CREATE TRIGGER segments_keep_group BEFORE UPDATE OF group_id ON segments
  BEGIN SELECT RAISE (ABORT, 'a row keeps its group'); END;
CREATE TRIGGER knowledge_keeps_group BEFORE UPDATE OF group_id ON knowledge
  BEGIN SELECT RAISE (ABORT, 'a row keeps its group'); END;
CREATE TRIGGER thing_knowledge_keeps_group BEFORE UPDATE OF group_id ON thing_knowledge
  BEGIN SELECT RAISE (ABORT, 'a row keeps its group'); END;
CREATE TRIGGER media_keeps_group BEFORE UPDATE OF group_id ON media
  BEGIN SELECT RAISE (ABORT, 'a row keeps its group'); END;
