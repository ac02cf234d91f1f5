package localhost

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestParseDpkgRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, message string }{
		"a stanza without a name":              {"Version: 1\nStatus: install ok installed\n", "line 2: the stanza that ends here names no package"},
		"an installed package without version": {"Package: a\nStatus: install ok installed\n\n", "line 2: the installed package a has no version"},
		"a status of one word":                 {"Package: a\nStatus: installed\nVersion: 1\n", "line 3: the status of package a"},
		"a continuation at the beginning":      {" x\nPackage: a\n", "line 1: a continuation"},
		"a line that is no field":              {"Package: a\nVersion 1\n", "line 2: neither a field"},
		"a line of more than a megabyte":       {"Package: a\nVersion: " + strings.Repeat("1", 1<<20) + "\n", "line 2: the line is longer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := parseDpkg(strings.NewReader(tc.text))
			require.ErrorContains(t, err, tc.message)
			require.Nil(t, found)
		})
	}
}

func TestParseRPMRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"three columns":           "bash\t5.2\tFedora\n",
		"no name":                 "\t5.2\tFedora\t1\n",
		"a time that is no time":  "bash\t5.2\tFedora\t(none)\n",
		"a time before the epoch": "bash\t5.2\tFedora\t-1\n",
		"a time after year 9999":  "bash\t5.2\tFedora\t253402300800\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseRPM(strings.NewReader(text))
			var bad *syntaxError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, 1, bad.line)
		})
	}
}

func TestParseAccountSaysWhatIsWrongAndKeepsTheHashToItself(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ line, reason string }{
		"too few fields":            {"ada:$6$secret:1000", "has 3 fields and not 7"},
		"too many fields":           {"ada:$6$secret:1000:1000:a:b:c:d", "has 8 fields and not 7"},
		"no name":                   {":$6$secret:1000:1000:::", "no readable login name"},
		"a name that is no UTF-8":   {"a\xffb:$6$secret:1000:1000:::", "no readable login name"},
		"a negative number":         {"ada:$6$secret:-1:1000:::", "user number"},
		"a number beyond 32 bits":   {"ada:$6$secret:4294967296:1000:::", "user number"},
		"a group that is no number": {"ada:$6$secret:1000:staff:::", "group number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, reason := parseAccount(tc.line)
			require.Contains(t, reason, tc.reason)
			require.NotContains(t, reason, "secret")
		})
	}
}

func TestAFullNameInAnUnknownEncodingIsLeftOut(t *testing.T) {
	t.Parallel()
	a, reason := parseAccount("jose:x:1000:1000:Jos\xe9 Rizal,,,:/home/jose:/bin/sh")
	require.Empty(t, reason)
	require.Empty(t, a.fullName())
}

func TestTheMailAddressHasOneAt(t *testing.T) {
	t.Parallel()
	require.Equal(t, "ada@vm", newPerson(account{name: "ada"}, "vm").Email)
	require.Empty(t, newPerson(account{name: "ada@corp.example"}, "vm").Email)
	require.Empty(t, newPerson(account{name: "ada"}, "").Email)
}

func TestSplitName(t *testing.T) {
	t.Parallel()
	for full, want := range map[string][2]string{
		"Ada Lovelace":              {"Ada", "Lovelace"},
		"Élise Ørsted":              {"Élise", "Ørsted"},
		"Ada":                       {},
		"":                          {},
		"Ludwig van Beethoven":      {},
		"PostgreSQL administrator":  {},
		"Gottfried Wilhelm Leibniz": {},
	} {
		first, last := splitName(full)
		require.Equal(t, want, [2]string{first, last}, full)
	}
}

func TestFirstUID(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint32{
		"":                         1000,
		"UID_MIN\t\t 500\n":        500,
		"# UID_MIN 500\n":          1000,
		"UID_MIN lots\n":           1000,
		"UID_MIN 0x1F4\n":          500,
		"SYS_UID_MIN 100\nUID_MIN": 1000,
	} {
		require.Equal(t, want, firstUID(text), text)
	}
}

