package files

import (
	"errors"

	"github.com/vendorsync/vendorsync/connector"
)

// maxPageBytes ends a page early, so that many long records do not add up.
const maxPageBytes = 4 << 20

// A page gathers records one after the other in one buffer of its own, which
// goes to the caller with them.
type page struct {
	size   int    // how many records and faults make it full
	prefix string // stands before each place: which file
	buf    []byte
	ends   []int // where each record ends in buf; the next one begins there
	faults []connector.Fault
}

// newPage returns an empty page that expects so many bytes of records.
func newPage(size, bytes int) *page {
	return &page{size: size, buf: make([]byte, 0, bytes)}
}

func (p *page) empty() bool { return len(p.ends)+len(p.faults) == 0 }

func (p *page) full() bool {
	return len(p.ends)+len(p.faults) >= p.size || len(p.buf) >= maxPageBytes
}

// add copies a record into the page.
func (p *page) add(record []byte) {
	p.buf = append(p.buf, record...)
	p.commit()
}

// commit makes a record of what was appended to buf since the last one.
func (p *page) commit() { p.ends = append(p.ends, len(p.buf)) }

// rollback drops what was appended to buf since the last record.
func (p *page) rollback() {
	end := 0
	if len(p.ends) > 0 {
		end = p.ends[len(p.ends)-1]
	}
	p.buf = p.buf[:end]
}

// fault keeps trouble with one record as a Fault. It returns every other error.
func (p *page) fault(place string, err error) error {
	var bad *recordError
	if !errors.As(err, &bad) {
		return err
	}
	p.faults = append(p.faults, connector.Fault{
		Place: p.prefix + place,
		Err:   &connector.Error{Class: connector.ErrMalformed, Message: bad.message, Remedy: bad.remedy},
	})
	return nil
}

// records returns the records, each with no room to grow into the next one.
func (p *page) records() []connector.Record {
	if len(p.ends) == 0 {
		return nil
	}
	records := make([]connector.Record, len(p.ends))
	start := 0
	for i, end := range p.ends {
		records[i] = p.buf[start:end:end]
		start = end
	}
	return records
}

// A recordError is trouble with one record, after which reading can go on.
type recordError struct{ message, remedy string }

func (e *recordError) Error() string { return e.message }

func isRecordError(err error) bool {
	var bad *recordError
	return errors.As(err, &bad)
}
