-- A file of version 3, as the sqlite3 command dumps it: people, laptops and chat
-- accounts, custom fields of three types, and an edit by hand.
PRAGMA application_id = 1987279214;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO goose_db_version VALUES(1,0,1,'2026-11-24 00:29:00');
INSERT INTO goose_db_version VALUES(2,1,1,'2026-11-24 00:29:00');
INSERT INTO goose_db_version VALUES(3,2,1,'2026-11-24 00:29:00');
INSERT INTO goose_db_version VALUES(4,3,1,'2026-11-24 00:29:00');
CREATE TABLE ledger_objects (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);
INSERT INTO ledger_objects VALUES(1,'users');
INSERT INTO ledger_objects VALUES(2,'assets');
INSERT INTO ledger_objects VALUES(3,'software');
INSERT INTO ledger_objects VALUES(4,'software_installs');
INSERT INTO ledger_objects VALUES(5,'saas_applications');
INSERT INTO ledger_objects VALUES(6,'saas_users');
CREATE TABLE ledger_integrations (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE
);
INSERT INTO ledger_integrations VALUES(1,'people');
INSERT INTO ledger_integrations VALUES(2,'laptops');
INSERT INTO ledger_integrations VALUES(3,'chat');
CREATE TABLE ledger_ids (
  object INTEGER PRIMARY KEY,
  last INTEGER NOT NULL
);
INSERT INTO ledger_ids VALUES(1,2);
INSERT INTO ledger_ids VALUES(2,2);
INSERT INTO ledger_ids VALUES(3,1);
INSERT INTO ledger_ids VALUES(4,1);
INSERT INTO ledger_ids VALUES(5,1);
INSERT INTO ledger_ids VALUES(6,1);
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
INSERT INTO ledger_leases VALUES(1,1,'example',60000000000,NULL,'run of people',1,X'636865636b706f696e74');
INSERT INTO ledger_leases VALUES(2,2,'example',60000000000,NULL,'run of laptops',2,X'636865636b706f696e74');
INSERT INTO ledger_leases VALUES(3,1,'example',60000000000,NULL,'run of chat',1,X'636865636b706f696e74');
CREATE TABLE ledger_seen (
  integration INTEGER NOT NULL REFERENCES ledger_integrations (number),
  run TEXT NOT NULL,
  seq INTEGER NOT NULL,
  ids BLOB NOT NULL
);
CREATE TABLE ledger_linked (
  object INTEGER NOT NULL REFERENCES ledger_objects (number),
  integration INTEGER NOT NULL REFERENCES ledger_integrations (number),
  elsewhere INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (object, integration)
) WITHOUT ROWID;
INSERT INTO ledger_linked VALUES(1,1,0);
INSERT INTO ledger_linked VALUES(2,2,0);
INSERT INTO ledger_linked VALUES(4,2,0);
INSERT INTO ledger_linked VALUES(6,3,0);
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
INSERT INTO ledger_links VALUES(1,1,1,'p1',1,0,NULL);
INSERT INTO ledger_links VALUES(1,2,1,'p2',1,0,NULL);
INSERT INTO ledger_links VALUES(2,1,2,'l1',1,0,NULL);
INSERT INTO ledger_links VALUES(2,2,2,'l2',1,1,NULL);
INSERT INTO ledger_links VALUES(4,1,2,NULL,1,0,NULL);
INSERT INTO ledger_links VALUES(6,1,3,'U1',1,0,NULL);
CREATE TABLE ledger_superseded (
  integration INTEGER NOT NULL REFERENCES ledger_integrations (number),
  object INTEGER NOT NULL REFERENCES ledger_objects (number),
  vendor_id TEXT NOT NULL,
  target NOT NULL,
  PRIMARY KEY (integration, object, vendor_id)
) WITHOUT ROWID;
CREATE TABLE ledger_batches (
  number INTEGER PRIMARY KEY,
  integration INTEGER NOT NULL REFERENCES ledger_integrations (number),
  run TEXT NOT NULL,
  actor TEXT NOT NULL,
  at TEXT NOT NULL
);
INSERT INTO ledger_batches VALUES(1,1,'run of people','people@example.com','2026-03-04T05:06:07.000Z');
INSERT INTO ledger_batches VALUES(2,2,'run of laptops','laptops@example.com','2026-03-04T06:06:07.000Z');
INSERT INTO ledger_batches VALUES(3,3,'run of chat','chat@example.com','2026-03-04T07:06:07.000Z');
INSERT INTO ledger_batches VALUES(4,2,'run of laptops','laptops@example.com','2026-03-04T08:06:07.000Z');
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
INSERT INTO ledger_history VALUES(2,1,2,4,2,'{"device_name":["ada''s","ada''s laptop"]}',NULL);
INSERT INTO ledger_history VALUES(2,2,2,NULL,2,'{"notes":[null,"by hand"]}','2026-11-24T00:29:00.903Z');
CREATE TABLE ledger_columns (
  number INTEGER PRIMARY KEY,
  object INTEGER NOT NULL REFERENCES ledger_objects (number),
  fields TEXT NOT NULL, -- JSON array of names
  hidden TEXT NOT NULL, -- those of them that are masked
  UNIQUE (object, fields, hidden)
);
INSERT INTO ledger_columns VALUES(1,1,'["username","email","manager"]','[]');
INSERT INTO ledger_columns VALUES(2,1,'["username","email"]','[]');
INSERT INTO ledger_columns VALUES(3,2,'["serial_number","device_name","assigned_to","rack","slot","keeper"]','[]');
INSERT INTO ledger_columns VALUES(4,2,'["serial_number","assigned_to"]','[]');
INSERT INTO ledger_columns VALUES(5,3,'["name","publisher"]','[]');
INSERT INTO ledger_columns VALUES(6,4,'["software","asset","version"]','[]');
INSERT INTO ledger_columns VALUES(7,5,'["name"]','[]');
INSERT INTO ledger_columns VALUES(8,6,'["application","external_id","user","laptop"]','[]');
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
INSERT INTO custom_fields VALUES(1,'assets','rack','{"Name":"rack","Label":"Rack","Help":"","Type":"text","Item":"","Unique":true,"Required":false,"Choices":null,"Object":"","Link":false,"Custom":true,"Upper":false,"Placeholders":["To Be Filled By O.E.M.","To Be Filled By O.E.M","To Be Filled By OEM","Filled By O.E.M.","O.E.M.","OEM","OEM Default","Default string","Default","System Serial Number","Chassis Serial Number","Base Board Serial Number","Serial Number","SerialNumber","Serial","System Product Name","Not Specified","Not Applicable","Not Available","Not Provided","Not Defined","Not Set","Not Settable","No Asset Tag","No Asset Information","No Serial Number","Asset Tag","Asset-1234567890","Chassis Asset Tag","Base Board Asset Tag","Empty","Invalid","Invalid Serial Number","Unspecified","Undefined","\u003cBAD INDEX\u003e","\u003cOUT OF SPEC\u003e","123456789","1234567890","0123456789","0123456789ABCDEF","None","Null","Nil","N/A","NA","Unknown","TBD","-","03000200-0400-0500-0006-000700080009","12345678-1234-5678-90AB-CDDEEFAABBCC"]}');
INSERT INTO custom_fields VALUES(2,'assets','slot','{"Name":"slot","Label":"Slot","Help":"","Type":"integer","Item":"","Unique":true,"Required":false,"Choices":null,"Object":"","Link":false,"Custom":true,"Upper":false,"Placeholders":null}');
INSERT INTO custom_fields VALUES(3,'assets','keeper','{"Name":"keeper","Label":"Keeper","Help":"","Type":"reference","Item":"","Unique":false,"Required":false,"Choices":null,"Object":"users","Link":false,"Custom":true,"Upper":false,"Placeholders":null}');
INSERT INTO custom_fields VALUES(4,'saas_users','laptop','{"Name":"laptop","Label":"Laptop","Help":"","Type":"reference","Item":"","Unique":false,"Required":false,"Choices":null,"Object":"assets","Link":false,"Custom":true,"Upper":false,"Placeholders":null}');
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
CREATE TABLE payloads (
  number INTEGER PRIMARY KEY,
  run TEXT NOT NULL REFERENCES runs (id),
  document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS "users" (
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
INSERT INTO users VALUES(1,'Ada','ada@example.com',NULL,NULL,NULL,NULL,NULL,NULL,'bob@example.com',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,'2026-03-04T05:06:07.000Z',NULL,NULL,'ada',NULL,NULL,1,1,0);
INSERT INTO users VALUES(2,'bob','bob@example.com',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,'2026-03-04T05:06:07.000Z',NULL,NULL,NULL,NULL,NULL,1,2,0);
CREATE TABLE IF NOT EXISTS "assets" (
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
, "rack" TEXT, "rack_key" TEXT, "slot" INTEGER, "keeper" TEXT);
INSERT INTO assets VALUES(1,'C02XK1',NULL,'ada''s laptop',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'ada@example.com',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2,'2026-03-04T06:06:07.000Z','2026-03-04T08:06:07.000Z',NULL,NULL,NULL,NULL,NULL,2,3,0,'R1','r1',7,'bob');
INSERT INTO assets VALUES(2,'C02XK2',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'cyd',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'by hand',2,'2026-03-04T06:06:07.000Z','2026-11-24T00:29:00.903Z',NULL,NULL,NULL,NULL,NULL,2,4,0,NULL,NULL,NULL,NULL);
CREATE TABLE IF NOT EXISTS "software" (
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
INSERT INTO software VALUES(1,'Firefox','Mozilla',NULL,NULL,1,'2026-03-04T06:06:07.000Z',NULL,NULL,'firefox','mozilla',2,5,0);
CREATE TABLE IF NOT EXISTS "software_installs" (
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
INSERT INTO software_installs VALUES(1,1,1,'128',NULL,NULL,NULL,1,'2026-03-04T06:06:07.000Z',NULL,NULL,NULL,2,6,0);
CREATE TABLE IF NOT EXISTS "saas_applications" (
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
INSERT INTO saas_applications VALUES(1,'Chat',NULL,NULL,NULL,1,'2026-03-04T07:06:07.000Z',NULL,NULL,'chat',3,7,0);
CREATE TABLE IF NOT EXISTS "saas_users" (
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
, "laptop" TEXT);
INSERT INTO saas_users VALUES(1,1,'U1','Ada',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,'2026-03-04T07:06:07.000Z',NULL,NULL,'u1',3,8,0,'c02xk1');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('goose_db_version',4);
CREATE INDEX ledger_seen_run ON ledger_seen (integration, run, seq);
CREATE INDEX ledger_superseded_target ON ledger_superseded (object, target);
CREATE VIEW links AS
SELECT o.name AS object, l.target AS record, i.id AS integration, l.vendor_id, l.stale, l.missing_since
FROM ledger_links l
JOIN ledger_objects o ON o.number = l.object
JOIN ledger_integrations i ON i.number = l.integration;
CREATE INDEX runs_started ON runs (started);
CREATE INDEX runs_integration ON runs (integration, started);
CREATE INDEX payloads_run ON payloads (run, number);
CREATE INDEX "users_rekey" ON "users" ("id") WHERE "_rekey" > 0;
CREATE UNIQUE INDEX "users_username" ON "users" (coalesce("username_key", "username")) WHERE coalesce("username_key", "username") <> '';
CREATE UNIQUE INDEX "users_email" ON "users" (coalesce("email_key", "email")) WHERE coalesce("email_key", "email") <> '';
CREATE UNIQUE INDEX "users_employee_id" ON "users" (coalesce("employee_id_key", "employee_id")) WHERE coalesce("employee_id_key", "employee_id") <> '';
CREATE INDEX "assets_rekey" ON "assets" ("id") WHERE "_rekey" > 0;
CREATE UNIQUE INDEX "assets_serial_number" ON "assets" (coalesce("serial_number_key", "serial_number")) WHERE coalesce("serial_number_key", "serial_number") <> '';
CREATE UNIQUE INDEX "assets_asset_tag" ON "assets" (coalesce("asset_tag_key", "asset_tag")) WHERE coalesce("asset_tag_key", "asset_tag") <> '';
CREATE UNIQUE INDEX "assets_imei" ON "assets" (coalesce("imei_key", "imei")) WHERE coalesce("imei_key", "imei") <> '';
CREATE UNIQUE INDEX "assets_udid" ON "assets" (coalesce("udid_key", "udid")) WHERE coalesce("udid_key", "udid") <> '';
CREATE INDEX "software_rekey" ON "software" ("id") WHERE "_rekey" > 0;
CREATE UNIQUE INDEX "software_name_publisher" ON "software" (coalesce("name_key", "name"), coalesce("publisher_key", "publisher", '')) WHERE coalesce("name_key", "name") <> '';
CREATE INDEX "software_installs_rekey" ON "software_installs" ("id") WHERE "_rekey" > 0;
CREATE UNIQUE INDEX "software_installs_asset_software_version" ON "software_installs" ("asset", "software", coalesce("version_key", "version", '')) WHERE "asset" IS NOT NULL;
CREATE INDEX "software_installs_software" ON "software_installs" ("software");
CREATE INDEX "saas_applications_rekey" ON "saas_applications" ("id") WHERE "_rekey" > 0;
CREATE UNIQUE INDEX "saas_applications_name" ON "saas_applications" (coalesce("name_key", "name")) WHERE coalesce("name_key", "name") <> '';
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
CREATE TRIGGER "saas_users_id" BEFORE UPDATE OF "id" ON "saas_users" WHEN NEW."id" IS NOT OLD."id" BEGIN
  SELECT RAISE(ABORT, 'the id of a record cannot be changed');
END;
CREATE TRIGGER "users_edited" AFTER UPDATE OF "username", "email", "first_name", "last_name", "full_name", "role", "title", "department", "manager", "company", "cost_center", "employee_id", "phone", "mobile_phone", "location", "status", "start_date", "end_date", "last_login_at", "time_zone", "locale", "notes", "revision", "archived_at" ON "users"
WHEN NEW."revision" < OLD."revision" OR (NEW."revision" = OLD."revision" AND (NEW."username" IS NOT OLD."username" OR NEW."email" IS NOT OLD."email" OR NEW."first_name" IS NOT OLD."first_name" OR NEW."last_name" IS NOT OLD."last_name" OR NEW."full_name" IS NOT OLD."full_name" OR NEW."role" IS NOT OLD."role" OR NEW."title" IS NOT OLD."title" OR NEW."department" IS NOT OLD."department" OR NEW."manager" IS NOT OLD."manager" OR NEW."company" IS NOT OLD."company" OR NEW."cost_center" IS NOT OLD."cost_center" OR NEW."employee_id" IS NOT OLD."employee_id" OR NEW."phone" IS NOT OLD."phone" OR NEW."mobile_phone" IS NOT OLD."mobile_phone" OR NEW."location" IS NOT OLD."location" OR NEW."status" IS NOT OLD."status" OR NEW."start_date" IS NOT OLD."start_date" OR NEW."end_date" IS NOT OLD."end_date" OR NEW."last_login_at" IS NOT OLD."last_login_at" OR NEW."time_zone" IS NOT OLD."time_zone" OR NEW."locale" IS NOT OLD."locale" OR NEW."notes" IS NOT OLD."notes" OR NEW."archived_at" IS NOT OLD."archived_at"))
BEGIN
  SELECT RAISE(ABORT, 'the revision of a record cannot go back') WHERE NEW."revision" < OLD."revision";
  UPDATE "users" SET
    "revision" = max("revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = 1 AND record = +NEW."id"), 0)) + 1,
    "updated_at" = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    "username_key" = CASE WHEN NEW."username" IS NOT OLD."username" THEN NULL ELSE "username_key" END,
    "email_key" = CASE WHEN NEW."email" IS NOT OLD."email" THEN NULL ELSE "email_key" END,
    "employee_id_key" = CASE WHEN NEW."employee_id" IS NOT OLD."employee_id" THEN NULL ELSE "employee_id_key" END,
    "_rekey" = CASE WHEN "_rekey" = 0 AND (NEW."username" IS NOT OLD."username" OR NEW."email" IS NOT OLD."email" OR NEW."employee_id" IS NOT OLD."employee_id") THEN 1 ELSE "_rekey" END
    WHERE "id" = NEW."id";
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT 1, t."id", t."revision",
      CASE WHEN NEW."archived_at" IS OLD."archived_at" THEN 2 WHEN NEW."archived_at" IS NULL THEN 4 WHEN OLD."archived_at" IS NULL THEN 3 ELSE 2 END,
      t."updated_at",
      (SELECT json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = 1 AND field = v.field) THEN json_array(CASE WHEN v.before IS NOT NULL THEN '********' END, CASE WHEN v.after IS NOT NULL THEN '********' END, json('true')) ELSE json_array(v.before, v.after) END)) FROM (SELECT 'username' AS field, OLD."username" AS before, NEW."username" AS after UNION ALL SELECT 'email' AS field, OLD."email" AS before, NEW."email" AS after UNION ALL SELECT 'first_name' AS field, OLD."first_name" AS before, NEW."first_name" AS after UNION ALL SELECT 'last_name' AS field, OLD."last_name" AS before, NEW."last_name" AS after UNION ALL SELECT 'full_name' AS field, OLD."full_name" AS before, NEW."full_name" AS after UNION ALL SELECT 'role' AS field, OLD."role" AS before, NEW."role" AS after UNION ALL SELECT 'title' AS field, OLD."title" AS before, NEW."title" AS after UNION ALL SELECT 'department' AS field, OLD."department" AS before, NEW."department" AS after UNION ALL SELECT 'manager' AS field, OLD."manager" AS before, NEW."manager" AS after UNION ALL SELECT 'company' AS field, OLD."company" AS before, NEW."company" AS after UNION ALL SELECT 'cost_center' AS field, OLD."cost_center" AS before, NEW."cost_center" AS after UNION ALL SELECT 'employee_id' AS field, OLD."employee_id" AS before, NEW."employee_id" AS after UNION ALL SELECT 'phone' AS field, OLD."phone" AS before, NEW."phone" AS after UNION ALL SELECT 'mobile_phone' AS field, OLD."mobile_phone" AS before, NEW."mobile_phone" AS after UNION ALL SELECT 'location' AS field, OLD."location" AS before, NEW."location" AS after UNION ALL SELECT 'status' AS field, OLD."status" AS before, NEW."status" AS after UNION ALL SELECT 'start_date' AS field, OLD."start_date" AS before, NEW."start_date" AS after UNION ALL SELECT 'end_date' AS field, OLD."end_date" AS before, NEW."end_date" AS after UNION ALL SELECT 'last_login_at' AS field, OLD."last_login_at" AS before, NEW."last_login_at" AS after UNION ALL SELECT 'time_zone' AS field, OLD."time_zone" AS before, NEW."time_zone" AS after UNION ALL SELECT 'locale' AS field, OLD."locale" AS before, NEW."locale" AS after UNION ALL SELECT 'notes' AS field, OLD."notes" AS before, NEW."notes" AS after) v WHERE v.before IS NOT v.after)
    FROM "users" t WHERE t."id" = NEW."id" AND OLD."_rekey" <> 2;
  UPDATE ledger_links SET stale = 1 WHERE object = 1 AND target = +NEW."id";
END;
CREATE TRIGGER "software_deleted" AFTER DELETE ON "software"
BEGIN
  INSERT INTO ledger_history (object, record, revision, batch, op, changes)
    SELECT 3, OLD."id", 1, OLD."_batch", 1, OLD."_columns" WHERE OLD."_batch" IS NOT NULL;
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT 3, OLD."id", max(OLD."revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = 3 AND record = +OLD."id"), 0)) + 1,
      5, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), (SELECT json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = 3 AND field = v.field) THEN json_array(CASE WHEN v.before IS NOT NULL THEN '********' END, CASE WHEN v.after IS NOT NULL THEN '********' END, json('true')) ELSE json_array(v.before, v.after) END)) FROM (SELECT 'name' AS field, OLD."name" AS before, NULL AS after UNION ALL SELECT 'publisher' AS field, OLD."publisher" AS before, NULL AS after UNION ALL SELECT 'identifier' AS field, OLD."identifier" AS before, NULL AS after UNION ALL SELECT 'category' AS field, OLD."category" AS before, NULL AS after) v WHERE v.before IS NOT NULL);
  DELETE FROM ledger_links WHERE object = 3 AND target = +OLD."id";
  DELETE FROM ledger_superseded WHERE object = 3 AND target = +OLD."id";
  DELETE FROM "software_installs" WHERE "software" = OLD."id";
