package template

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Letters that become several in another case, as Unicode's SpecialCasing says
// (https://www.unicode.org/Public/UCD/latest/ucd/SpecialCasing.txt) and Python does.
var (
	upperOfOne = strings.NewReplacer(
		"ß", "SS", "ŉ", "ʼN", "\u01f0", "\u004a\u030c", "\u0390", "\u0399\u0308\u0301",
		"\u03b0", "\u03a5\u0308\u0301", "և", "ԵՒ", "\u1e96", "\u0048\u0331", "\u1e97", "\u0054\u0308",
		"\u1e98", "\u0057\u030a", "\u1e99", "\u0059\u030a", "ẚ", "Aʾ", "\u1f50", "\u03a5\u0313",
		"\u1f52", "\u03a5\u0313\u0300", "\u1f54", "\u03a5\u0313\u0301", "\u1f56", "\u03a5\u0313\u0342", "ᾀ", "ἈΙ",
		"ᾁ", "ἉΙ", "ᾂ", "ἊΙ", "ᾃ", "ἋΙ", "ᾄ", "ἌΙ", "ᾅ", "ἍΙ", "ᾆ", "ἎΙ", "ᾇ", "ἏΙ", "ᾈ", "ἈΙ", "ᾉ", "ἉΙ",
		"ᾊ", "ἊΙ", "ᾋ", "ἋΙ", "ᾌ", "ἌΙ", "ᾍ", "ἍΙ", "ᾎ", "ἎΙ", "ᾏ", "ἏΙ", "ᾐ", "ἨΙ", "ᾑ", "ἩΙ", "ᾒ", "ἪΙ",
		"ᾓ", "ἫΙ", "ᾔ", "ἬΙ", "ᾕ", "ἭΙ", "ᾖ", "ἮΙ", "ᾗ", "ἯΙ", "ᾘ", "ἨΙ", "ᾙ", "ἩΙ", "ᾚ", "ἪΙ", "ᾛ", "ἫΙ",
		"ᾜ", "ἬΙ", "ᾝ", "ἭΙ", "ᾞ", "ἮΙ", "ᾟ", "ἯΙ", "ᾠ", "ὨΙ", "ᾡ", "ὩΙ", "ᾢ", "ὪΙ", "ᾣ", "ὫΙ", "ᾤ", "ὬΙ",
		"ᾥ", "ὭΙ", "ᾦ", "ὮΙ", "ᾧ", "ὯΙ", "ᾨ", "ὨΙ", "ᾩ", "ὩΙ", "ᾪ", "ὪΙ", "ᾫ", "ὫΙ", "ᾬ", "ὬΙ", "ᾭ", "ὭΙ",
		"ᾮ", "ὮΙ", "ᾯ", "ὯΙ", "ᾲ", "ᾺΙ", "ᾳ", "ΑΙ", "ᾴ", "ΆΙ", "\u1fb6", "\u0391\u0342",
		"\u1fb7", "\u0391\u0342\u0399", "ᾼ", "ΑΙ", "ῂ", "ῊΙ", "ῃ", "ΗΙ", "ῄ", "ΉΙ", "\u1fc6", "\u0397\u0342",
		"\u1fc7", "\u0397\u0342\u0399", "ῌ", "ΗΙ", "\u1fd2", "\u0399\u0308\u0300", "\u1fd3", "\u0399\u0308\u0301",
		"\u1fd6", "\u0399\u0342", "\u1fd7", "\u0399\u0308\u0342", "\u1fe2", "\u03a5\u0308\u0300",
		"\u1fe3", "\u03a5\u0308\u0301", "\u1fe4", "\u03a1\u0313", "\u1fe6", "\u03a5\u0342",
		"\u1fe7", "\u03a5\u0308\u0342", "ῲ", "ῺΙ", "ῳ", "ΩΙ", "ῴ", "ΏΙ", "\u1ff6", "\u03a9\u0342",
		"\u1ff7", "\u03a9\u0342\u0399", "ῼ", "ΩΙ", "ﬀ", "FF", "ﬁ", "FI", "ﬂ", "FL", "ﬃ", "FFI", "ﬄ", "FFL",
		"ﬅ", "ST", "ﬆ", "ST", "ﬓ", "ՄՆ", "ﬔ", "ՄԵ", "ﬕ", "ՄԻ", "ﬖ", "ՎՆ", "ﬗ", "ՄԽ",
	)
	titleOfOne = strings.NewReplacer(
		"ß", "Ss", "ŉ", "ʼN", "\u01f0", "\u004a\u030c", "\u0390", "\u0399\u0308\u0301",
		"\u03b0", "\u03a5\u0308\u0301", "և", "Եւ", "\u1e96", "\u0048\u0331", "\u1e97", "\u0054\u0308",
		"\u1e98", "\u0057\u030a", "\u1e99", "\u0059\u030a", "ẚ", "Aʾ", "\u1f50", "\u03a5\u0313",
		"\u1f52", "\u03a5\u0313\u0300", "\u1f54", "\u03a5\u0313\u0301", "\u1f56", "\u03a5\u0313\u0342",
		"\u1fb2", "\u1fba\u0345", "\u1fb4", "\u0386\u0345", "\u1fb6", "\u0391\u0342",
		"\u1fb7", "\u0391\u0342\u0345", "\u1fc2", "\u1fca\u0345", "\u1fc4", "\u0389\u0345",
		"\u1fc6", "\u0397\u0342", "\u1fc7", "\u0397\u0342\u0345", "\u1fd2", "\u0399\u0308\u0300",
		"\u1fd3", "\u0399\u0308\u0301", "\u1fd6", "\u0399\u0342", "\u1fd7", "\u0399\u0308\u0342",
		"\u1fe2", "\u03a5\u0308\u0300", "\u1fe3", "\u03a5\u0308\u0301", "\u1fe4", "\u03a1\u0313",
		"\u1fe6", "\u03a5\u0342", "\u1fe7", "\u03a5\u0308\u0342", "\u1ff2", "\u1ffa\u0345",
		"\u1ff4", "\u038f\u0345", "\u1ff6", "\u03a9\u0342", "\u1ff7", "\u03a9\u0342\u0345", "ﬀ", "Ff", "ﬁ", "Fi",
		"ﬂ", "Fl", "ﬃ", "Ffi", "ﬄ", "Ffl", "ﬅ", "St", "ﬆ", "St", "ﬓ", "Մն", "ﬔ", "Մե", "ﬕ", "Մի", "ﬖ", "Վն",
		"ﬗ", "Մխ",
	)
)

