-- +goose Up
CREATE TABLE integrations (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  connector TEXT NOT NULL,
  stream TEXT NOT NULL,
  object TEXT NOT NULL,
  state TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  document TEXT NOT NULL -- all of it, as JSON
);

CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  integration TEXT NOT NULL,
  status TEXT NOT NULL,
  test INTEGER NOT NULL,
  started TEXT NOT NULL,
  finished TEXT,
  fetched INTEGER NOT NULL,
  filtered INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  unchanged INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  problems INTEGER NOT NULL,
  error TEXT,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  document TEXT NOT NULL -- all of it, as JSON
);
CREATE INDEX runs_started ON runs (started);
CREATE INDEX runs_integration ON runs (integration, started);

-- What a test run foretold, record by record.
CREATE TABLE payloads (
  number INTEGER PRIMARY KEY,
  run TEXT NOT NULL REFERENCES runs (id),
  document TEXT NOT NULL
);
CREATE INDEX payloads_run ON payloads (run, number);
