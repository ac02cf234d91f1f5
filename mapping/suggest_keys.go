package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
)

// vendorID returns the path of what identifies a record at the vendor, or "".
func (s *suggester) vendorID() string {
	best, most := "", 0.0
	for _, c := range s.table.columns {
		if score := s.idScore(c); score > most {
			best, most = c.path, score
		}
	}
	return best
}

// keyFor returns the source of the first sync key that every sampled record has,
// which stands in for an id where the vendor gives none, or "".
func (s *suggester) keyFor(chosen map[int]candidate, keys []KeySuggestion) string {
	for _, k := range keys {
		c := chosen[s.object.Field(k.Field)]
		if n, _ := usableKeys(c.column, &s.object.Fields[s.object.Field(k.Field)]); s.table.records > 0 && n >= min(s.table.records, maxColumnCells) {
			return c.column.path
		}
	}
	return ""
}

// idNames returns what vendors call the ids of an object, from the clear names to
// those that are better than none.
func idNames(object string) []alias {
	own := "account id, user id"
	switch object {
	case "users":
		own = "user id, person id, account id, member id, contact id, worker id"
	case "assets":
		own = "device id, device udid, computer id, asset id, machine id, system id, host id, instance id, agent id, aid"
	}
	var names []alias
	for _, tier := range []struct {
		names string
		score float64
	}{
		{"id", 1},
		{"resource id, sys id", 0.97},
		{own, 0.9},
		{"object guid, entry uuid", 0.9},
		{"object id, guid, gid, unique id", 0.85},
		{"uuid", 0.8},
		{"udid, uid", 0.7},
		{"key, employee id, record id", 0.5},
		{"serial number, serial", 0.4},
		{"email", 0.35},
		{"user name, login", 0.3},
	} {
		for name := range strings.SplitSeq(tier.names, ",") {
			names = append(names, alias{theVocabulary().split(name), tier.score})
		}
	}
	return names
}

// idScore says how much a column looks like the vendor's id: by its name, if
// every sampled record has a value there and no two have the same.
func (s *suggester) idScore(c *sourceField) float64 {
	t := &c.traits
	if c.typ == connector.BooleanField || t.distinct < len(c.cells) || c.filled < s.table.records || t.most(t.long) || t.most(t.blanks) || t.most(t.date) {
		return 0
	}
	score := 0.0
	for i := range s.ids {
		if a := &s.ids[i]; !slices.ContainsFunc(c.name.leaf(), func(w string) bool { return s.lexicon.weights[w] != noiseWord && !slices.Contains(a.words, w) }) {
			score = max(score, s.lexicon.fit(&c.name, a, "", false).score)
		}
	}
	for range c.steps[1:] {
		score *= 0.95
	}
	return score
}

// keyOrder returns the fields that identify a record, in order of priority, for
// those that equally many records have.
func keyOrder() []string {
	return []string{"serial_number", "udid", "imei", "asset_tag", "username", "email", "employee_id"}
}

// keyShare is the part of the records that a sync key must have a value in.
const keyShare = 0.25

// syncKeys returns the unique fields that identify the sampled records. A serial
// number comes first, and a username that is an e-mail address last.
func (s *suggester) syncKeys(chosen map[int]candidate) []KeySuggestion {
	type ranked struct {
		KeySuggestion
		filled, rank int
	}
	var list []ranked
	for i := range s.object.Fields {
		f := &s.object.Fields[i]
		c, ok := chosen[i]
		if !ok || !f.Unique {
			continue
		}
		r := ranked{KeySuggestion: KeySuggestion{Field: f.Name}, rank: slices.Index(keyOrder(), f.Name)}
		if r.rank < 0 {
			r.rank = len(keyOrder())
		}
		usable, distinct := usableKeys(c.column, f)
		if !distinct {
			continue
		}
		if s.table.records > 0 && float64(usable) < keyShare*float64(s.table.records) {
			continue
		}
		r.filled = usable
		if s.object.Name == "users" || r.rank == 0 { // everybody has one
			r.filled = s.table.records
		}
		if c.shared && f.Name == "username" {
			r.rank = len(keyOrder()) + 1 // it says no more than the e-mail address
		}
		r.Reason = keyReason(usable, s.table.records)
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return cmp.Or(cmp.Compare(b.filled, a.filled), cmp.Compare(a.rank, b.rank)) })
	var keys []KeySuggestion
	for _, r := range list {
		keys = append(keys, r.KeySuggestion)
	}
	return keys
}

// usableKeys counts the values by which records could be matched, and tells
// whether no two of them are the same.
func usableKeys(c *sourceField, f *Field) (n int, distinct bool) {
	seen := map[string]bool{}
	for _, v := range c.cells {
		got, err := f.FromJSON(v.raw, "")
		if err != nil {
			continue
		}
		form := f.Normalize(got)
		switch {
		case form == "":
			continue
		case seen[form]:
			return n, false
		}
		seen[form] = true
		n++
	}
	return n, true
}

func keyReason(usable, records int) string {
	if records == 0 {
		return "The field is unique, and without a sample nothing speaks against it."
	}
	return fmt.Sprintf("%d of %d sampled records have a value, and no two have the same.", usable, records)
}
