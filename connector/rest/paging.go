package rest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
)

// A Paginator says how a list comes in pages. A mark is where a page begins; the
// empty mark is the start. Its methods are safe for concurrent use.
type Paginator interface {
	// Turn makes r, which asks for the whole list, ask for the page at mark, with
	// at most size records. A mark that the Paginator did not make is an
	// ErrCursor.
	Turn(r *Request, mark string, size int) error
	// Next returns the mark of the page after p, empty if p is the last one.
	Next(p PageInfo) (mark string, err error)
}

// A PageInfo is what a Paginator sees of a page.
type PageInfo struct {
	Mark    string
	Size    int       // how many records were asked for
	Records int       // how many came
	Last    []byte    // the last of them; nil if none came
	Answer  *Response // its list of records is empty
}

// Set sets a parameter of the request: a member of its body if that is a
// map[string]any, else of its query. In a body, a dotted name leads into
// objects: "variables.after".
func (r *Request) Set(name string, value any) {
	if body, ok := r.Body.(map[string]any); ok {
		r.Body = withMember(body, strings.Split(name, "."), value)
		return
	}
	q := url.Values{}
	maps.Copy(q, r.Query)
	q.Set(name, fmt.Sprint(value))
	r.Query = q
}

// withMember returns a copy of an object in which one member is another.
func withMember(object map[string]any, name []string, value any) map[string]any {
	out := map[string]any{}
	maps.Copy(out, object)
	if len(name) > 1 {
		inner, _ := out[name[0]].(map[string]any)
		value = withMember(inner, name[1:], value)
	}
	out[name[0]] = value
	return out
}

func (r *Request) setSize(name string, size int) {
	if name != "" && size > 0 {
		r.Set(name, size)
	}
}

func badMark(mark string) error {
	return connector.Errorf(connector.ErrCursor, "resume", "%s is no place in this list", excerpt([]byte(mark)))
}

// turnURL asks for the address that a vendor gave for a page.
func turnURL(r *Request, mark, sizeParam string, size int) error {
	if mark == "" {
		r.setSize(sizeParam, size)
		return nil
	}
	if !strings.HasPrefix(mark, "/") && !strings.HasPrefix(mark, "https://") && !strings.HasPrefix(mark, "http://") {
		return badMark(mark)
	}
	next, err := url.Parse(mark)
	if err != nil {
		return badMark(mark)
	}
	r.URL, r.Query = next, nil
	return nil
}

// nextURL resolves the address of the next page against that of this one.
func nextURL(answer *Response, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	next, err := answer.URL.Parse(text)
	if err != nil {
		return "", connector.Errorf(connector.ErrMalformed, "find the next page", "the vendor's address of the next page cannot be read")
	}
	if origin(next) == origin(answer.URL) && next.User == nil {
		return next.RequestURI(), nil
	}
	return next.String(), nil
}

// LinkHeader follows the Link header's rel="next" (RFC 8288), as Okta, GitHub
// and Meraki send it.
type LinkHeader struct {
	Size string // the parameter for the page's size; empty for none
}

// Turn asks for the address that the header named.
func (l LinkHeader) Turn(r *Request, mark string, size int) error {
	return turnURL(r, mark, l.Size, size)
}

// Next returns the header's next address.
func (l LinkHeader) Next(p PageInfo) (string, error) {
	return nextURL(p.Answer, nextLink(p.Answer.Header))
}

// nextLink returns the target of the first link with the relation next.
func nextLink(h http.Header) string {
	for _, field := range h.Values("Link") {
		for rest := field; ; {
			_, after, found := strings.Cut(rest, "<")
			if !found {
				break
			}
			target, params, closed := strings.Cut(after, ">")
			if !closed {
				break
			}
			own, next := cutUnquoted(params, ',')
			if isNext(own) {
				return target
			}
			rest = next
		}
	}
	return ""
}

// cutUnquoted cuts text at the first separator outside quotes.
func cutUnquoted(text string, separator byte) (before, after string) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quoted:
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == separator && !quoted:
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

func isNext(params string) bool {
	for params != "" {
		var part string
		part, params = cutUnquoted(params, ';')
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		for rel := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(rel, "next") {
				return true
			}
		}
	}
	return false
}

// NextURL follows an address in the answer, absolute or relative.
type NextURL struct {
	Path string // of the address in the answer: "links.next"
	Size string // the parameter for the page's size; empty for none
}

// OData pages as OData 4.01 has it, section 11.2.6.7, and so Microsoft Graph.
func OData() NextURL { return NextURL{Path: "['@odata.nextLink']", Size: "$top"} }

// Turn asks for the address that the answer named.
func (n NextURL) Turn(r *Request, mark string, size int) error {
	return turnURL(r, mark, n.Size, size)
}

// Next returns the answer's next address.
func (n NextURL) Next(p PageInfo) (string, error) { return nextURL(p.Answer, p.Answer.Get(n.Path)) }

// Cursor sends back a text that the answer before held.
type Cursor struct {
	Param  string // the parameter that takes it: "cursor"
	Path   string // where it is in the answer: "response_metadata.next_cursor"
	Header string // or the header that it is in: "After-Cursor"
	Record string // or where it is in the page's last record, as SimpleMDM has it: "id"; with More
	More   string // path of a value that is false on the last page; empty if an absent cursor says so
	Size   string // the parameter for the page's size; empty for none
}

