package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The bounds of a connection.
const (
	headerTimeout = 5 * time.Second
	bodyTimeout   = 10 * time.Second
	idleTimeout   = time.Minute
	maxHeader     = 16 << 10 // bytes
)

// Serve answers what comes in on a listener until ctx ends. Then it takes no more
// connections, waits Options.Grace for the requests under way, and closes the
// listener. It returns nil after a clean end, an error if requests were broken
// off, if the listener fails, or at once if it listens on an address that only a
// token makes safe; see [CheckAddress].
func (a *API) Serve(ctx context.Context, l net.Listener) error {
	if !a.withToken() && !isLocal(l.Addr()) {
		return errors.Join(needsToken("serve the HTTP API", l.Addr().String()), l.Close())
	}
	server := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       headerTimeout + bodyTimeout,
		WriteTimeout:      headerTimeout + bodyTimeout + a.opt.Timeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(a.opt.Logger.Handler(), slog.LevelDebug),
		// Requests outlive ctx by the grace they are given.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	a.opt.Logger.InfoContext(ctx, "The HTTP API listens.", "address", l.Addr().String(), "token", a.withToken())
	select {
	case err := <-served:
		return fmt.Errorf("serve the HTTP API on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.opt.Grace)
	defer cancel()
	err := server.Shutdown(grace)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests to the HTTP API were broken off after %s: %w", a.opt.Grace, err), server.Close())
	}
	if serr := <-served; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	return err
}
