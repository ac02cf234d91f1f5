package connectortest_test

import (
	"context"
	"iter"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
)

// sequence is what Read returns.
type sequence = iter.Seq2[connector.Page, error]

// bent is a connector with one or several of its parts replaced. A part that is
// nil is the good one's.
type bent struct {
	good    connector.Connector
	spec    func(*connector.Spec)
	open    func(context.Context, connector.Config) (connector.Source, error)
	opened  func(context.Context, connector.Config)
	check   func(context.Context) (connector.Report, error)
	read    func(ctx context.Context, req connector.Request, good func(context.Context, connector.Request) sequence) sequence
	close   func() error
	able    bool // the Source has every ability, and they answer what the next three say
	fields  func(stream string) ([]connector.Field, error)
	parts   func(stream string) ([]string, error)
	account func(id string) (connector.Account, error)
}

func (b *bent) Spec() connector.Spec {
	spec := b.good.Spec()
	if b.spec != nil {
		b.spec(&spec)
	}
	return spec
}

func (b *bent) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	if b.open != nil {
		return b.open(ctx, cfg)
	}
	if b.opened != nil {
		b.opened(ctx, cfg)
	}
	src, err := b.good.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if b.able {
		return ableSource{bentSource{src, b}}, nil
	}
	return bentSource{src, b}, nil
}

// bentSource has no ability, whatever the good source has.
type bentSource struct {
	connector.Source
	b *bent
}

func (s bentSource) Check(ctx context.Context) (connector.Report, error) {
	if s.b.check != nil {
		return s.b.check(ctx)
	}
	return s.Source.Check(ctx)
}

func (s bentSource) Read(ctx context.Context, req connector.Request) sequence {
	if s.b.read != nil {
		return s.b.read(ctx, req, s.Source.Read)
	}
	return s.Source.Read(ctx, req)
}

func (s bentSource) Close() error {
	if s.b.close != nil {
		return s.b.close()
	}
	return s.Source.Close()
}

type ableSource struct{ bentSource }

func (s ableSource) Discover(ctx context.Context, stream string) ([]connector.Field, error) {
	if s.b.fields != nil {
		return s.b.fields(stream)
	}
	return s.Source.(connector.Discoverer).Discover(ctx, stream)
}

func (s ableSource) Partitions(ctx context.Context, stream string) ([]string, error) {
	if s.b.parts != nil {
		return s.b.parts(stream)
	}
	return s.Source.(connector.Partitioner).Partitions(ctx, stream)
}

func (s ableSource) ReadAccount(ctx context.Context, id string) (connector.Account, error) {
	if s.b.account != nil {
		return s.b.account(id)
	}
	return s.Source.(connector.AccountReader).ReadAccount(ctx, id)
}

// devices is a good connector of 13 records in 3 pages, with a sensitive field
// and a permission.
func devices() *connectortest.Fake {
	fake := connectortest.Devices(13, 7, connectortest.DeviceOptions{RandomIDs: true, Applications: 1})
	describe := fake.Describe
	fake.PageSize = 5
	fake.Describe = func(spec *connector.Spec) {
		describe(spec)
		st := &spec.Streams[0]
		st.Permissions = []connector.Permission{{Name: "devices.read", Why: "to list devices"}}
		for i := range st.Fields {
			if st.Fields[i].Path == "user.name" {
				st.Fields[i].Sensitive = true
			}
		}
	}
	return fake
}

// onPages bends the pages of every read.
func onPages(change func(n int, p *connector.Page)) *bent {
	return &bent{good: devices(), read: func(ctx context.Context, req connector.Request, good func(context.Context, connector.Request) sequence) sequence {
		return func(yield func(connector.Page, error) bool) {
			n := 0
			for p, err := range good(ctx, req) {
				n++
				if err == nil {
					change(n, &p)
				}
				if !yield(p, err) {
					return
				}
			}
		}
	}}
}

// onRead bends a read as a whole.
func onRead(read func(ctx context.Context, req connector.Request, good func(context.Context, connector.Request) sequence) sequence) *bent {
	return &bent{good: devices(), read: read}
}

// onSpec bends the Spec.
func onSpec(change func(*connector.Spec)) *bent { return &bent{good: devices(), spec: change} }

// onStream bends the Spec's stream.
func onStream(change func(*connector.Stream)) *bent {
	return onSpec(func(s *connector.Spec) { change(&s.Streams[0]) })
}