func TestAssignments(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]string{
		"A": "plain", "B": "two words", "C": "it's \"quoted\" $5 \\", "D": "single \\ $x", "E": "", "F": "a b", "G": `"`,
	}, assignments("A=plain\r\n#X=1\nB=\"two words\"\nC=\"it's \\\"quoted\\\" \\$5 \\\\\"\nD='single \\ $x'\nE=\n  F=a\\ b\nG=\"\nno assignment\n=x\n"))
}

func TestIsVirtual(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		maker, product string
		want           bool
	}{
		"QEMU":                        {"QEMU", "Standard PC (Q35 + ICH9, 2009)", true},
		"KVM by the cloud's name":     {"Red Hat", "KVM", true},
		"VMware":                      {"VMware, Inc.", "VMware7,1", true},
		"VirtualBox":                  {"innotek GmbH", "VirtualBox", true},
		"Hyper-V":                     {"Microsoft Corporation", "Virtual Machine", true},
		"a Surface by the same maker": {"Microsoft Corporation", "Surface Laptop 5", false},
		"Google's cloud":              {"Google", "Google Compute Engine", true},
		"a Chromebook":                {"Google", "Eve", false},
		"an EC2 instance":             {"Amazon EC2", "m6g.large", true},
		"an EC2 whole machine":        {"Amazon EC2", "c5.metal", false},
		"Nutanix's hypervisor":        {"Nutanix", "AHV", true},
		"Nutanix's hardware":          {"Nutanix", "NX-3060-G5", false},
		"a laptop":                    {"LENOVO", "20XWCTO1WW", false},
		"nothing":                     {"", "", false},
	} {
		require.Equal(t, tc.want, isVirtual(tc.maker, tc.product), name)
	}
}

func TestAssetType(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fw   firmware
		cpu  processor
		want string
	}{
		"a hypervisor's flag makes it virtual":        {firmware{}, processor{flags: true, hypervisor: true}, "virtual_machine"},
		"so does the maker":                           {firmware{maker: "QEMU", chassis: "23"}, processor{flags: true}, "virtual_machine"},
		"so does QEMU's device tree":                  {firmware{product: "linux,dummy-virt"}, processor{}, "virtual_machine"},
		"a rack mount chassis is a server":            {firmware{maker: "HPE", chassis: "23"}, processor{flags: true}, "server"},
		"a laptop is a computer":                      {firmware{maker: "HP", chassis: "10"}, processor{flags: true}, "computer"},
		"a board with a device tree is a computer":    {firmware{product: "Raspberry Pi 4 Model B Rev 1.4"}, processor{}, "computer"},
		"x86 without firmware and flag is a computer": {firmware{}, processor{flags: true}, "computer"},
		"without any sign it is not known":            {firmware{}, processor{}, ""},
	} {
		require.Equal(t, tc.want, assetType(tc.fw, tc.cpu), name)
	}
}

func TestProcessorModelsOfOtherArchitectures(t *testing.T) {
	t.Parallel()
	require.Equal(t, processor{model: "POWER9, altivec supported"}, parseCPUInfo("processor\t: 0\ncpu\t\t: POWER9, altivec supported\n"))
	require.Equal(t, processor{}, parseCPUInfo("CPU implementer\t: 0x41\n"), "ARM names no model")
	require.Equal(t, processor{}, parseCPUInfo(""))
}

func TestTemporaryAddresses(t *testing.T) {
	t.Parallel()
	got := temporaryAddresses("20010db80000000001020304deadbeef 02 40 00 01 ens3\n20010db8000000000000000000000010 02 40 00 80 ens3\nshort 1\nzz 02 40 00 01 ens3\n")
	require.Equal(t, map[netip.Addr]bool{netip.MustParseAddr("2001:db8::102:304:dead:beef"): true}, got)
}

func fuzzSeeds(f *testing.F, texts ...string) {
	f.Helper()
	for _, s := range texts {
		f.Add(s)
	}
}

// wellFormed fails on a package without what each has, and on an error that
// names no line.
func wellFormed(t *testing.T, text string, apps []application, err error) {
	t.Helper()
	if err != nil {
		var bad *syntaxError
		if !errors.As(err, &bad) || bad.line < 1 || bad.line > strings.Count(text, "\n")+1 || apps != nil {
			t.Fatalf("%d packages and the error %v", len(apps), err)
		}
	}
	for _, a := range apps {
		if a.Name == "" || a.Version == "" || a.Identifier == "" {
			t.Fatalf("a package lacks something: %+v", a)
		}
	}
}

