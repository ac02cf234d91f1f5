package notice

import (
	"net/mail"
	"strings"
	"testing"
	"unicode"
)

func FuzzAddress(f *testing.F) {
	for _, text := range []string{"ada@example.com", "Ada Müller <ada@example.com>", "jürgen@bücher.example", `"a\"b" <a@b>`, "a@b\r\nBcc: c@d", "=?utf-8?q?=0A?= <a@b>", "list: a@b;", "(x) a@b (y)"} {
		f.Add(text)
	}
	m, err := NewMail(MailOptions{Host: "smtp.example.com", From: "it-sync@example.com"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := address(text)
		if err != nil {
			return
		}
		if strings.ContainsAny(a.Address, " <>\"") || strings.ContainsFunc(a.Address+a.Name, unicode.IsControl) || !strings.Contains(a.Address, "@") {
			t.Fatalf("%q is taken as %q", text, a.Address)
		}
		var b strings.Builder
		if _, err := m.message(Notice{Name: text, What: text, Kind: RunFailed}, a).WriteTo(&b); err != nil {
			t.Fatalf("write to %q: %v", text, err)
		}
		msg, err := mail.ReadMessage(strings.NewReader(b.String()))
		if err != nil {
			t.Fatalf("read what was written to %q: %v", text, err)
		}
		to, err := msg.Header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != a.Address || len(msg.Header) != 9 {
			t.Fatalf("%q becomes %v (%v) of %d headers", text, to, err, len(msg.Header))
		}
	})
}
