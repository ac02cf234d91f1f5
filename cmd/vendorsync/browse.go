package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
)

// browse shows a page in the person's browser.
func browse(ctx context.Context, address string) error {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	// It goes on when this command ends: the browser may be its child.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), name, args...) //nolint:gosec // The address is https, made of the vendor's own.
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("show the page: %w", err)
	}
	go func() { _ = cmd.Wait() }() // only so that no process is left half ended
	return nil
}
