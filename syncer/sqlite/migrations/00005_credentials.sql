-- The credentials of a vault, each as the vault has sealed it: a JSON document in
-- which all but the secret stands in clear, kept byte for byte.

-- +goose Up
CREATE TABLE credentials (
  id TEXT PRIMARY KEY,
  revision TEXT NOT NULL,
  sealed BLOB NOT NULL
);
