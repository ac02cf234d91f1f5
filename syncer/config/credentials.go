package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/excerpt"
	"github.com/vendorsync/vendorsync/syncer"
)

// references checks what the file says of credentials.
func (b *builder) references(refs []named[credentials.Ref]) map[string]credentials.Ref {
	b.refs = make(map[string]credentials.Ref, len(refs))
	for _, r := range refs {
		ref := r.value
		ref.ID = r.name
		b.refs[r.name] = ref
		if ref.Kind != "" {
			b.checkReference(join("credentials", r.name), ref)
		}
	}
	return b.refs
}

// checkReference checks the values of a reference against the form of its kind. No
// fault quotes a value: it may be the secret itself.
func (b *builder) checkReference(at string, ref credentials.Ref) {
	form := ref.Kind.Form()
	names := make([]string, len(form))
	for i, f := range form {
		names[i] = f.Name
		if f.Required && ref.Values[f.Name] == "" {
			b.faultAt(join(at, f.Name), "is missing: a credential of kind %s has it (env:NAME or file:PATH)", ref.Kind)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ref.Values)) {
		i := slices.Index(names, name)
		switch {
		case i < 0:
			b.faultAt(join(at, name), "a credential of kind %s has no value %q; %s", ref.Kind, excerpt.Of(name), meant(name, names))
		case form[i].Secret && ref.Values[name] != "" && !isReference(ref.Values[name]):
			b.faultAt(join(at, name), "this is a secret and does not belong in the file: write where it is found, env:NAME or file:PATH")
		}
	}
}

func isReference(value string) bool {
	return strings.HasPrefix(value, "env:") || strings.HasPrefix(value, "file:")
}

// checkCredential says where an entry's credential is kept, if the file does not.
func (b *builder) checkCredential(e *entryDoc) {
	_, here := b.refs[e.credential]
	names := slices.Sorted(maps.Keys(b.refs))
	switch {
	case e.credential == "":
	case here && e.installation == syncer.Cloud:
		b.faultAt(e.place+".installation", "the file names the credential %q by reference, which is for installation: local; the vault's credentials are not in the file", excerpt.Of(e.credential))
	case here:
		e.installation = syncer.Local
	case e.installation == syncer.Local:
		b.faultAt(e.place+".credential", "a local installation takes its credential from this file, which names no %q under credentials; %s", excerpt.Of(e.credential), meant(e.credential, names))
	}
}