END;
CREATE TRIGGER "software_id" BEFORE UPDATE OF "id" ON "software" WHEN NEW."id" IS NOT OLD."id" BEGIN
  SELECT RAISE(ABORT, 'the id of a record cannot be changed');
END;
CREATE TRIGGER "saas_applications_deleted" AFTER DELETE ON "saas_applications"
BEGIN
  INSERT INTO ledger_history (object, record, revision, batch, op, changes)
    SELECT 5, OLD."id", 1, OLD."_batch", 1, OLD."_columns" WHERE OLD."_batch" IS NOT NULL;
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT 5, OLD."id", max(OLD."revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = 5 AND record = +OLD."id"), 0)) + 1,
      5, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), (SELECT json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = 5 AND field = v.field) THEN json_array(CASE WHEN v.before IS NOT NULL THEN '********' END, CASE WHEN v.after IS NOT NULL THEN '********' END, json('true')) ELSE json_array(v.before, v.after) END)) FROM (SELECT 'name' AS field, OLD."name" AS before, NULL AS after UNION ALL SELECT 'vendor' AS field, OLD."vendor" AS before, NULL AS after UNION ALL SELECT 'url' AS field, OLD."url" AS before, NULL AS after UNION ALL SELECT 'category' AS field, OLD."category" AS before, NULL AS after) v WHERE v.before IS NOT NULL);
  DELETE FROM ledger_links WHERE object = 5 AND target = +OLD."id";
  DELETE FROM ledger_superseded WHERE object = 5 AND target = +OLD."id";
  DELETE FROM "saas_users" WHERE "application" = OLD."id";
