package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/vendorsync/vendorsync/connector"
)

// An Assignment sets one key of an entry: "policy" to "create-only",
// "settings.path" to "devices.csv", "mapping.sync_keys" to "serial_number,imei".
// A list of texts is written with commas; what is more than a list is written as
// YAML in one line. A connector's setting may be named without "settings.".
type Assignment struct {
	Key, Value string
}

// Set returns a file's text with keys of one entry set; comments and layout stay.
// The file may have faults elsewhere: what comes out is to be read by Parse. A
// file without such an entry, and a key that an entry does not have, are errors.
//
// An id that the file leaves out is written down when the name it comes from
// changes, so that the integration stays the same.
func Set(data []byte, id string, opt Options, assignments ...Assignment) ([]byte, error) {
	for _, a := range assignments {
		var err error
		if data, err = set(data, id, a, opt); err != nil {
			return nil, fmt.Errorf("set %s of %s: %w", a.Key, id, withName(err, opt.Name))
		}
	}
	return data, nil
}

func set(data []byte, id string, a Assignment, opt Options) ([]byte, error) {
	if a.Key == "id" {
		return nil, errors.New("the id ties links and history to the integration and does not change; add a new entry instead")
	}
	root, entry, err := findEntry(data, id)
	if err != nil {
		return nil, err
	}
	keys, value, err := resolveEntry(entry, a, opt.Registry)
	if err != nil {
		return nil, err
	}
	if a.Key == "name" && child(entry, "id") == nil {
		if data, err = replace(data, root, entry, []string{"id"}, scalarNode(id)); err != nil {
			return nil, err
		}
		if root, entry, err = findEntry(data, id); err != nil {
			return nil, err
		}
	}
	return replace(data, root, entry, keys, value)
}

// SetTop returns a file's text with keys of the file itself set: "store" to
// "memory", "precedence.assets" to "okta, jamf". It goes about it as Set does.
func SetTop(data []byte, opt Options, assignments ...Assignment) ([]byte, error) {
	for _, a := range assignments {
		var err error
		if data, err = setTop(data, a); err != nil {
			return nil, fmt.Errorf("set %s: %w", a.Key, withName(err, opt.Name))
		}
	}
	return data, nil
}

func setTop(data []byte, a Assignment) ([]byte, error) {
	root, err := decode(data)
	if err != nil {
		return nil, err
	}
	keys := strings.Split(a.Key, ".")
	at, err := resolve(fileForm().shape, keys)
	if err != nil {
		return nil, err
	}
	value, err := at.node(a.Value)
	if err != nil {
		return nil, err
	}
	if root == nil {
		root = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		text, ok := inline(nest(keys[1:], value))
		root.Content = []*yaml.Node{scalarNode(keys[0]), nest(keys[1:], value)}
		lines := strings.TrimRight(string(data), "\n")
		if lines != "" {
			lines += "\n"
		}
		return proven([]byte(lines+keys[0]+": "+text+"\n"), ok, root)
	}
	return replace(data, root, root, keys, value)
}

// resolveEntry finds the keys that lead to what is assigned, and makes a node of
// the value.
func resolveEntry(entry *yaml.Node, a Assignment, registry *connector.Registry) ([]string, *yaml.Node, error) {
	keys := strings.Split(a.Key, ".")
	form := entryForm().shape
	def, isSetting := settingOf(entry, registry, keys[len(keys)-1])
	if _, ok := form.keys[keys[0]]; !ok && len(keys) == 1 {
		if !isSetting {
			names := append(settingNames(entry, registry), form.names...)
			return nil, nil, fmt.Errorf("there is no key or setting %q; %s", a.Key, meant(a.Key, names))
		}
		keys = []string{"settings", keys[0]}
	}
	at, err := resolve(form, keys)
	if err != nil {
		return nil, nil, err
	}
	if keys[0] == "settings" && isSetting && def.Multi {
		at = texts().shape
	}
	value, err := at.node(a.Value)
	return keys, value, err
}

// resolve returns what stands at the keys below a shape.
func resolve(at shape, keys []string) (shape, error) {
	for i, k := range keys {
		next, ok := at.keys[k]
		switch {
		case ok:
			at = next
		case at.any != nil && k != "":
			at = *at.any
		case at.keys != nil:
			return shape{}, fmt.Errorf("there is no key %q; %s", strings.Join(keys[:i+1], "."), meant(k, at.names))
		default:
			return shape{}, fmt.Errorf("%s holds no keys", strings.Join(keys[:i], "."))
		}
	}
	return at, nil
}

// settingsOf returns the settings of the entry's connector, nil if that is not
// known.
func settingsOf(entry *yaml.Node, registry *connector.Registry) []connector.Setting {
	node := child(entry, "connector")
	if node == nil || registry == nil {
		return nil
	}
	c, err := registry.Get(node.Value)
	if err != nil {
		return nil
	}
	return c.Spec().Settings
}

func settingNames(entry *yaml.Node, registry *connector.Registry) []string {
	var names []string
	for _, s := range settingsOf(entry, registry) {
		names = append(names, s.Name)
	}
	return names
}

// settingOf finds a setting of the entry's connector.
func settingOf(entry *yaml.Node, registry *connector.Registry, name string) (connector.Setting, bool) {
	settings := settingsOf(entry, registry)
	i := slices.IndexFunc(settings, func(s connector.Setting) bool { return s.Name == name })
	if i < 0 {
		return connector.Setting{}, false
	}
	return settings[i], true
}

