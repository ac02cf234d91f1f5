// Package report says how integrations are doing: which are fine and which are
// in trouble, what their last runs did, which problems are still there and for
// how long.
//
// [Make] gathers a [Report] from a journal. It is plain data, which can be
// written as JSON, as one self-contained HTML page, or as text for a terminal:
//
//	r, err := report.Make(ctx, store, report.Options{Registry: registry, Missing: s.Missing})
//	if err != nil {
//		return err
//	}
//	return r.HTML(file)
//
// The page needs nothing beside itself: no script, no font, no picture, no
// request. It reads on a phone and on a wide screen, light or dark, on paper, in
// black and white, and aloud.
//
// A report holds names, counts, times, reasons, and one example of each reason.
// It takes nothing from the settings of an integration and nothing from a
// credential but what people call it and when it expires, so there is no secret
// for it to show. Whatever came from a vendor is escaped.
package report
