package config

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
)

// fileDoc is the file as it is written.
type fileDoc struct {
	store      string
	roles      []string
	fields     []named[[]mapping.Field]
	precedence []named[syncer.Precedence]
	refs       []named[credentials.Ref]
	notices    Notices
	entries    []entryDoc
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
	fullEvery       int
	launch          bool

	filter, createIf, updateIf string
	unseen                     mapping.Unseen
	defaultRole                string
	schedule                   schedule.Schedule
	saas                       *mapping.CompanionMapping
}

// mappingDoc is a mapping as it is written; nil is left out.
type mappingDoc struct {
	key      string
	fields   []mapping.FieldMapping
	syncKeys []mapping.SyncKey
	children []mapping.ChildMapping
}

// sourceKeys are the keys of one line of a mapping, but for the target.
func sourceKeys() []key[mapping.FieldMapping] {
	return []key[mapping.FieldMapping]{
		bind("from", "Path of the value in the vendor's record: serial, user.email, addresses[0].city. Or a template: \"{{ record.first ~ ' ' ~ record.last }}\".", text(), func(f *mapping.FieldMapping, v string) { f.From = v }),
		bind("value", "A constant, in place of from.", text(), func(f *mapping.FieldMapping, v string) { f.Value = v }),
		bind("setting", "The name of a setting of this integration whose value is taken, in place of from.", text(), func(f *mapping.FieldMapping, v string) { f.Setting = v }),
		bind("values", "What is written for what the source says, whatever its case: {OSX: macOS}.", table(), func(f *mapping.FieldMapping, v map[string]string) { f.Values = v }),
		bind("otherwise", "Written for what values does not list.", text(), func(f *mapping.FieldMapping, v string) { f.Otherwise = v }),
		bind("unlisted", "What becomes of what values does not list: it is written as it is, fails the record, or counts as empty. Default: keep.",
			oneOf(mapping.KeepUnlisted, mapping.FaultUnlisted, mapping.ClearUnlisted), func(f *mapping.FieldMapping, v mapping.Unlisted) { f.Unlisted = v }),
		bind("default", "Written when a record is created and the source has no value.", text(), func(f *mapping.FieldMapping, v string) { f.Default = v }),
		bind("write", "When the field of a record that exists is written. Default: always.",
			oneOf(mapping.Always, mapping.IfEmpty, mapping.OnCreate, mapping.NeverClear), func(f *mapping.FieldMapping, v mapping.WriteRule) { f.Write = v }),
		bind("format", "How the source writes a date. Default: iso8601.",
			oneOf(mapping.Formats()...), func(f *mapping.FieldMapping, v mapping.Format) { f.Format = v }),
	}
}

// fieldsForm is a list of lines, or an object with a line for each target field.
func fieldsForm() form[[]mapping.FieldMapping] {
	to := must(bind("to", "The target field.", text(), func(f *mapping.FieldMapping, v string) { f.To = v }))
	lines := list(object(append([]key[mapping.FieldMapping]{to}, sourceKeys()...)...))
	path := as(text(), func(from string) mapping.FieldMapping { return mapping.FieldMapping{From: from} })
	byName := free(either(path, object(sourceKeys()...)))
	return form[[]mapping.FieldMapping]{
		shape: shape{schema: schema{"anyOf": []any{lines.schema, byName.schema}}, node: flowNode, any: byName.any},
		read: func(r *reader, n *yaml.Node, path string) ([]mapping.FieldMapping, bool) {
			target, ok := r.visit(n, path)
			if !ok {
				return nil, false
			}
			if target.Kind != yaml.MappingNode {
				return lines.read(r, n, path)
			}
			named, ok := byName.read(r, n, path)
			out := make([]mapping.FieldMapping, len(named))
			for i, f := range named {
				out[i] = f.value
				out[i].To = f.name
				r.writtenAt(fmt.Sprintf("%s[%d]", path, i), join(path, f.name))
			}
			return out, ok
		},
	}
}

// writtenAt notes that a line of a mapping stands at another path than its
// number gives.
func (r *reader) writtenAt(line, at string) {
	r.written[line] = at
	r.written[line+".to"] = at
	if _, ok := r.at[at+".from"]; !ok {
		r.written[line+".from"] = at
	}
}

