package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/vendorsync/vendorsync/credentials"
)

// A prompter asks a person for values: at a terminal, where secrets are not
// echoed, or from standard input, a line each in the order of asking.
type prompter struct {
	lines    *bufio.Reader
	ask      io.Writer // where questions are written
	terminal *os.File  // nil if standard input is none
}

func newPrompter(stdin io.Reader, stderr io.Writer) *prompter {
	p := &prompter{lines: bufio.NewReader(io.LimitReader(stdin, maxAnswer)), ask: stderr}
	if f, ok := stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.terminal = f
	}
	return p
}

// maxAnswer is how many bytes all answers, and a file that is one, may have.
const maxAnswer = 256 << 10

// line asks for a line of text.
func (p *prompter) line(ctx context.Context, question string, secret bool) (string, error) {
	if p.terminal == nil {
		return p.read()
	}
	if _, err := fmt.Fprint(p.ask, question+": "); err != nil {
		return "", err
	}
	fd := int(p.terminal.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("ask for %s: %w", question, err)
	}
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1) // who is interrupted leaves the reader behind, until the process ends
	go func() {
		if !secret {
			text, err := p.read()
			got <- answer{text, err}
			return
		}
		b, err := term.ReadPassword(fd)
		got <- answer{string(b), err}
	}()
	select {
	case a := <-got:
		if secret {
			_, _ = fmt.Fprintln(p.ask)
		}
		return a.text, a.err
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), term.Restore(fd, state))
	}
}

// read reads the next line.
func (p *prompter) read() (string, error) {
	text, err := p.lines.ReadString('\n')
	if err != nil && (text == "" || !errors.Is(err, io.EOF)) {
		return "", err
	}
	return strings.TrimRight(text, "\r\n"), nil
}

// field asks for a value of a credential; a text of several lines is read from a
// file that is asked for.
func (p *prompter) field(ctx context.Context, f credentials.Field) (string, error) {
	question := f.Label
	if p.terminal != nil {
		if f.Help != "" {
			if _, err := fmt.Fprintln(p.ask, printable(f.Help)); err != nil {
				return "", err
			}
		}
		if f.MultiLine {
			question += " (path of its file)"
		}
		if !f.Required {
			question += " (optional)"
		}
	}
	text, err := p.line(ctx, printable(question), f.Secret && !f.MultiLine)
	if errors.Is(err, io.EOF) {
		return "", usagef("%s is missing: give it with --file %s=PATH, or as a line of standard input", f.Label, f.Name)
	}
	if err != nil || text == "" || !f.MultiLine {
		return text, err
	}
	return readValue(text)
}

// readValue reads a value from a file, without the line break at its end.
func readValue(name string) (string, error) {
	f, err := os.Open(name) //nolint:gosec // The user names the file.
	if err != nil {
		return "", fmt.Errorf("read a value: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(f, maxAnswer+1))
	if err != nil {
		return "", fmt.Errorf("read a value: %w", err)
	}
	if len(b) > maxAnswer {
		return "", fmt.Errorf("read a value: %s has more than %d bytes", name, maxAnswer)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
