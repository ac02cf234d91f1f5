package connectortest

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vendorsync/vendorsync/connector"
)

// A tracked set of goroutines are those that one function started, and those
// that they started. The runtime hands a label on from goroutine to goroutine,
// so that the rest of a test, and tests beside it, do not disturb the count.
type tracked string

const trackLabel = "connectortest"

var trackCount atomic.Int64

func track(ctx context.Context, f func(context.Context)) tracked {
	t := tracked(strconv.FormatInt(trackCount.Add(1), 10))
	pprof.Do(ctx, pprof.Labels(trackLabel, string(t)), f)
	return t
}

// alive returns how many of the goroutines still run, and where one of them is.
func (t tracked) alive() (n int, where string) {
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		return 0, ""
	}
	var (
		lines = bufio.NewScanner(&text)
		label = strconv.Quote(trackLabel) + ":" + strconv.Quote(string(t))
		group int // goroutines of the stack that the lines are about
		ours  bool
	)
	for lines.Scan() {
		line := lines.Text()
		switch count, _, stack := strings.Cut(line, " @ "); {
		case stack:
			group, _ = strconv.Atoi(count)
			ours = false
		case strings.HasPrefix(line, "# labels:") && strings.Contains(line, label):
			ours = true
			n += group
		case ours && where == "" && strings.HasPrefix(line, "#"):
			where = strings.Join(strings.Fields(line)[2:], " ")
		}
	}
	return n, where
}

// gone waits until the goroutines have ended. Connections that lie idle in a
// transport that others use too are not the connector's.
func (t tracked) gone(patience time.Duration, transports ...http.RoundTripper) (n int, where string) {
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause *= 2 {
		for _, rt := range transports {
			if idle, ok := rt.(interface{ CloseIdleConnections() }); ok {
				idle.CloseIdleConnections()
			}
		}
		n, where = t.alive()
		left := time.Until(deadline)
		if n == 0 || left <= 0 {
			return n, where
		}
		<-time.After(min(pause, left))
	}
}

// checkLeaks opens, reads and closes, and says that every goroutine has ended.
// All that a connector keeps for later Sources has been made before.
func (s *suite) checkLeaks(ctx context.Context, surveys []*survey) {
	s.leaks(ctx, CloseFrees, surveys, func(ctx context.Context, src connector.Source, v *survey) {
		s.read(ctx, src, v.stream, connector.Request{}, nil)
	})
	if !s.holds(CloseFrees, "") {
		return
	}
	s.leaks(ctx, BreakReturns, surveys, func(ctx context.Context, src connector.Source, v *survey) {
		s.checkBroken(ctx, src, v.stream)
	})
}

func (s *suite) leaks(ctx context.Context, rule Rule, surveys []*survey, use func(context.Context, connector.Source, *survey)) {
	started := track(ctx, func(ctx context.Context) {
		src := s.open(ctx)
		if src == nil {
			return
		}
		for _, v := range surveys {
			if v.usable {
				use(ctx, src, v)
			}
		}
		s.close(src)
	})
	if n, where := started.gone(s.opts.Patience, s.config.Transport, http.DefaultTransport); n > 0 {
		s.fail(rule, "", "%d goroutines still run after Close, one in %s", n, where)
	}
}