END;
CREATE TRIGGER "users_deleted" AFTER DELETE ON "users"
BEGIN
  INSERT INTO ledger_history (object, record, revision, batch, op, changes)
    SELECT 1, OLD."id", 1, OLD."_batch", 1, OLD."_columns" WHERE OLD."_batch" IS NOT NULL;
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT 1, OLD."id", max(OLD."revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = 1 AND record = +OLD."id"), 0)) + 1,
      5, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), (SELECT json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = 1 AND field = v.field) THEN json_array(CASE WHEN v.before IS NOT NULL THEN '********' END, CASE WHEN v.after IS NOT NULL THEN '********' END, json('true')) ELSE json_array(v.before, v.after) END)) FROM (SELECT 'username' AS field, OLD."username" AS before, NULL AS after UNION ALL SELECT 'email' AS field, OLD."email" AS before, NULL AS after UNION ALL SELECT 'first_name' AS field, OLD."first_name" AS before, NULL AS after UNION ALL SELECT 'last_name' AS field, OLD."last_name" AS before, NULL AS after UNION ALL SELECT 'full_name' AS field, OLD."full_name" AS before, NULL AS after UNION ALL SELECT 'role' AS field, OLD."role" AS before, NULL AS after UNION ALL SELECT 'title' AS field, OLD."title" AS before, NULL AS after UNION ALL SELECT 'department' AS field, OLD."department" AS before, NULL AS after UNION ALL SELECT 'manager' AS field, OLD."manager" AS before, NULL AS after UNION ALL SELECT 'company' AS field, OLD."company" AS before, NULL AS after UNION ALL SELECT 'cost_center' AS field, OLD."cost_center" AS before, NULL AS after UNION ALL SELECT 'employee_id' AS field, OLD."employee_id" AS before, NULL AS after UNION ALL SELECT 'phone' AS field, OLD."phone" AS before, NULL AS after UNION ALL SELECT 'mobile_phone' AS field, OLD."mobile_phone" AS before, NULL AS after UNION ALL SELECT 'location' AS field, OLD."location" AS before, NULL AS after UNION ALL SELECT 'status' AS field, OLD."status" AS before, NULL AS after UNION ALL SELECT 'start_date' AS field, OLD."start_date" AS before, NULL AS after UNION ALL SELECT 'end_date' AS field, OLD."end_date" AS before, NULL AS after UNION ALL SELECT 'last_login_at' AS field, OLD."last_login_at" AS before, NULL AS after UNION ALL SELECT 'time_zone' AS field, OLD."time_zone" AS before, NULL AS after UNION ALL SELECT 'locale' AS field, OLD."locale" AS before, NULL AS after UNION ALL SELECT 'notes' AS field, OLD."notes" AS before, NULL AS after) v WHERE v.before IS NOT NULL);
  DELETE FROM ledger_links WHERE object = 1 AND target = +OLD."id";
  DELETE FROM ledger_superseded WHERE object = 1 AND target = +OLD."id";
