package notice

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheKeyOfANotice(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	base := Notice{Integration: "laptops", Run: "r1", Since: now, What: "x", Contacts: []string{"ada@example.com"}}
	key := opening(finding{RunFailed, base}, now).Key
	tests := map[string]struct {
		change func(f *finding)
		same   bool
	}{
		"noticed by another server":  {func(*finding) {}, true},
		"told in other words":        {func(f *finding) { f.notice.What, f.notice.Remedy = "y", "z" }, true},
		"to other contacts":          {func(f *finding) { f.notice.Contacts = nil }, true},
		"in another zone":            {func(f *finding) { f.notice.Since = now.In(time.FixedZone("x", 3600)) }, true},
		"of another run":             {func(f *finding) { f.notice.Run = "r2" }, false},
		"of another integration":     {func(f *finding) { f.notice.Integration = "phones" }, false},
		"of another kind":            {func(f *finding) { f.kind = RunUnfinished }, false},
		"of another time":            {func(f *finding) { f.notice.Since = now.Add(1) }, false},
		"of a credential of that id": {func(f *finding) { f.notice.Integration, f.notice.Credential = "", "laptops" }, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := finding{RunFailed, base}
			test.change(&f)
			require.Equal(t, test.same, key == opening(f, now.Add(time.Minute)).Key)
		})
	}
	require.LessOrEqual(t, len(keyOf(CredentialExpires)), 64)
}

func TestEveryKindHasAHeadline(t *testing.T) {
	t.Parallel()
	headlines := map[string]bool{}
	for _, kind := range Kinds() {
		headlines[Notice{Kind: kind}.headline()] = true
		require.NotContains(t, Notice{Kind: kind}.headline(), "_", "it is for people")
	}
	require.Len(t, headlines, len(Kinds()))
}

// FuzzDecode holds that no record, whoever wrote it, ends a Check badly.
func FuzzDecode(f *testing.F) {
	now := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	bad := &finding{RunFailed, Notice{Integration: "laptops", Run: "r1", Since: now}}
	t := step(nil, bad, now).claim(now, time.Minute).told([]string{"mail"}, true, now)
	for _, record := range []*trouble{t, t.end(*fine("it is over"), now), {Tries: -3}, {Tries: 1 << 40, Over: &Notice{}}} {
		data, err := record.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, data []byte) {
		was, err := decode(data)
		if err != nil {
			return
		}
		for _, found := range []*finding{nil, fine("it is over"), bad, {kind: RunUnfinished}} {
			next := step(was, found, now)
			if next == nil || next.done([]string{"mail"}, now) {
				continue
			}
			next = next.claim(now, time.Minute).told([]string{"mail"}, true, now)
			if pause := next.Next.Sub(now); pause < firstPause || pause > longPause {
				t.Fatalf("a pause of %s after %d tries", pause, next.Tries)
			}
			again, err := next.encode()
			if err != nil || !json.Valid(again) {
				t.Fatalf("%s cannot be written: %v", data, err)
			}
		}
	})
}
