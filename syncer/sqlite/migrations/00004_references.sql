-- What references mean, what integrations would say, who goes before whom, and
-- records that are one.

-- +goose Up
ALTER TABLE "users" ADD COLUMN "manager_id" INTEGER REFERENCES "users" ("id");
CREATE INDEX "users_manager_id" ON "users" ("manager_id") WHERE "manager_id" IS NOT NULL OR "manager" <> '';

ALTER TABLE "assets" ADD COLUMN "assigned_to_id" INTEGER REFERENCES "users" ("id");
CREATE INDEX "assets_assigned_to_id" ON "assets" ("assigned_to_id") WHERE "assigned_to_id" IS NOT NULL OR "assigned_to" <> '';

ALTER TABLE "saas_users" ADD COLUMN "user_id" INTEGER REFERENCES "users" ("id");
CREATE INDEX "saas_users_user_id" ON "saas_users" ("user_id") WHERE "user_id" IS NOT NULL OR "user" <> '';

-- Who made a change that no run made, where that is known. Two more kinds of
-- change: op 6 is a merge, 7 a split.
ALTER TABLE ledger_history ADD COLUMN actor TEXT;

-- With withheld, there may be something in ledger_withheld.
ALTER TABLE ledger_linked ADD COLUMN withheld INTEGER NOT NULL DEFAULT 0;

-- What the vendor of a link says of fields that another integration's precedence
-- keeps from being written: JSON text, {"field": [value]}, or [value, true] where
-- the value is masked.
CREATE TABLE ledger_withheld (
  object INTEGER NOT NULL REFERENCES ledger_objects (number),
  target NOT NULL,
  integration INTEGER NOT NULL REFERENCES ledger_integrations (number),
  said TEXT NOT NULL,
  PRIMARY KEY (object, target, integration)
) WITHOUT ROWID;

-- How often a custom field's definition was changed.
ALTER TABLE custom_fields ADD COLUMN edits INTEGER NOT NULL DEFAULT 0;

CREATE TABLE precedences (
  object TEXT PRIMARY KEY,
  updated_at TEXT,
  document TEXT NOT NULL -- all of it, as JSON
);

-- Records that have become parts of others: record of target. What the merge did,
-- and a split takes back, is JSON text.
CREATE TABLE ledger_merges (
  object INTEGER NOT NULL REFERENCES ledger_objects (number),
  record INTEGER NOT NULL,
  target INTEGER NOT NULL,
  actor TEXT NOT NULL,
  at TEXT NOT NULL,
  did TEXT NOT NULL,
  PRIMARY KEY (object, record)
) WITHOUT ROWID;
CREATE INDEX ledger_merges_target ON ledger_merges (object, target);

CREATE VIEW merges AS
SELECT o.name AS object, m.record, m.target AS merged_into, m.actor, m.at
FROM ledger_merges m
JOIN ledger_objects o ON o.number = m.object;

DROP VIEW history;
CREATE VIEW history AS
SELECT o.name AS object, h.record, h.revision, coalesce(h.at, b.at) AS at,
  CASE h.op WHEN 1 THEN 'create' WHEN 2 THEN 'update' WHEN 3 THEN 'archive' WHEN 4 THEN 'restore' WHEN 5 THEN 'delete' WHEN 6 THEN 'merge' WHEN 7 THEN 'split' END AS op,
  coalesce(h.actor, b.actor) AS actor, i.id AS integration, b.run,
  CASE typeof(h.changes) WHEN 'integer' THEN (SELECT c.fields FROM ledger_columns c WHERE c.number = h.changes) ELSE h.changes END AS changes
FROM ledger_history h
JOIN ledger_objects o ON o.number = h.object
LEFT JOIN ledger_batches b ON b.number = h.batch
LEFT JOIN ledger_integrations i ON i.number = b.integration
UNION ALL
SELECT 'users', t."id", 1, b.at, 'create', b.actor, i.id, b.run, c.fields
FROM "users" t
JOIN ledger_batches b ON b.number = t."_batch"
JOIN ledger_integrations i ON i.number = b.integration
JOIN ledger_columns c ON c.number = t."_columns"
UNION ALL
SELECT 'assets', t."id", 1, b.at, 'create', b.actor, i.id, b.run, c.fields
FROM "assets" t
JOIN ledger_batches b ON b.number = t."_batch"
JOIN ledger_integrations i ON i.number = b.integration
JOIN ledger_columns c ON c.number = t."_columns"
UNION ALL
SELECT 'software', t."id", 1, b.at, 'create', b.actor, i.id, b.run, c.fields
FROM "software" t
JOIN ledger_batches b ON b.number = t."_batch"
JOIN ledger_integrations i ON i.number = b.integration
JOIN ledger_columns c ON c.number = t."_columns"
UNION ALL
SELECT 'software_installs', t."id", 1, b.at, 'create', b.actor, i.id, b.run, c.fields
FROM "software_installs" t
JOIN ledger_batches b ON b.number = t."_batch"
JOIN ledger_integrations i ON i.number = b.integration
JOIN ledger_columns c ON c.number = t."_columns"
UNION ALL
SELECT 'saas_applications', t."id", 1, b.at, 'create', b.actor, i.id, b.run, c.fields
FROM "saas_applications" t
JOIN ledger_batches b ON b.number = t."_batch"
JOIN ledger_integrations i ON i.number = b.integration
JOIN ledger_columns c ON c.number = t."_columns"
UNION ALL
SELECT 'saas_users', t."id", 1, b.at, 'create', b.actor, i.id, b.run, c.fields
FROM "saas_users" t
JOIN ledger_batches b ON b.number = t."_batch"
JOIN ledger_integrations i ON i.number = b.integration
JOIN ledger_columns c ON c.number = t."_columns";
