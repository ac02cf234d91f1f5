package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/vendorsync/vendorsync/connector"
)

// A source reads the files of one integration. It holds nothing open between its
// calls.
type source struct {
	opts options
	log  *slog.Logger
}

var (
	_ connector.Source     = (*source)(nil)
	_ connector.Discoverer = (*source)(nil)
)

// Close has nothing to free.
func (*source) Close() error { return nil }

// Check opens every file and reads from it.
func (s *source) Check(ctx context.Context) (connector.Report, error) {
	status := connector.PermissionStatus{Name: "read " + s.opts.path, Stream: streamName, Grant: connector.Granted}
	err := s.readable(ctx)
	if ctx.Err() != nil {
		return connector.Report{}, connector.Errorf(connector.ErrUnavailable, "check "+s.opts.path, "%w", ctx.Err())
	}
	if err != nil {
		status.Grant, status.Detail = connector.Missing, err.Error()
	}
	return connector.Report{Permissions: []connector.PermissionStatus{status}}, nil
}

func (s *source) readable(ctx context.Context) error {
	files, err := s.opts.list()
	if err != nil {
		return err
	}
	for _, f := range files.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.readable(); err != nil {
			return err
		}
	}
	return nil
}

// readable reads the first byte of the file, if it has one.
func (f file) readable() error {
	opened, err := os.Open(f.path)
	if err != nil {
		return pathError(f.path, err)
	}
	_, err = opened.Read(make([]byte, 1))
	if err = errors.Join(noEOF(err), opened.Close()); err != nil {
		return pathError(f.path, err)
	}
	return nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Read returns the records of all files, one file after the other.
func (s *source) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		r, err := s.reader(req)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		defer r.close()
		connector.Paginate(ctx, req.Cursor, func(ctx context.Context, _ connector.Cursor) (connector.Page, error) {
			return r.page(ctx)
		})(yield)
	}
}

func (s *source) reader(req connector.Request) (*reader, error) {
	if req.Stream != streamName {
		return nil, unknownStream(req.Stream)
	}
	if req.Partition != "" {
		return nil, connector.Errorf(connector.ErrUnsupported, "read partition", "the stream %q has no partitions", streamName)
	}
	files, err := s.opts.list()
	if err != nil {
		return nil, err
	}
	at, err := files.place(req.Cursor)
	if err != nil {
		return nil, err
	}
	r := &reader{listing: files, opts: s.opts, log: s.log, at: at, pageSize: s.opts.pageSize}
	if req.Limit > 0 {
		r.pageSize = min(r.pageSize, req.Limit)
	}
	return r, nil
}

func unknownStream(name string) error {
	return &connector.Error{Class: connector.ErrNotFound, Op: "read stream", Message: fmt.Sprintf("there is no stream %q", name), Remedy: "the stream of files is called " + streamName}
}

// A decoder reads the records of one text.
type decoder interface {
	// next puts the next record into p, or the fault in its stead. After the
	// last one it returns io.EOF.
	next(p *page) error
}

// A reader is one Read in progress.
type reader struct {
	listing
	opts     options
	log      *slog.Logger
	pageSize int
	bytes    int   // how large the buffer of the next page should be
	at       place // after the last record that was read
	text     *text // the open file; nil between files
	decoder  decoder
	prefix   string // for the places of faults, see filePrefix
	err      error  // what ends the read, after the page before it is out
}

// page reads the next page. Records that were read before trouble came make a
// page of their own.
func (r *reader) page(ctx context.Context) (connector.Page, error) {
	if r.err != nil {
		return connector.Page{}, r.err
	}
	p := newPage(r.pageSize, r.bytes)
	for !p.full() && r.err == nil {
		if r.at.File == len(r.files) {
			return connector.Page{Records: p.records(), Faults: p.faults, Last: true}, nil
		}
		r.err = r.step(ctx, p)
	}
	if p.empty() {
		return connector.Page{}, r.err
	}
	r.bytes = min(len(p.buf)+len(p.buf)/8, maxPageBytes)
	next, err := r.cursor(r.at)
	if err != nil {
		return connector.Page{}, err
	}
	return connector.Page{Records: p.records(), Faults: p.faults, Next: next}, nil
}

// step reads one record into p, or goes on to the next file.
func (r *reader) step(ctx context.Context, p *page) error {
	if r.text == nil {
		if err := r.open(ctx); err != nil {
			return err
		}
	}
	p.prefix = r.prefix
	err := r.decoder.next(p)
	switch {
	case err == nil:
		r.at.Offset, r.at.Count = r.text.offset, r.text.count
		return nil
	case !errors.Is(err, io.EOF):
		return err
	}
	// A file that was written to in the meantime may not have been read whole.
	if err := r.text.unchanged(r.files[r.at.File]); err != nil {
		return err
	}
	r.close()
	r.at = place{File: r.at.File + 1}
	return nil
}

// filePrefix tells in the places of faults which file they are about, if there
// can be several.
func (r *reader) filePrefix() string {
	if !r.pattern {
		return ""
	}
	name := r.files[r.at.File].path
	if short, err := filepath.Rel(r.opts.folder(), name); err == nil {
		name = short
	}
	return name + ": "
}

// open opens the file at which the reader is and goes to its place in it.
func (r *reader) open(ctx context.Context) error {
	f := r.files[r.at.File]
	t, err := openText(ctx, f, r.opts)
	if err != nil {
		return err
	}
	r.text, r.prefix = t, r.filePrefix()
	head, err := t.head()
	if err != nil {
		return err
	}
	format := r.opts.format
	if format == "" {
		format = sniffFormat(f.path, head, len(r.opts.records) > 0)
	}
	switch format {
	case formatNDJSON:
		r.decoder = lineDecoder{text: t}
	case formatJSON:
		r.decoder = &arrayDecoder{text: t, path: r.opts.records, started: r.at.Offset > 0}
	default:
		if r.decoder, err = newCSV(t, r.opts.delimiter); err != nil {
			return err
		}
	}
	r.log.DebugContext(ctx, "reading file", "path", f.path, "format", format, "encoding", t.encoding, "gzip", t.zipped, "offset", r.at.Offset)
	return t.resume(r.at, f.size)
}

func (r *reader) close() {
	if r.text != nil {
		_ = r.text.close() // it was read from alone
		r.text = nil
	}
}
