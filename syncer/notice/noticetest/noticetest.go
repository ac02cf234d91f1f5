// Package noticetest checks that a store's [notice.Troubles] keeps what the
// interface promises, for any store that wants to remember what people have been
// told.
//
//	func TestTroubles(t *testing.T) {
//		err := noticetest.Check(t.Context(), func() (notice.Troubles, error) { return openEmptyStore(t) })
//		if err != nil {
//			t.Fatal(err)
//		}
//	}
package noticetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/vendorsync/vendorsync/syncer/notice"
)

// A rule is one promise and what tries it on an empty store.
type rule struct {
	name string
	try  func(ctx context.Context, s notice.Troubles) error
}

var rules = []rule{
	{"an empty store has nothing", emptyHasNothing},
	{"what is kept comes back byte for byte", bytesComeBack},
	{"what a caller does to its bytes later changes nothing", bytesAreCopied},
	{"without an old one a trouble is made and none replaced", madeOnce},
	{"a trouble is replaced if the old one is there, and only then", replacedIfOld},
	{"a trouble is removed if the old one is there, and only then", removedIfOld},
	{"keys are told apart byte by byte", keysApart},
	{"of several that swap at once one wins", oneWins},
}

// Rules returns the names of all that Check tries, in order.
func Rules() []string {
	names := make([]string, len(rules))
	for i, r := range rules {
		names[i] = r.name
	}
	return names
}

// Check tries every rule, each on an empty store that open returns, and joins all
// violations. Each names its rule.
func Check(ctx context.Context, open func() (notice.Troubles, error)) error {
	var errs []error
	for _, r := range rules {
		s, err := open()
		if err == nil {
			err = r.try(ctx, s)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.name, err))
		}
	}
	return errors.Join(errs...)
}

// swaps says that a swap does not do what it should. An empty text stands for
// nothing.
func swaps(ctx context.Context, s notice.Troubles, key, old, next string, wanted bool) error {
	done, err := s.SwapTrouble(ctx, key, document(old), document(next))
	switch {
	case err != nil:
		return fmt.Errorf("SwapTrouble of %.40q from %.20q to %.20q: %w", key, old, next, err)
	case done != wanted:
		return fmt.Errorf("SwapTrouble of %.40q from %.20q to %.20q reports %t", key, old, next, done)
	}
	return nil
}

// document returns a text as JSON, and nil for none.
func document(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(`{"text":"` + text + `"}`)
}

// holds says that a store does not hold exactly these texts.
func holds(ctx context.Context, s notice.Troubles, texts map[string]string) error {
	all, err := s.Troubles(ctx)
	if err != nil {
		return fmt.Errorf("read the troubles: %w", err)
	}
	if len(all) != len(texts) {
		return fmt.Errorf("the store holds %d, not %d", len(all), len(texts))
	}
	for key, text := range maps.All(texts) {
		if !bytes.Equal(all[key], document(text)) {
			return fmt.Errorf("the store holds %.60q under %.40q, not %.60q", all[key], key, document(text))
		}
	}
	return nil
}

func emptyHasNothing(ctx context.Context, s notice.Troubles) error {
	return errors.Join(
		holds(ctx, s, nil),
		swaps(ctx, s, "a", "1", "2", false),
		swaps(ctx, s, "a", "1", "", false),
		holds(ctx, s, nil),
	)
}

func bytesComeBack(ctx context.Context, s notice.Troubles) error {
	text := strings.Repeat("Zürich, 東京, \\u0000, \\\" ", 2000)
	return errors.Join(
		swaps(ctx, s, "a", "", text, true),
		holds(ctx, s, map[string]string{"a": text}),
		swaps(ctx, s, "a", text, "short", true),
		holds(ctx, s, map[string]string{"a": "short"}),
	)
}

func bytesAreCopied(ctx context.Context, s notice.Troubles) error {
	mine := document("mine")
	if done, err := s.SwapTrouble(ctx, "a", nil, mine); err != nil || !done {
		return fmt.Errorf("SwapTrouble reports %t: %w", done, err)
	}
	clear(mine)
	all, err := s.Troubles(ctx)
	if err != nil {
		return fmt.Errorf("read the troubles: %w", err)
	}
	clear(all["a"])
	all["b"] = document("another")
	return holds(ctx, s, map[string]string{"a": "mine"})
}

