package syncer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// maxEdits bounds an integration's history of edits.
const maxEdits = 200

func (in *Integration) addEdit(e Edit) {
	in.Changes = append(in.Changes, e)
	if n := len(in.Changes); n > maxEdits {
		in.Changes = slices.Clone(in.Changes[n-maxEdits:])
	}
}

// idPattern is what an integration's id looks like: it stands in commands,
// addresses and file names.
var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

func (in *Integration) validate() error {
	var errs []error
	if !idPattern.MatchString(in.ID) {
		errs = append(errs, fmt.Errorf("the id %q must be small letters, digits, - and _, at most 63", in.ID))
	}
	oneOf := func(what, value string, allowed ...string) {
		if value != "" && !slices.Contains(allowed, value) {
			errs = append(errs, fmt.Errorf("%s %q is none of %s", what, value, strings.Join(allowed, ", ")))
		}
	}
	oneOf("policy", string(in.Policy), string(CreateAndUpdate), string(CreateOnly), string(UpdateOnly))
	oneOf("installation", string(in.Installation), string(Cloud), string(Local))
	if in.FullEvery < 0 {
		errs = append(errs, fmt.Errorf("full_every is %d; it is a number of days, 0 to read everything each time", in.FullEvery))
	}
	oneOf("absence", string(in.Absence), string(Keep), string(FlagAbsent), string(ArchiveAbsent), string(DeactivateAbsent))
	return errors.Join(errs...)
}

// scheduleEdit is the part of an integration that says when it runs, in its history
// of edits.
const scheduleEdit = "schedule"

// differences names the parts in which in differs from old, for its history.
func (in *Integration) differences(old Integration) []string {
	var what []string
	add := func(part string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			what = append(what, part+" changed")
		}
	}
	add("name", in.Name, old.Name)
	add("connector", [2]string{in.Connector, in.Stream}, [2]string{old.Connector, old.Stream})
	add("settings", normalSettings(in.Settings), normalSettings(old.Settings))
	add("credential", in.Credential, old.Credential)
	add("policy", in.Policy, old.Policy)
	add("integration user", in.User, old.User)
	add("installation", in.Installation, old.Installation)
	add("contacts", strings.Join(in.Contacts, ","), strings.Join(old.Contacts, ","))
	add("mapping", fingerprintJSON(in.Mapping), fingerprintJSON(old.Mapping))
	add("absence", in.Absence, old.Absence)
	add("restore archived", in.RestoreArchived, old.RestoreArchived)
	add("full reads", in.FullEvery, old.FullEvery)
	add(scheduleEdit, in.Schedule.Text(), old.Schedule.Text())
	return what
}

func normalSettings(s connector.Settings) string { return fingerprintJSON(s) }

// A MissingError says what an integration needs before it can be launched.
type MissingError struct {
	Integration string
	Missing     []string
}

// Error lists what is missing.
func (e *MissingError) Error() string {
	return fmt.Sprintf("integration %q is not complete: %s", e.Integration, strings.Join(e.Missing, "; "))
}

// Missing says, in a person's words, what an integration needs before it can be
// launched. It is empty when the integration is complete.
func (s *Syncer) Missing(ctx context.Context, id string) ([]string, error) {
	in, err := s.journal.Integration(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("integration %q: %w", id, err)
	}
	return s.missing(ctx, in)
}

