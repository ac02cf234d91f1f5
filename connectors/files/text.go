package files

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/vendorsync/vendorsync/connector"
)

const (
	bufferSize = 256 << 10
	// sampleSize is how much of the start of a file decides what it is.
	sampleSize = 64 << 10
)

// errUnclosed means that the file ends inside a row.
var errUnclosed = errors.New("the file ends inside a row")

// A text is one file's content as a stream of bytes: decompressed, without byte
// order mark, UTF-16 turned into UTF-8. Windows-1252 is turned record by record,
// see utf8, so that its offsets stay those of the file.
type text struct {
	path      string
	r         *bufio.Reader
	offset    int64 // bytes read so far
	count     int   // lines, or elements of an array, read so far
	charset   charset
	encoding  string // what it was found to be, for the log
	zipped    bool
	maxRecord int

	file *os.File
	raw  contextReader // what lies in the file
	bom  int64         // length of the byte order mark

	scratch   []byte // a record that came in pieces
	converted []byte // a record turned into UTF-8
}

// openText opens a file and finds out its compression and encoding.
func openText(ctx context.Context, f file, o options) (*text, error) {
	opened, err := os.Open(f.path)
	if err != nil {
		return nil, pathError(f.path, err)
	}
	t := &text{path: f.path, maxRecord: o.maxRecord, file: opened, raw: contextReader{ctx: ctx, r: opened}}
	if err := t.prepare(f, o); err != nil {
		_ = opened.Close() // the first error counts, and nothing was written
		return nil, err
	}
	return t, nil
}

func (t *text) prepare(f file, o options) error {
	if err := t.unchanged(f); err != nil {
		return err
	}
	magic := make([]byte, 8)
	n, err := t.file.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return t.failed(err)
	}
	magic = magic[:n]
	if what := foreign(magic); what != "" {
		return t.malformed("export it as CSV, NDJSON or JSON, plain or compressed with gzip", "it is %s", what)
	}
	content := io.Reader(t.raw)
	if t.zipped = bytes.HasPrefix(magic, []byte{0x1f, 0x8b}); t.zipped {
		z, err := gzip.NewReader(bufio.NewReaderSize(t.raw, sampleSize))
		if err != nil {
			return t.failed(err)
		}
		content = &cappedReader{r: z, left: o.maxDecompressed, limit: o.maxDecompressed}
	}
	t.r = bufio.NewReaderSize(content, bufferSize)
	return t.decode(o.encoding)
}

// unchanged reports an error if the open file is not what was listed.
func (t *text) unchanged(f file) error {
	info, err := t.file.Stat()
	if err != nil {
		return pathError(t.path, err)
	}
	if !f.is(info) {
		return &connector.Error{Class: connector.ErrUnavailable, Op: "read " + t.path, Message: "the file has changed since reading began", Remedy: "run again once the file is written to the end"}
	}
	return nil
}

func (t *text) close() error { return t.file.Close() }

// head returns the next bytes, at most sampleSize of them, without reading on.
// Trouble after the first of them comes up again when they are read.
func (t *text) head() ([]byte, error) {
	b, err := t.r.Peek(sampleSize)
	if len(b) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return nil, t.failed(err)
	}
	return b, nil
}

// seekable reports whether offset n of the text is offset n of the file, byte
// order mark apart.
func (t *text) seekable() bool { return !t.zipped && t.charset != utf16 }

// resume goes on at a place that was reached before.
func (t *text) resume(at place, size int64) error {
	gone := connector.Errorf(connector.ErrCursor, "resume "+t.path, "the cursor points outside of the file")
	switch {
	case at.Offset == 0:
		return nil
	case at.Offset < t.offset:
		return gone
	case t.seekable():
		if at.Offset > size-t.bom {
			return gone
		}
		if _, err := t.file.Seek(t.bom+at.Offset, io.SeekStart); err != nil {
			return t.failed(err)
		}
		t.r.Reset(t.raw)
	default:
		_, err := io.CopyN(io.Discard, t.r, at.Offset-t.offset)
		if errors.Is(err, io.EOF) {
			return gone
		}
		if err != nil {
			return t.failed(err)
		}
	}
	t.offset, t.count = at.Offset, at.Count
	return nil
}

