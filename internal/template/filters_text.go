package template

import (
	"net/url"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"
)

// text returns a value's text, as ~ and the filters of text see it.
func (c *run) text(v Value) (string, error) {
	if v.kind == KindString {
		return v.str, nil
	}
	w := writer{run: c, keepDigits: c.typed}
	err := w.text(v)
	return string(w.out), err
}

// onText makes a filter of a function of text.
func onText(f func(string) string) func(*run, Value, args) (Value, error) {
	return func(c *run, v Value, _ args) (Value, error) {
		s, err := c.text(v)
		if err != nil {
			return Value{}, err
		}
		s = f(s)
		return String(s), c.textSize(len(s))
	}
}

func filterLower(c *run, v Value, _ args) (Value, error) { return c.lower(v) }

// lower returns a value's text in lower case.
func (c *run) lower(v Value) (Value, error) {
	s, err := c.text(v)
	if err != nil {
		return Value{}, err
	}
	return String(lower(s)), c.work(len(s) / bytesAStep)
}

func filterUpper(c *run, v Value, a args) (Value, error) { return onText(upper)(c, v, a) }

func filterCapitalize(c *run, v Value, a args) (Value, error) { return onText(capitalize)(c, v, a) }

func filterTitle(c *run, v Value, a args) (Value, error) { return onText(titleWords)(c, v, a) }

func filterTrim(c *run, v Value, a args) (Value, error) {
	s, err := c.text(v)
	if err != nil {
		return Value{}, err
	}
	return strip(s, a, strings.TrimFunc)
}

// strip cuts white space, or the characters that are the first argument.
func strip(s string, a args, trim func(string, func(rune) bool) string) (Value, error) {
	if v := a.values[0]; v.kind == kindAbsent || v.kind == KindNull {
		return String(trim(s, isSpace)), nil
	}
	chars, err := a.string(0, "")
	if err != nil {
		return Value{}, err
	}
	return String(trim(s, func(r rune) bool { return strings.ContainsRune(chars, r) })), nil
}

func filterReplace(c *run, v Value, a args) (Value, error) {
	var texts [3]string
	for i, one := range []Value{v, a.values[0], a.values[1]} {
		var err error
		if texts[i], err = c.text(one); err != nil {
			return Value{}, err
		}
	}
	return c.replace(texts[0], texts[1], texts[2], a)
}

// replace replaces text, as often as the third argument says.
func (c *run) replace(s, old, replacement string, a args) (Value, error) {
	count, err := a.int(2, -1)
	if err != nil {
		return Value{}, err
	}
	found := strings.Count(s, old)
	if count >= 0 {
		found = min(found, count)
	}
	if err := c.textSize(len(s) + found*max(0, len(replacement)-len(old))); err != nil {
		return Value{}, err
	}
	return String(strings.Replace(s, old, replacement, count)), nil
}

func filterTruncate(c *run, v Value, a args) (Value, error) {
	s, err := c.text(v)
	if err != nil {
		return Value{}, err
	}
	length, err := a.int(0, 255)
	if err != nil {
		return Value{}, err
	}
	end, err := a.string(2, "...")
	if err != nil {
		return Value{}, err
	}
	leeway, err := a.int(3, 5)
	if err != nil {
		return Value{}, err
	}
	if length < runeCount(end) || leeway < 0 {
		return Value{}, typeError("a text cannot be cut to %d characters that end in %q", length, end)
	}
	switch {
	case !c.typed && v.iterable() && v.Len() <= length+leeway:
		return v, nil // as Jinja, a short list too
	case !c.typed && v.kind != KindString:
		return Value{}, typeError("text is cut, not %s", v.kind)
	case runeCount(s) <= length+leeway:
		return String(s), nil
	}
	cut := cutRunes(s, length-runeCount(end))
	if !a.truth(1) {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return String(cut + end), nil
}

func filterWordCount(c *run, v Value, _ args) (Value, error) {
	s, err := c.text(v)
	if err != nil {
		return Value{}, err
	}
	words := strings.FieldsFunc(s, func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r)
	})
	return Int(int64(len(words))), c.work(len(s) / bytesAStep)
}

func filterFormat(c *run, v Value, a args) (Value, error) {
	s, err := c.text(v)
	if err != nil {
		return Value{}, err
	}
	if len(a.names) == 0 {
		return c.percent(s, tuple(a.values...))
	}
	if len(a.names) < len(a.values) {
		return Value{}, typeError("values for a format are given by place or by name, not both")
	}
	d := &dict{}
	for i, name := range a.names {
		if err := d.set(String(name), a.values[i]); err != nil {
			return Value{}, err
		}
	}
	return c.percent(s, Value{kind: KindDict, ref: d})
}

func filterURLEncode(c *run, v Value, _ args) (Value, error) {
	pairs := [][2]Value{}
	switch v.kind {
	case KindDict:
		for _, p := range v.dict().pairs {
			pairs = append(pairs, [2]Value{p.Key, p.Value})
		}
	case KindList, KindTuple, KindSet:
		for _, item := range v.items() {
			two, err := c.iterate(item)
			if err != nil {
				return Value{}, err
			}
			if len(two) != 2 {
				return Value{}, typeError("a list becomes part of a URL if its items are pairs")
			}
			pairs = append(pairs, [2]Value{two[0], two[1]})
		}
	default:
		s, err := c.text(v)
		if err != nil {
			return Value{}, err
		}
		return String(quoteURL(s, "/")), c.textSize(3 * len(s))
	}
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		for j, one := range p {
			if j > 0 {
				b.WriteByte('=')
			}
			s, err := c.text(one)
			if err != nil {
				return Value{}, err
			}
			b.WriteString(strings.ReplaceAll(quoteURL(s, ""), "%20", "+"))
			if err := c.textSize(b.Len()); err != nil {
				return Value{}, err
			}
		}
	}
	return String(b.String()), nil
}