// keyIndex returns where an object has a key, or -1. Its value comes next.
func keyIndex(n *yaml.Node, key string) int {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind == yaml.ScalarNode && n.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// child returns the value of an object's key, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil {
		return nil
	}
	if i := keyIndex(n, key); i >= 0 {
		return n.Content[i+1]
	}
	return nil
}

// findEntry returns the root of the document and the entry of that id.
func findEntry(data []byte, id string) (root, entry *yaml.Node, err error) {
	if root, err = decode(data); err != nil {
		return nil, nil, err
	}
	list := child(root, "integrations")
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil, nil, fmt.Errorf("the file has no integration %q", id)
	}
	var ids []string
	for _, n := range list.Content {
		var has string
		if v := child(n, "id"); v != nil {
			has = v.Value
		} else if v := child(n, "name"); v != nil {
			has = slug(v.Value)
		}
		if has == id && id != "" {
			return root, n, nil
		}
		ids = append(ids, has)
	}
	return nil, nil, fmt.Errorf("the file has no integration %q; %s", id, meant(id, ids))
}

// replace returns the text with the value at the keys below a node replaced. It
// changes the text where it knows how, and proves that by reading it again;
// else it lays the whole file out anew, comments kept.
func replace(data []byte, root, entry *yaml.Node, keys []string, value *yaml.Node) ([]byte, error) {
	spliced, ok := spliceValue(data, entry, keys, value)
	if err := assign(entry, keys, value); err != nil {
		return nil, err
	}
	return proven(spliced, ok, root)
}

// proven returns the text if it reads as the wanted document, else that document
// laid out anew.
func proven(text []byte, ok bool, want *yaml.Node) ([]byte, error) {
	if ok {
		if got, err := decode(text); err == nil && same(got, want) {
			return text, nil
		}
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(want), e.Close()); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	return b.Bytes(), nil
}

// same reports whether two documents hold the same values.
func same(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Kind != b.Kind || a.Anchor != b.Anchor || a.Value != b.Value || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Kind != yaml.AliasNode && a.ShortTag() != b.ShortTag() {
		return false
	}
	for i := range a.Content {
		if !same(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// assign sets the value at the keys below a node.
func assign(n *yaml.Node, keys []string, value *yaml.Node) error {
	for i, k := range keys {
		at := cmp.Or(strings.Join(keys[:i], "."), "the entry")
		if n.Kind == yaml.AliasNode || n.Anchor != "" {
			return errShared(at)
		}
		if n.Kind != yaml.MappingNode {
			return fmt.Errorf("%s holds no keys", at)
		}
		index := keyIndex(n, k)
		if index < 0 {
			n.Content = append(n.Content, scalarNode(k), nest(keys[i+1:], value))
			return nil
		}
		old := n.Content[index+1]
		if i < len(keys)-1 && !isNull(old) {
			n = old
			continue
		}
		if old.Kind == yaml.AliasNode || old.Anchor != "" {
			return errShared(strings.Join(keys, "."))
		}
		now := nest(keys[i+1:], value)
		now.HeadComment, now.LineComment, now.FootComment = old.HeadComment, old.LineComment, old.FootComment
		n.Content[index+1] = now
		return nil
	}
	return nil
}

func errShared(what string) error {
	return fmt.Errorf("%s is shared with other places of the file by an alias; change it by hand", what)
}

// nest wraps a value into an object for each key, in one line.
func nest(keys []string, value *yaml.Node) *yaml.Node {
	for _, k := range slices.Backward(keys) {
		value = &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{scalarNode(k), value}}
	}
	clone := *value
	return &clone
}

// Add returns a file's text with one more entry at the end of its integrations,
// as [Outline.Entry] lays it out: the lines of one object, not indented.
// Comments and layout stay.
func Add(data, entry []byte) ([]byte, error) {
	node, err := decode(entry)
	if err != nil || node == nil || node.Kind != yaml.MappingNode {
		return nil, errors.New("add an integration: the entry is no YAML object")
	}
	root, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("add an integration: %w", err)
	}
	if root == nil {
		root = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	if root.Kind != yaml.MappingNode {
		return nil, errors.New("add an integration: the file is no YAML object")
	}
	spliced, ok := spliceEntry(data, root, entry)
	list := child(root, "integrations")
	switch {
	case list == nil:
		list = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		root.Content = append(root.Content, scalarNode("integrations"), list)
	case isNull(list):
		list.Kind, list.Tag, list.Value = yaml.SequenceNode, "!!seq", ""
	case list.Kind != yaml.SequenceNode:
		return nil, errors.New("add an integration: integrations is no list")
	}
	if len(list.Content) == 0 {
		list.Style = 0
	}
	list.Content = append(list.Content, node)
	return proven(spliced, ok, root)
}

// EditFile replaces a file's text by what edit makes of it, all at once: other
// readers see the old text or the new one. The file keeps its mode; a symbolic
// link keeps pointing to it. Nothing is written if edit returns an error.
func EditFile(name string, edit func(data []byte) ([]byte, error)) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return fmt.Errorf("edit the configuration: %w", err)
	}
	data, err := read(name)
	if err != nil {
		return err
	}
	changed, err := edit(data)
	if err != nil {
		return err
	}
	if bytes.Equal(changed, data) {
		return nil
	}
	if err := writeFile(name, changed); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// writeFile writes beside the file and renames.
func writeFile(name string, data []byte) (err error) {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
