package main

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
)

// checked is a connector of two streams that answers a check as it is told.
func checked(report ...connector.PermissionStatus) *connectortest.Fake {
	return &connectortest.Fake{
		ID: "fleet", Stream: "phones",
		Describe: func(s *connector.Spec) {
			s.Vendor = "Fleet, Inc."
			s.Settings = []connector.Setting{{Name: "seen", Type: connector.Boolean, Default: "false"}}
			s.Streams[0].Permissions = []connector.Permission{
				{Name: "phones.read", Why: "lists the phones"},
				{Name: "owners.read", Why: "names their owners"},
				{Name: "seen.read", Why: "shows when", Setting: "seen"},
			}
			s.Streams = append(s.Streams, connector.Stream{Name: "apps", Key: "id", Permissions: []connector.Permission{{Name: "apps.read", Why: "lists the apps"}}})
		},
		CheckFunc: func(context.Context) (connector.Report, error) {
			return connector.Report{Permissions: report}, nil
		},
	}
}

func fleetShell(t *testing.T, fleet *connectortest.Fake) *shell {
	t.Helper()
	sh := newShell(t, fleet)
	sh.write("vendorsync.yaml", "integrations:\n  - {id: fleet, connector: fleet, stream: phones}\n")
	return sh
}

func TestCheckTellsEachPermission(t *testing.T) {
	t.Parallel()
	granted := connector.PermissionStatus{Name: "phones.read", Stream: "phones", Grant: connector.Granted}
	owners := connector.PermissionStatus{Name: "owners.read", Stream: "phones", Grant: connector.Granted}
	for name, test := range map[string]struct {
		report []connector.PermissionStatus
		on     bool // the setting that asks for seen.read
		code   int
		out    []string // lines
		err    string
	}{
		"all are granted": {
			report: []connector.PermissionStatus{granted, owners},
			out:    []string{`phones.read +granted +phones +yes`, `owners.read +granted +phones +yes`},
		},
		"one is missing": {
			report: []connector.PermissionStatus{granted, {Name: "owners.read", Stream: "phones", Grant: connector.Missing, Detail: "list owners: not allowed"}},
			code:   exitFailed,
			out:    []string{`phones.read +granted +phones +yes`, `owners.read +missing +phones +yes +list owners: not allowed`},
			err:    "fleet lacks owners.read: names their owners\nGrant what is missing to the credential at Fleet, Inc.; `vendorsync catalog show fleet` says where.\n",
		},
		"one is unknown": {
			report: []connector.PermissionStatus{granted, {Name: "owners.read", Stream: "phones", Grant: connector.Unknown, Detail: "there is no phone to try it on"}},
			out:    []string{`owners.read +unknown +phones +yes +there is no phone to try it on`},
			err:    "What is unknown may be granted or not; `vendorsync test fleet` shows what can be read.\n",
		},
		"one that the connector says nothing of is unknown": {
			report: []connector.PermissionStatus{granted},
			out:    []string{`owners.read +unknown +phones +yes +the connector does not check it`},
			err:    "What is unknown may be granted or not; `vendorsync test fleet` shows what can be read.\n",
		},
		"one that only another stream needs comes last and is no failure": {
			report: []connector.PermissionStatus{{Name: "apps.read", Stream: "apps", Grant: connector.Missing, Detail: "list apps: not allowed"}, granted, owners},
			out:    []string{`phones.read +granted +phones +yes`, `owners.read +granted +phones +yes`, `apps.read +missing +apps +list apps: not allowed`},
		},
		"one that a setting asks for which is off": {
			report: []connector.PermissionStatus{granted, owners, {Name: "seen.read", Stream: "phones", Grant: connector.Missing, Detail: "not licensed"}},
			out:    []string{`seen.read +missing +phones +not licensed`},
		},
		"one that a setting asks for which is on": {
			report: []connector.PermissionStatus{granted, owners, {Name: "seen.read", Stream: "phones", Grant: connector.Missing, Detail: "not licensed"}},
			on:     true, code: exitFailed,
			out: []string{`seen.read +missing +phones +yes +not licensed`},
			err: "fleet lacks seen.read: shows when\nGrant what is missing to the credential at Fleet, Inc.; `vendorsync catalog show fleet` says where.\n",
		},
		"one that all streams need": {
			report: []connector.PermissionStatus{{Name: "login", Grant: connector.Missing, Detail: "the account is locked"}, granted, owners},
			code:   exitFailed,
			out:    []string{`login +missing +all +yes +the account is locked`},
			err:    "fleet lacks login\nGrant what is missing to the credential at Fleet, Inc.; `vendorsync catalog show fleet` says where.\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := fleetShell(t, checked(test.report...))
			if test.on {
				sh.done("edit", "fleet", "--set", "seen=true")
			}
			r := sh.run("check", "fleet")
			require.Equal(t, test.code, r.code)
			require.Equal(t, test.err, r.err)
			at := `(?s)^PERMISSION +STATE +FOR +NEEDED +DETAIL\n`
			for _, line := range test.out {
				at += `.*` + line + `\n`
			}
			require.Regexp(t, at, r.out)
		})
	}
}

func TestCheckAsJSON(t *testing.T) {
	t.Parallel()
	sh := fleetShell(t, checked(
		connector.PermissionStatus{Name: "apps.read", Stream: "apps", Grant: connector.Granted},
		connector.PermissionStatus{Name: "phones.read", Stream: "phones", Grant: connector.Missing, Detail: "list phones: 403"},
	))
	r := sh.run("check", "fleet", "--json")
	require.Equal(t, exitFailed, r.code, "a permission is missing")
	require.Empty(t, r.err)
	require.Equal(t, object{"id": "fleet", "permissions": []any{
		object{"name": "phones.read", "stream": "phones", "needed": true, "grant": "missing", "detail": "list phones: 403", "why": "lists the phones"},
		object{"name": "owners.read", "stream": "phones", "needed": true, "grant": "unknown", "detail": "the connector does not check it", "why": "names their owners"},
		object{"name": "apps.read", "stream": "apps", "needed": false, "grant": "granted", "detail": "", "why": "lists the apps"},
	}}, decodeJSON[object](t, r.out))
}

func TestCheckOfWhatNeedsNoPermission(t *testing.T) {
	t.Parallel()
	sh := newShell(t, &connectortest.Fake{ID: "open", Describe: func(s *connector.Spec) { s.Streams[0].Permissions = nil }})
	sh.write("vendorsync.yaml", "integrations:\n  - {id: open, connector: open}\n")
	require.Equal(t, "open can be read; its connector needs no permission\n", sh.done("check", "open"))
	require.Equal(t, object{"id": "open", "permissions": []any{}}, decodeJSON[object](t, sh.done("check", "open", "--json")))
}

func TestCheckThatCannotBeMade(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	require.Regexp(t, `(?m)^read .* granted +records +yes`, sh.done("check", "laptops"))
	require.Contains(t, sh.fails(exitFailed, "check", "phones"), "there is no integration")
	require.NoError(t, os.Remove(sh.path("devices.ndjson")))
	require.NotEqual(t, exitDone, sh.run("check", "laptops").code)

	fleet := checked()
	fleet.CheckFunc = func(context.Context) (connector.Report, error) {
		return connector.Report{}, connector.Errorf(connector.ErrAuth, "check phones", "the token has expired")
	}
	said := fleetShell(t, fleet).fails(exitFailed, "check", "fleet")
	require.Contains(t, said, "the token has expired")
	require.Contains(t, said, "[auth: renew the credential", "the remedy is said")
}
