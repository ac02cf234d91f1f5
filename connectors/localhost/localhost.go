package localhost

import (
	"context"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/vendorsync/vendorsync/connector"
)

// A Connector reads the machine it runs on. The zero value is ready to use. Its
// methods are safe for concurrent use as long as nobody changes Root.
type Connector struct {
	// Root is the folder that stands for "/": that of a mounted disk image, or
	// of a test's fixtures. Empty means "/". Under another root only files are
	// read, and so the record has no IP addresses: those of the running machine
	// are not the image's. Absolute symbolic links in it are followed from the
	// running machine's "/".
	Root string

	// What a test puts in place of the running machine; zero for the real one.
	platform   string
	files      fs.FS
	interfaces func() ([]networkInterface, error)
	findRPM    func() (string, error)
	now        func() time.Time
}

// New returns a Connector for the running machine.
func New() *Connector { return &Connector{} }

// Spec returns the catalogue entry.
func (c *Connector) Spec() connector.Spec { return spec() }

// Open returns a Source over the machine. It reads nothing yet. On anything but
// Linux it returns an ErrUnsupported.
func (c *Connector) Open(_ context.Context, cfg connector.Config) (connector.Source, error) {
	platform := c.platform
	if platform == "" {
		platform = runtime.GOOS
	}
	if platform != "linux" {
		return nil, &connector.Error{
			Class:   connector.ErrUnsupported,
			Op:      "open localhost",
			Message: "this machine runs " + platform + ", and the connector reads Linux only",
			Remedy:  "run it on a Linux machine, or use the connector of the system that manages this one",
		}
	}
	settings, err := c.Spec().Resolve(cfg.Settings)
	if err != nil {
		return nil, err
	}
	return &source{machine: c.machine(cfg.Log()), settings: settings}, nil
}

func (c *Connector) machine(log *slog.Logger) *machine {
	root := c.Root
	if root == "" {
		root = "/"
	}
	m := &machine{
		root:       root,
		running:    root == "/",
		files:      c.files,
		interfaces: c.interfaces,
		findRPM:    c.findRPM,
		now:        c.now,
		log:        log,
	}
	if m.files == nil {
		m.files = os.DirFS(root)
	}
	if m.interfaces == nil && m.running {
		m.interfaces = systemInterfaces
	}
	if m.findRPM == nil {
		m.findRPM = func() (string, error) { return exec.LookPath("rpm") }
	}
	if m.now == nil {
		m.now = time.Now
	}
	return m
}

// source is the connector.Source. It holds nothing that needs closing.
type source struct {
	machine  *machine
	settings connector.Settings
}

// Read yields the whole stream as one page: a machine has one asset, and its
// password file fits into memory many times over.
func (s *source) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Page, error] {
	return connector.Paginate(ctx, req.Cursor, func(ctx context.Context, cursor connector.Cursor) (connector.Page, error) {
		if cursor != "" {
			return connector.Page{}, connector.Errorf(connector.ErrCursor, "read "+req.Stream, "%q is no cursor of this connector, which reads a stream in one page", cursor)
		}
		switch req.Stream {
		case AssetStream:
			return s.assetPage(ctx)
		case PeopleStream:
			return s.peoplePage()
		default:
			return connector.Page{}, connector.Errorf(connector.ErrNotFound, "read localhost", "there is no stream %q; there are %s and %s", req.Stream, AssetStream, PeopleStream)
		}
	})
}

func (s *source) assetPage(ctx context.Context) (connector.Page, error) {
	a, err := s.machine.asset(ctx, s.settings.Bool(softwareSetting))
	if err != nil {
		return connector.Page{}, err
	}
	rec, err := connector.JSON(a)
	if err != nil {
		return connector.Page{}, err
	}
	return connector.Page{Records: []connector.Record{rec}, Last: true}, nil
}

func (s *source) peoplePage() (connector.Page, error) {
	people, faults, err := s.machine.people(s.settings.Bool(systemSetting))
	if err != nil {
		return connector.Page{}, err
	}
	page := connector.Page{Faults: faults, Last: true}
	for _, p := range people {
		rec, err := connector.JSON(p)
		if err != nil {
			return connector.Page{}, err
		}
		page.Records = append(page.Records, rec)
	}
	return page, nil
}

// Close does nothing: Open and Read keep nothing open.
func (s *source) Close() error { return nil }
