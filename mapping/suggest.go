package mapping

import (
	"errors"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
)

// A Proposal is what [Suggest] would map.
type Proposal struct {
	Key      string          // path of the vendor id; empty if nothing looks like one
	Fields   []Suggestion    // one for each target field that has a clear source, in the order of the object's fields
	SyncKeys []KeySuggestion // among Fields, in order of priority
	Doubtful []Suggestion    // what comes near for fields that are left unmapped, the best first
}

// A Suggestion is a source for a target field.
type Suggestion struct {
	To     string  // the target field
	From   string  // path of the source value
	Format Format  // how a date is written at the source; empty for what is no date
	Score  float64 // from 0 to 1
	Reason string  // one sentence for people
}

// A KeySuggestion is a sync key.
type KeySuggestion struct {
	Field  string // a unique target field
	Reason string // one sentence for people
}

// Suggest proposes how a vendor's records fill an object.
func Suggest(object string, s *Schema, source []connector.Field, samples []connector.Record) (Proposal, error) {
	if _, ok := s.Object(object); !ok {
		return Proposal{}, fmt.Errorf("suggest a mapping: %w", s.unknownObject(object))
	}
	if len(source) == 0 && len(samples) == 0 {
		return Proposal{}, errors.New("suggest a mapping: there are neither source fields nor sampled records; give one of them")
	}
	return Proposal{}, nil
}
