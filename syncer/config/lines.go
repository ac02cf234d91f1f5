package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/vendorsync/vendorsync/mapping"
)

// A MappingEdit changes single lines of an entry's mapping.
type MappingEdit struct {
	// Set fills target fields from elsewhere: To, and one of From, Value and
	// Setting; Format too, if it is given. What else a line says stays. A field
	// without a line gets one.
	Set []mapping.FieldMapping
	// Unset takes the lines of these target fields out.
	Unset []string
	// SyncKeys are put in the place of those that are there. Nil leaves them.
	SyncKeys []mapping.SyncKey
}

// SetMapping returns a file's text with lines of an entry's mapping changed;
// comments and layout stay. An entry that leaves its mapping to the stream's
// default gets that spelled out first, so that the rest of it stays as it is.
// What comes out is to be read by Parse.
func SetMapping(data []byte, id string, opt Options, edit MappingEdit) ([]byte, error) {
	data, err := edit.apply(data, id, opt)
	if err != nil {
		return nil, fmt.Errorf("change the mapping of %s: %w", id, withName(err, opt.Name))
	}
	return data, nil
}

func (m MappingEdit) apply(data []byte, id string, opt Options) ([]byte, error) {
	var err error
	if len(m.Set)+len(m.Unset) > 0 {
		if data, err = spellOut(data, id, opt); err != nil {
			return nil, err
		}
	}
	for _, field := range m.Unset {
		if data, err = unsetField(data, id, field); err != nil {
			return nil, err
		}
	}
	for _, f := range m.Set {
		if data, err = setField(data, id, f); err != nil {
			return nil, fmt.Errorf("%s: %w", f.To, err)
		}
	}
	if m.SyncKeys == nil {
		return data, nil
	}
	return set(data, id, Assignment{Key: "mapping.sync_keys", Value: syncKeysText(m.SyncKeys)}, opt)
}