// quoteURL writes text as part of a URL as Python's quote does: all but letters,
// digits, _.-~ and the safe characters as percent and a number.
func quoteURL(s, safe string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if isLetter(c) || isDigit(c) || strings.IndexByte("_.-~", c) >= 0 || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString(strings.ToUpper("%" + string(hexDigits[c>>4]) + string(hexDigits[c&15])))
	}
	return b.String()
}

var htmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;")

func filterEscape(c *run, v Value, a args) (Value, error) {
	return onText(htmlEscapes.Replace)(c, v, a)
}

func filterString(c *run, v Value, _ args) (Value, error) {
	if c.typed || v.kind == KindString {
		s, err := c.text(v)
		return String(s), err
	}
	w := jsonWriter{run: c, comma: ", ", colon: ": ", ascii: true}
	w.out = append(w.out, `"""`...)
	err := w.value(v)
	return String(string(append(w.out, `"""`...))), err
}

// A regex is a regular expression and its size, on which depends what it costs to
// look for it.
type regex struct {
	*regexp.Regexp
	size int
}

// maxRegexSize bounds a regular expression with its repetitions written out.
const maxRegexSize = 5000

// compileRegex reads a regular expression.
func compileRegex(limits *Limits, pattern string) (*regex, error) {
	if len(pattern) > limits.Pattern {
		return nil, limitError("a regular expression is longer than %d bytes", limits.Pattern)
	}
	pattern = strings.ReplaceAll(pattern, `\Z`, `\z`)
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, typeError("the regular expression cannot be read: %v", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, typeError("the regular expression cannot be read: %v", err)
	}
	size := len(program.Inst)
	if size > maxRegexSize {
		return nil, limitError("a regular expression repeats too much")
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, typeError("the regular expression cannot be read: %v", err)
	}
	return &regex{re, size}, nil
}

// prepareRegex reads a constant regular expression at load.
func prepareRegex(_ *library, limits *Limits, a args) (any, error) {
	if a.values[0].kind != KindString {
		return nil, nil
	}
	return compileRegex(limits, a.values[0].str)
}

// regex returns the regular expression that is the first argument.
func (c *run) regex(a args) (*regex, error) {
	if re, ok := a.prepared.(*regex); ok {
		return re, nil
	}
	pattern, err := a.string(0, "")
	if err != nil {
		return nil, err
	}
	re, err := compileRegex(c.limits, pattern)
	if err != nil {
		return nil, err
	}
	return re, c.work(len(pattern) + re.size)
}

// searched returns the text that a regular expression looks through.
func (c *run) searched(v Value, re *regex) (string, error) {
	if v.kind != KindString && !c.typed {
		return "", typeError("a regular expression looks through text, not %s", v.kind)
	}
	s, err := c.text(v)
	if err != nil {
		return "", err
	}
	const sizeAStep = 64
	return s, c.work((1 + len(s)) * (1 + re.size) / sizeAStep)
}

func filterRegexSearch(c *run, v Value, a args) (Value, error) {
	re, err := c.regex(a)
	if err != nil {
		return Value{}, err
	}
	s, err := c.searched(v, re)
	if err != nil {
		return Value{}, err
	}
	found := re.FindStringSubmatchIndex(s)
	if len(found) < 4 {
		return String(""), nil
	}
	if found[2] < 0 {
		return Null(), nil // the group took no part
	}
	return String(s[found[2]:found[3]]), nil
}

func filterRegexReplace(c *run, v Value, a args) (Value, error) {
	re, err := c.regex(a)
	if err != nil {
		return Value{}, err
	}
	s, err := c.searched(v, re)
	if err != nil {
		return Value{}, err
	}
	replacement, err := a.string(1, "")
	if err != nil {
		return Value{}, err
	}
	template, err := expansion(re, replacement)
	if err != nil {
		return Value{}, err
	}
	var out []byte
	last := 0
	for _, found := range re.FindAllStringSubmatchIndex(s, -1) {
		out = append(out, s[last:found[0]]...)
		out = re.ExpandString(out, template, s, found)
		last = found[1]
		if err := c.textSize(len(out)); err != nil {
			return Value{}, err
		}
	}
	out = append(out, s[last:]...)
	return String(string(out)), c.textSize(len(out))
}

// expansion writes Python's \1 and \g<name> as Go's ${1} and ${name}.
func expansion(re *regex, s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '$':
			b.WriteString("$$")
			continue
		case s[i] != '\\' || i+1 == len(s):
			b.WriteByte(s[i])
			continue
		}
		i++
		group := ""
		switch c := s[i]; {
		case isDigit(c):
			group = s[i : i+1]
			if i+1 < len(s) && isDigit(s[i+1]) {
				group = s[i : i+2]
				i++
			}
		case c == 'g' && strings.HasPrefix(s[i+1:], "<") && strings.IndexByte(s[i:], '>') > 0:
			end := strings.IndexByte(s[i:], '>')
			group = s[i+2 : i+end]
			i += end
		case c == 'n':
			b.WriteByte('\n')
			continue
		case c == 't':
			b.WriteByte('\t')
			continue
		case c == '\\':
			b.WriteByte('\\')
			continue
		default:
			return "", typeError(`the replacement has no escape \%c`, c)
		}
		if n, err := strconv.Atoi(group); err == nil && n > re.NumSubexp() || err != nil && re.SubexpIndex(group) < 0 {
			return "", typeError("the regular expression has no group %s", group)
		}
		b.WriteString("${" + group + "}")
	}
	return b.String(), nil
}

// quotePlus writes text as a value in a URL's query.
func quotePlus(s string) string { return url.QueryEscape(s) }