func FuzzParseDpkg(f *testing.F) {
	fuzzSeeds(f,
		"Package: a\nStatus: install ok installed\nVersion: 1\nMaintainer: A <a@example.com>\n\nPackage: b\nStatus: deinstall ok config-files\n",
		"Package: a\nVersion: 1\nDescription: x\n y\n .\n z\n", " x", "x", ":", "\n\n\n", "Package:\n")
	f.Fuzz(func(t *testing.T, text string) {
		apps, err := parseDpkg(strings.NewReader(text))
		wellFormed(t, text, apps, err)
		// Another stanza behind a good file is one more package, and changes none.
		if err == nil {
			more, err := parseDpkg(strings.NewReader(text + "\n\nPackage: zz\nVersion: 9\n"))
			if err != nil || len(more) != len(apps)+1 {
				t.Fatalf("%d packages became %d, %v", len(apps), len(more), err)
			}
		}
	})
}

func FuzzParseApk(f *testing.F) {
	fuzzSeeds(f, "C:Q1=\nP:musl\nV:1.2\nm:A <a@example.com>\nF:lib\nR:x\n\nP:b\nV:2\n", "P:a\n\n", "x", "\n\n", "V:1\n")
	f.Fuzz(func(t *testing.T, text string) {
		apps, err := parseApk(strings.NewReader(text))
		wellFormed(t, text, apps, err)
		if err == nil {
			more, err := parseApk(strings.NewReader(text + "\n\nP:zz\nV:9\n"))
			if err != nil || len(more) != len(apps)+1 {
				t.Fatalf("%d packages became %d, %v", len(apps), len(more), err)
			}
		}
	})
}

func FuzzParseRPM(f *testing.F) {
	fuzzSeeds(f, "bash\t5.2-1\tFedora\t1735689600\n", "gpg-pubkey\tx-y\t\t0\n", "a\tb\t\t-1\n", "\t\t\t\n")
	f.Fuzz(func(t *testing.T, text string) {
		apps, err := parseRPM(strings.NewReader(text))
		wellFormed(t, text, apps, err)
	})
}

func FuzzParsePasswd(f *testing.F) {
	fuzzSeeds(f, "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000:Ada Lovelace,,,:/home/ada:/bin/sh\n", "+@staff:::::\n", "a:b\n", ":::::::", "#x\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		accounts, bad := 0, 0
		err := parsePasswd(strings.NewReader(text), func(a account) {
			accounts++
			if p := newPerson(a, "vm"); p.ID == "" || !utf8.ValidString(p.FullName) || strings.Count(p.Email, "@") != 1-min(1, strings.Count(a.name, "@")) || (p.FirstName == "") != (p.LastName == "") {
				t.Fatalf("%+v became %+v", a, p)
			}
		}, func(*syntaxError) { bad++ })
		if n := strings.Count(text, "\n") + 1; err == nil && accounts+bad > n {
			t.Fatalf("%d accounts and %d faults from %d lines", accounts, bad, n)
		}
	})
}

func FuzzAssignments(f *testing.F) {
	fuzzSeeds(f, "NAME=\"Debian GNU/Linux\"\nVERSION_ID=12\n", "A='x'\nB=\\", "=", "A=\"\\\"\"", "#A=1")
	f.Fuzz(func(t *testing.T, text string) {
		for name, value := range assignments(text) {
			if name == "" || strings.ContainsAny(name, "=\n") || strings.Contains(value, "\n") {
				t.Fatalf("%q = %q", name, value)
			}
		}
	})
}

func FuzzSmallFiles(f *testing.F) {
	fuzzSeeds(f, "model name\t: x\nflags\t: a hypervisor\n", "UID_MIN 500\n", "20010db80000000001020304deadbeef 02 40 00 01 ens3\n", "To be filled by O.E.M.")
	f.Fuzz(func(t *testing.T, text string) {
		parseCPUInfo(text)
		firstUID(text)
		for a := range temporaryAddresses(text) {
			if !a.IsValid() {
				t.Fatal("an address that is none")
			}
		}
		if s := meaningful(text); s != "" && meaningful(s) != s {
			t.Fatalf("%q is meaningful, and then %q", s, meaningful(s))
		}
	})
}