// syncKeysText writes sync keys as YAML in one line.
func syncKeysText(keys []mapping.SyncKey) string {
	out := make([]string, len(keys))
	for i, k := range keys {
		if out[i] = quote(k.Field); k.Update {
			out[i] = "{field: " + out[i] + ", update: true}"
		}
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// mappingFields are the keys that lead to the lines of a mapping.
var mappingFields = []string{"mapping", "fields"}

// spellOut writes the mapping down that an entry takes from its stream.
func spellOut(data []byte, id string, opt Options) ([]byte, error) {
	root, entry, err := findEntry(data, id)
	if err != nil {
		return nil, err
	}
	if lines := child(child(entry, "mapping"), "fields"); lines != nil && !isNull(lines) {
		return data, nil
	}
	b := &builder{reader: &reader{places: newPlaces()}, registry: opt.Registry, ids: map[string]string{}, options: map[string]mapping.Options{}}
	at := slices.Index(child(root, "integrations").Content, entry)
	e, _ := placed(entryForm()).read(b.reader, entry, fmt.Sprintf("integrations[%d]", at))
	spec, _ := b.connector(&e)
	stream, _ := spec.Stream(e.stream)
	if len(b.problems) > 0 {
		return nil, newError(opt.Name, b.problems)
	}
	m := e.buildMapping(spec, stream, nil)
	if data, err = spell(data, root, entry, "fields", func(w *writer) { fields(w, 2, m.Fields) }); err != nil {
		return nil, err
	}
	missing := func(key string) bool { return child(child(entry, "mapping"), key) == nil }
	if missing("sync_keys") && len(m.SyncKeys) > 0 {
		if root, entry, err = findEntry(data, id); err != nil {
			return nil, err
		}
		value, err := flowNode(syncKeysText(m.SyncKeys))
		if err != nil {
			return nil, err
		}
		if data, err = replace(data, root, entry, []string{"mapping", "sync_keys"}, value); err != nil {
			return nil, err
		}
	}
	if missing("children") && len(m.Children) > 0 {
		if root, entry, err = findEntry(data, id); err != nil {
			return nil, err
		}
		return spell(data, root, entry, "children", func(w *writer) { children(w, 2, m.Children) })
	}
	return data, nil
}

// spell puts a list into the mapping of an entry, line by line.
func spell(data []byte, root, entry *yaml.Node, key string, write func(*writer)) ([]byte, error) {
	w := &writer{}
	write(w)
	text := key + ":\n" + w.lines.String()
	if w.lines.Len() == 0 {
		text = key + ": []\n"
	}
	doc, err := decode([]byte(text))
	if err != nil {
		return nil, err
	}
	spliced, ok := spliceLines(data, entry, text)
	if err := assign(entry, []string{"mapping", key}, child(doc, key)); err != nil {
		return nil, err
	}
	return proven(spliced, ok, root)
}

// A line is where a target field is mapped: an item of a list, or a key of an
// object.
type line struct {
	parent *yaml.Node // the list or the object
	index  int        // of the value in parent.Content; -1 if there is no such line
}

func (l line) node() *yaml.Node { return l.parent.Content[l.index] }

// findLine finds the line of a target field.
func findLine(entry *yaml.Node, field string) (line, error) {
	n := entry
	for i, k := range mappingFields {
		if n.Kind == yaml.AliasNode || n.Anchor != "" {
			return line{}, errShared(cmp.Or(strings.Join(mappingFields[:i], "."), "the entry"))
		}
		n = child(n, k)
		if n == nil {
			return line{}, fmt.Errorf("there is no %s", strings.Join(mappingFields[:i+1], "."))
		}
	}
	l := line{parent: n, index: -1}
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return line{}, errShared(strings.Join(mappingFields, "."))
	case n.Kind == yaml.MappingNode:
		if i := keyIndex(n, field); i >= 0 {
			l.index = i + 1
		}
	case n.Kind == yaml.SequenceNode:
		l.index = slices.IndexFunc(n.Content, func(item *yaml.Node) bool {
			if item.Kind == yaml.AliasNode {
				item = item.Alias
			}
			to := child(item, "to")
			return to != nil && to.Value == field
		})
	default:
		return line{}, errors.New("mapping.fields holds no lines")
	}
	if l.index >= 0 && (l.node().Kind == yaml.AliasNode || l.node().Anchor != "") {
		return line{}, errShared("the line of " + field)
	}
	return l, nil
}

// unsetField takes the line of a target field out.
func unsetField(data []byte, id, field string) ([]byte, error) {
	root, entry, err := findEntry(data, id)
	if err != nil {
		return nil, err
	}
	l, err := findLine(entry, field)
	if err != nil {
		return nil, err
	}
	if l.index < 0 {
		return nil, fmt.Errorf("%s is not mapped", field)
	}
	spliced, ok := newLayout(data).without(entry, l)
	if l.parent.Kind == yaml.MappingNode {
		l.parent.Content = slices.Delete(l.parent.Content, l.index-1, l.index+1)
	} else {
		l.parent.Content = slices.Delete(l.parent.Content, l.index, l.index+1)
	}
	if len(l.parent.Content) == 0 {
		l.parent.Style = yaml.FlowStyle
	}
	return proven(spliced, ok, root)
}

// sources are the keys of a line that say where the value comes from.
var sources = []string{"from", "value", "setting"}

// setField gives the line of a target field another source.
func setField(data []byte, id string, f mapping.FieldMapping) ([]byte, error) {
	root, entry, err := findEntry(data, id)
	if err != nil {
		return nil, err
	}
	l, err := findLine(entry, f.To)
	if err != nil {
		return nil, err
	}
	pairs := sourcePairs(f)
	if len(pairs) == 0 {
		return nil, errors.New("say where it comes from: a path or a template, a constant, or a setting")
	}
	for _, p := range append(pairs, pair{"to", f.To}) {
		if _, err := toScalar(p.value); err != nil {
			return nil, err
		}
	}
	layout := newLayout(data)
	short := l.parent.Kind == yaml.MappingNode
	switch {
	case l.index < 0 && short:
		spliced, ok := layout.insert(l.parent, f.To, shortNode(pairs))
		l.parent.Content = append(l.parent.Content, scalarNode(f.To), shortNode(pairs))
		return proven(spliced, ok, root)
	case l.index < 0:
		item := flowMap(append([]pair{{"to", f.To}}, pairs...)...)
		spliced, ok := layout.addItem(l.parent, item)
		l.parent.Content = append(l.parent.Content, item)
		return proven(spliced, ok, root)
	case l.node().Kind == yaml.MappingNode:
		item, same := resourced(l.node(), pairs)
		var spliced []byte
		var ok bool
		if same { // the one value that changes, whatever the layout around it
			spliced, ok = spliceValue(data, l.node(), []string{pairs[0].key}, scalarNode(pairs[0].value))
		} else {
			spliced, ok = layout.exchange(l, item)
		}
		l.parent.Content[l.index] = item
		return proven(spliced, ok, root)
	}
	value := shortNode(pairs)
	spliced, ok := layout.replace(l.parent.Content[l.index-1], l.node(), value)
	l.parent.Content[l.index] = value
	return proven(spliced, ok, root)
}

// A pair is a key and its text.
type pair struct{ key, value string }

// sourcePairs returns what a line says of where its value comes from.
func sourcePairs(f mapping.FieldMapping) []pair {
	var pairs []pair
	for i, v := range []string{f.From, f.Value, f.Setting} {
		if v != "" {
			pairs = append(pairs, pair{sources[i], v})
		}
	}
	if len(pairs) > 0 && f.Format != "" {
		pairs = append(pairs, pair{"format", string(f.Format)})
	}
	return pairs
}

// shortNode is a line without its target: a path alone, or an object.
func shortNode(pairs []pair) *yaml.Node {
	if len(pairs) == 1 && pairs[0].key == "from" {
		return scalarNode(pairs[0].value)
	}
	return flowMap(pairs...)
}

func flowMap(pairs ...pair) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
	for _, p := range pairs {
		n.Content = append(n.Content, scalarNode(p.key), scalarNode(p.value))
	}
	return n
}

// resourced returns a line with another source, in one line, and whether it
// differs from the old one in nothing but one key's value.
func resourced(old *yaml.Node, pairs []pair) (item *yaml.Node, same bool) {
	item = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
	given := map[string]string{}
	for _, p := range pairs {
		given[p.key] = p.value
	}
	at, removed := -1, 0
	for i := 0; i+1 < len(old.Content); i += 2 {
		k := old.Content[i].Value
		_, replaced := given[k]
		if replaced || slices.Contains(sources, k) {
			if at < 0 {
				at = len(item.Content)
			}
			removed++
			continue
		}
		item.Content = append(item.Content, old.Content[i], old.Content[i+1])
	}
	if at < 0 {
		at = len(item.Content)
	}
	item.Content = slices.Insert(item.Content, at, flowMap(pairs...).Content...)
	same = len(pairs) == 1 && removed == 1 && keyIndex(old, pairs[0].key) >= 0
	if same {
		item.Style = old.Style
		return item, true
	}
	inOneLine(item)
	return item, false
}