// syncKeyForm is the name of a field, or the name and whether it is written.
func syncKeyForm() form[mapping.SyncKey] {
	name := as(text(), func(field string) mapping.SyncKey { return mapping.SyncKey{Field: field} })
	return either(name, object(
		must(bind("field", "The unique target field.", text(), func(k *mapping.SyncKey, v string) { k.Field = v })),
		bind("update", "Write the field too, not only match by it. The first key always is. Default: false.", boolean(), func(k *mapping.SyncKey, v bool) { k.Update = v }),
	))
}

// unseenForm is how long is too long, and by which field.
func unseenForm() form[mapping.Unseen] {
	return either(as(days(), func(days int) mapping.Unseen { return mapping.Unseen{Days: days} }), object(
		bind("field", "The mapped date or time that counts. Default: last_seen_at, last_login_at or last_activity_at, whichever the object has.", text(), func(u *mapping.Unseen, v string) { u.Field = v }),
		must(bind("days", "How long is too long: 90, 90d, 13w.", days(), func(u *mapping.Unseen, v int) { u.Days = v })),
	))
}

// saasForm is the account that goes with a person.
func saasForm() form[mapping.CompanionMapping] {
	f := object(
		bind("application", "The name of the SaaS application, which is found, or made if there is none.", text(), func(c *mapping.CompanionMapping, v string) { c.Application = v }),
		bind("application_id", "The id of an application that is there already, in place of its name.", text(), func(c *mapping.CompanionMapping, v string) { c.ApplicationID = v }),
		bind("fields", "What fills which field of the account. external_id defaults to the vendor's id; username, email and full_name to the person's own.", fieldsForm(), func(c *mapping.CompanionMapping, v []mapping.FieldMapping) { c.Fields = v }),
		bind("deactivate", "Give an account the status deactivated when a complete read no longer brings it. Default: false.", boolean(), func(c *mapping.CompanionMapping, v bool) { c.Deactivate = v }),
	)
	given := func(key string) schema {
		return schema{"type": "object", "required": []any{key}, "properties": schema{key: schema{"not": schema{"type": "null"}}}}
	}
	f.schema = f.schema.with("oneOf", []any{given("application"), given("application_id"), schema{"type": "null"}})
	return f
}

// precedenceForm is an order of integrations, or that and more.
func precedenceForm() form[syncer.Precedence] {
	order := as(texts(), func(ids []string) syncer.Precedence { return syncer.Precedence{Order: ids} })
	fields := as(free(texts()), func(named []named[[]string]) map[string][]string {
		out := map[string][]string{}
		for _, f := range named {
			out[f.name] = f.value
		}
		return out
	})
	return either(order, object(
		bind("order", "Ids of integrations; the first goes before all.", texts(), func(p *syncer.Precedence, v []string) { p.Order = v }),
		bind("silent_after", "How long a source may be silent about a record before it loses its precedence on it: 30d. Default: for ever.", days(), func(p *syncer.Precedence, v int) { p.SilentAfter = v }),
		bind("fields", "Orders for single fields, in place of order.", fields, func(p *syncer.Precedence, v map[string][]string) { p.Fields = v }),
	))
}