END;
CREATE TRIGGER "users_id" BEFORE UPDATE OF "id" ON "users" WHEN NEW."id" IS NOT OLD."id" BEGIN
  SELECT RAISE(ABORT, 'the id of a record cannot be changed');
END;
CREATE TRIGGER "assets_id" BEFORE UPDATE OF "id" ON "assets" WHEN NEW."id" IS NOT OLD."id" BEGIN
  SELECT RAISE(ABORT, 'the id of a record cannot be changed');
END;
CREATE TRIGGER "software_installs_edited" AFTER UPDATE OF "software", "asset", "version", "path", "installed_at", "last_used_at", "revision", "archived_at" ON "software_installs"
WHEN NEW."revision" < OLD."revision" OR (NEW."revision" = OLD."revision" AND (NEW."software" IS NOT OLD."software" OR NEW."asset" IS NOT OLD."asset" OR NEW."version" IS NOT OLD."version" OR NEW."path" IS NOT OLD."path" OR NEW."installed_at" IS NOT OLD."installed_at" OR NEW."last_used_at" IS NOT OLD."last_used_at" OR NEW."archived_at" IS NOT OLD."archived_at"))
BEGIN
  SELECT RAISE(ABORT, 'the revision of a record cannot go back') WHERE NEW."revision" < OLD."revision";
  UPDATE "software_installs" SET
    "revision" = max("revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = 4 AND record = +NEW."id"), 0)) + 1,
    "updated_at" = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    "version_key" = CASE WHEN NEW."version" IS NOT OLD."version" THEN NULL ELSE "version_key" END,
    "_rekey" = CASE WHEN "_rekey" = 0 AND (NEW."software" IS NOT OLD."software" OR NEW."asset" IS NOT OLD."asset" OR NEW."version" IS NOT OLD."version") THEN 1 ELSE "_rekey" END
    WHERE "id" = NEW."id";
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT 4, t."id", t."revision",
      CASE WHEN NEW."archived_at" IS OLD."archived_at" THEN 2 WHEN NEW."archived_at" IS NULL THEN 4 WHEN OLD."archived_at" IS NULL THEN 3 ELSE 2 END,
      t."updated_at",
      (SELECT json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = 4 AND field = v.field) THEN json_array(CASE WHEN v.before IS NOT NULL THEN '********' END, CASE WHEN v.after IS NOT NULL THEN '********' END, json('true')) ELSE json_array(v.before, v.after) END)) FROM (SELECT 'software' AS field, OLD."software" AS before, NEW."software" AS after UNION ALL SELECT 'asset' AS field, OLD."asset" AS before, NEW."asset" AS after UNION ALL SELECT 'version' AS field, OLD."version" AS before, NEW."version" AS after UNION ALL SELECT 'path' AS field, OLD."path" AS before, NEW."path" AS after UNION ALL SELECT 'installed_at' AS field, OLD."installed_at" AS before, NEW."installed_at" AS after UNION ALL SELECT 'last_used_at' AS field, OLD."last_used_at" AS before, NEW."last_used_at" AS after) v WHERE v.before IS NOT v.after)
    FROM "software_installs" t WHERE t."id" = NEW."id" AND OLD."_rekey" <> 2;
  UPDATE ledger_links SET stale = 1 WHERE object = 4 AND target = +NEW."id";
  UPDATE ledger_links SET stale = 1 WHERE object = 3 AND target IN (+OLD."software", +NEW."software");
  UPDATE ledger_links SET stale = 1 WHERE object = 2 AND target IN (+OLD."asset", +NEW."asset");
