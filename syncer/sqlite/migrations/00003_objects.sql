-- The tables of the standard objects. The test of this package that holds them
-- against the schema writes this file with -update.

-- +goose Up
INSERT INTO ledger_objects (number, name) VALUES (1, 'users');
CREATE TABLE "users" (
  "id" INTEGER PRIMARY KEY,
  "username" TEXT,
  "email" TEXT,
  "first_name" TEXT,
  "last_name" TEXT,
  "full_name" TEXT,
  "role" TEXT,
  "title" TEXT,
  "department" TEXT,
  "manager" TEXT,
  "company" TEXT,
  "cost_center" TEXT,
  "employee_id" TEXT,
  "phone" TEXT,
  "mobile_phone" TEXT,
  "location" TEXT,
  "status" TEXT,
  "start_date" TEXT,
  "end_date" TEXT,
  "last_login_at" TEXT,
  "time_zone" TEXT,
  "locale" TEXT,
  "notes" TEXT,
  "revision" INTEGER NOT NULL DEFAULT 1,
  "created_at" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  "updated_at" TEXT,
  "archived_at" TEXT,
  "username_key" TEXT,
  "email_key" TEXT,
  "employee_id_key" TEXT,
  "_batch" INTEGER REFERENCES ledger_batches (number),
  "_columns" INTEGER REFERENCES ledger_columns (number),
  "_rekey" INTEGER NOT NULL DEFAULT 2
);
CREATE INDEX "users_rekey" ON "users" ("id") WHERE "_rekey" > 0;
CREATE UNIQUE INDEX "users_username" ON "users" (coalesce("username_key", "username")) WHERE coalesce("username_key", "username") <> '';
CREATE UNIQUE INDEX "users_email" ON "users" (coalesce("email_key", "email")) WHERE coalesce("email_key", "email") <> '';
CREATE UNIQUE INDEX "users_employee_id" ON "users" (coalesce("employee_id_key", "employee_id")) WHERE coalesce("employee_id_key", "employee_id") <> '';

INSERT INTO ledger_objects (number, name) VALUES (2, 'assets');
CREATE TABLE "assets" (
  "id" INTEGER PRIMARY KEY,
  "serial_number" TEXT,
  "asset_tag" TEXT,
  "device_name" TEXT,
  "hostname" TEXT,
  "asset_type" TEXT,
  "status" TEXT,
  "manufacturer" TEXT,
  "model" TEXT,
  "model_identifier" TEXT,
  "os_name" TEXT,
  "os_version" TEXT,
  "os_build" TEXT,
  "cpu" TEXT,
  "memory_mb" INTEGER,
  "storage_gb" TEXT,
  "mac_addresses" TEXT,
  "ip_addresses" TEXT,
  "imei" TEXT,
  "udid" TEXT,
  "assigned_to" TEXT,
  "department" TEXT,
  "location" TEXT,
  "managed" INTEGER,
  "encrypted" INTEGER,
  "enrolled_at" TEXT,
  "last_seen_at" TEXT,
  "purchase_date" TEXT,
  "purchase_price" TEXT,
  "po_number" TEXT,
  "vendor" TEXT,
  "warranty_end_date" TEXT,
  "notes" TEXT,
  "revision" INTEGER NOT NULL DEFAULT 1,
  "created_at" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  "updated_at" TEXT,
  "archived_at" TEXT,
  "serial_number_key" TEXT,
  "asset_tag_key" TEXT,
  "imei_key" TEXT,
  "udid_key" TEXT,
  "_batch" INTEGER REFERENCES ledger_batches (number),
  "_columns" INTEGER REFERENCES ledger_columns (number),
  "_rekey" INTEGER NOT NULL DEFAULT 2
);
CREATE INDEX "assets_rekey" ON "assets" ("id") WHERE "_rekey" > 0;
CREATE UNIQUE INDEX "assets_serial_number" ON "assets" (coalesce("serial_number_key", "serial_number")) WHERE coalesce("serial_number_key", "serial_number") <> '';
CREATE UNIQUE INDEX "assets_asset_tag" ON "assets" (coalesce("asset_tag_key", "asset_tag")) WHERE coalesce("asset_tag_key", "asset_tag") <> '';
CREATE UNIQUE INDEX "assets_imei" ON "assets" (coalesce("imei_key", "imei")) WHERE coalesce("imei_key", "imei") <> '';
CREATE UNIQUE INDEX "assets_udid" ON "assets" (coalesce("udid_key", "udid")) WHERE coalesce("udid_key", "udid") <> '';

