package storetest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unsafe"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func valueRules() []rule {
	return []rule{
		{"values-kept", "every value of every field comes back as it was written", valuesKept},
		{"values-copied", "what is kept shares no memory with the batch, which its owner uses again", valuesCopied},
		{"values-absent", "an absent value leaves the field alone, a null one clears it", valuesAbsent},
	}
}

// standard is the model that every store must have at least.
func standard() *mapping.Schema { return mapping.Standard() }

// samples returns values that a field takes. Those of a field that identifies
// records are never the same.
func (p *probe) samples(f mapping.Field, identifies bool) []mapping.Value {
	var samples []mapping.Value
	texts := func(texts ...string) {
		for _, s := range texts {
			samples = append(samples, mapping.TextValue(s))
		}
	}
	if identifies {
		for range 3 {
			p.serial++
			texts(fmt.Sprintf("Ünique 世界 %d", p.serial))
		}
		return samples
	}
	switch f.Type {
	case mapping.Integer:
		for _, n := range []int64{0, -1, 1, math.MaxInt64, math.MinInt64, 1<<53 + 1} {
			samples = append(samples, mapping.IntValue(n))
		}
	case mapping.Boolean:
		samples = append(samples, mapping.BoolValue(true), mapping.BoolValue(false))
	case mapping.Decimal:
		texts("12.5", "0", "-0.000000001", "123456789012345678901234567890.5")
	case mapping.Date:
		texts("2026-01-02", "0001-01-01", "9999-12-31")
	case mapping.DateTime:
		texts("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123456789Z", "1969-12-31T23:59:59Z")
	case mapping.MAC:
		texts("00:1a:2b:3c:4d:5e")
	case mapping.IP:
		texts("192.0.2.1", "2001:db8::1")
	case mapping.Email:
		texts("Ada.Lovelace+Tag@Example.com")
	case mapping.List:
		texts(`["b","a","b"]`, `["one, two","\"quoted\"","世界"]`, `[]`)
	case mapping.Choice:
		texts(append(f.Choices, "of the host's own")[0])
	case mapping.LongText:
		texts("short", strings.Repeat("long text, long enough for a page of its own; ", 25_000))
	case mapping.Text, mapping.Reference:
		texts("plain", "007", "5E10", "null", "Grüße, 世界 🌍", "e\u0301 is not é", "  blanks  kept ", "line\r\nbreak\tand tab",
			`it's a "quote"; \ % _ -- $1 ?`, "\u202etext the other way", strings.Repeat("x", 10_000))
	default:
		p.fatalf("the field %s has the type %q, which this suite does not know", f.Name, f.Type)
	}
	return samples
}

// fill returns values for all fields of an object, those of the n-th round.
func (p *probe) fill(w *writer, o *mapping.Object, n int) set {
	values := set{}
	for _, f := range o.Fields {
		if f.Link {
			values[f.Name] = w.make(f.Object, nil)
			continue
		}
		samples := p.samples(f, f.Unique || slices.Contains(o.Key, f.Name))
		values[f.Name] = samples[n%len(samples)]
	}
	return values
}

func valuesKept(p *probe) {
	w := p.writer("a")
	const rounds = 11 // the most samples that a type has
	for i := range p.schema.Objects {
		o := &p.schema.Objects[i]
		id := w.make(o.Name, p.parents(w, o))
		for n := range rounds {
			values := p.fill(w, o, n)
			w.do(p.update(o.Name, id, values))
			p.holds(o.Name, id, values)
			if n%5 == 0 {
				values := p.fill(w, o, n)
				p.holds(o.Name, w.make(o.Name, values), values)
			}
			if len(p.faults) > 0 {
				return
			}
		}
	}
}

// parents makes the records that an object's link fields must point to.
func (p *probe) parents(w *writer, o *mapping.Object) set {
	values := set{}
	for _, f := range o.Fields {
		if f.Link {
			values[f.Name] = w.make(f.Object, nil)
		}
	}
	return values
}

// shared returns a text that changes with the bytes.
func shared(b []byte) string {
	return unsafe.String(&b[0], len(b)) //nolint:gosec // a mapper's values share memory with the vendor's record in this way
}

func valuesCopied(p *probe) {
	w := p.writer("a")
	page := []byte("S-1234 vendor name")
	b := w.batch(syncer.Unit{
		Changes: []syncer.Change{p.create("assets", set{"serial_number": shared(page[:6]), "device_name": shared(page[14:])})},
		Links:   []syncer.LinkChange{{Object: "assets", VendorID: shared(page[7:13]), Ref: toChange(0), Hash: 1}},
	})
	id := w.must(b)[0].IDs[0]
	old := p.update("assets", id, set{"model": shared(page[:6])})
	w.do(old)
	copy(page, "another page......")
	p.holds("assets", id, set{"serial_number": "S-1234", "device_name": "name", "model": "S-1234"})
	for how, h := range map[string]*syncer.Hit{"key": p.byKey("assets", "serial_number", "S-1234"), "link": p.byLink("a", "assets", "vendor")} {
		if h == nil || h.ID != id || h.Values[p.column("assets", "device_name")].Text != "name" {
			p.errorf("after the batch's memory was used again, by its %s the record is found as %+v", how, h)
		}
	}
	equal(p, "the vendor id", p.link("a", "assets", id).VendorID, "vendor")
	if r, ok := p.store.(syncer.Reader); ok {
		events := p.history(r, "assets", id)
		p.eventChange(events[0], "serial_number", nil, "S-1234")
		p.eventChange(events[len(events)-1], "model", nil, "S-1234")
	}
}

func valuesAbsent(p *probe) {
	w := p.writer("a")
	id := w.make("assets", set{"device_name": "kept", "model": "cleared", "memory_mb": 1, "managed": false, "cpu": mapping.Value{}})
	p.holds("assets", id, set{"device_name": "kept", "model": "cleared", "memory_mb": 1, "managed": false, "cpu": nil, "hostname": nil})
	w.do(p.update("assets", id, set{"device_name": mapping.Value{}, "model": nil, "memory_mb": nil, "hostname": "set"}))
	p.holds("assets", id, set{"device_name": "kept", "model": nil, "memory_mb": nil, "managed": false, "hostname": "set"})
	w.do(p.update("assets", id, set{"memory_mb": 0}))
	h := p.found("", "assets", id)
	equal(p, "a field that was set to 0", h.Values[p.column("assets", "memory_mb")], mapping.IntValue(0))
	if v := h.Values[p.column("assets", "model")]; !v.IsEmpty() {
		p.errorf("a field that was cleared is %+v", v)
	}
	w.do(p.write(syncer.Update, "assets", id, nil))
	p.holds("assets", id, set{"device_name": "kept", "memory_mb": 0})
}