END;
CREATE TRIGGER "saas_applications_edited" AFTER UPDATE OF "name", "vendor", "url", "category", "revision", "archived_at" ON "saas_applications"
WHEN NEW."revision" < OLD."revision" OR (NEW."revision" = OLD."revision" AND (NEW."name" IS NOT OLD."name" OR NEW."vendor" IS NOT OLD."vendor" OR NEW."url" IS NOT OLD."url" OR NEW."category" IS NOT OLD."category" OR NEW."archived_at" IS NOT OLD."archived_at"))
BEGIN
  SELECT RAISE(ABORT, 'the revision of a record cannot go back') WHERE NEW."revision" < OLD."revision";
  UPDATE "saas_applications" SET
    "revision" = max("revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = 5 AND record = +NEW."id"), 0)) + 1,
    "updated_at" = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    "name_key" = CASE WHEN NEW."name" IS NOT OLD."name" THEN NULL ELSE "name_key" END,
    "_rekey" = CASE WHEN "_rekey" = 0 AND (NEW."name" IS NOT OLD."name") THEN 1 ELSE "_rekey" END
    WHERE "id" = NEW."id";
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT 5, t."id", t."revision",
      CASE WHEN NEW."archived_at" IS OLD."archived_at" THEN 2 WHEN NEW."archived_at" IS NULL THEN 4 WHEN OLD."archived_at" IS NULL THEN 3 ELSE 2 END,
      t."updated_at",
      (SELECT json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = 5 AND field = v.field) THEN json_array(CASE WHEN v.before IS NOT NULL THEN '********' END, CASE WHEN v.after IS NOT NULL THEN '********' END, json('true')) ELSE json_array(v.before, v.after) END)) FROM (SELECT 'name' AS field, OLD."name" AS before, NEW."name" AS after UNION ALL SELECT 'vendor' AS field, OLD."vendor" AS before, NEW."vendor" AS after UNION ALL SELECT 'url' AS field, OLD."url" AS before, NEW."url" AS after UNION ALL SELECT 'category' AS field, OLD."category" AS before, NEW."category" AS after) v WHERE v.before IS NOT v.after)
    FROM "saas_applications" t WHERE t."id" = NEW."id" AND OLD."_rekey" <> 2;
  UPDATE ledger_links SET stale = 1 WHERE object = 5 AND target = +NEW."id";
  UPDATE ledger_links SET stale = 1 WHERE object = 6 AND target IN (SELECT +"id" FROM "saas_users" WHERE "application" = NEW."id");
END;
CREATE TRIGGER "software_edited" AFTER UPDATE OF "name", "publisher", "identifier", "category", "revision", "archived_at" ON "software"
WHEN NEW."revision" < OLD."revision" OR (NEW."revision" = OLD."revision" AND (NEW."name" IS NOT OLD."name" OR NEW."publisher" IS NOT OLD."publisher" OR NEW."identifier" IS NOT OLD."identifier" OR NEW."category" IS NOT OLD."category" OR NEW."archived_at" IS NOT OLD."archived_at"))
BEGIN
  SELECT RAISE(ABORT, 'the revision of a record cannot go back') WHERE NEW."revision" < OLD."revision";
  UPDATE "software" SET
    "revision" = max("revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = 3 AND record = +NEW."id"), 0)) + 1,
    "updated_at" = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    "name_key" = CASE WHEN NEW."name" IS NOT OLD."name" THEN NULL ELSE "name_key" END,
    "publisher_key" = CASE WHEN NEW."publisher" IS NOT OLD."publisher" THEN NULL ELSE "publisher_key" END,
    "_rekey" = CASE WHEN "_rekey" = 0 AND (NEW."name" IS NOT OLD."name" OR NEW."publisher" IS NOT OLD."publisher") THEN 1 ELSE "_rekey" END
    WHERE "id" = NEW."id";
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT 3, t."id", t."revision",
      CASE WHEN NEW."archived_at" IS OLD."archived_at" THEN 2 WHEN NEW."archived_at" IS NULL THEN 4 WHEN OLD."archived_at" IS NULL THEN 3 ELSE 2 END,
      t."updated_at",
      (SELECT json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = 3 AND field = v.field) THEN json_array(CASE WHEN v.before IS NOT NULL THEN '********' END, CASE WHEN v.after IS NOT NULL THEN '********' END, json('true')) ELSE json_array(v.before, v.after) END)) FROM (SELECT 'name' AS field, OLD."name" AS before, NEW."name" AS after UNION ALL SELECT 'publisher' AS field, OLD."publisher" AS before, NEW."publisher" AS after UNION ALL SELECT 'identifier' AS field, OLD."identifier" AS before, NEW."identifier" AS after UNION ALL SELECT 'category' AS field, OLD."category" AS before, NEW."category" AS after) v WHERE v.before IS NOT v.after)
    FROM "software" t WHERE t."id" = NEW."id" AND OLD."_rekey" <> 2;
  UPDATE ledger_links SET stale = 1 WHERE object = 3 AND target = +NEW."id";
  UPDATE ledger_links SET stale = 1 WHERE object = 4 AND target IN (SELECT +"id" FROM "software_installs" WHERE "software" = NEW."id");
  UPDATE ledger_links SET stale = 1 WHERE object = 2 AND target IN (SELECT +"asset" FROM "software_installs" WHERE "software" = NEW."id");
