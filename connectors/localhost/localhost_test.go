package localhost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fixture returns a connector over a tree under testdata, on Linux wherever the
// test runs, at a fixed time.
func fixture(name string) *Connector {
	return &Connector{
		Root:     filepath.Join("testdata", name),
		platform: "linux",
		findRPM:  func() (string, error) { return "", errors.New("rpm is not installed") },
		now:      func() time.Time { return time.Date(2026, 1, 31, 9, 30, 0, 999, time.FixedZone("CET", 3600)) },
	}
}

// memory returns a connector over files that a test writes down itself.
func memory(files fstest.MapFS) *Connector {
	c := fixture("nothing")
	c.files = files
	return c
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func open(t *testing.T, c *Connector, settings connector.Settings) connector.Source {
	t.Helper()
	src, err := c.Open(t.Context(), connector.Config{Settings: settings})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	return src
}

// read returns the one page of a stream.
func read(ctx context.Context, src connector.Source, stream string) (connector.Page, error) {
	var found connector.Page
	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: stream}) {
		if err != nil {
			return connector.Page{}, err
		}
		found = page
	}
	return found, nil
}

func readAsset(t *testing.T, c *Connector, settings connector.Settings) asset {
	t.Helper()
	page, err := read(t.Context(), open(t, c, settings), AssetStream)
	require.NoError(t, err)
	require.Len(t, page.Records, 1)
	require.True(t, page.Last)
	var a asset
	require.NoError(t, json.Unmarshal(page.Records[0], &a))
	return a
}

func readPeople(t *testing.T, c *Connector, settings connector.Settings) (map[string]person, connector.Page) {
	t.Helper()
	page, err := read(t.Context(), open(t, c, settings), PeopleStream)
	require.NoError(t, err)
	require.True(t, page.Last)
	people := map[string]person{}
	for _, rec := range page.Records {
		var p person
		require.NoError(t, json.Unmarshal(rec, &p))
		people[p.ID] = p
	}
	require.Len(t, people, len(page.Records), "ids repeat")
	return people, page
}

// golden compares records with a file, or writes it with -update.
func golden(t *testing.T, name string, records []connector.Record) {
	t.Helper()
	var got bytes.Buffer
	for _, rec := range records {
		require.NoError(t, json.Indent(&got, rec, "", "  "))
		got.WriteByte('\n')
	}
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join("testdata", name), got.Bytes(), 0o600))
	}
	want, err := fs.ReadFile(os.DirFS("testdata"), name)
	require.NoError(t, err, "run the test with -update")
	require.Equal(t, string(want), got.String())
}

func TestRecordsOfWholeMachines(t *testing.T) {
	t.Parallel()
	interfaces := func() ([]networkInterface, error) {
		return []networkInterface{
			{"ens3", []netip.Addr{
				netip.MustParseAddr("2001:db8::10"),
				netip.MustParseAddr("2001:db8::102:304:dead:beef"), // temporary, says if_inet6
				netip.MustParseAddr("fe80::5054:ff:fe12:3456%ens3"),
				netip.MustParseAddr("192.0.2.10"),
			}},
			{"tun0", []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("10.8.0.2")}},
			{"docker0", []netip.Addr{netip.MustParseAddr("172.17.0.1")}},
			{"lo", []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}},
		}, nil
	}
	for name, c := range map[string]*Connector{
		"debian-vm":     fixture("debian-vm"),
		"ubuntu-laptop": fixture("ubuntu-laptop"),
		"alpine":        fixture("alpine"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "debian-vm" {
				c.interfaces = interfaces
			}
			src := open(t, c, nil)
			for _, stream := range c.Spec().Streams {
				page, err := read(t.Context(), src, stream.Name)
				require.NoError(t, err)
				golden(t, name+"."+stream.Name+".json", page.Records)
			}
		})
	}
}

