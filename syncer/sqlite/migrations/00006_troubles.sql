-- Which troubles people have been told of, and which are over: what the notices
-- remember, a JSON document each, kept byte for byte.

-- +goose Up
CREATE TABLE troubles (
  id TEXT PRIMARY KEY,
  document BLOB NOT NULL
);
