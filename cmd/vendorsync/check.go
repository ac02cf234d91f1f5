package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/syncer"
)

// A permissionView is one permission as `check` shows it.
type permissionView struct {
	Name   string          `json:"name"`
	Stream string          `json:"stream"` // empty for all
	Needed bool            `json:"needed"` // by this integration, and not just by another stream of its connector or a setting that is off
	Grant  connector.Grant `json:"grant"`
	Detail string          `json:"detail"` // what fails, or why it is unknown
	Why    string          `json:"why"`    // what it is needed for
}

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check ID",
		Short: "Ask the vendor which permissions the integration has",
		Long: "Ask the vendor which permissions the integration has, by the vendor's own names: each is granted, missing or unknown.\n" +
			"What the connector's other streams need is shown, too, but not needed.\n\n" +
			"Exit status: 0 if nothing that is needed is missing, 1 if something is, or if the vendor could not be asked.",
		Args: cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			in, err := s.integration(ctx, args[0])
			if err != nil {
				return err
			}
			report, err := s.syncer.Check(ctx, in.ID)
			if err != nil {
				return err
			}
			return s.showReport(in, report)
		}),
		ValidArgsFunction: a.completeIDs,
	}
}

// showReport writes what a check found out; a missing permission is a failure.
func (s *session) showReport(in syncer.Integration, report connector.Report) error {
	c, err := s.registry.Get(in.Connector)
	if err != nil {
		return err
	}
	views := viewReport(c.Spec(), in, report)
	missing := inState(views, connector.Missing)
	if len(missing) > 0 {
		s.code = exitFailed
	}
	switch {
	case s.json:
		return s.writeJSON(map[string]any{"id": in.ID, "permissions": views})
	case len(views) == 0:
		return s.line("%s can be read; its connector needs no permission", in.ID)
	}
	t := newTable("PERMISSION", "STATE", "FOR", "NEEDED", "DETAIL")
	for _, v := range views {
		t.add(v.Name, string(v.Grant), cmp.Or(v.Stream, "all"), yes(v.Needed), v.Detail)
	}
	if err := s.print(t); err != nil {
		return err
	}
	for _, v := range missing {
		s.note("%s lacks %s", in.ID, strings.TrimSuffix(v.Name+": "+v.Why, ": "))
	}
	if len(missing) > 0 {
		s.note("Grant what is missing to the credential at %s; `vendorsync catalog show %s` says where.", c.Spec().Vendor, in.Connector)
	}
	if unknown := inState(views, connector.Unknown); len(unknown) > 0 {
		s.note("What is unknown may be granted or not; `vendorsync test %s` shows what can be read.", in.ID)
	}
	return nil
}

// inState returns the permissions that are needed and in a state.
func inState(views []permissionView, state connector.Grant) []permissionView {
	return slices.DeleteFunc(slices.Clone(views), func(v permissionView) bool { return !v.Needed || v.Grant != state })
}

// viewReport puts a report beside what the connector declares: the permissions
// of the stream first, those that the report leaves out as unknown.
func viewReport(spec connector.Spec, in syncer.Integration, report connector.Report) []permissionView {
	stream := in.Stream
	settings, err := spec.Resolve(in.Settings)
	if err != nil {
		settings = in.Settings // what is wrong with them has been told
	}
	idle := map[string]bool{} // of the stream, what no setting asks for
	why := map[[2]string]string{}
	for _, st := range spec.Streams {
		for _, p := range st.Permissions {
			why[[2]string{st.Name, p.Name}] = p.Why
			if st.Name == stream && p.Setting != "" && !settings.Bool(p.Setting) {
				idle[p.Name] = true
			}
		}
	}
	needed, others := []permissionView{}, []permissionView{}
	said := map[string]bool{}
	for _, p := range report.Permissions {
		v := permissionView{Name: p.Name, Stream: p.Stream, Needed: (p.Stream == "" || p.Stream == stream) && !idle[p.Name], Grant: p.Grant, Detail: p.Detail, Why: why[[2]string{p.Stream, p.Name}]}
		if !v.Needed {
			others = append(others, v)
			continue
		}
		said[p.Name] = true
		if v.Why == "" {
			v.Why = why[[2]string{stream, p.Name}]
		}
		needed = append(needed, v)
	}
	st, _ := spec.Stream(stream)
	for _, p := range st.Permissions {
		if !said[p.Name] && !idle[p.Name] {
			needed = append(needed, permissionView{Name: p.Name, Stream: stream, Needed: true, Grant: connector.Unknown, Detail: "the connector does not check it", Why: p.Why})
		}
	}
	return append(needed, others...)
}