func TestTheIDIsTheSerialElseTheMachineElseTheHost(t *testing.T) {
	t.Parallel()
	const machineID = "b8f3c6f0d5a94b0f9c1f6f8c2f1b7a11"
	serial := func(text string) fstest.MapFS {
		return fstest.MapFS{
			"sys/class/dmi/id/product_serial": file(text),
			"etc/machine-id":                  file(machineID + "\n"),
			"etc/hostname":                    file("vm\n"),
		}
	}
	// HMAC-SHA-256 of "vendorsync/localhost" under the machine id, 16 bytes of it.
	const hashed = "machine-e797efd13e88a59918153666db9f34ef"
	for name, tc := range map[string]struct {
		files      fstest.MapFS
		id, serial string
	}{
		"a real serial number is the id":                    {serial("5CG1234XYZ\n"), "5CG1234XYZ", "5CG1234XYZ"},
		"a serial of digits with zeros is real":             {serial("0000-0012-3400"), "0000-0012-3400", "0000-0012-3400"},
		"the maker's placeholder is no serial":              {serial("To Be Filled By O.E.M.\n"), hashed, ""},
		"System Serial Number is no serial":                 {serial("System Serial Number"), hashed, ""},
		"Default string is no serial":                       {serial("Default string"), hashed, ""},
		"None is no serial":                                 {serial("None"), hashed, ""},
		"Not Specified is no serial":                        {serial("Not Specified"), hashed, ""},
		"one zero is no serial":                             {serial("0"), hashed, ""},
		"all zeros are no serial":                           {serial("00000000"), hashed, ""},
		"one letter again and again is no serial":           {serial("XXXXXXXXXX"), hashed, ""},
		"blanks are no serial":                              {serial("   \n"), hashed, ""},
		"the chassis serial stands in for the product's":    {fstest.MapFS{"sys/class/dmi/id/product_serial": file("0"), "sys/class/dmi/id/chassis_serial": file("CH-77")}, "CH-77", "CH-77"},
		"the machine id of D-Bus stands in for the other":   {fstest.MapFS{"var/lib/dbus/machine-id": file(machineID)}, hashed, ""},
		"a machine id in capitals is the same":              {fstest.MapFS{"etc/machine-id": file(strings.ToUpper(machineID))}, hashed, ""},
		"an uninitialized machine id is none":               {fstest.MapFS{"etc/machine-id": file("uninitialized\n"), "etc/hostname": file("vm")}, "host-vm", ""},
		"a machine id of zeros is none":                     {fstest.MapFS{"etc/machine-id": file(strings.Repeat("0", 32)), "etc/hostname": file("vm")}, "host-vm", ""},
		"a cut machine id is none":                          {fstest.MapFS{"etc/machine-id": file(machineID[:30]), "etc/hostname": file("vm")}, "host-vm", ""},
		"the kernel's host name comes before the file's":    {fstest.MapFS{"proc/sys/kernel/hostname": file("live\n"), "etc/hostname": file("configured\n")}, "host-live", ""},
		"a host name that is not set yet is none, an id is": {fstest.MapFS{"proc/sys/kernel/hostname": file("(none)\n"), "etc/machine-id": file(machineID)}, hashed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := readAsset(t, memory(tc.files), nil)
			require.Equal(t, tc.id, got.ID)
			require.Equal(t, tc.serial, got.SerialNumber)
		})
	}
}

func TestAMachineWithoutAnyIdentityIsAnErrorAndNoRecord(t *testing.T) {
	t.Parallel()
	_, err := read(t.Context(), open(t, memory(fstest.MapFS{}), nil), AssetStream)
	require.ErrorIs(t, err, connector.ErrNotFound)
	require.ErrorContains(t, err, "no serial number, no machine id and no host name")
}

