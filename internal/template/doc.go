// Package template reads and evaluates templates: text with expressions in it, in
// the part of the Jinja language (https://jinja.palletsprojects.com) that needs no
// loops, files or reflection. What a template may cost is bounded, see [Limits].
//
//	t, err := template.Parse("{{ record.profile.email | lower }}", template.Options{Names: []string{"record"}})
//	for i, ref := range t.Refs() { // record, profile.email
//		inputs[i] = ...
//	}
//	email, err := t.Eval(inputs, &scratch)
//
// # The language
//
//	{{ expression }}                                 its value
//	{% if a %} .. {% elif b %} .. {% else %} .. {% endif %}
//	{% set name = expression %}                      kept to the end, also behind an endif
//	{# comment #}                                    nothing
//	{{- expression -}}                               without the white space beside it
//
//	'text' "text" 12 1.5 true false none             constants; strings side by side are one
//	[a, b] (a, b) {'key': a}                         lists, tuples, dicts
//	record.name record['last-login'] list[0]         members and items; list[-1] is the last
//	text[1:] list[::-1]                              parts
//	a if condition else b                            one or the other; without else undefined
//	a or b, a and b, not a                           the value of an operand, as in Python
//	== != < <= > >= in, not in                       also in chains: 1 <= x < 5
//	+ - * / // % **                                  / makes a float, // rounds down
//	a ~ b                                            both as text
//	value | filter(arguments)                        see [Filters]
//	value is test, value is not test(arguments)      see [Tests]
//	text.method(arguments)                           see [Methods]
//	function(arguments)                              see [Functions]
//
// A priority of its own has each of: or; and; not; comparison; + and -; ~; * / //
// and %; **; sign; filter and test. As in Jinja a filter
// binds more tightly than any operator but a sign, and a test more than not.
//
// An unknown variable, filter, test, function or method, an argument too many or
// too few, and every other fault of the text is an error of [Parse] that says where.
// Python's regular expressions are those of Go, RE2.
//
// # Typed
//
// In the typed mode, for mappings and filters, a template that is one expression
// keeps its type, and text stays text: "5E10" is never a number. It differs from
// Jinja in what a record may lack:
//
//   - A member of undefined is undefined, and one of null is null, so that
//     record.a.b.c never fails. Filters and methods pass both on: the e-mail
//     address in lower case of a record without one is absent, and that of one
//     whose address is null is null. The filter default replaces both; length
//     makes them 0, and first_of goes past them.
//   - Null in text is empty, as undefined is. Nothing can be in null.
//   - To calculate with undefined or null, or to compare it as less or more, is an
//     error.
//   - A number keeps the digits that it came with until it is calculated with.
//     In text everything else is as Jinja writes it: True, 1.5, ['a', None].
//   - record.items is the member of that name; the method is record.items().
//
// # Compatible
//
// In the compatible mode, for the declarative manifest format, a template makes
// text as Jinja does: values are printed as Python's str does, a member of undefined
// is an error, and each variable must be known. Text that is a Python literal then
// becomes that value: 123 a number, None null, [1] a list. Filters, functions and
// what they do with odd values are those of that format, see [FunctionDoc].
//
// The package uses the standard library and, of this module, path, nearest, excerpt and
// timetext.
package template
