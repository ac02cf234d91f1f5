package syncer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// searcher returns a Syncer over the scene's store.
func (s *scene) searcher() *syncer.Syncer {
	s.Helper()
	return (&feed{scene: s}).syncer()
}

// duplicates returns the sets that are found, as in "1 2: serial_number C02X1".
func (s *scene) duplicates(object string, opt syncer.DuplicateOptions) []string {
	s.Helper()
	sets := []string{}
	for set, err := range s.searcher().Duplicates(s.Context(), object, opt) {
		require.NoError(s, err)
		require.Equal(s, object, set.Object)
		var ids, why []string
		for _, rec := range set.Records {
			ids = append(ids, rec.ID)
		}
		require.Contains(s, ids, set.Keep)
		for _, v := range set.Shared {
			text := strings.Join(v.Fields, "+") + " " + v.Value
			if len(v.IDs) < len(ids) {
				text += " of " + strings.Join(v.IDs, " ")
			}
			why = append(why, text)
		}
		sets = append(sets, strings.Join(ids, " ")+": "+strings.Join(why, ", "))
	}
	return sets
}

func TestDuplicatesOfDevices(t *testing.T) {
	t.Parallel()
	type fields = map[string]string
	serial := func(text string) fields { return fields{"serial_number": text} }
	mac := func(text string) fields { return fields{"mac_addresses": text} }
	with := func(f fields, name, value string) fields {
		f[name] = value
		return f
	}
	for name, tc := range map[string]struct {
		records []fields
		want    []string
	}{
		"there is none":                                          {records: []fields{serial("A1"), serial("A2")}},
		"there is no record":                                     {},
		"punctuation does not count":                             {records: []fields{serial("C02-X1"), serial("c02x1"), serial("C02X2")}, want: []string{"1 2: serial_number C02X1"}},
		"nor do blanks":                                          {records: []fields{serial("C02 X1"), serial("C02X1")}, want: []string{"1 2: serial_number C02X1"}},
		"nor does a scanner's S":                                 {records: []fields{serial("SC02XG0FHJGH5"), serial("C02XG0FHJGH5")}, want: []string{"1 2: serial_number C02XG0FHJGH5"}},
		"with the S and with a hyphen is one reason":             {records: []fields{serial("SC02XG0-FHJGH5"), serial("SC02XG0FHJGH5")}, want: []string{"1 2: serial_number SC02XG0FHJGH5"}},
		"an S is the serial number's own, if little follows":     {records: []fields{serial("S1234"), serial("1234")}},
		"one's asset tag is another's serial number":             {records: []fields{{"asset_tag": "C02-X1"}, serial("c02x1")}, want: []string{"1 2: serial_number+asset_tag C02X1"}},
		"unless it is too short to mean anything":                {records: []fields{{"asset_tag": "1234"}, serial("1234")}},
		"both are the same record's":                             {records: []fields{with(serial("C02X1"), "asset_tag", "C02X1"), serial("A2")}},
		"the UDID without hyphens":                               {records: []fields{{"udid": "4C4C4544-0042-3510-8051-B4C04F305931"}, {"udid": "4c4c4544004235108051b4c04f305931"}}, want: []string{"1 2: udid 4C4C4544004235108051B4C04F305931"}},
		"the IMEI in groups":                                     {records: []fields{{"imei": "35-209900-176148-1"}, {"imei": "352099001761481"}}, want: []string{"1 2: imei 352099001761481"}},
		"the IMEI without its check digit":                       {records: []fields{{"imei": "352099001761481"}, {"imei": "35209900176148"}}, want: []string{"1 2: imei 35209900176148"}},
		"a placeholder is no number":                             {records: []fields{serial("None"), serial("N/A"), serial("0000"), serial("00-00"), serial("Default string"), serial("T.B.D")}},
		"a placeholder with punctuation is none either":          {records: []fields{serial("n.o.n.e"), serial("n-o-n-e")}},
		"a docking station's, of three":                          {records: []fields{mac("aa:bb:cc:dd:ee:01"), mac("aa:bb:cc:dd:ee:01"), mac("aa:bb:cc:dd:ee:01")}},
		"an adapter's, of two with different serial numbers":     {records: []fields{with(mac("aa:bb:cc:dd:ee:01"), "serial_number", "A1"), with(mac("aa:bb:cc:dd:ee:01"), "serial_number", "A2")}},
		"of two of which one has a serial number":                {records: []fields{with(mac("aa:bb:cc:dd:ee:01"), "serial_number", "A1"), mac("aa:bb:cc:dd:ee:01")}, want: []string{"1 2: mac_addresses aa:bb:cc:dd:ee:01"}},
		"of two of which one has a placeholder":                  {records: []fields{with(mac("aa:bb:cc:dd:ee:01"), "serial_number", "A1"), with(mac("aa:bb:cc:dd:ee:01"), "serial_number", "none")}, want: []string{"1 2: mac_addresses aa:bb:cc:dd:ee:01"}},
		"of two whose serial numbers are one":                    {records: []fields{with(mac("aa:bb:cc:dd:ee:01"), "serial_number", "A-1"), with(mac("aa:bb:cc:dd:ee:01"), "serial_number", "A1")}, want: []string{"1 2: serial_number A1, mac_addresses aa:bb:cc:dd:ee:01"}},
		"an address that stands for none":                        {records: []fields{mac("02:00:00:00:00:00"), mac("02:00:00:00:00:00")}},
		"an address that software gives to every machine":        {records: []fields{mac("02:42:ac:11:00:02"), mac("02:42:ac:11:00:02"), mac("0a:00:27:00:00:00"), mac("0a:00:27:00:00:00")}},
		"a record is in one set, with all reasons":               {records: []fields{serial("C02-X1"), {"udid": "AB-CD"}, with(serial("C02X1"), "udid", "ABCD"), serial("A4")}, want: []string{"1 2 3: serial_number C02X1 of 1 3, udid ABCD of 2 3"}},
		"a chain joins, whatever the order":                      {records: []fields{{"udid": "AB-CD"}, {"asset_tag": "T-1"}, {"asset_tag": "T1", "serial_number": "C02-X1"}, {"serial_number": "C02X1", "udid": "ABCD"}}, want: []string{"1 2 3 4: serial_number C02X1 of 3 4, asset_tag T1 of 2 3, udid ABCD of 1 4"}},
		"the set of the first record comes first":                {records: []fields{serial("B-1"), serial("A-1"), serial("A1"), serial("B1")}, want: []string{"1 4: serial_number B1", "2 3: serial_number A1"}},
		"names and host names are nobody's own, until asked for": {records: []fields{{"device_name": "laptop", "hostname": "pc"}, {"device_name": "laptop", "hostname": "pc"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			for _, f := range tc.records {
				s.inserts("assets", f)
			}
			if tc.want == nil {
				tc.want = []string{}
			}
			require.Equal(t, tc.want, s.duplicates("assets", syncer.DuplicateOptions{}))
		})
	}
}

func TestDuplicatesByOneOfSeveralMACAddresses(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	in := assets("mdm")
	in.Mapping.Fields = append(in.Mapping.Fields, mapping.FieldMapping{To: "mac_addresses", From: "macs"})
	in.Mapping.SyncKeys = []mapping.SyncKey{{Field: "asset_tag"}}
	run := s.launched(in).sends(
		`{"id": "v1", "tag": "T1", "macs": ["aa:bb:cc:dd:ee:01", "AA-BB-CC-DD-EE-01"]}`,
		`{"id": "v2", "tag": "T2", "macs": ["aa:bb:cc:dd:ee:02", "aabb.ccdd.ee03"]}`,
		`{"id": "v3", "tag": "T3", "macs": ["AABBCCDDEE03"]}`,
	).run()
	s.expect(run, "created 3")
	require.Equal(t, []string{"2 3: mac_addresses aa:bb:cc:dd:ee:03"}, s.duplicates("assets", syncer.DuplicateOptions{}))
}

func TestDuplicatesOfPeopleAccountsAndTitles(t *testing.T) {
	t.Parallel()
	stories(t, map[string]func(s *scene){
		"an address with a tag": func(s *scene) {
			s.inserts("users", map[string]string{"username": "ada", "email": "ada@example.com"})
			s.inserts("users", map[string]string{"username": "ada2", "email": "Ada+mdm@Example.com"})
			s.inserts("users", map[string]string{"username": "ada3", "email": "ada@example.org"})
			require.Equal(s, []string{"1 2: email ada@example.com"}, s.duplicates("users", syncer.DuplicateOptions{}))
		},
		"one's username is another's address": func(s *scene) {
			s.inserts("users", map[string]string{"username": "ada@example.com", "email": "ada.l@example.com"})
			s.inserts("users", map[string]string{"username": "ada", "email": "ada@example.com"})
			require.Equal(s, []string{"1 2: username+email ada@example.com"}, s.duplicates("users", syncer.DuplicateOptions{}))
		},
		"an employee id in groups": func(s *scene) {
			s.inserts("users", map[string]string{"username": "ada", "email": "a@example.com", "employee_id": "E-00 17"})
			s.inserts("users", map[string]string{"username": "bob", "email": "b@example.com", "employee_id": "e0017"})
			require.Equal(s, []string{"1 2: employee_id E0017"}, s.duplicates("users", syncer.DuplicateOptions{}))
		},
		"a.b and ab may be two people": func(s *scene) {
			s.inserts("users", map[string]string{"username": "a.b", "email": "a.b@example.com"})
			s.inserts("users", map[string]string{"username": "ab", "email": "ab@example.com"})
			require.Empty(s, s.duplicates("users", syncer.DuplicateOptions{}))
		},
		"fields that are asked for count, too": func(s *scene) {
			s.inserts("users", map[string]string{"username": "ada", "email": "a@example.com", "full_name": "Ada Lovelace"})
			s.inserts("users", map[string]string{"username": "al", "email": "b@example.com", "full_name": "ada  lovelace"})
			s.inserts("users", map[string]string{"username": "bob", "email": "c@example.com"})
			s.inserts("users", map[string]string{"username": "eve", "email": "d@example.com"})
			require.Empty(s, s.duplicates("users", syncer.DuplicateOptions{}))
			require.Equal(s, []string{"1 2: full_name adalovelace"}, s.duplicates("users", syncer.DuplicateOptions{Fields: []string{"full_name"}}))
		},
		"accounts within one application": func(s *scene) {
			chat := s.inserts("saas_applications", map[string]string{"name": "Chat"})
			wiki := s.inserts("saas_applications", map[string]string{"name": "Wiki"})
			for i, app := range []string{chat, chat, wiki} {
				s.inserts("saas_users", map[string]string{"application": app, "external_id": fmt.Sprint("x", i), "email": fmt.Sprintf("ada+%d@example.com", i)})
			}
			require.Equal(s, []string{"3 4: email ada@example.com"}, s.duplicates("saas_users", syncer.DuplicateOptions{}))
		},
		"applications by name": func(s *scene) {
			s.inserts("saas_applications", map[string]string{"name": "Microsoft 365"})
			s.inserts("saas_applications", map[string]string{"name": "microsoft365"})
			require.Equal(s, []string{"1 2: name microsoft365"}, s.duplicates("saas_applications", syncer.DuplicateOptions{}))
		},
		"titles by name and publisher": func(s *scene) {
			for _, title := range [][2]string{{"Visual Studio Code", "Microsoft"}, {"visual-studio-code", "microsoft"}, {"Visual Studio Code", "Other"}, {"Notepad", ""}, {"Notepad++", ""}, {"Python 3.11", ""}, {"Python 31.1", ""}} {
				s.inserts("software", map[string]string{"name": title[0], "publisher": title[1]})
			}
			require.Equal(s, []string{"1 2: name visualstudiocode / microsoft"}, s.duplicates("software", syncer.DuplicateOptions{}))
		},
		"a custom unique field": func(s *scene) {
			require.NoError(s, s.store.AddField(s.Context(), "assets", mapping.Field{Name: "inventory", Type: mapping.Text, Unique: true}))
			s.inserts("assets", map[string]string{"inventory": "INV 00017"})
			s.inserts("assets", map[string]string{"inventory": "inv-00017"})
			s.inserts("assets", map[string]string{"serial_number": "INV00017"})
			require.Equal(s, []string{"1 2 3: serial_number+inventory INV00017"}, s.duplicates("assets", syncer.DuplicateOptions{}))
		},
		"archived and merged records do not count": func(s *scene) {
			for _, serial := range []string{"C02-X1", "C02X1", "C02.X1"} {
				s.inserts("assets", map[string]string{"serial_number": serial})
			}
			require.NoError(s, s.store.Archive(s.Context(), "person", "assets", "2"))
			require.Equal(s, []string{"1 3: serial_number C02X1"}, s.duplicates("assets", syncer.DuplicateOptions{}))
			_, err := s.searcher().Merge(s.Context(), "assets", "1", "3", syncer.MergeOptions{})
			require.NoError(s, err)
			require.Empty(s, s.duplicates("assets", syncer.DuplicateOptions{}))
		},
	})
}

func TestDuplicatesTellWhatAPersonNeedsToDecide(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.inserts("assets", map[string]string{"serial_number": "C02-X1", "device_name": "old"})
	s.launched(assets("mdm")).sends(`{"id": "v1", "serial": "C02X1", "name": "ada's laptop", "tag": "T1"}`).run()
	s.launched(assets("edr")).sends(`{"id": "e1", "serial": "C02X1"}`).run()
	for set, err := range s.searcher().Duplicates(t.Context(), "assets", syncer.DuplicateOptions{}) {
		require.NoError(t, err)
		require.Equal(t, syncer.DuplicateSet{
			Object: "assets", Keep: "2",
			Shared: []syncer.SharedValue{{Fields: []string{"serial_number"}, Value: "C02X1", IDs: []string{"1", "2"}}},
			Records: []syncer.DuplicateRecord{
				{ID: "1", Label: "old / C02-X1", Values: map[string]string{"serial_number": "C02-X1"}},
				{ID: "2", Label: "ada's laptop / C02X1", Values: map[string]string{"serial_number": "C02X1", "asset_tag": "T1"}, Integrations: []string{"edr", "mdm"}},
			},
		}, set)
		require.Equal(t, "serial_number C02X1 in 1, 2", set.Shared[0].String())
	}
}

func TestDuplicatesAmongThousandsOfRecords(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	const n = 3000
	for i := range n {
		s.inserts("assets", map[string]string{"serial_number": fmt.Sprintf("A-%05d", i), "asset_tag": fmt.Sprintf("T%05d", i)})
	}
	for i := 0; i < n; i += 3 {
		s.inserts("assets", map[string]string{"serial_number": fmt.Sprintf("A%05d", i)})
	}
	sets := s.duplicates("assets", syncer.DuplicateOptions{})
	require.Len(t, sets, n/3)
	require.Equal(t, "1 3001: serial_number A00000", sets[0])
	for _, err := range s.searcher().Duplicates(t.Context(), "assets", syncer.DuplicateOptions{}) {
		require.NoError(t, err)
		break // who has seen enough may leave
	}
}

func TestDuplicatesThatCannotBeLookedFor(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	look := func(s *syncer.Syncer, object string, fields ...string) error {
		for set, err := range s.Duplicates(t.Context(), object, syncer.DuplicateOptions{Fields: fields}) {
			require.Error(t, err)
			require.Zero(t, set)
			return err
		}
		return nil
	}
	err := look(s.searcher(), "asset")
	require.ErrorIs(t, err, connector.ErrInvalid)
	require.ErrorContains(t, err, `did you mean "assets"?`)
	err = look(s.searcher(), "assets", "host_name")
	require.ErrorIs(t, err, connector.ErrInvalid)
	require.ErrorContains(t, err, `did you mean "hostname"?`)
	s.through = struct {
		syncer.Store
		syncer.Journal
	}{s.store, s.store}
	require.ErrorIs(t, look(s.searcher(), "assets"), connector.ErrUnsupported)
}

// Whatever stands in the fields, each record is in one set, each set has a reason
// for each of its records, and searching twice finds the same.
func FuzzDuplicates(f *testing.F) {
	f.Add("C02-X1", "c02x1", "352099001761481", "aa:bb:cc:dd:ee:01", "ada+x@example.com")
	f.Add("SC02XG0FHJGH5", "", "\xff", "zz", "@")
	f.Add("", "S", "S-", "+", "+@x")
	f.Fuzz(func(t *testing.T, a, b, c, mac, mail string) {
		s := &scene{T: t, store: memory.New(memory.Options{})}
		s.through = s.store
		insert := func(object string, fields map[string]string) {
			_, err := s.store.Insert(t.Context(), "person", object, fields)
			if err != nil {
				t.Log(err) // a conflict, or no value of its type
			}
		}
		for _, text := range []string{a, b, c} {
			insert("assets", map[string]string{"serial_number": text})
			insert("assets", map[string]string{"asset_tag": text, "mac_addresses": mac})
			insert("assets", map[string]string{"imei": text, "udid": text + "-"})
			insert("users", map[string]string{"username": text, "email": mail})
			insert("software", map[string]string{"name": text, "publisher": mail})
		}
		for _, object := range []string{"assets", "users", "software"} {
			seen := map[string]bool{}
			for set, err := range s.searcher().Duplicates(t.Context(), object, syncer.DuplicateOptions{}) {
				require.NoError(t, err)
				reasoned := map[string]bool{}
				for _, v := range set.Shared {
					require.Greater(t, len(v.IDs), 1)
					require.NotEmpty(t, v.Fields)
					for _, id := range v.IDs {
						reasoned[id] = true
					}
				}
				require.Len(t, set.Records, len(reasoned))
				for _, rec := range set.Records {
					require.False(t, seen[rec.ID], "record %s is in two sets", rec.ID)
					seen[rec.ID] = true
					require.True(t, reasoned[rec.ID])
				}
			}
			require.Equal(t, s.duplicates(object, syncer.DuplicateOptions{}), s.duplicates(object, syncer.DuplicateOptions{}))
		}
	})
}
