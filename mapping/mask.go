package mapping

import (
	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// masked is what a sensitive value is replaced with.
const masked = `"` + credentials.Mask + `"`

// maskedRecord stands for a whole record, of which nobody can tell what is
// sensitive in it.
const maskedRecord = `{"record":` + masked + `}`

// maskTree returns the tree that finds the values at the end of those keys, or
// nil if there are none. Lists on the way do not count: the keys are looked for
// in each of their items.
func maskTree(sensitive [][]string) *node {
	if len(sensitive) == 0 {
		return nil
	}
	root := newNode()
	for _, keys := range sensitive {
		n := root
		for _, key := range keys {
			n = n.member(key)
		}
		n.mask = true
	}
	root.seal(0)
	root.throughLists()
	return root
}

// throughLists makes each node below n ask for the same of every item of a list
// as of an object.
func (n *node) throughLists() {
	for _, k := range n.keys.keys {
		k.node.every = k.node
		k.node.throughLists()
	}
}

// Mask returns the record as it may be shown: each value that the stream declares
// sensitive is replaced with the text "********", nulls apart. The record itself
// comes back where there is nothing to mask. Of a record that is no JSON object,
// in a stream with sensitive values, nothing is shown at all.
func (p *Program) Mask(rec connector.Record) connector.Record {
	if p.mask == nil {
		return rec
	}
	s := scanner{src: rec}
	if !s.record(p.mask) {
		return connector.Record(maskedRecord)
	}
	if len(s.spans) == 0 {
		return rec
	}
	out := make(connector.Record, 0, len(rec)+len(s.spans)*len(masked))
	done := 0
	for _, span := range s.spans {
		out = append(out, rec[done:span[0]]...)
		out = append(out, masked...)
		done = span[1]
	}
	return append(out, rec[done:]...)
}