func (s *Syncer) missing(ctx context.Context, in Integration) ([]string, error) {
	schema, err := s.store.Schema(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	var missing []string
	need := func(format string, args ...any) { missing = append(missing, fmt.Sprintf(format, args...)) }

	if strings.TrimSpace(in.User) == "" {
		need("an integration user, to whom the changes are attributed (integration_user)")
	}
	c, err := s.opt.Registry.Get(in.Connector)
	if err != nil {
		need("a connector: %v", err)
		return missing, nil
	}
	spec := c.Spec()
	stream, ok := spec.Stream(in.Stream)
	if !ok {
		names := make([]string, len(spec.Streams))
		for i, st := range spec.Streams {
			names[i] = st.Name
		}
		need("a stream: connector %s has no stream %q; it has %s", spec.ID, in.Stream, strings.Join(names, ", "))
	}
	if _, err := spec.Resolve(in.Settings); err != nil {
		var e *connector.Error
		if errors.As(err, &e) && e.Err != nil {
			for _, line := range strings.Split(e.Err.Error(), "\n") {
				need("a setting: %s", line)
			}
		} else {
			need("a setting: %v", err)
		}
	}
	if lack := s.missingCredential(ctx, in, spec); lack != "" {
		need("%s", lack)
	}
	missing = append(missing, s.missingInMapping(in, schema, stream)...)
	if in.Absence != "" && in.Absence != Keep || slices.ContainsFunc(in.Mapping.Companions, func(c mapping.CompanionMapping) bool { return c.Deactivate }) {
		absence := cmp.Or(in.Absence, Keep)
		if absence == Keep {
			absence = DeactivateAbsent
		}
		if _, ok := s.store.(LinkScanner); !ok {
			need("a store that can name all links, for absence: %s; this one cannot", absence)
		}
		if ok && !stream.Complete {
			need("a stream that names every record, for absence: %s; %s does not", absence, stream.Name)
		}
	}
	return missing, nil
}

// missingInMapping says what a mapping lacks.
func (s *Syncer) missingInMapping(in Integration, schema *mapping.Schema, stream connector.Stream) []string {
	var missing []string
	need := func(format string, args ...any) { missing = append(missing, fmt.Sprintf(format, args...)) }
	object, ok := schema.Object(in.Mapping.Object)
	switch {
	case ok:
	case in.Mapping.Object == "":
		need("a target object (object)")
		return missing
	default:
		need("a target object: there is no object %q", in.Mapping.Object)
		return missing
	}
	mapper, own := s.opt.Mappers[in.ID]
	if !own {
		program, err := mapping.Compile(in.Mapping, schema, s.mappingOptions(in, stream, Run{}))
		if err != nil {
			need("a mapping without faults: %v", err)
			return missing
		}
		mapper = program
	}
	if len(in.Mapping.SyncKeys) == 0 {
		need("a sync key: a unique field of %s by which records are matched (sync_keys)", object.Name)
	}
	targets := mapper.Targets()
	if len(targets) == 0 {
		need("a mapper that fills %s; this one fills nothing", object.Name)
		return missing
	}
	written := map[string]bool{}
	for _, col := range targets[0].Columns {
		written[col.Field] = true
	}
	for _, k := range in.Mapping.SyncKeys {
		if !written[k.Field] {
			need("a mapping for the sync key %s", k.Field)
		}
	}
	if in.Absence == DeactivateAbsent {
		switch {
		case object.Name != "saas_users":
			need("accounts to deactivate: absence: deactivate is for saas_users; %s can be flagged or archived", object.Name)
		case !written["status"]:
			need("a mapping for status, for absence: deactivate, so that an account that comes back is active again")
		}
	}
	if !own {
		missing = append(missing, missingRole(object, targets[0])...)
	}
	for _, f := range object.Fields {
		if f.Required && !written[f.Name] {
			need("a mapping for %s, which every record of %s must have", f.Name, object.Name)
		}
	}
	return missing
}

// missingRole says what a mapping of users lacks for their role: one that every
// new user gets where the vendor gives none.
func missingRole(o *mapping.Object, t mapping.Target) []string {
	if o.Name != "users" {
		return nil
	}
	at := o.Field("role")
	i := slices.IndexFunc(t.Columns, func(c mapping.Column) bool { return c.Field == "role" })
	if at < 0 || i < 0 || t.Columns[i].Constant || !t.Columns[i].Default.IsEmpty() {
		return nil
	}
	roles := ""
	if choices := o.Fields[at].Choices; len(choices) > 0 {
		roles = "; the roles are " + strings.Join(choices, ", ")
	}
	return []string{"a default role for users, for whom the vendor gives none (default_role)" + roles}
}

// mappingOptions returns what an integration's mapping is compiled with.
func (s *Syncer) mappingOptions(in Integration, stream connector.Stream, run Run) mapping.Options {
	o := mapping.Options{
		Fields:   stream.Fields,
		Settings: in.Settings,
		Facts: mapping.Facts{
			RunID: run.ID, Started: run.Started, IntegrationID: in.ID, Integration: in.Name,
			Connector: in.Connector, Stream: in.Stream, User: in.User,
		},
	}
	c, err := s.opt.Registry.Get(in.Connector)
	if err != nil {
		return o
	}
	spec := c.Spec()
	if settings, err := spec.Resolve(in.Settings); err == nil {
		o.Settings = connector.Settings{}
		for _, setting := range spec.Settings { // what is secret is nobody's record
			if values, ok := settings[setting.Name]; ok && !setting.Secret {
				o.Settings[setting.Name] = values
			}
		}
	}
	return o
}