INSERT INTO ledger_objects (number, name) VALUES (3, 'software');
CREATE TABLE "software" (
  "id" INTEGER PRIMARY KEY,
  "name" TEXT,
  "publisher" TEXT,
  "identifier" TEXT,
  "category" TEXT,
  "revision" INTEGER NOT NULL DEFAULT 1,
  "created_at" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  "updated_at" TEXT,
  "archived_at" TEXT,
  "name_key" TEXT,
  "publisher_key" TEXT,
  "_batch" INTEGER REFERENCES ledger_batches (number),
  "_columns" INTEGER REFERENCES ledger_columns (number),
  "_rekey" INTEGER NOT NULL DEFAULT 2
);
CREATE INDEX "software_rekey" ON "software" ("id") WHERE "_rekey" > 0;
CREATE UNIQUE INDEX "software_name_publisher" ON "software" (coalesce("name_key", "name"), coalesce("publisher_key", "publisher", '')) WHERE coalesce("name_key", "name") <> '';

INSERT INTO ledger_objects (number, name) VALUES (4, 'software_installs');
CREATE TABLE "software_installs" (
  "id" INTEGER PRIMARY KEY,
  "software" INTEGER REFERENCES "software" ("id"),
  "asset" INTEGER REFERENCES "assets" ("id"),
  "version" TEXT,
  "path" TEXT,
  "installed_at" TEXT,
  "last_used_at" TEXT,
  "revision" INTEGER NOT NULL DEFAULT 1,
  "created_at" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  "updated_at" TEXT,
  "archived_at" TEXT,
  "version_key" TEXT,
  "_batch" INTEGER REFERENCES ledger_batches (number),
  "_columns" INTEGER REFERENCES ledger_columns (number),
  "_rekey" INTEGER NOT NULL DEFAULT 2
);
CREATE INDEX "software_installs_rekey" ON "software_installs" ("id") WHERE "_rekey" > 0;
CREATE UNIQUE INDEX "software_installs_asset_software_version" ON "software_installs" ("asset", "software", coalesce("version_key", "version", '')) WHERE "asset" IS NOT NULL;
CREATE INDEX "software_installs_software" ON "software_installs" ("software");

INSERT INTO ledger_objects (number, name) VALUES (5, 'saas_applications');
CREATE TABLE "saas_applications" (
  "id" INTEGER PRIMARY KEY,
  "name" TEXT,
  "vendor" TEXT,
  "url" TEXT,
  "category" TEXT,
  "revision" INTEGER NOT NULL DEFAULT 1,
  "created_at" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  "updated_at" TEXT,
  "archived_at" TEXT,
  "name_key" TEXT,
  "_batch" INTEGER REFERENCES ledger_batches (number),
  "_columns" INTEGER REFERENCES ledger_columns (number),
  "_rekey" INTEGER NOT NULL DEFAULT 2
);
CREATE INDEX "saas_applications_rekey" ON "saas_applications" ("id") WHERE "_rekey" > 0;
CREATE UNIQUE INDEX "saas_applications_name" ON "saas_applications" (coalesce("name_key", "name")) WHERE coalesce("name_key", "name") <> '';

INSERT INTO ledger_objects (number, name) VALUES (6, 'saas_users');
CREATE TABLE "saas_users" (
  "id" INTEGER PRIMARY KEY,
  "application" INTEGER REFERENCES "saas_applications" ("id"),
  "external_id" TEXT,
  "user" TEXT,
  "username" TEXT,
  "email" TEXT,
  "full_name" TEXT,
  "roles" TEXT,
  "status" TEXT,
  "license" TEXT,
  "last_activity_at" TEXT,
  "revision" INTEGER NOT NULL DEFAULT 1,
  "created_at" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  "updated_at" TEXT,
  "archived_at" TEXT,
  "external_id_key" TEXT,
  "_batch" INTEGER REFERENCES ledger_batches (number),
  "_columns" INTEGER REFERENCES ledger_columns (number),
  "_rekey" INTEGER NOT NULL DEFAULT 2
);
CREATE INDEX "saas_users_rekey" ON "saas_users" ("id") WHERE "_rekey" > 0;
CREATE UNIQUE INDEX "saas_users_application_external_id" ON "saas_users" ("application", coalesce("external_id_key", "external_id", '')) WHERE "application" IS NOT NULL;

CREATE VIEW history AS
SELECT o.name AS object, h.record, h.revision, coalesce(h.at, b.at) AS at,
  CASE h.op WHEN 1 THEN 'create' WHEN 2 THEN 'update' WHEN 3 THEN 'archive' WHEN 4 THEN 'restore' WHEN 5 THEN 'delete' END AS op,
  b.actor, i.id AS integration, b.run,
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