END;
CREATE TRIGGER "software_installs_deleted" AFTER DELETE ON "software_installs"
BEGIN
  INSERT INTO ledger_history (object, record, revision, batch, op, changes)
    SELECT 4, OLD."id", 1, OLD."_batch", 1, OLD."_columns" WHERE OLD."_batch" IS NOT NULL;
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT 4, OLD."id", max(OLD."revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = 4 AND record = +OLD."id"), 0)) + 1,
      5, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), (SELECT json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = 4 AND field = v.field) THEN json_array(CASE WHEN v.before IS NOT NULL THEN '********' END, CASE WHEN v.after IS NOT NULL THEN '********' END, json('true')) ELSE json_array(v.before, v.after) END)) FROM (SELECT 'software' AS field, OLD."software" AS before, NULL AS after UNION ALL SELECT 'asset' AS field, OLD."asset" AS before, NULL AS after UNION ALL SELECT 'version' AS field, OLD."version" AS before, NULL AS after UNION ALL SELECT 'path' AS field, OLD."path" AS before, NULL AS after UNION ALL SELECT 'installed_at' AS field, OLD."installed_at" AS before, NULL AS after UNION ALL SELECT 'last_used_at' AS field, OLD."last_used_at" AS before, NULL AS after) v WHERE v.before IS NOT NULL);
  DELETE FROM ledger_links WHERE object = 4 AND target = +OLD."id";
  DELETE FROM ledger_superseded WHERE object = 4 AND target = +OLD."id";
  UPDATE ledger_links SET stale = 1 WHERE object = 3 AND target = +OLD."software";
  UPDATE ledger_links SET stale = 1 WHERE object = 2 AND target = +OLD."asset";
END;
CREATE TRIGGER "software_installs_id" BEFORE UPDATE OF "id" ON "software_installs" WHEN NEW."id" IS NOT OLD."id" BEGIN
  SELECT RAISE(ABORT, 'the id of a record cannot be changed');
END;
CREATE TRIGGER "saas_applications_id" BEFORE UPDATE OF "id" ON "saas_applications" WHEN NEW."id" IS NOT OLD."id" BEGIN
  SELECT RAISE(ABORT, 'the id of a record cannot be changed');
END;
CREATE UNIQUE INDEX "assets_rack" ON "assets" (coalesce("rack_key", "rack")) WHERE coalesce("rack_key", "rack") <> '';
CREATE UNIQUE INDEX "assets_slot" ON "assets" ("slot") WHERE "slot" IS NOT NULL;
CREATE TRIGGER "assets_deleted" AFTER DELETE ON "assets"
BEGIN
  INSERT INTO ledger_history (object, record, revision, batch, op, changes)
    SELECT 2, OLD."id", 1, OLD."_batch", 1, OLD."_columns" WHERE OLD."_batch" IS NOT NULL;
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT 2, OLD."id", max(OLD."revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = 2 AND record = +OLD."id"), 0)) + 1,
      5, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), (SELECT json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = 2 AND field = v.field) THEN json_array(CASE WHEN v.before IS NOT NULL THEN '********' END, CASE WHEN v.after IS NOT NULL THEN '********' END, json('true')) ELSE json_array(v.before, v.after) END)) FROM (SELECT 'serial_number' AS field, OLD."serial_number" AS before, NULL AS after UNION ALL SELECT 'asset_tag' AS field, OLD."asset_tag" AS before, NULL AS after UNION ALL SELECT 'device_name' AS field, OLD."device_name" AS before, NULL AS after UNION ALL SELECT 'hostname' AS field, OLD."hostname" AS before, NULL AS after UNION ALL SELECT 'asset_type' AS field, OLD."asset_type" AS before, NULL AS after UNION ALL SELECT 'status' AS field, OLD."status" AS before, NULL AS after UNION ALL SELECT 'manufacturer' AS field, OLD."manufacturer" AS before, NULL AS after UNION ALL SELECT 'model' AS field, OLD."model" AS before, NULL AS after UNION ALL SELECT 'model_identifier' AS field, OLD."model_identifier" AS before, NULL AS after UNION ALL SELECT 'os_name' AS field, OLD."os_name" AS before, NULL AS after UNION ALL SELECT 'os_version' AS field, OLD."os_version" AS before, NULL AS after UNION ALL SELECT 'os_build' AS field, OLD."os_build" AS before, NULL AS after UNION ALL SELECT 'cpu' AS field, OLD."cpu" AS before, NULL AS after UNION ALL SELECT 'memory_mb' AS field, OLD."memory_mb" AS before, NULL AS after UNION ALL SELECT 'storage_gb' AS field, OLD."storage_gb" AS before, NULL AS after UNION ALL SELECT 'mac_addresses' AS field, OLD."mac_addresses" AS before, NULL AS after UNION ALL SELECT 'ip_addresses' AS field, OLD."ip_addresses" AS before, NULL AS after UNION ALL SELECT 'imei' AS field, OLD."imei" AS before, NULL AS after UNION ALL SELECT 'udid' AS field, OLD."udid" AS before, NULL AS after UNION ALL SELECT 'assigned_to' AS field, OLD."assigned_to" AS before, NULL AS after UNION ALL SELECT 'department' AS field, OLD."department" AS before, NULL AS after UNION ALL SELECT 'location' AS field, OLD."location" AS before, NULL AS after UNION ALL SELECT 'managed' AS field, OLD."managed" AS before, NULL AS after UNION ALL SELECT 'encrypted' AS field, OLD."encrypted" AS before, NULL AS after UNION ALL SELECT 'enrolled_at' AS field, OLD."enrolled_at" AS before, NULL AS after UNION ALL SELECT 'last_seen_at' AS field, OLD."last_seen_at" AS before, NULL AS after UNION ALL SELECT 'purchase_date' AS field, OLD."purchase_date" AS before, NULL AS after UNION ALL SELECT 'purchase_price' AS field, OLD."purchase_price" AS before, NULL AS after UNION ALL SELECT 'po_number' AS field, OLD."po_number" AS before, NULL AS after UNION ALL SELECT 'vendor' AS field, OLD."vendor" AS before, NULL AS after UNION ALL SELECT 'warranty_end_date' AS field, OLD."warranty_end_date" AS before, NULL AS after UNION ALL SELECT 'notes' AS field, OLD."notes" AS before, NULL AS after UNION ALL SELECT 'rack' AS field, OLD."rack" AS before, NULL AS after UNION ALL SELECT 'slot' AS field, OLD."slot" AS before, NULL AS after UNION ALL SELECT 'keeper' AS field, OLD."keeper" AS before, NULL AS after) v WHERE v.before IS NOT NULL);
  DELETE FROM ledger_links WHERE object = 2 AND target = +OLD."id";
  DELETE FROM ledger_superseded WHERE object = 2 AND target = +OLD."id";
  DELETE FROM "software_installs" WHERE "asset" = OLD."id";
