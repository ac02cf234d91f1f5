package localhost

import "fmt"

// A syntaxError is text that is not what its format demands.
type syntaxError struct {
	line   int
	reason string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.reason) }