// Turn sets the cursor's parameter.
func (c Cursor) Turn(r *Request, mark string, size int) error {
	r.setSize(c.Size, size)
	if mark != "" {
		r.Set(c.Param, mark)
	}
	return nil
}

// Next returns the answer's cursor.
func (c Cursor) Next(p PageInfo) (string, error) {
	if c.More != "" && p.Answer.Get(c.More) != "true" {
		return "", nil
	}
	var next string
	switch {
	case c.Header != "":
		next = p.Answer.Header.Get(c.Header)
	case c.Record != "":
		next = (&Response{Body: p.Last, depth: p.Answer.depth}).Get(c.Record)
	default:
		next = p.Answer.Get(c.Path)
	}
	if next == "" && c.More != "" {
		return "", connector.Errorf(connector.ErrMalformed, "find the next page", "the vendor says that there is more, and not where")
	}
	return next, nil
}

// PageNumber counts pages. The list ends with an empty page or, if there is a
// total, with a page that reaches it and has more or fewer records than were
// asked for: a short page alone is no end, and a vendor that does not hear of the
// size sends everything at once. An empty page before the total is reached is
// ErrMalformed.
type PageNumber struct {
	Param string // the parameter that takes the number: "page"
	First int    // the first page's number: 0 or 1
	Size  string // the parameter for the page's size; empty for none
	Total string // path of the number of all records; empty if the vendor does not say
}

// Turn sets the page's number.
func (n PageNumber) Turn(r *Request, mark string, size int) error {
	page, size, _, err := n.parse(mark, size)
	if err != nil {
		return err
	}
	r.setSize(n.Size, size)
	r.Set(n.Param, page)
	return nil
}

// parse reads a mark: the page, its size, which has to stay as it was, and how
// many records came before.
func (n PageNumber) parse(mark string, size int) (page, pageSize, count int, err error) {
	if mark == "" {
		return n.First, size, 0, nil
	}
	if _, err := fmt.Sscanf(mark, "%d.%d.%d", &page, &pageSize, &count); err != nil || mark != fmt.Sprintf("%d.%d.%d", page, pageSize, count) || page <= n.First || pageSize < 0 || count < 0 {
		return 0, 0, 0, badMark(mark)
	}
	return page, pageSize, count, nil
}

// Next returns the mark of the page with the next number.
func (n PageNumber) Next(p PageInfo) (string, error) {
	page, size, count, err := n.parse(p.Mark, p.Size)
	if err != nil {
		return "", err
	}
	count += p.Records
	last, err := ended(p, size, count, n.Total)
	if last || err != nil {
		return "", err
	}
	return fmt.Sprintf("%d.%d.%d", page+1, size, count), nil
}

// ended says whether a numbered list is at its end. Totals are hints: too small
// a one does not end a list whose pages are full, and too large a one is a
// fault, since records that should have come did not.
func ended(p PageInfo, size, count int, totalPath string) (bool, error) {
	if totalPath == "" || p.Answer.Status == http.StatusNoContent {
		return p.Records == 0, nil
	}
	text := p.Answer.Get(totalPath)
	total, err := strconv.Atoi(text)
	switch {
	case err != nil || total < 0:
		return false, connector.Errorf(connector.ErrMalformed, "find the next page", "the total at %q is %q, which is no number", totalPath, excerpt([]byte(text)))
	case p.Records == 0 && count < total:
		return false, connector.Errorf(connector.ErrMalformed, "find the next page", "the vendor counts %d records and has sent %d", total, count)
	}
	return p.Records == 0 || count >= total && size > 0 && p.Records != size, nil
}

// Offset counts records. It ends as [PageNumber] does.
type Offset struct {
	Param string // the parameter that takes the offset: "startIndex"
	First int    // the first record's number: 0, or 1 as SCIM has it (RFC 7644, section 3.4.2.4)
	Size  string // the parameter for the page's size; empty for none
	Total string // path of the number of all records; empty if the vendor does not say
}

// Turn sets the offset.
func (o Offset) Turn(r *Request, mark string, size int) error {
	at, err := o.parse(mark)
	if err != nil {
		return err
	}
	r.setSize(o.Size, size)
	r.Set(o.Param, at)
	return nil
}

func (o Offset) parse(mark string) (int, error) {
	if mark == "" {
		return o.First, nil
	}
	at, err := strconv.Atoi(mark)
	if err != nil || at <= o.First || strconv.Itoa(at) != mark {
		return 0, badMark(mark)
	}
	return at, nil
}

// Next returns the number of the record after the page's last one.
func (o Offset) Next(p PageInfo) (string, error) {
	at, err := o.parse(p.Mark)
	if err != nil {
		return "", err
	}
	at += p.Records
	last, err := ended(p, p.Size, at-o.First, o.Total)
	if last || err != nil {
		return "", err
	}
	return strconv.Itoa(at), nil
}

// A whole list comes in one page.
type whole struct{}

func (whole) Turn(_ *Request, mark string, _ int) error {
	if mark != "" {
		return badMark(mark)
	}
	return nil
}

func (whole) Next(PageInfo) (string, error) { return "", nil }
