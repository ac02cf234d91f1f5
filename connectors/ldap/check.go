package ldap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

// Check logs in and asks for one entry of each stream. A directory that may not
// show an entry mostly says nothing of it, so that no entry is no answer.
func (s *source) Check(ctx context.Context) (connector.Report, error) {
	var report connector.Report
	for _, def := range s.spec.Streams {
		status, err := s.probe(ctx, def.Name)
		if err != nil {
			return connector.Report{}, err
		}
		for _, p := range def.Permissions {
			status.Name, status.Stream = p.Name, def.Name
			report.Permissions = append(report.Permissions, status)
		}
	}
	return report, nil
}

// probe reads the first entry of a stream.
func (s *source) probe(ctx context.Context, stream string) (connector.PermissionStatus, error) {
	var none connector.PermissionStatus
	r, err := s.begin(ctx, connector.Request{Stream: stream, Limit: 1})
	if err != nil {
		return none, err
	}
	defer r.close()
	r.op = "check " + stream
	bases, err := r.bases()
	if err != nil {
		return none, err
	}
	for _, base := range bases {
		entries, _, err := r.page(ctx, base, nil)
		var refused *connector.Error
		switch {
		case errors.As(err, &refused) && refused.Class == connector.ErrPermission:
			return connector.PermissionStatus{Grant: connector.Missing, Detail: refused.Message}, nil
		case err != nil:
			return none, err
		case len(entries) == 0:
			continue
		}
		if _, err := r.shape.record(entries[0]); err != nil {
			return connector.PermissionStatus{Grant: connector.Missing, Detail: fmt.Sprintf("%s: %v", entries[0].DN, err)}, nil
		}
		return connector.PermissionStatus{Grant: connector.Granted}, nil
	}
	return connector.PermissionStatus{
		Grant: connector.Unknown, Detail: fmt.Sprintf("the directory shows no entry below %q that passes %s: there is none, or the account may not read it", bases, r.filter()),
	}, nil
}

// discoverEntries is how many entries Discover looks at.
const discoverEntries = 200

// exampleLength is the length in characters of an example that Discover gives.
const exampleLength = 80

// Discover returns the fields of the first 200 entries, with every attribute
// that the account may read: those of the Spec first, then the others by name.
func (s *source) Discover(ctx context.Context, stream string) ([]connector.Field, error) {
	r, err := s.begin(ctx, connector.Request{Stream: stream, Limit: discoverEntries})
	if err != nil {
		return nil, err
	}
	defer r.close()
	if r.shape.schema, err = s.subschema(ctx, r.session, r.dse); err != nil {
		return nil, err
	}
	r.shape.all = true
	bases, err := r.bases()
	if err != nil {
		return nil, err
	}
	found := map[string]connector.Field{}
	for _, base := range bases {
		entries, _, err := r.page(ctx, base, nil)
		if err != nil {
			return nil, err
		}
		page, err := r.records(ctx, entries)
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Records {
			if err := discover(found, rec); err != nil {
				return nil, connector.Errorf(connector.ErrInternal, r.op, "%w", err)
			}
		}
	}
	return ordered(r.stream.Fields, found), nil
}

// discover adds the fields of a record.
func discover(found map[string]connector.Field, rec connector.Record) error {
	var values map[string]any
	if err := json.Unmarshal(rec, &values); err != nil {
		return fmt.Errorf("read a record: %w", err)
	}
	made, _ := values[memberEntry].(map[string]any)
	delete(values, memberEntry)
	for name, value := range values {
		add(found, path.Path{{Key: name}}, value)
	}
	for name, value := range made {
		add(found, path.Path{{Key: memberEntry}, {Key: name}}, value)
	}
	return nil
}

func add(found map[string]connector.Field, p path.Path, value any) {
	f := connector.Field{Path: p.String(), Type: connector.StringField}
	if list, ok := value.([]any); ok {
		f.Type, value = connector.ListField, list[0]
	}
	f.Example, _ = value.(string)
	if runes := []rune(f.Example); len(runes) > exampleLength {
		f.Example = string(runes[:exampleLength])
	}
	if before, ok := found[f.Path]; !ok || before.Example == "" {
		found[f.Path] = f
	}
}

// ordered returns the found fields, the declared ones first and with their
// labels.
func ordered(declared []connector.Field, found map[string]connector.Field) []connector.Field {
	var out []connector.Field
	for _, f := range declared {
		if seen, ok := found[f.Path]; ok {
			seen.Label = f.Label
			out = append(out, seen)
			delete(found, f.Path)
		}
	}
	others := slices.SortedFunc(maps.Values(found), func(a, b connector.Field) int { return strings.Compare(a.Path, b.Path) })
	return append(out, others...)
}
