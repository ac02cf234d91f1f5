package connector

import (
	"context"
	"time"
)

// A Wait is time that a read spends on the vendor's limits.
type Wait struct {
	For    time.Duration
	Reason string // "rate limit", "vendor's limit", "retry"
}

type waitKey struct{}

// OnWait returns a context in which report is told of each wait before it
// begins, by the goroutine that waits; requests in parallel report a wait each.
// A caller gives it to [Source.Read] to know why a read takes long.
func OnWait(ctx context.Context, report func(Wait)) context.Context {
	return context.WithValue(ctx, waitKey{}, report)
}

// ReportWait tells the caller of a read of a wait that is about to begin. It
// does nothing where nobody asked.
func ReportWait(ctx context.Context, w Wait) {
	if report, ok := ctx.Value(waitKey{}).(func(Wait)); ok && w.For > 0 {
		report(w)
	}
}
