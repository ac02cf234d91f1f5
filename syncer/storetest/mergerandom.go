package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/vendorsync/vendorsync/syncer"
)

// A crowd is records that refer to each other at random, with links of two
// integrations.
type crowd struct {
	p         *probe
	rnd       *rand.Rand
	writers   []*writer
	ids       map[string][]string            // by object
	vendorIDs map[string]map[string][]string // by integration and object
	made      int
}

// objects are those of a crowd, each after those it refers to.
func (c *crowd) objects() []string {
	return []string{"users", "software", "saas_applications", "assets", "software_installs", "saas_users"}
}

// newCrowd makes a crowd.
func (p *probe) newCrowd() *crowd {
	c := &crowd{
		p: p, rnd: rand.New(rand.NewPCG(7, 1)), //nolint:gosec // the same records in each test; nobody is to be surprised
		writers: []*writer{p.writer("a"), p.writer("b")}, ids: map[string][]string{},
		vendorIDs: map[string]map[string][]string{"a": {}, "b": {}},
	}
	for _, object := range c.objects() {
		for range 8 {
			c.add(object)
		}
	}
	return c
}

// add makes a record with values and links at random. One that has another's key
// is left out.
func (c *crowd) add(object string) {
	w := c.writers[c.rnd.IntN(len(c.writers))]
	o := w.apply(unit(c.p.create(object, c.values(object))))[0]
	if o.Err != nil {
		c.p.conflict("a creation at random", o)
		return
	}
	c.ids[object] = append(c.ids[object], o.IDs[0])
	for _, w := range c.writers {
		c.link(w, object, o.IDs[0])
	}
	if object != "users" && c.rnd.IntN(6) == 0 {
		w.do(c.p.write(syncer.Archive, object, o.IDs[0], nil))
	}
}

// link links a record at random, with a superseded vendor id at times.
func (c *crowd) link(w *writer, object, id string) {
	old := ""
	for range c.rnd.IntN(3) {
		c.made++
		vendorID := fmt.Sprint("v", c.made)
		c.vendorIDs[w.integration][object] = append(c.vendorIDs[w.integration][object], vendorID)
		w.apply(linking(syncer.LinkChange{Object: object, VendorID: vendorID, Ref: to(id), Hash: 1, Supersedes: old}))
		old = vendorID
	}
}

// values returns values at random, of few different ones.
func (c *crowd) values(object string) set {
	values := set{}
	for _, f := range c.p.object(object).Fields {
		c.made++
		switch {
		case f.Link && (f.For == "" || c.rnd.IntN(2) == 0) && len(c.ids[f.Object]) > 0:
			values[f.Name] = c.ids[f.Object][c.rnd.IntN(len(c.ids[f.Object]))]
			if f.For != "" {
				values[f.For] = "somebody"
			}
		case f.Link, f.Name == "role":
		case f.Unique && (f.Required || c.rnd.IntN(2) == 0):
			values[f.Name] = fmt.Sprintf("key%d@example.com", c.made)
		case !f.Unique && f.Required, f.Name == "publisher" && c.rnd.IntN(2) == 0, f.Name == "version":
			values[f.Name] = fmt.Sprint("one of ", c.rnd.IntN(3))
		case f.Name == "title", f.Name == "notes", f.Name == "phone":
			if c.rnd.IntN(2) == 0 {
				values[f.Name] = fmt.Sprint("text ", c.made)
			}
		}
	}
	return values
}

// seen returns all that look-ups tell of a crowd, but for revisions and for
// whether links are stale.
func (c *crowd) seen() map[string]string {
	all := map[string]string{}
	for _, object := range c.objects() {
		for _, w := range c.writers {
			for _, id := range c.ids[object] {
				all[fmt.Sprint(object, " ", id, " to ", w.integration)] = c.told(object, c.p.byID(w.integration, object, id))
			}
			for _, vendorID := range c.vendorIDs[w.integration][object] {
				all[fmt.Sprint(object, " of ", vendorID, " to ", w.integration)] = c.told(object, c.p.byLink(w.integration, object, vendorID))
			}
		}
		if o := c.p.object(object); len(o.Key) > 0 {
			for _, id := range c.ids[object] {
				values := c.p.found("", object, id).Values
				key := set{}
				for i := range o.Fields {
					key[o.Fields[i].Name] = values[i]
				}
				all[fmt.Sprint(object, " with the key of ", id)] = c.told(object, c.p.byComposite(object, key))
			}
		}
	}
	return all
}

func (c *crowd) told(object string, h *syncer.Hit) string {
	if h == nil {
		return "nothing"
	}
	text := fmt.Sprint(h.ID, " archived: ", h.Archived, " shared: ", h.Shared)
	for i, f := range c.p.object(object).Fields {
		if v := h.Values[i]; !v.IsEmpty() {
			text += fmt.Sprintf(" %s: %+v", f.Name, v)
		}
	}
	if h.Link != nil {
		text += fmt.Sprint(" link: ", h.Link.VendorID, " ", h.Link.ID, " ", h.Link.Hash)
	}
	return text
}

// pair returns two records of an object at random, the first of which is live.
func (c *crowd) pair(object string) (from, into string, ok bool) {
	ids := slices.Clone(c.ids[object])
	c.rnd.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	if len(ids) < 2 || c.p.found("", object, ids[0]).Archived {
		return "", "", false
	}
	return ids[0], ids[1], true
}

// agree notes a fault for what is not as it was, the first few.
func (c *crowd) agree(when string, got, want map[string]string) {
	for _, what := range slices.Sorted(maps.Keys(want)) {
		if got[what] != want[what] {
			c.p.errorf("%s, %s is %s, not %s", when, what, show(got[what]), show(want[what]))
			if len(c.p.faults) > 5 {
				return
			}
		}
	}
}

// splitRandom merges and splits records at random, one pair after another and
// several in a row.
func splitRandom(p *probe) {
	c := p.newCrowd()
	before := c.seen()
	for range 25 {
		object := c.objects()[c.rnd.IntN(len(c.objects()))]
		var done [][2]string
		for range 1 + c.rnd.IntN(3) {
			from, into, ok := c.pair(object)
			if !ok || slices.ContainsFunc(done, func(d [2]string) bool { return d[0] == from || d[0] == into }) {
				continue
			}
			p.merge(object, from, into)
			done = append(done, [2]string{from, into})
		}
		for _, d := range slices.Backward(done) {
			same(p, fmt.Sprintf("what the split of record %s of %s from %s left", d[0], object, d[1]), p.split(object, d[0], d[1]), nil)
		}
		c.agree(fmt.Sprintf("after merges %v of %s and their splits", done, object), c.seen(), before)
		if len(p.faults) > 0 {
			return
		}
	}
}