func mappingForm() form[mappingDoc] {
	children := object(
		must(bind("object", "The child object: software.", text(), func(c *mapping.ChildMapping, v string) { c.Object = v })),
		must(bind("from", "Path of the list in the vendor's record.", text(), func(c *mapping.ChildMapping, v string) { c.From = v })),
		must(bind("fields", "What fills the child's fields; paths start at the list's item.", fieldsForm(), func(c *mapping.ChildMapping, v []mapping.FieldMapping) { c.Fields = v })),
	)
	return object(
		bind("key", "Path of the vendor's id in a record. Default: the connector's setting key, else the stream's own.", text(), func(m *mappingDoc, v string) { m.key = v }),
		bind("fields", "What fills which field: a list of lines, or a path or template for each field by its name. With it, the whole mapping is what is written here; without it, the stream's default.", fieldsForm(), func(m *mappingDoc, v []mapping.FieldMapping) { m.fields = v }),
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
		bind("installation", "Where the credential is kept: in the store's vault (cloud), or nowhere, with a reference in this file (local). Default: local for a credential of this file, else cloud.",
			oneOf(syncer.Cloud, syncer.Local), func(e *entryDoc, v syncer.Installation) { e.installation = v }),
		bind("contacts", "Who is told when a run fails.", texts(), func(e *entryDoc, v []string) { e.contacts = v }),
		bind("absence", "What becomes of records that a complete read no longer brings; deactivate is for saas_users. Default: keep.",
			oneOf(syncer.Keep, syncer.FlagAbsent, syncer.ArchiveAbsent, syncer.DeactivateAbsent), func(e *entryDoc, v syncer.Absence) { e.absence = v }),
		bind("restore_archived", "Take a matched record out of the archive; without it, such a record is skipped. Default: false.", boolean(), func(e *entryDoc, v bool) { e.restoreArchived = v }),
		bind("full_every", "Ask the vendor only for what has changed since the last run, and for everything again once the last full read is so old: 7d. Default: everything, each time.", days(), func(e *entryDoc, v int) { e.fullEvery = v }),
		bind("filter", "A template; a record for which it is not true is left out: \"{{ record.status == 'ACTIVE' }}\".", text(), func(e *entryDoc, v string) { e.filter = v }),
		bind("create_if", "A template; a record for which it is not true is not created.", text(), func(e *entryDoc, v string) { e.createIf = v }),
		bind("update_if", "A template; a record for which it is not true is not written to if it is there.", text(), func(e *entryDoc, v string) { e.updateIf = v }),
		bind("ignore_unseen", "Leave out what the vendor has not seen for so long: 90d.", unseenForm(), func(e *entryDoc, v mapping.Unseen) { e.unseen = v }),
		bind("default_role", "The role of a new user whose record brings none.", text(), func(e *entryDoc, v string) { e.defaultRole = v }),
		bind("saas", "The account in a SaaS application that goes with each user.", saasForm(), func(e *entryDoc, v mapping.CompanionMapping) { e.saas = &v }),
		bind("schedule", "When `vendorsync serve` runs it: a word (daily, manual), a line (every 6h not between 08:00 and 18:00), or its parts. Default: daily, at a quiet time.", scheduleForm(), func(e *entryDoc, v schedule.Schedule) { e.schedule = v }),
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
		bind("precedence", "Whose values count where several integrations feed one object: their ids by object, the first goes before all.", free(precedenceForm()), func(f *fileDoc, v []named[syncer.Precedence]) { f.precedence = v }),
		bind("credentials", "Credentials by reference, for local installations: their names, each with its kind and where its values are found. Others are kept in the store's vault, see `vendorsync credentials`.", free(refForm()), func(f *fileDoc, v []named[credentials.Ref]) { f.refs = v }),
		bind("notices", "How `vendorsync serve` tells people of troubles: a run failed, takes too long or did not start, or a credential ends.", noticesForm(), func(f *fileDoc, v Notices) { f.notices = v }),
		bind("integrations", "What is synced: one entry for each list of a vendor that fills one object.", list(placed(entryForm())), func(f *fileDoc, v []entryDoc) { f.entries = v }),
	)
}

// kindKey is the key of a reference that says of which kind its credential is.
const kindKey = "kind"

// refForm is a credential by reference: its kind, and for each of its values where
// that is found.
func refForm() form[credentials.Ref] {
	kind, value := oneOf(credentials.Kinds()...), text()
	help := func(s schema, text string) schema { return s.with("description", text) }
	return form[credentials.Ref]{
		shape: shape{
			schema: schema{
				"type": "object", "required": []any{kindKey},
				"properties":           schema{kindKey: help(kind.schema, "The kind of credential, see `vendorsync catalog show`.")},
				"additionalProperties": help(value.schema, "Where the value is found: env:NAME or file:PATH. What is no secret may stand here itself."),
			},
			node: flowNode, keys: map[string]shape{kindKey: kind.shape}, names: []string{kindKey}, any: &value.shape,
		},
		read: func(r *reader, n *yaml.Node, path string) (credentials.Ref, bool) {
			ref := credentials.Ref{Values: map[string]string{}}
			ok := r.entries(n, path, func(key, node *yaml.Node, at string) {
				if key.Value == kindKey {
					ref.Kind, _ = kind.read(r, node, at)
				} else if v, ok := value.read(r, node, at); ok {
					ref.Values[key.Value] = v
				}
			})
			if _, written := r.at[join(path, kindKey)]; ok && !written {
				r.fault(n, join(path, kindKey), "is missing: the kind of credential, such as %s", credentials.APIToken)
			}
			return ref, ok
		},
	}
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