END;
CREATE TRIGGER "assets_edited" AFTER UPDATE OF "serial_number", "asset_tag", "device_name", "hostname", "asset_type", "status", "manufacturer", "model", "model_identifier", "os_name", "os_version", "os_build", "cpu", "memory_mb", "storage_gb", "mac_addresses", "ip_addresses", "imei", "udid", "assigned_to", "department", "location", "managed", "encrypted", "enrolled_at", "last_seen_at", "purchase_date", "purchase_price", "po_number", "vendor", "warranty_end_date", "notes", "rack", "slot", "keeper", "revision", "archived_at" ON "assets"
WHEN NEW."revision" < OLD."revision" OR (NEW."revision" = OLD."revision" AND (NEW."serial_number" IS NOT OLD."serial_number" OR NEW."asset_tag" IS NOT OLD."asset_tag" OR NEW."device_name" IS NOT OLD."device_name" OR NEW."hostname" IS NOT OLD."hostname" OR NEW."asset_type" IS NOT OLD."asset_type" OR NEW."status" IS NOT OLD."status" OR NEW."manufacturer" IS NOT OLD."manufacturer" OR NEW."model" IS NOT OLD."model" OR NEW."model_identifier" IS NOT OLD."model_identifier" OR NEW."os_name" IS NOT OLD."os_name" OR NEW."os_version" IS NOT OLD."os_version" OR NEW."os_build" IS NOT OLD."os_build" OR NEW."cpu" IS NOT OLD."cpu" OR NEW."memory_mb" IS NOT OLD."memory_mb" OR NEW."storage_gb" IS NOT OLD."storage_gb" OR NEW."mac_addresses" IS NOT OLD."mac_addresses" OR NEW."ip_addresses" IS NOT OLD."ip_addresses" OR NEW."imei" IS NOT OLD."imei" OR NEW."udid" IS NOT OLD."udid" OR NEW."assigned_to" IS NOT OLD."assigned_to" OR NEW."department" IS NOT OLD."department" OR NEW."location" IS NOT OLD."location" OR NEW."managed" IS NOT OLD."managed" OR NEW."encrypted" IS NOT OLD."encrypted" OR NEW."enrolled_at" IS NOT OLD."enrolled_at" OR NEW."last_seen_at" IS NOT OLD."last_seen_at" OR NEW."purchase_date" IS NOT OLD."purchase_date" OR NEW."purchase_price" IS NOT OLD."purchase_price" OR NEW."po_number" IS NOT OLD."po_number" OR NEW."vendor" IS NOT OLD."vendor" OR NEW."warranty_end_date" IS NOT OLD."warranty_end_date" OR NEW."notes" IS NOT OLD."notes" OR NEW."rack" IS NOT OLD."rack" OR NEW."slot" IS NOT OLD."slot" OR NEW."keeper" IS NOT OLD."keeper" OR NEW."archived_at" IS NOT OLD."archived_at"))
BEGIN
  SELECT RAISE(ABORT, 'the revision of a record cannot go back') WHERE NEW."revision" < OLD."revision";
  UPDATE "assets" SET
    "revision" = max("revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = 2 AND record = +NEW."id"), 0)) + 1,
    "updated_at" = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    "serial_number_key" = CASE WHEN NEW."serial_number" IS NOT OLD."serial_number" THEN NULL ELSE "serial_number_key" END,
    "asset_tag_key" = CASE WHEN NEW."asset_tag" IS NOT OLD."asset_tag" THEN NULL ELSE "asset_tag_key" END,
    "imei_key" = CASE WHEN NEW."imei" IS NOT OLD."imei" THEN NULL ELSE "imei_key" END,
    "udid_key" = CASE WHEN NEW."udid" IS NOT OLD."udid" THEN NULL ELSE "udid_key" END,
    "rack_key" = CASE WHEN NEW."rack" IS NOT OLD."rack" THEN NULL ELSE "rack_key" END,
    "_rekey" = CASE WHEN "_rekey" = 0 AND (NEW."serial_number" IS NOT OLD."serial_number" OR NEW."asset_tag" IS NOT OLD."asset_tag" OR NEW."imei" IS NOT OLD."imei" OR NEW."udid" IS NOT OLD."udid" OR NEW."rack" IS NOT OLD."rack" OR NEW."slot" IS NOT OLD."slot") THEN 1 ELSE "_rekey" END
    WHERE "id" = NEW."id";
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT 2, t."id", t."revision",
      CASE WHEN NEW."archived_at" IS OLD."archived_at" THEN 2 WHEN NEW."archived_at" IS NULL THEN 4 WHEN OLD."archived_at" IS NULL THEN 3 ELSE 2 END,
      t."updated_at",
      (SELECT json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = 2 AND field = v.field) THEN json_array(CASE WHEN v.before IS NOT NULL THEN '********' END, CASE WHEN v.after IS NOT NULL THEN '********' END, json('true')) ELSE json_array(v.before, v.after) END)) FROM (SELECT 'serial_number' AS field, OLD."serial_number" AS before, NEW."serial_number" AS after UNION ALL SELECT 'asset_tag' AS field, OLD."asset_tag" AS before, NEW."asset_tag" AS after UNION ALL SELECT 'device_name' AS field, OLD."device_name" AS before, NEW."device_name" AS after UNION ALL SELECT 'hostname' AS field, OLD."hostname" AS before, NEW."hostname" AS after UNION ALL SELECT 'asset_type' AS field, OLD."asset_type" AS before, NEW."asset_type" AS after UNION ALL SELECT 'status' AS field, OLD."status" AS before, NEW."status" AS after UNION ALL SELECT 'manufacturer' AS field, OLD."manufacturer" AS before, NEW."manufacturer" AS after UNION ALL SELECT 'model' AS field, OLD."model" AS before, NEW."model" AS after UNION ALL SELECT 'model_identifier' AS field, OLD."model_identifier" AS before, NEW."model_identifier" AS after UNION ALL SELECT 'os_name' AS field, OLD."os_name" AS before, NEW."os_name" AS after UNION ALL SELECT 'os_version' AS field, OLD."os_version" AS before, NEW."os_version" AS after UNION ALL SELECT 'os_build' AS field, OLD."os_build" AS before, NEW."os_build" AS after UNION ALL SELECT 'cpu' AS field, OLD."cpu" AS before, NEW."cpu" AS after UNION ALL SELECT 'memory_mb' AS field, OLD."memory_mb" AS before, NEW."memory_mb" AS after UNION ALL SELECT 'storage_gb' AS field, OLD."storage_gb" AS before, NEW."storage_gb" AS after UNION ALL SELECT 'mac_addresses' AS field, OLD."mac_addresses" AS before, NEW."mac_addresses" AS after UNION ALL SELECT 'ip_addresses' AS field, OLD."ip_addresses" AS before, NEW."ip_addresses" AS after UNION ALL SELECT 'imei' AS field, OLD."imei" AS before, NEW."imei" AS after UNION ALL SELECT 'udid' AS field, OLD."udid" AS before, NEW."udid" AS after UNION ALL SELECT 'assigned_to' AS field, OLD."assigned_to" AS before, NEW."assigned_to" AS after UNION ALL SELECT 'department' AS field, OLD."department" AS before, NEW."department" AS after UNION ALL SELECT 'location' AS field, OLD."location" AS before, NEW."location" AS after UNION ALL SELECT 'managed' AS field, OLD."managed" AS before, NEW."managed" AS after UNION ALL SELECT 'encrypted' AS field, OLD."encrypted" AS before, NEW."encrypted" AS after UNION ALL SELECT 'enrolled_at' AS field, OLD."enrolled_at" AS before, NEW."enrolled_at" AS after UNION ALL SELECT 'last_seen_at' AS field, OLD."last_seen_at" AS before, NEW."last_seen_at" AS after UNION ALL SELECT 'purchase_date' AS field, OLD."purchase_date" AS before, NEW."purchase_date" AS after UNION ALL SELECT 'purchase_price' AS field, OLD."purchase_price" AS before, NEW."purchase_price" AS after UNION ALL SELECT 'po_number' AS field, OLD."po_number" AS before, NEW."po_number" AS after UNION ALL SELECT 'vendor' AS field, OLD."vendor" AS before, NEW."vendor" AS after UNION ALL SELECT 'warranty_end_date' AS field, OLD."warranty_end_date" AS before, NEW."warranty_end_date" AS after UNION ALL SELECT 'notes' AS field, OLD."notes" AS before, NEW."notes" AS after UNION ALL SELECT 'rack' AS field, OLD."rack" AS before, NEW."rack" AS after UNION ALL SELECT 'slot' AS field, OLD."slot" AS before, NEW."slot" AS after UNION ALL SELECT 'keeper' AS field, OLD."keeper" AS before, NEW."keeper" AS after) v WHERE v.before IS NOT v.after)
    FROM "assets" t WHERE t."id" = NEW."id" AND OLD."_rekey" <> 2;
  UPDATE ledger_links SET stale = 1 WHERE object = 2 AND target = +NEW."id";
