package template_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/vendorsync/vendorsync/internal/template"
)

func Example() {
	t, err := template.Parse("{{ record.profile.email | lower }}", template.Options{Names: []string{"record"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, ref := range t.Refs() {
		fmt.Println(ref.Name, ref.Path)
	}
	var scratch template.Scratch
	email, err := t.Eval([]template.Value{template.String("Ada@Example.com")}, &scratch)
	fmt.Println(email, err)
	// Output:
	// record profile.email
	// ada@example.com <nil>
}

func ExampleParse() {
	_, err := template.Parse("{{ record.name | lowercase }}", template.Options{Names: []string{"record"}})
	fmt.Println(err)
	var fault *template.Error
	if errors.As(err, &fault) {
		fmt.Println("column", fault.Column)
	}
	// Output:
	// template "{{ record.name | lowercase }}", column 18: there is no filter lowercase here; did you mean lower?
	// column 18
}

func ExampleParseExpression() {
	filter, err := template.ParseExpression("record.status == 'ACTIVE' and 'laptop' in record.tags", template.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	record, err := template.Decode([]byte(`{"status": "ACTIVE", "tags": ["laptop", "london"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	keep, err := filter.EvalVars(map[string]template.Value{"record": record})
	fmt.Println(keep.Truthy(), err)
	// Output: true <nil>
}

// A template that is one expression keeps its type, and text is never read as
// anything else; in the compatible mode it is, as in Python.
func ExampleMode() {
	for _, mode := range []template.Mode{template.Typed, template.Compatible} {
		t, err := template.Parse("{{ record.serial }}", template.Options{Mode: mode})
		if err != nil {
			fmt.Println(err)
			return
		}
		record := template.Dict(template.Pair{Key: template.String("serial"), Value: template.String("5E10")})
		serial, err := t.EvalVars(map[string]template.Value{"record": record})
		fmt.Println(serial.Kind(), serial, err)
	}
	// Output:
	// a string 5E10 <nil>
	// a float 50000000000.0 <nil>
}

func ExampleTemplate_EvalText() {
	t, err := template.Parse("{{ [record.n, none] }}", template.Options{Mode: template.Compatible})
	if err != nil {
		fmt.Println(err)
		return
	}
	record := template.Dict(template.Pair{Key: template.String("n"), Value: template.Float(1)})
	fmt.Println(t.EvalText([]template.Value{record}, nil))
	// Output: [1.0, None] <nil>
}

func ExampleScratch() {
	t, err := template.Parse("{{ (now_utc() - duration('P1M')).strftime('%Y-%m-%d') }}", template.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	scratch := template.Scratch{Now: func() time.Time { return time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC) }}
	fmt.Println(t.Eval(nil, &scratch))
	// Output: 2026-02-28 <nil>
}

func ExampleLimits() {
	t, err := template.Parse("{{ 'x' * 10**9 }}", template.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = t.Eval(nil, nil)
	fmt.Println(err)
	fmt.Println(errors.Is(err, template.ErrLimit))
	// Output:
	// template "{{ 'x' * 10**9 }}", column 8: * makes more than 100000 characters or items
	// true
}

func ExampleParseLiteral() {
	for _, text := range []string{"1_000", "[1, 'a']", "0123", "2026-01-31"} {
		v, ok, err := template.ParseLiteral(text)
		fmt.Println(v, ok, err)
	}
	// Output:
	// 1000 true <nil>
	// [1, 'a'] true <nil>
	//  false <nil>
	//  false <nil>
}

func ExampleFilters() {
	for _, f := range template.Filters() {
		if f.Name == "replace" {
			fmt.Printf("%s(%s): %s\n", f.Name, f.Signature, f.Doc)
		}
	}
	// Output: replace(old, new, count=): Text with old replaced by new, everywhere or count times.
}
