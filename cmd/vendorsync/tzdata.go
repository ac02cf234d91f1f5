//go:build windows

package main

// Windows has no time zone database of its own.
import _ "time/tzdata"
