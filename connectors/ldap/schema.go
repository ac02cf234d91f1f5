package ldap

import (
	"context"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// A rootDSE is what a directory says of itself, RFC 4512, section 5.1.
type rootDSE struct {
	active         bool // Active Directory
	defaultContext string
	contexts       []string
	subschema      string // the DN of its schema
	policy         bool   // it knows the password policy control
}

// activeDirectory are the capabilities by which Active Directory and its
// lightweight edition are known, MS-ADTS, section 3.1.1.3.4.3.
var activeDirectory = []string{"1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1851"}

// root asks the directory what it is, until it has said so. It returns nil while
// the directory does not say.
func (s *source) root(ctx context.Context, x *session) (*rootDSE, error) {
	s.mu.Lock()
	known := s.dse
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	e, err := x.one(ctx, "read the root of the directory", "", "supportedCapabilities", "defaultNamingContext", "namingContexts", "subschemaSubentry", "supportedControl")
	if err != nil || e == nil {
		return nil, err
	}
	dse := &rootDSE{
		active:         slices.ContainsFunc(e.GetEqualFoldAttributeValues("supportedCapabilities"), func(oid string) bool { return slices.Contains(activeDirectory, oid) }),
		defaultContext: first(e, "defaultNamingContext"),
		contexts:       e.GetEqualFoldAttributeValues("namingContexts"),
		subschema:      first(e, "subschemaSubentry"),
		policy:         slices.Contains(e.GetEqualFoldAttributeValues("supportedControl"), goldap.ControlTypeBeheraPasswordPolicy),
	}
	if kind := s.cfg.Settings.Get(settingDirectory); kind != directoryAuto {
		dse.active = kind == directoryActive
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dse = dse
	return dse, nil
}

// A schema says of each attribute what its values are, by its names in lower
// case. The nil schema knows nothing: every attribute is a list of texts.
type schema map[string]attribute

type attribute struct {
	single bool
	syntax string
}

// subschema reads the directory's schema, the first time. A directory need not
// show it.
func (s *source) subschema(ctx context.Context, x *session, dse *rootDSE) (schema, error) {
	s.mu.Lock()
	known := s.schema
	s.mu.Unlock()
	if known != nil || dse.subschema == "" {
		return known, nil
	}
	const types = "attributeTypes"
	e, err := x.one(ctx, "read the schema of the directory", dse.subschema, types)
	if err != nil {
		return nil, err
	}
	if e != nil {
		known = parseSchema(e.GetEqualFoldAttributeValues(types))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.schema = known
	return known, nil
}

// parseSchema reads descriptions of attributes. What cannot be read is left out.
// A subtype has the syntax of its supertype.
func parseSchema(descriptions []string) schema {
	out, super := schema{}, map[string]string{}
	for _, text := range descriptions {
		names, parent, a := parseAttribute(text)
		for _, name := range names {
			out[name], super[name] = a, parent
		}
	}
	for name, a := range out {
		for at, steps := super[name], 0; a.syntax == "" && at != "" && steps < len(out); at, steps = super[at], steps+1 {
			a.syntax = out[at].syntax
		}
		out[name] = a
	}
	return out
}

// parseAttribute reads an AttributeTypeDescription, RFC 4512, section 4.1.2:
//
//	( 2.5.4.20 NAME 'telephoneNumber' SYNTAX 1.3.6.1.4.1.1466.115.121.1.50{32} SINGLE-VALUE )
func parseAttribute(text string) (names []string, super string, a attribute) {
	words := schemaWords(text)
	for i := 0; i < len(words); i++ {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch words[i] {
		case "NAME":
			for i++; i < len(words); i++ {
				if name, ok := strings.CutPrefix(words[i], "'"); ok {
					names = append(names, strings.ToLower(name))
				} else if words[i] != "(" {
					i--
					break
				}
			}
		case "SUP":
			super = strings.ToLower(next)
		case "SYNTAX":
			a.syntax, _, _ = strings.Cut(strings.TrimPrefix(next, "'"), "{")
		case "SINGLE-VALUE":
			a.single = true
		}
	}
	return names, super, a
}

// schemaWords splits a description at blanks and brackets. A quoted word keeps
// the quote before it.
func schemaWords(text string) []string {
	var words []string
	for text != "" {
		switch c := text[0]; {
		case c == ' ':
			text = text[1:]
		case c == '(' || c == ')':
			words, text = append(words, text[:1]), text[1:]
		case c == '\'':
			word, rest, _ := strings.Cut(text[1:], "'")
			words, text = append(words, "'"+word), rest
		default:
			end := strings.IndexAny(text, " ()'")
			if end < 0 {
				end = len(text)
			}
			words, text = append(words, text[:end]), text[end:]
		}
	}
	return words
}
