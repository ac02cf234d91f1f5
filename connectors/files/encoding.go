package files

import (
	"bufio"
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// The values of the setting encoding.
const (
	encodingUTF8        = "utf-8"
	encodingUTF16LE     = "utf-16le"
	encodingUTF16BE     = "utf-16be"
	encodingWindows1252 = "windows-1252"
)

// A charset says what a record's bytes are taken for.
type charset int

const (
	strictUTF8  charset = iota // UTF-8, and what is not is a fault
	lenientUTF8                // UTF-8 where it is valid, else Windows-1252
	windows1252
	utf16 // already turned into UTF-8
)

var boms = []struct {
	encoding string
	mark     []byte
}{
	{encodingUTF8, []byte{0xef, 0xbb, 0xbf}},
	{encodingUTF16LE, []byte{0xff, 0xfe}},
	{encodingUTF16BE, []byte{0xfe, 0xff}},
}

// decode finds out the encoding, passes over the byte order mark and puts a
// decoder in place where one is needed.
func (t *text) decode(setting string) error {
	head, err := t.head()
	if err != nil {
		return err
	}
	t.encoding = setting
	for _, bom := range boms {
		if bytes.HasPrefix(head, bom.mark) && (setting == auto || setting == bom.encoding) {
			t.encoding, t.bom = bom.encoding, int64(len(bom.mark))
			break
		}
	}
	if t.encoding == auto {
		t.encoding = sniffEncoding(head)
	}
	if _, err := t.r.Discard(int(t.bom)); err != nil {
		return t.failed(err)
	}
	switch t.encoding {
	case encodingUTF16LE:
		t.transcode(unicode.LittleEndian)
	case encodingUTF16BE:
		t.transcode(unicode.BigEndian)
	case encodingWindows1252:
		t.charset = windows1252
		if setting == auto {
			t.charset = lenientUTF8
		}
	case encodingUTF8:
		t.charset = strictUTF8
		if setting == auto && t.bom == 0 && ascii(head) {
			// The first special character may come later, and be in either.
			t.charset = lenientUTF8
		}
	}
	return nil
}

func (t *text) transcode(order unicode.Endianness) {
	t.charset = utf16
	t.r = bufio.NewReaderSize(unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder().Reader(t.r), bufferSize)
}

// sniffEncoding tells the encoding of text without a byte order mark. Text in
// UTF-16 has a zero in one half of most of its units, other text has none.
func sniffEncoding(head []byte) string {
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	const often, seldom = 10, 10 // in more than a tenth of the units; ten times more than in the other half
	units := len(head) / 2
	switch {
	case zeros[1]*often > units && zeros[1] > seldom*zeros[0]:
		return encodingUTF16LE
	case zeros[0]*often > units && zeros[0] > seldom*zeros[1]:
		return encodingUTF16BE
	}
	special, invalid := count(wholeRunes(head))
	if invalid > special {
		return encodingWindows1252
	}
	return encodingUTF8
}

// count returns how many characters beyond ASCII b holds in UTF-8, and how many
// bytes that are none of any character. The bytes of other encodings hardly ever
// make a character by chance.
func count(b []byte) (special, invalid int) {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			invalid++
		case n > 1:
			special++
		}
		b = b[n:]
	}
	return special, invalid
}

// wholeRunes returns head without a character that its end cuts.
func wholeRunes(head []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(head); i++ {
		if tail := head[len(head)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return head[:len(head)-i]
			}
			break
		}
	}
	return head
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// foreign names what a file is that the connector cannot read, by its first
// bytes, and is empty for every other file.
func foreign(magic []byte) string {
	for _, f := range []struct{ magic, name string }{
		{"PK\x03\x04", "an Excel workbook or another ZIP archive"},
		{"\xd0\xcf\x11\xe0", "an Excel 97 workbook or another OLE document"},
		{"\x28\xb5\x2f\xfd", "compressed with zstd"},
		{"\xfd7zXZ\x00", "compressed with xz"},
		{"BZh91AY&", "compressed with bzip2"},
		{"%PDF-", "a PDF document"},
	} {
		if bytes.HasPrefix(magic, []byte(f.magic)) {
			return f.name
		}
	}
	return ""
}