func TestWhatTheMachineDoesNotTellIsLeftOut(t *testing.T) {
	t.Parallel()
	src := open(t, memory(fstest.MapFS{"etc/hostname": file("bare")}), nil)
	page, err := read(t.Context(), src, AssetStream)
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"host-bare","name":"bare","hostname":"bare","last_seen":"2026-01-31T08:30:00Z"}`, page.Records[0].String())
}

func TestARollingDistributionHasItsBuildAsVersion(t *testing.T) {
	t.Parallel()
	got := readAsset(t, memory(fstest.MapFS{
		"etc/hostname":   file("arch"),
		"etc/os-release": file("NAME=\"Arch Linux\"\nBUILD_ID=rolling\n"),
	}), nil)
	require.Equal(t, operatingSystem{Name: "Arch Linux", Version: "rolling"}, got.OS)
}

func TestSoftwareIsReadOnRequestOnly(t *testing.T) {
	t.Parallel()
	got := readAsset(t, fixture("debian-vm"), connector.Settings{"software": {"false"}})
	require.Nil(t, got.Applications)
}

func TestADatabaseWithoutPackagesIsAnEmptyListAndNoneIsNoList(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"etc/hostname": file("vm")}
	require.Nil(t, readAsset(t, memory(files), nil).Applications)
	files["var/lib/dpkg/status"] = file("")
	src := open(t, memory(files), nil)
	page, err := read(t.Context(), src, AssetStream)
	require.NoError(t, err)
	require.Contains(t, page.Records[0].String(), `"applications":[]`)
}

func TestADamagedOrForbiddenDatabaseIsAnErrorAndNoShorterList(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, text string
		deny       string
		class      connector.Class
		message    string
	}{
		"dpkg status without colons":       {"var/lib/dpkg/status", "Package: a\nVersion: 1\n\ngarbage\n", "", connector.ErrMalformed, "/var/lib/dpkg/status: line 4"},
		"dpkg status that may not be read": {"var/lib/dpkg/status", "", "var/lib/dpkg/status", connector.ErrPermission, "/var/lib/dpkg/status"},
		"status.d that may not be listed":  {"var/lib/dpkg/status.d/x", "", "var/lib/dpkg/status.d", connector.ErrPermission, "status.d"},
		"dpkg status that is a folder":     {"var/lib/dpkg/status/x", "", "", connector.ErrUnavailable, "/var/lib/dpkg/status"},
		"apk database cut in a line":       {"lib/apk/db/installed", "P:musl\nV:1\nm", "", connector.ErrMalformed, "/lib/apk/db/installed: line 3"},
		"apk database cut in a package":    {"usr/lib/apk/db/installed", "P:musl\n", "", connector.ErrMalformed, "musl has no version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := fstest.MapFS{"etc/hostname": file("vm"), tc.file: file(tc.text)}
			c := memory(files)
			c.files = denying{files, tc.deny}
			_, err := read(t.Context(), open(t, c, nil), AssetStream)
			require.ErrorIs(t, err, tc.class)
			require.ErrorContains(t, err, tc.message)
		})
	}
}

// denying is a file system with one name that may not be opened.
type denying struct {
	fs.FS
	name string
}

func (d denying) Open(name string) (fs.File, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.FS.Open(name)
}

func TestPeopleOfTheDebianFixture(t *testing.T) {
	t.Parallel()
	people, page := readPeople(t, fixture("debian-vm"), nil)
	require.Equal(t, person{
		ID: "ada", Username: "ada", UID: 1000, GID: 1000, FullName: "Ada Lovelace", FirstName: "Ada", LastName: "Lovelace",
		Email: "ada@deb-web-01", Shell: "/bin/bash", Home: "/home/ada", Status: "active",
	}, people["ada"])
	require.Contains(t, people, "gottfried")
	require.Contains(t, people, "emmy", "an empty shell is /bin/sh")
	require.Equal(t, "inactive", people["emmy"].Status, "a locked account")
	require.Len(t, people, 3, "no system account, nobody, or account without a shell")

	require.Len(t, page.Faults, 2)
	require.Equal(t, "line 9", page.Faults[0].Place)
	require.ErrorIs(t, page.Faults[0].Err, connector.ErrMalformed)
	require.ErrorContains(t, page.Faults[0].Err, "user number")
	require.Equal(t, "line 11", page.Faults[1].Place)
}

func TestSystemAccountsComeOnRequest(t *testing.T) {
	t.Parallel()
	people, _ := readPeople(t, fixture("debian-vm"), connector.Settings{"system": {"true"}})
	require.Len(t, people, 9)
	require.Equal(t, "active", people["root"].Status)
	require.Equal(t, uint32(0), people["root"].UID)
	require.Equal(t, "inactive", people["daemon"].Status)
	require.Equal(t, "inactive", people["backupbot"].Status)
	require.Equal(t, "PostgreSQL administrator", people["postgres"].FullName)
	require.Empty(t, people["postgres"].LastName, "a role is not a first and a last name")
}

func TestAMachineWithoutPeopleIsOneEmptyLastPage(t *testing.T) {
	t.Parallel()
	people, page := readPeople(t, fixture("alpine"), nil)
	require.Empty(t, people)
	require.Empty(t, page.Faults)
}

func TestPasswordFilesThatCannotBeReadAreErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files fs.FS
		class connector.Class
	}{
		"no file at all":            {fstest.MapFS{}, connector.ErrNotFound},
		"a file without permission": {denying{fstest.MapFS{}, "etc/passwd"}, connector.ErrPermission},
		"a line of two megabytes":   {fstest.MapFS{"etc/passwd": file(strings.Repeat("x", 2<<20))}, connector.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := memory(nil)
			c.files = tc.files
			_, err := read(t.Context(), open(t, c, nil), PeopleStream)
			require.ErrorIs(t, err, tc.class)
			require.ErrorContains(t, err, "/etc/passwd")
		})
	}
}

func TestWithoutAHostNamePeopleHaveNoMailAddress(t *testing.T) {
	t.Parallel()
	people, _ := readPeople(t, memory(fstest.MapFS{"etc/passwd": file("ada:x:1000:1000::/home/ada:/bin/sh\n")}), nil)
	require.Equal(t, person{ID: "ada", Username: "ada", UID: 1000, GID: 1000, Shell: "/bin/sh", Home: "/home/ada", Status: "active"}, people["ada"])
}

func TestOtherSystemsAreUnsupported(t *testing.T) {
	t.Parallel()
	for _, platform := range []string{"darwin", "windows"} {
		c := &Connector{platform: platform}
		src, err := c.Open(t.Context(), connector.Config{})
		require.Nil(t, src)
		require.ErrorIs(t, err, connector.ErrUnsupported)
		require.ErrorContains(t, err, platform)
	}
}

func TestOpenRefusesWrongSettings(t *testing.T) {
	t.Parallel()
	_, err := fixture("alpine").Open(t.Context(), connector.Config{Settings: connector.Settings{"software": {"perhaps"}}})
	require.ErrorIs(t, err, connector.ErrInvalid)
}

func TestReadRefusesWhatIsNotThere(t *testing.T) {
	t.Parallel()
	src := open(t, fixture("alpine"), nil)
	for name, tc := range map[string]struct {
		req   connector.Request
		class connector.Class
	}{
		"an unknown stream": {connector.Request{Stream: "printers"}, connector.ErrNotFound},
		"a cursor":          {connector.Request{Stream: AssetStream, Cursor: "7"}, connector.ErrCursor},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for page, err := range src.Read(t.Context(), tc.req) {
				require.ErrorIs(t, err, tc.class)
				require.Zero(t, page)
			}
		})
	}
}

func TestCheckTriesWhatTheStreamsNeed(t *testing.T) {
	t.Parallel()
	grants := func(t *testing.T, c *Connector, settings connector.Settings) map[string]connector.PermissionStatus {
		t.Helper()
		report, err := open(t, c, settings).Check(t.Context())
		require.NoError(t, err)
		found := map[string]connector.PermissionStatus{}
		for _, p := range report.Permissions {
			found[p.Name] = p
			if p.Grant != connector.Granted {
				require.NotEmpty(t, p.Detail, p.Name)
			}
		}
		require.Len(t, found, len(report.Permissions))
		return found
	}

	whole := grants(t, fixture("debian-vm"), nil)
	require.Len(t, whole, 3)
	for name, p := range whole {
		require.Equal(t, connector.Granted, p.Grant, name)
	}

	unwanted := grants(t, fixture("debian-vm"), connector.Settings{"software": {"false"}})
	require.Equal(t, connector.Unknown, unwanted[readPackages].Grant)
	require.Contains(t, unwanted[readPackages].Detail, "not tried")

	bare := grants(t, memory(fstest.MapFS{}), nil)
	require.Equal(t, connector.Unknown, bare[readSerial].Grant)
	require.Equal(t, connector.Unknown, bare[readPackages].Grant)
	require.Contains(t, bare[readPackages].Detail, "no dpkg, apk or rpm database")
	require.Equal(t, connector.Unknown, bare[readAccounts].Grant)

	without := grants(t, fixture("fedora-server"), nil)
	require.Equal(t, connector.Unknown, without[readPackages].Grant)
	require.Contains(t, without[readPackages].Detail, "no rpm command")

	for name, path := range map[string]string{
		readSerial:   "sys/class/dmi/id/product_serial",
		readPackages: "var/lib/dpkg/status",
		readAccounts: "etc/passwd",
	} {
		c := fixture("debian-vm")
		c.files = denying{os.DirFS(c.Root), path}
		require.Equal(t, connector.Missing, grants(t, c, nil)[name].Grant, name)
	}
}

func TestADeniedSerialLeavesTheMachineIDAsID(t *testing.T) {
	t.Parallel()
	c := fixture("ubuntu-laptop")
	c.files = denying{os.DirFS(c.Root), "sys/class/dmi/id/product_serial"}
	require.Equal(t, "5CG1234XYZ", readAsset(t, c, nil).ID, "the chassis serial may still be read")
	c.files = denying{c.files, "sys/class/dmi/id/chassis_serial"}
	a := readAsset(t, c, nil)
	require.True(t, strings.HasPrefix(a.ID, "machine-"))
	require.Empty(t, a.SerialNumber)
}

func TestTheDefaultMappingLeavesOutWhatAlwaysChangesAndHasUniqueSyncKeys(t *testing.T) {
	t.Parallel()
	for _, stream := range New().Spec().Streams {
		object, ok := mapping.Standard().Object(stream.Object)
		require.True(t, ok, stream.Object)
		for _, f := range stream.Mapping.Fields {
			require.NotEqual(t, "last_seen", f.From)
		}
		for _, key := range stream.Mapping.SyncKeys {
			require.True(t, object.Fields[object.Field(key)].Unique, key)
		}
	}
}

func TestTheDefaultMappingFillsTheTargetWithoutFaults(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]map[string]int{
		"debian-vm":     {"assets": 1, "users": 3, "software_installs": 4},
		"ubuntu-laptop": {"assets": 1, "users": 1, "software_installs": 1},
		"alpine":        {"assets": 1, "software_installs": 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := map[string]int{}
			src := open(t, fixture(name), nil)
			for _, stream := range New().Spec().Streams {
				page, err := read(t.Context(), src, stream.Name)
				require.NoError(t, err)
				countMapped(t, stream, page.Records, found)
			}
			delete(found, "software") // the titles, which installs share
			require.Equal(t, rows, found)
		})
	}
}

func TestTheDefaultMappingMakesTheRightRows(t *testing.T) {
	t.Parallel()
	src := open(t, fixture("ubuntu-laptop"), nil)
	for _, stream := range New().Spec().Streams {
		page, err := read(t.Context(), src, stream.Name)
		require.NoError(t, err)
		connectortest.GoldenRows(t, filepath.Join("testdata", "ubuntu-laptop."+stream.Name+".rows.json"), *update, stream, page.Records...)
	}
}

// countMapped maps records as the stream proposes and adds up the rows of each
// object. What a record lacks must not be required, and no value be at fault.
func countMapped(t *testing.T, stream connector.Stream, records []connector.Record, rows map[string]int) {
	t.Helper()
	program, err := mapping.Compile(mapping.FromDefault(stream), mapping.Standard(), mapping.Options{Fields: stream.Fields})
	require.NoError(t, err)
	require.Empty(t, program.Unmapped())
	for _, rec := range records {
		var out mapping.Out
		require.NoError(t, program.Map(rec, &out))
		require.NotEmpty(t, out.VendorID)
		require.Empty(t, out.Faults)
		for _, row := range out.Rows {
			rows[program.Targets()[row.Target].Object]++
		}
	}
}

func TestAFailingInterfaceListLeavesTheAddressesOut(t *testing.T) {
	t.Parallel()
	c := fixture("alpine")
	c.interfaces = func() ([]networkInterface, error) { return nil, errors.New("netlink is closed") }
	require.Nil(t, readAsset(t, c, nil).IPAddresses)
	c.interfaces = func() ([]networkInterface, error) { return nil, nil }
	require.Equal(t, []string{}, readAsset(t, c, nil).IPAddresses, "offline: known to be none")
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]connectortest.Options{
		"debian-vm":     {MinRecords: 1},
		"ubuntu-laptop": {MinRecords: 1, Config: connector.Config{Settings: connector.Settings{"system": {"true"}}}},
		"alpine":        {MinRecords: 1, Config: connector.Config{Settings: connector.Settings{"system": {"true"}, "software": {"false"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, fixture(name), opts)
		})
	}
}