func madeOnce(ctx context.Context, s notice.Troubles) error {
	return errors.Join(
		swaps(ctx, s, "a", "", "1", true),
		swaps(ctx, s, "a", "", "1", false),
		swaps(ctx, s, "a", "", "2", false),
		holds(ctx, s, map[string]string{"a": "1"}),
	)
}

func replacedIfOld(ctx context.Context, s notice.Troubles) error {
	return errors.Join(
		swaps(ctx, s, "a", "", "one", true),
		swaps(ctx, s, "b", "", "two", true),
		swaps(ctx, s, "a", "two", "three", false), // another's
		swaps(ctx, s, "a", "ONE", "three", false),
		swaps(ctx, s, "a", "one ", "three", false),
		holds(ctx, s, map[string]string{"a": "one", "b": "two"}),
		swaps(ctx, s, "a", "one", "three", true),
		swaps(ctx, s, "a", "one", "four", false), // gone by
		holds(ctx, s, map[string]string{"a": "three", "b": "two"}),
		swaps(ctx, s, "a", "three", "three", true), // the same again
		holds(ctx, s, map[string]string{"a": "three", "b": "two"}),
	)
}

func removedIfOld(ctx context.Context, s notice.Troubles) error {
	return errors.Join(
		swaps(ctx, s, "a", "", "1", true),
		swaps(ctx, s, "b", "", "1", true),
		swaps(ctx, s, "a", "2", "", false),
		holds(ctx, s, map[string]string{"a": "1", "b": "1"}),
		swaps(ctx, s, "a", "1", "", true),
		swaps(ctx, s, "a", "1", "", false),
		swaps(ctx, s, "a", "1", "2", false),
		holds(ctx, s, map[string]string{"b": "1"}),
		swaps(ctx, s, "a", "", "2", true),
		holds(ctx, s, map[string]string{"a": "2", "b": "1"}),
	)
}

func keysApart(ctx context.Context, s notice.Troubles) error {
	keys := []string{"runs/a", "runs/A", "runs/a ", "runs/", "runs/%", "runs/_", "runs/é", "runs/e\u0301", "start/a", "1", "01", "1.0", strings.Repeat("k", 511) + "1", strings.Repeat("k", 511) + "2"}
	var errs []error
	texts := map[string]string{}
	for i, key := range keys {
		texts[key] = fmt.Sprint("number ", i)
		errs = append(errs, swaps(ctx, s, key, "", texts[key], true))
	}
	errs = append(errs, holds(ctx, s, texts), swaps(ctx, s, keys[0], texts[keys[0]], "", true))
	delete(texts, keys[0])
	return errors.Join(append(errs, holds(ctx, s, texts))...)
}

// rivals is how many swap at once.
const rivals = 16

func oneWins(ctx context.Context, s notice.Troubles) error {
	old := ""
	for round := range 8 {
		won, err := race(ctx, s, old, round)
		switch {
		case err != nil:
			return err
		case len(won) != 1:
			return fmt.Errorf("%d of %d that swapped %q at once were told that they did", len(won), rivals, old)
		}
		if err := holds(ctx, s, map[string]string{"a": won[0]}); err != nil {
			return err
		}
		old = won[0]
	}
	return nil
}

// race has several swap the same at once, and returns what those brought that
// were told that they did.
func race(ctx context.Context, s notice.Troubles, old string, round int) (won []string, err error) {
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		errs  []error
		start = make(chan struct{})
	)
	for i := range rivals {
		group.Go(func() {
			<-start
			text := fmt.Sprintf("round %d, number %d", round, i)
			done, err := s.SwapTrouble(ctx, "a", document(old), document(text))
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			if done {
				won = append(won, text)
			}
		})
	}
	close(start)
	group.Wait()
	return won, errors.Join(errs...)
}
