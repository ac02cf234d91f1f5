package config

import (
	"go.yaml.in/yaml/v3"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// fileDoc is the file as it is written.
type fileDoc struct {
	store   string
	roles   []string
	fields  []named[[]mapping.Field]
	entries []entryDoc
}

// entryDoc is one integration as it is written; nil and "" are left out.
type entryDoc struct {
	place     string // "integrations[2]"
	id, name  string
	connector string
	stream    string
	settings  []named[[]string]
	object    string
	mapping   *mappingDoc
	contacts  []string

	credential      string
	policy          syncer.Policy
	user            string
	installation    syncer.Installation
	absence         syncer.Absence
	restoreArchived bool
	launch          bool
}

// mappingDoc is a mapping as it is written; nil is left out.
type mappingDoc struct {
	key      string
	fields   []mapping.FieldMapping
	syncKeys []mapping.SyncKey
	children []mapping.ChildMapping
}

// fieldForm is one line of a mapping.
func fieldForm() form[mapping.FieldMapping] {
	return object(
		must(bind("to", "The target field.", text(), func(f *mapping.FieldMapping, v string) { f.To = v })),
		bind("from", "Path of the value in the vendor's record: serial, user.email, addresses[0].city.", text(), func(f *mapping.FieldMapping, v string) { f.From = v }),
		bind("value", "A constant, in place of from.", text(), func(f *mapping.FieldMapping, v string) { f.Value = v }),
		bind("default", "Written when a record is created and the source has no value.", text(), func(f *mapping.FieldMapping, v string) { f.Default = v }),
		bind("write", "When the field of a record that exists is written. Default: always.",
			oneOf(mapping.Always, mapping.IfEmpty, mapping.OnCreate, mapping.NeverClear), func(f *mapping.FieldMapping, v mapping.WriteRule) { f.Write = v }),
		bind("format", "How the source writes a date. Default: iso8601.",
			oneOf(mapping.Formats()...), func(f *mapping.FieldMapping, v mapping.Format) { f.Format = v }),
	)
}

// syncKeyForm is the name of a field, or the name and whether it is written.
func syncKeyForm() form[mapping.SyncKey] {
	name := text()
	full := object(
		must(bind("field", "The unique target field.", text(), func(k *mapping.SyncKey, v string) { k.Field = v })),
		bind("update", "Write the field too, not only match by it. The first key always is. Default: false.", boolean(), func(k *mapping.SyncKey, v bool) { k.Update = v }),
	)
	return form[mapping.SyncKey]{
		shape: shape{schema: schema{"anyOf": []any{name.schema, full.schema}}, node: toScalar},
		read: func(r *reader, n *yaml.Node, path string) (mapping.SyncKey, bool) {
			target, ok := r.visit(n, path)
			if !ok {
				return mapping.SyncKey{}, false
			}
			if target.Kind == yaml.MappingNode {
				return full.read(r, n, path)
			}
			v, ok := name.read(r, n, path)
			return mapping.SyncKey{Field: v}, ok
		},
	}
}

func mappingForm() form[mappingDoc] {
	children := object(
		must(bind("object", "The child object: software.", text(), func(c *mapping.ChildMapping, v string) { c.Object = v })),
		must(bind("from", "Path of the list in the vendor's record.", text(), func(c *mapping.ChildMapping, v string) { c.From = v })),
		must(bind("fields", "What fills the child's fields; paths start at the list's item.", list(fieldForm()), func(c *mapping.ChildMapping, v []mapping.FieldMapping) { c.Fields = v })),
	)
	return object(
		bind("key", "Path of the vendor's id in a record. Default: the connector's setting key, else the stream's own.", text(), func(m *mappingDoc, v string) { m.key = v }),
		bind("fields", "What fills which field. With it, the whole mapping is what is written here; without it, the stream's default.", list(fieldForm()), func(m *mappingDoc, v []mapping.FieldMapping) { m.fields = v }),
		bind("sync_keys", "Unique target fields by which records are matched, in order of priority.", list(syncKeyForm()), func(m *mappingDoc, v []mapping.SyncKey) { m.syncKeys = v }),
		bind("children", "Lists in a record that fill child objects, such as the software of an asset.", list(children), func(m *mappingDoc, v []mapping.ChildMapping) { m.children = v }),
	)
}

func entryForm() form[entryDoc] {
	return object(
		bind("id", "Small letters, digits, - and _. Default: the first name. A new name under the same id keeps links and history.", text(), func(e *entryDoc, v string) { e.id = v }),
		bind("name", "For people. Default: the id.", text(), func(e *entryDoc, v string) { e.name = v }),
		must(bind("connector", "Which connector reads, see `vendorsync catalog`.", text(), func(e *entryDoc, v string) { e.connector = v })),
		bind("stream", "Which of the connector's lists. Default: its only one.", text(), func(e *entryDoc, v string) { e.stream = v }),
		bind("settings", "The connector's inputs, see `vendorsync catalog show`. Relative paths start at this file's folder.", free(setting()), func(e *entryDoc, v []named[[]string]) { e.settings = v }),
		bind("credential", "The name of the credential to read with.", text(), func(e *entryDoc, v string) { e.credential = v }),
		bind("object", "The target object. Default: the stream's own.", text(), func(e *entryDoc, v string) { e.object = v }),
		bind("policy", "What a run may do. Default: create-and-update.",
			oneOf(syncer.CreateAndUpdate, syncer.CreateOnly, syncer.UpdateOnly), func(e *entryDoc, v syncer.Policy) { e.policy = v }),
		bind("integration_user", "To whom every change is attributed; needed to launch.", text(), func(e *entryDoc, v string) { e.user = v }),
		bind("installation", "Where the credential is kept. Default: cloud.",
			oneOf(syncer.Cloud, syncer.Local), func(e *entryDoc, v syncer.Installation) { e.installation = v }),
		bind("contacts", "Who is told when a run fails.", texts(), func(e *entryDoc, v []string) { e.contacts = v }),
		bind("absence", "What becomes of records that a complete read no longer brings. Default: keep.",
			oneOf(syncer.Keep, syncer.FlagAbsent, syncer.ArchiveAbsent), func(e *entryDoc, v syncer.Absence) { e.absence = v }),
		bind("restore_archived", "Take a matched record out of the archive; without it, such a record is skipped. Default: false.", boolean(), func(e *entryDoc, v bool) { e.restoreArchived = v }),
		bind("launch", "Make it active as soon as nothing is missing; otherwise it is a draft until `vendorsync launch`. Default: false.", boolean(), func(e *entryDoc, v bool) { e.launch = v }),
		bind("mapping", "What fills which field. Default: the stream's own mapping.", mappingForm(), func(e *entryDoc, v mappingDoc) { e.mapping = &v }),
	)
}

// customFieldForm is a field that the file adds to the target model.
func customFieldForm() form[mapping.Field] {
	return object(
		must(bind("name", "Small letters, digits and _, beginning with a letter.", text(), func(f *mapping.Field, v string) { f.Name = v })),
		bind("type", "Default: text.", oneOf(mapping.Types()...), func(f *mapping.Field, v mapping.Type) { f.Type = v }),
		bind("label", "For people. Default: the name in words.", text(), func(f *mapping.Field, v string) { f.Label = v }),
		bind("help", "One sentence for people.", text(), func(f *mapping.Field, v string) { f.Help = v }),
		bind("unique", "No two records have the same value; the field can be a sync key. Default: false.", boolean(), func(f *mapping.Field, v bool) { f.Unique = v }),
		bind("choices", "The allowed values of a choice.", texts(), func(f *mapping.Field, v []string) { f.Choices = v }),
		bind("item", "The type of a list's items. Default: text.", oneOf(mapping.Types()...), func(f *mapping.Field, v mapping.Type) { f.Item = v }),
		bind("object", "The object that a reference points to.", text(), func(f *mapping.Field, v string) { f.Object = v }),
	)
}

// fileForm is the whole file.
func fileForm() form[fileDoc] {
	return object(
		bind("store", "Where the records are kept: sqlite:FILE, or memory to keep nothing. Default: "+DefaultStore+".", text(), func(f *fileDoc, v string) { f.store = v }),
		bind("roles", "The roles that users may have. Default: any.", texts(), func(f *fileDoc, v []string) { f.roles = v }),
		bind("fields", "Custom fields, by target object.", free(list(customFieldForm())), func(f *fileDoc, v []named[[]mapping.Field]) { f.fields = v }),
		bind("integrations", "What is synced: one entry for each list of a vendor that fills one object.", list(placed(entryForm())), func(f *fileDoc, v []entryDoc) { f.entries = v }),
	)
}

// placed notes in an entry where it stands.
func placed(f form[entryDoc]) form[entryDoc] {
	read := f.read
	f.read = func(r *reader, n *yaml.Node, path string) (entryDoc, bool) {
		e, ok := read(r, n, path)
		e.place = path
		return e, ok
	}
	return f
}
