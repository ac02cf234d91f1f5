package rest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
)

// Check makes a real request for each permission of each stream: the stream's
// first page with one record, or the permission's own Probe. A refusal means
// Missing where it can be about one permission only. A credential that the vendor
// does not take at all is an error.
func (s *Source) Check(ctx context.Context) (connector.Report, error) {
	var report connector.Report
	for _, def := range s.spec.Streams {
		st := s.api.Streams[def.Name]
		shared := 0
		for _, p := range def.Permissions {
			if _, own := st.Probes[p.Name]; !own {
				shared++
			}
		}
		var first *outcome
		for _, p := range def.Permissions {
			status := connector.PermissionStatus{Name: p.Name, Stream: def.Name}
			probe, own := st.Probes[p.Name]
			var got outcome
			if own && probe.Path != "" {
				got = s.probe(ctx, def.Name, probe)
			} else {
				if first == nil {
					o := s.firstPage(ctx, def.Name)
					first = &o
				}
				got = *first
			}
			if fatal(got.err) {
				return connector.Report{}, got.err
			}
			status.Grant, status.Detail = got.grant(probe, own, shared)
			report.Permissions = append(report.Permissions, status)
		}
		if len(def.Permissions) == 0 {
			if got := s.firstPage(ctx, def.Name); fatal(got.err) {
				return connector.Report{}, got.err
			}
		}
	}
	return report, nil
}

// fatal reports whether an error says nothing of permissions, since the vendor
// was not reached or took nobody for the asker.
func fatal(err error) bool {
	switch connector.ClassOf(err) {
	case connector.ErrAuth, connector.ErrTLS, connector.ErrUnavailable, connector.ErrInvalid, connector.ErrInternal, connector.ErrRateLimited, connector.ErrMalformed:
		return true
	default:
		return false
	}
}

// An outcome is what a request to find out about a permission came to.
type outcome struct {
	answer *Response
	err    error
	what   string // what was asked for
	none   bool   // there was nothing to ask for
}

func (o outcome) grant(p Probe, own bool, shared int) (connector.Grant, string) {
	var e *connector.Error
	switch {
	case o.none:
		return connector.Unknown, "there is nothing to try it on: " + o.what
	case errors.As(o.err, &e) && e.Class == connector.ErrPermission && !own && shared > 1:
		return connector.Unknown, fmt.Sprintf("one of %d permissions is missing: %s", shared, e.Message)
	case errors.As(o.err, &e) && e.Class == connector.ErrPermission:
		return connector.Missing, e.Message
	case o.err != nil:
		return connector.Unknown, o.err.Error()
	case p.Test != nil:
		return p.Test(o.answer)
	}
	return connector.Granted, ""
}

func (s *Source) probe(ctx context.Context, stream string, p Probe) outcome {
	req, err := list{op: "check " + stream, path: p.Path, query: p.Query, lookup: optional(s)}.request("")
	if err != nil {
		return outcome{err: err}
	}
	answer, err := s.client.Do(ctx, req)
	return outcome{answer: answer, err: err, what: p.Path}
}

// firstPage asks for one record of a stream.
func (s *Source) firstPage(ctx context.Context, name string) outcome {
	r, err := s.reading(connector.Request{Stream: name, Limit: 1})
	if err != nil {
		return outcome{err: err}
	}
	r.op = "check " + name
	part := ""
	if r.stream.Parts != nil && strings.Contains(r.stream.Path, "{part}") {
		parts, err := s.Partitions(ctx, name)
		if err != nil {
			return outcome{err: err, what: "its parts"}
		}
		if len(parts) == 0 {
			return outcome{none: true, what: "the stream has no part"}
		}
		part = parts[0]
	}
	l := r.list(part)
	req, err := l.request("")
	if err != nil {
		return outcome{err: s.client.own(l.op, err)}
	}
	answer, err := s.client.Do(ctx, req)
	if err == nil {
		kept := *answer
		_, err = s.client.leaf(l, &kept)
	}
	return outcome{answer: answer, err: err, what: l.path}
}