END;
CREATE TRIGGER "saas_users_deleted" AFTER DELETE ON "saas_users"
BEGIN
  INSERT INTO ledger_history (object, record, revision, batch, op, changes)
    SELECT 6, OLD."id", 1, OLD."_batch", 1, OLD."_columns" WHERE OLD."_batch" IS NOT NULL;
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT 6, OLD."id", max(OLD."revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = 6 AND record = +OLD."id"), 0)) + 1,
      5, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), (SELECT json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = 6 AND field = v.field) THEN json_array(CASE WHEN v.before IS NOT NULL THEN '********' END, CASE WHEN v.after IS NOT NULL THEN '********' END, json('true')) ELSE json_array(v.before, v.after) END)) FROM (SELECT 'application' AS field, OLD."application" AS before, NULL AS after UNION ALL SELECT 'external_id' AS field, OLD."external_id" AS before, NULL AS after UNION ALL SELECT 'user' AS field, OLD."user" AS before, NULL AS after UNION ALL SELECT 'username' AS field, OLD."username" AS before, NULL AS after UNION ALL SELECT 'email' AS field, OLD."email" AS before, NULL AS after UNION ALL SELECT 'full_name' AS field, OLD."full_name" AS before, NULL AS after UNION ALL SELECT 'roles' AS field, OLD."roles" AS before, NULL AS after UNION ALL SELECT 'status' AS field, OLD."status" AS before, NULL AS after UNION ALL SELECT 'license' AS field, OLD."license" AS before, NULL AS after UNION ALL SELECT 'last_activity_at' AS field, OLD."last_activity_at" AS before, NULL AS after UNION ALL SELECT 'laptop' AS field, OLD."laptop" AS before, NULL AS after) v WHERE v.before IS NOT NULL);
  DELETE FROM ledger_links WHERE object = 6 AND target = +OLD."id";
  DELETE FROM ledger_superseded WHERE object = 6 AND target = +OLD."id";
  UPDATE ledger_links SET stale = 1 WHERE object = 5 AND target = +OLD."application";
END;
CREATE TRIGGER "saas_users_edited" AFTER UPDATE OF "application", "external_id", "user", "username", "email", "full_name", "roles", "status", "license", "last_activity_at", "laptop", "revision", "archived_at" ON "saas_users"
WHEN NEW."revision" < OLD."revision" OR (NEW."revision" = OLD."revision" AND (NEW."application" IS NOT OLD."application" OR NEW."external_id" IS NOT OLD."external_id" OR NEW."user" IS NOT OLD."user" OR NEW."username" IS NOT OLD."username" OR NEW."email" IS NOT OLD."email" OR NEW."full_name" IS NOT OLD."full_name" OR NEW."roles" IS NOT OLD."roles" OR NEW."status" IS NOT OLD."status" OR NEW."license" IS NOT OLD."license" OR NEW."last_activity_at" IS NOT OLD."last_activity_at" OR NEW."laptop" IS NOT OLD."laptop" OR NEW."archived_at" IS NOT OLD."archived_at"))
BEGIN
  SELECT RAISE(ABORT, 'the revision of a record cannot go back') WHERE NEW."revision" < OLD."revision";
  UPDATE "saas_users" SET
    "revision" = max("revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = 6 AND record = +NEW."id"), 0)) + 1,
    "updated_at" = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    "external_id_key" = CASE WHEN NEW."external_id" IS NOT OLD."external_id" THEN NULL ELSE "external_id_key" END,
    "_rekey" = CASE WHEN "_rekey" = 0 AND (NEW."application" IS NOT OLD."application" OR NEW."external_id" IS NOT OLD."external_id") THEN 1 ELSE "_rekey" END
    WHERE "id" = NEW."id";
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT 6, t."id", t."revision",
      CASE WHEN NEW."archived_at" IS OLD."archived_at" THEN 2 WHEN NEW."archived_at" IS NULL THEN 4 WHEN OLD."archived_at" IS NULL THEN 3 ELSE 2 END,
      t."updated_at",
      (SELECT json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = 6 AND field = v.field) THEN json_array(CASE WHEN v.before IS NOT NULL THEN '********' END, CASE WHEN v.after IS NOT NULL THEN '********' END, json('true')) ELSE json_array(v.before, v.after) END)) FROM (SELECT 'application' AS field, OLD."application" AS before, NEW."application" AS after UNION ALL SELECT 'external_id' AS field, OLD."external_id" AS before, NEW."external_id" AS after UNION ALL SELECT 'user' AS field, OLD."user" AS before, NEW."user" AS after UNION ALL SELECT 'username' AS field, OLD."username" AS before, NEW."username" AS after UNION ALL SELECT 'email' AS field, OLD."email" AS before, NEW."email" AS after UNION ALL SELECT 'full_name' AS field, OLD."full_name" AS before, NEW."full_name" AS after UNION ALL SELECT 'roles' AS field, OLD."roles" AS before, NEW."roles" AS after UNION ALL SELECT 'status' AS field, OLD."status" AS before, NEW."status" AS after UNION ALL SELECT 'license' AS field, OLD."license" AS before, NEW."license" AS after UNION ALL SELECT 'last_activity_at' AS field, OLD."last_activity_at" AS before, NEW."last_activity_at" AS after UNION ALL SELECT 'laptop' AS field, OLD."laptop" AS before, NEW."laptop" AS after) v WHERE v.before IS NOT v.after)
    FROM "saas_users" t WHERE t."id" = NEW."id" AND OLD."_rekey" <> 2;
  UPDATE ledger_links SET stale = 1 WHERE object = 6 AND target = +NEW."id";
  UPDATE ledger_links SET stale = 1 WHERE object = 5 AND target IN (+OLD."application", +NEW."application");
END;
COMMIT;
