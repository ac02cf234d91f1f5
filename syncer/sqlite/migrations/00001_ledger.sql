-- The ledger is what the store keeps beside the records: links, history, leases.
-- Integrations and objects stand in it as numbers, which makes its many small
-- rows smaller. The views links and history show it to people.

-- +goose Up
CREATE TABLE ledger_objects (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

CREATE TABLE ledger_integrations (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE
);

-- The highest id ever given to a record of each object, so that none is given
-- twice.
CREATE TABLE ledger_ids (
  object INTEGER PRIMARY KEY,
  last INTEGER NOT NULL
);

CREATE TABLE ledger_leases (
  integration INTEGER PRIMARY KEY REFERENCES ledger_integrations (number),
  fence INTEGER NOT NULL,
  owner TEXT NOT NULL,
  ttl INTEGER NOT NULL, -- in nanoseconds
  until TEXT,           -- NULL once released
  run TEXT NOT NULL DEFAULT '',
  seq INTEGER NOT NULL DEFAULT 0,
  checkpoint BLOB
);

CREATE TABLE ledger_seen (
  integration INTEGER NOT NULL REFERENCES ledger_integrations (number),
  run TEXT NOT NULL,
  seq INTEGER NOT NULL,
  ids BLOB NOT NULL
);
CREATE INDEX ledger_seen_run ON ledger_seen (integration, run, seq);

-- Which integrations have links to which objects. With elsewhere, the records
-- are not in this database.
CREATE TABLE ledger_linked (
  object INTEGER NOT NULL REFERENCES ledger_objects (number),
  integration INTEGER NOT NULL REFERENCES ledger_integrations (number),
  elsewhere INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (object, integration)
) WITHOUT ROWID;

-- target is the record's id: a number, or text where the record is elsewhere. It
-- comes before integration so that the links of new records go to the end.
CREATE TABLE ledger_links (
  object INTEGER NOT NULL REFERENCES ledger_objects (number),
  target NOT NULL,
  integration INTEGER NOT NULL REFERENCES ledger_integrations (number),
  vendor_id TEXT, -- NULL for a child
  hash INTEGER NOT NULL,
  stale INTEGER NOT NULL DEFAULT 0,
  missing_since TEXT,
  PRIMARY KEY (object, target, integration)
) WITHOUT ROWID;

-- Vendor ids that have lost their record to another vendor id, the holder.
CREATE TABLE ledger_superseded (
  integration INTEGER NOT NULL REFERENCES ledger_integrations (number),
  object INTEGER NOT NULL REFERENCES ledger_objects (number),
  vendor_id TEXT NOT NULL,
  target NOT NULL,
  PRIMARY KEY (integration, object, vendor_id)
) WITHOUT ROWID;
CREATE INDEX ledger_superseded_target ON ledger_superseded (object, target);

-- Who wrote, in which run, and when: one row for each batch.
CREATE TABLE ledger_batches (
  number INTEGER PRIMARY KEY,
  integration INTEGER NOT NULL REFERENCES ledger_integrations (number),
  run TEXT NOT NULL,
  actor TEXT NOT NULL,
  at TEXT NOT NULL
);

-- changes is JSON text, {"field": [before, after]}, or, for a new record, the
-- number of the columns that were filled: their values follow from the record as
-- it is now and from its later changes. batch is NULL and at set for a change
-- made by hand. How a run made a record stands in the record itself, in _batch
-- and _columns, until the record is deleted.
CREATE TABLE ledger_history (
  object INTEGER NOT NULL REFERENCES ledger_objects (number),
  record NOT NULL,
  revision INTEGER NOT NULL,
  batch INTEGER REFERENCES ledger_batches (number),
  op INTEGER NOT NULL, -- 1 create, 2 update, 3 archive, 4 restore, 5 delete
  changes,
  at TEXT,
  PRIMARY KEY (object, record, revision)
) WITHOUT ROWID;

CREATE TABLE ledger_columns (
  number INTEGER PRIMARY KEY,
  object INTEGER NOT NULL REFERENCES ledger_objects (number),
  fields TEXT NOT NULL, -- JSON array of names
  hidden TEXT NOT NULL, -- those of them that are masked
  UNIQUE (object, fields, hidden)
);

-- Fields that are sensitive to some integration, and so masked in the history of
-- every change.
CREATE TABLE ledger_hidden (
  object INTEGER NOT NULL REFERENCES ledger_objects (number),
  field TEXT NOT NULL,
  PRIMARY KEY (object, field)
) WITHOUT ROWID;

CREATE TABLE custom_fields (
  number INTEGER PRIMARY KEY,
  object TEXT NOT NULL,
  name TEXT NOT NULL,
  definition TEXT NOT NULL, -- JSON
  UNIQUE (object, name)
);

CREATE VIEW links AS
SELECT o.name AS object, l.target AS record, i.id AS integration, l.vendor_id, l.stale, l.missing_since
FROM ledger_links l
JOIN ledger_objects o ON o.number = l.object
JOIN ledger_integrations i ON i.number = l.integration;
