package template

// Limits bound what a template may cost, so that none can hold up or exhaust the
// process it runs in. A zero field stands for its default. What goes past a limit
// fails with an error that is [ErrLimit].
type Limits struct {
	Template  int // bytes of a template's text; default 65,536
	Depth     int // expressions nested in one another; default 200
	Steps     int // work of one evaluation, about one for an operation, an item or 32 bytes; default 1,000,000
	Output    int // bytes of the result's text and of any string on the way; default 1,048,576
	Repeat    int // items or bytes that one * may make of a list or string; default 100,000
	Bits      int // size of a whole number; default 14,284, which is 4,300 digits
	Items     int // items of a list that a template makes; default 100,000
	JSONDepth int // lists and dicts in one another, read or written; default 200
	Pattern   int // bytes of a regular expression; default 1,000
}

// defaultLimits are the limits that a zero field stands for.
var defaultLimits = Limits{
	Template:  64 << 10,
	Depth:     200,
	Steps:     1_000_000,
	Output:    1 << 20,
	Repeat:    100_000,
	Bits:      14284,
	Items:     100_000,
	JSONDepth: 200,
	Pattern:   1000,
}

// filled returns the limits with defaults in place of zeros.
func (l Limits) filled() Limits {
	d := defaultLimits
	for _, f := range []struct{ field, byDefault *int }{
		{&l.Template, &d.Template},
		{&l.Depth, &d.Depth},
		{&l.Steps, &d.Steps},
		{&l.Output, &d.Output},
		{&l.Repeat, &d.Repeat},
		{&l.Bits, &d.Bits},
		{&l.Items, &d.Items},
		{&l.JSONDepth, &d.JSONDepth},
		{&l.Pattern, &d.Pattern},
	} {
		if *f.field <= 0 {
			*f.field = *f.byDefault
		}
	}
	return l
}
