package credentials

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// DefaultMaxFile is how many bytes of a file [References] reads at most, unless
// told otherwise.
const DefaultMaxFile = 64 << 10

// References resolves references of the forms "env:NAME" and "file:PATH" within
// what the host allows. The zero value resolves none of them. A value that is
// no secret, see [Field], may stand as it is: "header", "ada@example.com". It is
// safe for concurrent use.
type References struct {
	// Env lists the variables that may be read, as shell patterns ("OKTA_*").
	// Empty means none.
	Env []string
	// Folders are those below which files may be read. A symbolic link that leads
	// out of its folder, or whose target is an absolute path, is not followed. A
	// relative path starts from the first folder. Empty means none.
	Folders []string
	// Keys are those of the host's vault. Neither the variable or file a key came
	// from is read, nor anything else that holds one.
	Keys []Key
	// MaxFile is how many bytes a file may have. Zero means DefaultMaxFile.
	MaxFile int64
	// Lookup reads a variable. Defaults to os.LookupEnv.
	Lookup func(name string) (string, bool)
}

// Resolve reads every value of ref. One line break at the end of a file does
// not count. It reports all faults together; no fault quotes a secret.
func (r References) Resolve(ctx context.Context, ref Ref) (Credential, error) {
	return ref.resolve(func(f Field, reference string) (string, error) {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		return r.read(f, reference)
	})
}

// errHoldsKey says nothing of what holds the key beyond its name, which the
// reference has said.
var errHoldsKey = errors.New("it holds a key of the vault, which no reference may read")

func (r References) read(f Field, reference string) (string, error) {
	var value string
	var err error
	if name, ok := strings.CutPrefix(reference, "env:"); ok {
		value, err = r.readEnv(name)
	} else if name, ok := strings.CutPrefix(reference, "file:"); ok {
		value, err = r.readFile(name)
	} else if f.Secret {
		return "", errors.New("write a reference such as env:NAME or file:PATH, never the secret itself")
	} else {
		return reference, nil
	}
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(r.Keys, func(key Key) bool { return key.isIn(value) }) {
		return "", fmt.Errorf("%s: %w", reference, errHoldsKey)
	}
	return value, nil
}

// isIn reports whether text holds the key in one of the forms that ParseKey
// takes.
func (k Key) isIn(text string) bool {
	if k.IsZero() {
		return false
	}
	digits := hex.EncodeToString([]byte(k.bytes.Reveal()))
	return strings.Contains(text, k.Reveal()) || strings.Contains(strings.ToLower(text), digits)
}

func (r References) readEnv(name string) (string, error) {
	// Names are compared without regard to case, as Windows does.
	if slices.ContainsFunc(r.Keys, func(key Key) bool { return key.env != "" && strings.EqualFold(key.env, name) }) {
		return "", fmt.Errorf("env:%s: %w", name, errHoldsKey)
	}
	return readEnv(name, r.Env, r.Lookup)
}

func (r References) readFile(name string) (string, error) {
	folder, rest, err := r.place(name)
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", fmt.Errorf("open a folder that the host allows: %w", err)
	}
	defer func() { _ = root.Close() }()           // it was only read
	if info, err := root.Stat(rest); err != nil { // before it is opened: opening a pipe waits for its writer
		return "", fmt.Errorf("read the file %s: %w", name, err)
	} else if !info.Mode().IsRegular() {
		return "", fmt.Errorf("read the file %s: it is not a regular file", name)
	}
	file, err := root.Open(rest)
	if err != nil {
		return "", fmt.Errorf("read the file %s: %w", name, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := r.refuseKeyFile(file); err != nil {
		return "", fmt.Errorf("file:%s: %w", name, err)
	}
	return r.content(file, name)
}

// place returns the allowed folder that a file is below, and its path from
// there. It compares names; that links do not lead out is seen to by os.Root.
func (r References) place(name string) (folder, rest string, err error) {
	for _, folder := range r.Folders {
		rest := filepath.Clean(filepath.FromSlash(name))
		if filepath.IsAbs(rest) {
			if rest, err = filepath.Rel(folder, rest); err != nil {
				continue
			}
		} else if folder != r.Folders[0] {
			continue
		}
		if filepath.IsLocal(rest) && rest != "." {
			return folder, rest, nil
		}
	}
	return "", "", fmt.Errorf("the host does not allow reading the file %s", name)
}

// refuseKeyFile refuses the file that a key came from, by whatever name it was
// opened.
func (r References) refuseKeyFile(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	for _, key := range r.Keys {
		if key.file == "" {
			continue
		}
		if own, err := os.Stat(key.file); err == nil && os.SameFile(own, info) {
			return errHoldsKey
		}
	}
	return nil
}

func (r References) content(file io.Reader, name string) (string, error) {
	limit := r.MaxFile
	if limit <= 0 {
		limit = DefaultMaxFile
	}
	b, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return "", fmt.Errorf("read the file %s: %w", name, err)
	}
	if int64(len(b)) > limit {
		return "", fmt.Errorf("the file %s has more than %d bytes", name, limit)
	}
	text, ok := strings.CutSuffix(string(b), "\r\n")
	if !ok {
		text = strings.TrimSuffix(text, "\n")
	}
	if text == "" {
		return "", fmt.Errorf("the file %s is empty", name)
	}
	return text, nil
}
