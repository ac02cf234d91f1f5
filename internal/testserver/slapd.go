package testserver

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// schemaFolders and moduleFolders are where packages of OpenLDAP put its files.
// One that is built without modules has none.
var (
	schemaFolders = []string{"/etc/ldap/schema", "/etc/openldap/schema", "/usr/local/etc/openldap/schema", "/opt/homebrew/etc/openldap/schema"}
	moduleFolders = []string{"/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap", "/usr/libexec/openldap", "/usr/local/libexec/openldap"}
)

// folderWith returns the first of the folders that holds a file.
func folderWith(file string, folders []string) (string, bool) {
	for _, dir := range folders {
		if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
			return dir, true
		}
	}
	return "", false
}

// configureSlapd writes the files that slapd reads and returns the path of the
// first.
func configureSlapd(t testing.TB, dir folder, s *LDAPServer, opt LDAPOptions, issued certificate) string {
	t.Helper()
	dir.write(t, "ca.pem", issued.authority)
	dir.write(t, "server.pem", issued.own)
	dir.write(t, "server.key", issued.key)
	dir.write(t, "own.schema", opt.Schema)
	if err := os.Mkdir(dir.join("data"), 0o700); err != nil {
		t.Fatalf("configuring slapd: %v", err)
	}
	config, err := slapdConfig(dir, s, opt)
	if err != nil {
		t.Fatalf("configuring slapd: %v", err)
	}
	return dir.write(t, "slapd.conf", config)
}

// loadSlapd puts the first entries into the directory.
func loadSlapd(t testing.TB, dir folder, config string, opt LDAPOptions) {
	t.Helper()
	slapadd := executable(t, "slapadd", "slapd")
	load := func(ldif string) {
		t.Helper()
		file := dir.write(t, "entries.ldif", ldif)
		if err := runTool(t.Context(), dir.path, nil, slapadd, "-q", "-f", config, "-l", file); err != nil {
			t.Fatalf("loading slapd: %v", err)
		}
	}
	if !hasEntry(opt.LDIF, opt.Suffix) {
		entry, err := suffixEntry(opt.Suffix)
		if err != nil {
			t.Fatalf("loading slapd: %v", err)
		}
		load(entry)
	}
	load(opt.LDIF)
}

// slapdConfig writes slapd.conf(5).
func slapdConfig(dir folder, s *LDAPServer, opt LDAPOptions) (string, error) {
	schema, ok := folderWith("core.schema", schemaFolders)
	if !ok {
		return "", fmt.Errorf("its schema is in none of %s", strings.Join(schemaFolders, ", "))
	}
	var b strings.Builder
	line := func(words ...string) {
		b.WriteString(strings.Join(words, " ") + "\n")
	}
	for _, name := range []string{"core", "cosine", "inetorgperson", "nis"} {
		line("include", quote(filepath.Join(schema, name+".schema")))
	}
	line("include", quote(dir.join("own.schema")))
	if modules, ok := folderWith("back_mdb.la", moduleFolders); ok {
		line("modulepath", quote(modules))
		line("moduleload back_mdb")
	}
	line("pidfile", quote(dir.join("slapd.pid")))
	line("TLSCACertificateFile", quote(dir.join("ca.pem")))
	line("TLSCertificateFile", quote(dir.join("server.pem")))
	line("TLSCertificateKeyFile", quote(dir.join("server.key")))
	if opt.RequireTLS {
		line("security simple_bind=128") // bits of encryption
	}
	line("database mdb")
	line("suffix", quote(s.Suffix))
	line("rootdn", quote(s.AdminDN))
	line("rootpw", quote(s.AdminPassword))
	line("directory", quote(dir.join("data")))
	line("maxsize", strconv.Itoa(1<<30)) // of a file that grows as it fills
	line("dbnosync")
	line("index objectClass eq")
	line(limits(opt))
	line("access to attrs=userPassword by anonymous auth by * none")
	for _, dn := range opt.Deny {
		line("access to", "dn.subtree="+quote(dn), "by * none")
	}
	line("access to * by users read by * none")
	return b.String(), nil
}

// limits returns the bounds on the size of an answer.
func limits(opt LDAPOptions) string {
	words := []string{"limits *", "size.prtotal=unlimited"}
	if opt.SizeLimit > 0 {
		words = append(words, fmt.Sprintf("size.soft=%d size.hard=%[1]d", opt.SizeLimit))
	}
	if opt.PageLimit > 0 {
		words = append(words, fmt.Sprintf("size.pr=%d", opt.PageLimit))
	}
	return strings.Join(words, " ")
}

// quote makes one word of a value in slapd.conf(5).
func quote(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// suffixEntry writes the entry of a suffix as LDIF.
func suffixEntry(suffix string) (string, error) {
	first, _, _ := strings.Cut(suffix, ",")
	attribute, value, _ := strings.Cut(first, "=")
	attribute, value = strings.ToLower(strings.TrimSpace(attribute)), strings.TrimSpace(value)
	classes := map[string]string{
		"dc": "objectClass: dcObject\nobjectClass: organization\no: " + value,
		"o":  "objectClass: organization",
		"ou": "objectClass: organizationalUnit",
	}[attribute]
	if classes == "" {
		return "", fmt.Errorf("the LDIF must hold the entry %q: only those of dc, o and ou are made", suffix)
	}
	return fmt.Sprintf("dn: %s\n%s\n%s: %s\n", suffix, classes, attribute, value), nil
}

// hasEntry reports whether the LDIF has an entry of that name.
func hasEntry(ldif, dn string) bool {
	unfolded := strings.ReplaceAll(strings.ReplaceAll(ldif, "\r\n", "\n"), "\n ", "")
	for line := range strings.Lines(unfolded) {
		name, value, _ := strings.Cut(line, ":")
		if !strings.EqualFold(name, "dn") {
			continue
		}
		if encoded, ok := strings.CutPrefix(value, ":"); ok {
			decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
			if err != nil {
				continue // slapadd says what is wrong with it
			}
			value = string(decoded)
		}
		if sameDN(value, dn) {
			return true
		}
	}
	return false
}

// sameDN reports whether two names differ in nothing but case and the space
// around their parts.
func sameDN(a, b string) bool {
	as, bs := strings.Split(a, ","), strings.Split(b, ",")
	if len(as) != len(bs) {
		return false
	}
	for i := range as {
		if !strings.EqualFold(strings.TrimSpace(as[i]), strings.TrimSpace(bs[i])) {
			return false
		}
	}
	return true
}
