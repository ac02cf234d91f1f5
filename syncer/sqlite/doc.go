// Package sqlite is a store that keeps one tenant's records in an SQLite file,
// in pure Go.
//
//	store, err := sqlite.Open(ctx, "inventory.db", sqlite.Options{})
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	s, err := syncer.New(store, syncer.Options{Registry: connectors})
//
// It implements [syncer.Store] and every optional ability beside it. The file is
// for its owner alone; a batch is one transaction, on disk when Apply returns.
//
// # Tables
//
// Every object has a table that a person can read, archive and correct with any
// SQLite program:
//
//	$ sqlite3 inventory.db "SELECT serial_number, device_name FROM assets"
//
// Its columns are id, the object's fields, revision, created_at, updated_at (NULL
// until the first change) and archived_at. Dates and times are ISO 8601 in UTC,
// lists are JSON arrays, booleans 0 and 1; a custom field is a column like the
// others. The columns that end in _key hold the form by which a key is matched
// where it differs from the text that is shown; they and those that begin with an
// underscore belong to the store. The views links, merges and history show where
// records come from and what became of them; the tables that begin with ledger_ are
// behind them.
//
// A reference such as assigned_to keeps what the vendor says. The id of the record
// that it means stands beside it, in assigned_to_id, once there is one:
//
//	SELECT a.serial_number, u.full_name FROM assets a JOIN users u ON u.id = a.assigned_to_id
//
// # Records that are one
//
// [Store.Merge] makes a record a part of another. Both rows stay: that of the part
// is archived, shows what it showed, and stands in the view merges. Runs find the
// other record in its place, by whatever they look for, and so links, references
// and children lead to that. A key is never in two rows, so where the other takes
// it, or a run writes it there, the part goes on showing it but is not found by it.
// [Store.Split] takes back what nobody has changed since.
//
//	SELECT a.* FROM assets a LEFT JOIN merges m ON m.object = 'assets' AND m.record = a.id WHERE m.record IS NULL
//
// # Edits by hand
//
// An INSERT, UPDATE or DELETE by another program is noticed by triggers: it stands
// in the history, without an actor, and raises the revision, so that the next run
// compares the record anew. A key may be typed in any form; the next run finds the
// one by which it is matched. Deleting a record takes its links along, and what is a
// part of it, such as the installs of an asset; references to it wait for another,
// and records merged into it are archived records of their own. A merged record
// that is taken out of the archive by hand is still a part of the other.
//
// # Credentials
//
// A Store is a [credentials.Keeper], too. The table credentials holds what a
// [credentials.Vault] seals: id, revision, and a JSON document in which all but the
// secret stands in clear.
//
//	$ sqlite3 inventory.db "SELECT id, revision, CAST(sealed AS TEXT) -> 'entry' FROM credentials"
//
// The store has no key, so that neither the file nor a copy of it tells a secret to
// whoever has not the vault's key: keep that elsewhere. A row whose id, connector or
// hosts were edited by hand opens no more.
//
// What was replaced or deleted may stay in unused pages of the file and in its log
// until SQLite uses them again, as well as in backups. It is as sealed there as it
// was before, so nothing overwrites it. Where a key has become known, make new
// secrets at the vendors; after [credentials.Vault.Rekey], this takes the remains out
// of the file and the log:
//
//	$ sqlite3 inventory.db "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"
//
// # Several processes
//
// Any number of processes may have the file open at the same time. In a process
// that has, do not open the file by other means than SQLite's: on POSIX systems,
// closing it would end the locks that keep the processes apart.
package sqlite
