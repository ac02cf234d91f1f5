package httpapi

import (
	"errors"
	"fmt"
	"net/http"
)

// alive answers GET /healthz: whoever can answer lives.
func (a *API) alive(*http.Request) (answer, error) {
	return answer{body: Health{Status: "ok"}}, nil
}

// ready answers GET /readyz. Whoever asks learns a word; why it is so is logged
// when it changes, since probes ask all the time.
func (a *API) ready(r *http.Request) (answer, error) {
	reason, err := a.unreadiness(r)
	if before, _ := a.unready.Swap(reason).(string); before != reason {
		if reason == "" {
			a.opt.Logger.InfoContext(r.Context(), "The server is ready again.")
		} else {
			a.opt.Logger.WarnContext(r.Context(), "The server is not ready.", "reason", reason, "error", err)
		}
	}
	if reason != "" {
		return answer{status: http.StatusServiceUnavailable, body: Health{Status: "unready", Reason: reason}}, nil
	}
	return answer{body: Health{Status: "ready"}}, nil
}

// unreadiness says what makes the server unready, in a word and in full; it is
// empty if nothing does.
func (a *API) unreadiness(r *http.Request) (string, error) {
	if err := a.opt.Ready(r.Context()); err != nil {
		return "store", err
	}
	status := a.opt.Runner.Status()
	switch age := a.opt.Now().Sub(status.Polled); {
	case status.PollErr != nil:
		return "runner", status.PollErr
	case status.Polled.IsZero():
		return "runner", errors.New("it has not asked for work yet")
	case age > a.opt.Stale:
		return "runner", fmt.Errorf("it last asked for work %s ago", age)
	}
	return "", nil
}