// row returns the bytes up to the next line end, without it; with q, up to the
// next one outside quotes. The row is good until the next read. A row of more
// than maxRecord bytes is passed over in constant memory and reported as a
// recordError.
func (t *text) row(eol byte, q *quotes) ([]byte, error) {
	t.scratch = t.scratch[:0]
	for size := 0; ; {
		piece, err := t.r.ReadSlice(eol)
		ended := err == nil
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if !errors.Is(err, io.EOF) {
				return nil, t.failed(err)
			}
			if size+len(piece) == 0 {
				return nil, io.EOF
			}
			ended = true
		}
		t.offset += int64(len(piece))
		size += len(piece)
		more := q != nil && q.goesOn(piece, t.count+1)
		if ended {
			t.count++
		}
		switch {
		case more && errors.Is(err, io.EOF):
			return nil, errUnclosed
		case ended && !more && size > t.maxRecord:
			return nil, tooLong(t.maxRecord)
		case ended && !more && size == len(piece):
			return trimLineEnd(piece, eol), nil
		case size <= t.maxRecord:
			t.scratch = append(t.scratch, piece...)
		}
		if ended && !more {
			return trimLineEnd(t.scratch, eol), nil
		}
	}
}

func trimLineEnd(row []byte, eol byte) []byte {
	row = bytes.TrimSuffix(row, []byte{eol})
	if eol == '\n' {
		row = bytes.TrimSuffix(row, []byte{'\r'})
	}
	return row
}

// next returns the next byte that is no white space, without reading it.
func (t *text) next() (byte, error) {
	for {
		b, err := t.window()
		if err != nil {
			return 0, err
		}
		for i, c := range b {
			if !space[c] {
				t.discard(i)
				return c, nil
			}
		}
		t.discard(len(b))
	}
}

// window returns what is in the buffer, at least one byte, without reading it.
func (t *text) window() ([]byte, error) {
	if t.r.Buffered() == 0 {
		if _, err := t.r.Peek(1); err != nil {
			if errors.Is(err, io.EOF) {
				return nil, io.EOF
			}
			return nil, t.failed(err)
		}
	}
	b, err := t.r.Peek(t.r.Buffered())
	if err != nil {
		return nil, t.failed(err)
	}
	return b, nil
}

// discard reads n bytes of the window.
func (t *text) discard(n int) {
	n, _ = t.r.Discard(n) // n bytes are in the buffer
	t.offset += int64(n)
}

// utf8 returns a record's bytes as UTF-8. What it returns is good until the next
// call.
func (t *text) utf8(record []byte) ([]byte, error) {
	if t.charset != windows1252 && utf8.Valid(record) {
		return record, nil
	}
	if t.charset == strictUTF8 {
		return nil, &recordError{message: "it is not valid UTF-8", remedy: "set encoding if the file is in another one, such as windows-1252; else correct the export"}
	}
	t.converted = t.converted[:0]
	for _, b := range record {
		if b < utf8.RuneSelf {
			t.converted = append(t.converted, b)
		} else {
			t.converted = utf8.AppendRune(t.converted, charmap.Windows1252.DecodeByte(b))
		}
	}
	return t.converted, nil
}

// malformed returns the error of a file that cannot be read on.
func (t *text) malformed(remedy, format string, args ...any) error {
	return &connector.Error{Class: connector.ErrMalformed, Op: "read " + t.path, Message: fmt.Sprintf(format, args...), Remedy: remedy}
}

// failed classifies an error of reading.
func (t *text) failed(err error) error {
	var corrupt flate.CorruptInputError
	var capped capError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return connector.Errorf(connector.ErrUnavailable, "read "+t.path, "%w", err)
	case errors.Is(err, io.ErrUnexpectedEOF), t.zipped && errors.Is(err, io.EOF):
		return t.malformed("fetch the file again", "the compressed file is cut off after byte %d of its content", t.offset)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return t.malformed("fetch the file again", "the compressed file is damaged after byte %d of its content: %v", t.offset, err)
	case errors.As(err, &capped):
		return t.malformed("raise the setting "+settingMaxDecompressed+" if the file is meant to be so large", "the compressed file holds more than %d bytes", int64(capped))
	}
	return pathError(t.path, err)
}

// A contextReader stops reading when its context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// A cappedReader fails once more than limit bytes have come.
type cappedReader struct {
	r           io.Reader
	left, limit int64
}

// A capError is the limit that was passed.
type capError int64

func (e capError) Error() string { return fmt.Sprintf("more than %d bytes", int64(e)) }

func (c *cappedReader) Read(b []byte) (int, error) {
	if c.left < 0 {
		return 0, capError(c.limit)
	}
	if int64(len(b)) > c.left+1 {
		b = b[:c.left+1]
	}
	n, err := c.r.Read(b)
	c.left -= int64(n)
	if c.left < 0 {
		return n - 1, capError(c.limit)
	}
	return n, err
}
