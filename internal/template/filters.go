package template

// filterTable returns the filters: Jinja's, those of the declarative manifest
// format, and those for mappings. A | in a name separates aliases.
func filterTable() []function {
	return []function{
		// Text.
		{name: "lower", passes: true, call: filterLower, doc: "Text in lower case."},
		{name: "upper", passes: true, call: filterUpper, doc: "Text in upper case."},
		{name: "capitalize", passes: true, call: filterCapitalize, doc: "Text with its first letter in upper case and the rest in lower."},
		{name: "title", passes: true, call: filterTitle, doc: "Text with the first letter of each word in upper case and the rest in lower."},
		{name: "trim", signature: "chars=", passes: true, call: filterTrim, doc: "Text without the white space, or the characters of chars, at both ends."},
		{name: "replace", signature: "old, new, count=", passes: true, call: filterReplace, doc: "Text with old replaced by new, everywhere or count times."},
		{name: "truncate", signature: "length=255, killwords=false, end='...', leeway=5", passes: true, call: filterTruncate, doc: "Text cut to a length, between words unless killwords is true."},
		{name: "wordcount", passes: true, call: filterWordCount, doc: "The number of words in a text."},
		{name: "format", signature: "*values, **named", passes: true, call: filterFormat, doc: "Text with each %s, %d and the like replaced by a value."},
		{name: "urlencode", passes: true, call: filterURLEncode, doc: "Text, or the members of a dict, as part of a URL."},
		{name: "escape|e", passes: true, call: filterEscape, doc: "Text with & < > and quotes written as in HTML."},
		{name: "safe", passes: true, call: filterString, doc: "Text as it is."},
		{name: "string", passes: true, call: filterString, doc: "A value as text. In the compatible mode what is no text becomes JSON in triple quotes, which reads back as text."},
		{name: "regex_search", signature: "regex", passes: true, call: filterRegexSearch, prepare: prepareRegex, doc: "What the first group of a regular expression (RE2) matches in a text, or ''."},
		{name: "regex_replace", signature: "regex, replacement", passes: true, call: filterRegexReplace, prepare: prepareRegex, doc: `Text with the matches of a regular expression (RE2) replaced; \1 stands for the first group.`},

		// Numbers.
		{name: "int", signature: "default=0, base=10", call: filterInt, doc: "A number or text as a whole number, or the default if it is none. In the typed mode undefined and null without a default stay so."},
		{name: "float", signature: "default=0.0", call: filterFloat, doc: "A number or text as a float, or the default if it is none. In the typed mode undefined and null without a default stay so."},
		{name: "abs", passes: true, call: filterAbs, doc: "A number without its sign."},
		{name: "round", signature: "precision=0, method='common'", passes: true, call: filterRound, doc: "A number with so many decimals; method is common, ceil or floor."},

		// Lists and dicts.
		{name: "length|count", call: filterLength, doc: "The number of items, members or characters; in the typed mode that of null is 0."},
		{name: "first", passes: true, call: filterFirst, doc: "The first item, or undefined."},
		{name: "last", passes: true, call: filterLast, doc: "The last item, or undefined."},
		{name: "list", passes: true, call: filterList, doc: "The items, keys or characters as a list."},
		{name: "items", passes: true, call: filterItems, doc: "The members of a dict as pairs of key and value."},
		{name: "dictsort", signature: "case_sensitive=false, by='key', reverse=false", passes: true, call: filterDictSort, doc: "The members of a dict as pairs, by key or by value."},
		{name: "join", signature: "d='', attribute=", passes: true, call: filterJoin, doc: "The items as one text with d between them."},
		{name: "map", signature: "*filter, **named", passes: true, call: filterMap, prepare: prepareMap, doc: "Each item with a filter applied, as map('lower'), or a member of it, as map(attribute='name', default=...)."},
		{name: "select", signature: "*test, **named", passes: true, call: filterSelect, prepare: prepareSelect, doc: "The items for which a test holds, as select('number'), or that are true."},
		{name: "reject", signature: "*test, **named", passes: true, call: filterReject, prepare: prepareSelect, doc: "The items for which a test does not hold, or that are not true."},
		{name: "selectattr", signature: "attribute, *test, **named", passes: true, call: filterSelectAttr, prepare: prepareSelectAttr, doc: "The items for whose member a test holds, as selectattr('type', 'eq', 'work')."},
		{name: "rejectattr", signature: "attribute, *test, **named", passes: true, call: filterRejectAttr, prepare: prepareSelectAttr, doc: "The items for whose member a test does not hold."},
		{name: "sort", signature: "reverse=false, case_sensitive=false, attribute=", passes: true, call: filterSort, doc: "The items in order, perhaps of a member."},
		{name: "unique", signature: "case_sensitive=false, attribute=", passes: true, call: filterUnique, doc: "The items without those that came before."},
		{name: "reverse", passes: true, call: filterReverse, doc: "The items or characters from the last to the first."},
		{name: "sum", signature: "attribute=, start=0", passes: true, call: filterSum, doc: "The sum of the items, or of a member of them."},
		{name: "max", signature: "case_sensitive=false, attribute=", passes: true, call: filterMax, doc: "The greatest item, or undefined."},
		{name: "min", signature: "case_sensitive=false, attribute=", passes: true, call: filterMin, doc: "The least item, or undefined."},

		// Any value.
		{name: "default|d", signature: "default_value='', boolean=false", call: filterDefault, doc: "Another value if this one is undefined, in the typed mode also if it is null, and with true behind it also if it is empty, zero or false."},
		{name: "tojson", signature: "indent=", call: filterToJSON, doc: "The value as JSON."},
		{name: "hash", signature: "hash_type='md5', salt=", passes: true, call: filterHash, doc: "The hash of a text: md5, sha1, sha224, sha256, sha384 or sha512, in hexadecimal."},
		{name: "hmac", signature: "key, hash_type='sha256'", passes: true, call: filterHMAC, doc: "The keyed hash of a text, in hexadecimal."},
		{name: "base64encode", passes: true, call: filterBase64Encode, doc: "Text in base64."},
		{name: "base64decode", passes: true, call: filterBase64Decode, doc: "The text that is written in base64."},
		{name: "base64binascii_decode", passes: true, call: filterBase64Encode, doc: "Text in base64: it encodes, whatever its name says, as in the manifest format."},

		// For mappings.
		{name: "split", signature: "separator=, index=", passes: true, typedOnly: true, call: filterSplit, doc: "The parts of a text between separators, or between white space; with an index that one, or undefined."},
		{name: "first_of|coalesce", typedOnly: true, call: filterFirstOf, doc: "The first of several values that is not undefined, null or empty text, or undefined."},
		{name: "join_nonempty", signature: "separator=', '", passes: true, typedOnly: true, call: filterJoinNonempty, doc: "The items as one text, without those that are undefined, null or blank."},
		{name: "strip_prefix", signature: "prefix", passes: true, typedOnly: true, call: filterStripPrefix, doc: "Text without a prefix, whatever its case."},
		{name: "strip_suffix", signature: "suffix", passes: true, typedOnly: true, call: filterStripSuffix, doc: "Text without a suffix, whatever its case, as strip_suffix('.app')."},
		{name: "email_local", passes: true, typedOnly: true, call: filterEmailLocal, doc: "What is before the @ of an e-mail address; text without @ as it is."},
		{name: "email_domain", passes: true, typedOnly: true, call: filterEmailDomain, doc: "What is behind the @ of an e-mail address, in lower case; '' for text without @."},
		{name: "mac", passes: true, typedOnly: true, call: filterMAC, doc: "A MAC address as aa:bb:cc:dd:ee:ff; empty text stays so, and text that is none is a fault."},
		{name: "phone", passes: true, typedOnly: true, call: filterPhone, doc: "A phone number as digits, behind + if it has its country's; an extension follows as ' x12'. Text without a digit becomes ''."},
		{name: "date", signature: "input=, output='iso'", passes: true, typedOnly: true, call: filterDate, doc: "A date in another format: iso, date, epoch, epoch_ms, ldap, filetime or a layout such as '%d.%m.%Y'. Without input, numbers are an epoch and text is ISO 8601. Empty text, and what Active Directory writes for never, become null."},
		{name: "lookup", signature: "table, default=", passes: true, typedOnly: true, call: filterLookup, doc: "The value of a dict at this key, or the default; without a default an unlisted key is a fault."},
	}
}
