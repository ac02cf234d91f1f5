package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/syncer/httpapi"
)

// serve serves the scene's API until the test or the returned function ends it.
func (s *scene) serve() (url string, stop func() error) {
	s.t.Helper()
	listener := listen(s.t, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	api := s.api()
	go func() { ended <- api.Serve(ctx, listener) }()
	return "http://" + listener.Addr().String(), func() error {
		cancel()
		return <-ended
	}
}

func listen(t testing.TB, addr string) net.Listener {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", addr)
	require.NoError(t, err)
	return listener
}

// fetch asks over the network.
func fetch(t *testing.T, client *http.Client, method, url string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	require.NoError(t, err)
	return client.Do(r)
}

func newClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestServeAnswersUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	url, stop := s.serve()
	client := newClient(t)
	res, err := fetch(t, client, http.MethodGet, url+"/api/v1/integrations")
	require.NoError(t, err)
	var list httpapi.IntegrationList
	require.NoError(t, errors.Join(json.NewDecoder(res.Body).Decode(&list), res.Body.Close()))
	require.Len(t, list.Integrations, 5)
	res, err = fetch(t, client, http.MethodHead, url+"/api/v1/integrations")
	require.NoError(t, err)
	require.Positive(t, res.ContentLength)
	require.NoError(t, res.Body.Close())
	require.NoError(t, stop())
	_, err = fetch(t, client, http.MethodGet, url+"/healthz") //nolint:bodyclose // there is no answer
	require.Error(t, err)
}

func TestServeLetsRequestsUnderWayEnd(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	reached, release := make(chan struct{}), make(chan struct{})
	s.opt.Ready = func(ctx context.Context) error {
		close(reached)
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	url, stop := s.serve()
	client := newClient(t)
	status := make(chan int, 1)
	go func() {
		res, err := fetch(t, client, http.MethodGet, url+"/readyz")
		if err != nil {
			status <- 0
			return
		}
		status <- res.StatusCode
		_ = res.Body.Close()
	}()
	<-reached
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	require.Eventually(t, func() bool { // the listener is closed, the request is still there
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}, 10*time.Second, 5*time.Millisecond)
	close(release)
	require.Equal(t, http.StatusOK, <-status)
	require.NoError(t, <-stopped)
}

func TestServeBreaksOffWhatOutlastsTheGrace(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.opt.Grace = time.Millisecond
	reached, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	s.opt.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(reached)
		<-release // whatever its context says
	})
	url, stop := s.serve()
	client := newClient(t)
	failed := make(chan error, 1)
	go func() {
		res, err := fetch(t, client, http.MethodGet, url+"/metrics")
		if err == nil {
			err = res.Body.Close()
		}
		failed <- err
	}()
	<-reached
	require.ErrorContains(t, stop(), "broken off")
	require.Error(t, <-failed)
}

func TestServeRefusesAnAddressThatOtherMachinesReach(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	listener := listen(t, "0.0.0.0:0")
	err := s.api().Serve(t.Context(), listener)
	require.ErrorIs(t, err, connector.ErrInvalid)
	require.ErrorContains(t, err, "no token")
	_, err = listener.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestServeTellsThatItsListenerFails(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	listener := listen(t, "127.0.0.1:0")
	require.NoError(t, listener.Close())
	require.ErrorIs(t, s.api().Serve(t.Context(), listener), net.ErrClosed)
}

func TestServeStandsWhatIsNoHTTP(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	url, stop := s.serve()
	for name, test := range map[string]struct {
		sent string
		want string
	}{
		"a header that is too large":   {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 32<<10) + "\r\n\r\n", "HTTP/1.1 431"},
		"a request without host":       {"GET /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
		"an older request without one": {"GET /healthz HTTP/1.0\r\n\r\n", "HTTP/1.0 421"},
		"noise":                        {"\x16\x03\x01\r\n\r\n", "HTTP/1.1 400"},
		"an address in the first line": {"GET http://evil.example/api/v1/runs HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 421"},
		"the asterisk":                 {"GET * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 404"},
		"a tunnel":                     {"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", "HTTP/1.1 421"},
	} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		require.NoError(t, err, name)
		_, _ = io.WriteString(conn, test.sent)
		line, err := bufio.NewReader(conn).ReadString('\n')
		require.NoError(t, errors.Join(err, conn.Close()), name)
		require.Contains(t, line, test.want, name)
	}
	require.NoError(t, stop())
}
