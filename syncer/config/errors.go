package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one fault of a file.
type Problem struct {
	Line    int    // from 1; 0 if the fault has no place
	Column  int    // in characters from 1; 0 if unknown
	Path    string // "integrations[2].mapping.fields[0].to"; empty for the file as a whole
	Message string // what is wrong, and what to write instead
}

// String returns the problem in one line, without the file's name.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "%d:", p.Line)
		if p.Column > 0 {
			fmt.Fprintf(&b, "%d:", p.Column)
		}
		b.WriteByte(' ')
	}
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// An Error holds all faults of a file, in the order of their places.
type Error struct {
	Name     string // the file
	Problems []Problem
}

// maxShown bounds how many problems Error spells out.
const maxShown = 100

// Error returns one line a problem, each as file:line:column: path: message.
func (e *Error) Error() string {
	lines := make([]string, 0, min(len(e.Problems), maxShown)+1)
	for i, p := range e.Problems {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("and %d more", len(e.Problems)-i))
			break
		}
		separator := ": "
		if p.Line > 0 {
			separator = ":"
		}
		lines = append(lines, cmp.Or(e.Name, "configuration")+separator+p.String())
	}
	return strings.Join(lines, "\n")
}

// newError returns the problems in the order of their places as an error, nil
// if there are none.
func newError(name string, problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{Name: name, Problems: problems}
}
