package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/vendorsync/vendorsync/credentials"
)

// A screen is a terminal of two ends: what a program reads and writes, and the
// person's keyboard and screen.
type screen struct {
	program, person *os.File

	mu    sync.Mutex
	shown bytes.Buffer
}

// newScreen opens a pseudo-terminal.
func newScreen(t *testing.T) *screen {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0))
	program, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	s := &screen{program: program, person: person}
	go func() {
		b := make([]byte, 1024)
		for {
			n, err := person.Read(b)
			s.mu.Lock()
			s.shown.Write(b[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _, _ = program.Close(), person.Close() })
	return s
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

// echoes reports whether the terminal shows what is typed.
func (s *screen) echoes(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(s.program.Fd()), unix.TCGETS)
	require.NoError(t, err)
	return state.Lflag&unix.ECHO != 0
}

func TestASecretIsTypedWithoutEcho(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	p := newPrompter(s.program, s.program)
	require.NotNil(t, p.terminal)
	type answer struct {
		text string
		err  error
	}
	ask := func(f credentials.Field, typed string, echoed bool) answer {
		got := make(chan answer, 1)
		go func() {
			text, err := p.field(t.Context(), f)
			got <- answer{text, err}
		}()
		require.Eventually(t, func() bool { return s.echoes(t) == echoed && strings.HasSuffix(s.text(), f.Label+": ") }, 10*time.Second, time.Millisecond)
		_, err := io.WriteString(s.person, typed+"\n")
		require.NoError(t, err)
		return <-got
	}
	require.Equal(t, answer{"ada", nil}, ask(credentials.Field{Name: "username", Label: "User name", Required: true}, "ada", true))
	require.Equal(t, answer{"s3cret", nil}, ask(credentials.Field{Name: "token", Label: "Token", Help: "As the vendor shows it.", Secret: true, Required: true}, "s3cret", false))
	require.True(t, s.echoes(t), "as it was before")
	const all = "User name: ada\r\nAs the vendor shows it.\r\nToken: \r\n"
	require.Eventually(t, func() bool { return len(s.text()) >= len(all) }, 10*time.Second, time.Millisecond)
	require.Equal(t, all, s.text())
}

func TestAnInterruptedPromptLeavesTheTerminalAsItWas(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	p := newPrompter(s.program, s.program)
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := p.field(ctx, credentials.Field{Name: "token", Label: "Token", Secret: true, Required: true})
		got <- err
	}()
	require.Eventually(t, func() bool { return !s.echoes(t) }, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-got, context.Canceled)
	require.True(t, s.echoes(t))
}
