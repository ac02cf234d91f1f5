package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/syncer"
)

// SQLite's result codes, https://www.sqlite.org/rescode.html.
const (
	codePerm       = 3
	codeBusy       = 5
	codeLocked     = 6
	codeNoMemory   = 7
	codeReadOnly   = 8
	codeIO         = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCantOpen   = 14
	codeConstraint = 19
	codeNotADB     = 26

	codeConstraintPrimaryKey = codeConstraint | 6<<8
	codeConstraintUnique     = codeConstraint | 8<<8
)

// codeOf returns SQLite's extended result code of an error, 0 if it has none.
func codeOf(err error) int {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code()
	}
	return 0
}

// takesUniqueKey reports whether a statement failed because a unique key is
// taken.
func takesUniqueKey(err error) bool {
	code := codeOf(err)
	return code == codeConstraintUnique || code == codeConstraintPrimaryKey
}

// explain says what was being done when err came up. An error of SQLite that a
// person can do something about becomes a *connector.Error with a remedy.
func (s *Store) explain(err error, doing string) error {
	var known *connector.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known), errors.Is(err, syncer.ErrFence), errors.Is(err, syncer.ErrNotFound),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	}
	e := &connector.Error{Op: doing, Err: err}
	switch codeOf(err) & 0xff {
	case codeBusy, codeLocked:
		e.Class = connector.ErrUnavailable
		e.Message = fmt.Sprintf("another program holds the database %s", s.path)
		e.Remedy = "wait until the other program is done, or end it, and run again; nothing of this batch was written"
	case codeFull:
		e.Class = connector.ErrUnavailable
		e.Message = fmt.Sprintf("the disk of %s is full", s.path)
		e.Remedy = "free space and run again; nothing of this batch was written"
	case codeIO:
		e.Class = connector.ErrUnavailable
		e.Message = fmt.Sprintf("the disk of %s fails: %v", s.path, err)
		e.Remedy = "look at the disk and the system's log, and run again; nothing of this batch was written"
	case codeNoMemory:
		e.Class = connector.ErrUnavailable
		e.Message = "there is not enough memory"
		e.Remedy = "free memory and run again"
	case codeCorrupt:
		e.Class = connector.ErrInvalid
		e.Message = fmt.Sprintf("the database %s is damaged", s.path)
		e.Remedy = "restore it from a backup, or rescue what is in it with `sqlite3 FILE .recover`"
	case codeNotADB:
		e.Class = connector.ErrInvalid
		e.Message = fmt.Sprintf("%s is not an SQLite database", s.path)
		e.Remedy = "name another file, or move this one away"
	case codeCantOpen, codePerm, codeReadOnly:
		e.Class = connector.ErrInvalid
		e.Message = fmt.Sprintf("the database %s cannot be opened for writing", s.path)
		e.Remedy = "check that the file and its folder exist and that you may write to both"
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
	return e
}