// upper writes text in upper case.
func upper(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	return strings.ToUpper(upperOfOne.Replace(s))
}

// title writes a first letter in upper case, of two letters in one the first.
func title(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	if many := titleOfOne.Replace(s); many != s {
		return many
	}
	return strings.ToTitle(s)
}

// lower writes text in lower case. A sigma at the end of a word has a form of its
// own there.
func lower(s string) string {
	if !strings.ContainsAny(s, "İΣ") {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == 'İ':
			b.WriteString("i\u0307")
		case r == 'Σ' && endsWord(s[:i], s[i+len("Σ"):]):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// endsWord says that a letter between two texts is the last of several.
func endsWord(before, after string) bool {
	ignored := func(r rune) bool {
		return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) || strings.ContainsRune("'.:·’", r)
	}
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRightFunc(before, ignored))
	next, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(after, ignored))
	return isCased(r) && !isCased(next)
}

// letterAt returns the character that begins at a byte.
func letterAt(s string, i int) string {
	_, size := utf8.DecodeRuneInString(s[i:])
	return s[i : i+size]
}

// isCased says that a character has an upper or a lower case, or is one.
func isCased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// capitalize writes the first letter in upper case and the rest in lower.
func capitalize(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	if isASCII(s) || !strings.Contains(s, "Σ") {
		return title(s[:size]) + lower(s[size:])
	}
	return title(s[:size]) + strings.TrimPrefix(lower(s), lower(s[:size]))
}

// titleWords is Jinja's title: a word begins behind white space, a hyphen or an
// opening bracket.
func titleWords(s string) string {
	separates := func(r rune) bool { return isSpace(r) || strings.ContainsRune("-({[<", r) }
	var b strings.Builder
	for s != "" {
		end := strings.IndexFunc(s, separates)
		switch {
		case end < 0:
			end = len(s)
			fallthrough
		case end > 0:
			_, size := utf8.DecodeRuneInString(s)
			b.WriteString(upper(s[:size]))
			b.WriteString(lower(s[size:end]))
		default:
			_, end = utf8.DecodeRuneInString(s)
			b.WriteString(s[:end])
		}
		s = s[end:]
	}
	return b.String()
}

// titleLetters is Python's title: a word begins behind what is no letter.
func titleLetters(s string) string {
	var b strings.Builder
	inWord := false
	for i, r := range s {
		letter := letterAt(s, i)
		switch {
		case !inWord:
			b.WriteString(title(letter))
		case r == 'Σ' && endsWord(s[:i], s[i+len(letter):]):
			b.WriteRune('ς')
		default:
			b.WriteString(lower(letter))
		}
		inWord = isCased(r)
	}
	return b.String()
}

func swapCase(s string) string {
	var b strings.Builder
	for i, r := range s {
		letter := letterAt(s, i)
		switch {
		case r == 'Σ' && endsWord(s[:i], s[i+len(letter):]):
			b.WriteRune('ς')
		case unicode.IsUpper(r):
			b.WriteString(lower(letter))
		case unicode.IsLower(r):
			b.WriteString(upper(letter))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isSpace says that Python counts a character as white space.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
