package syncer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// SetPrecedence declares, on behalf of the person by, whose values count where
// several integrations feed p.Object, in place of what was declared before. One
// that orders nothing removes it. It takes effect with each integration's next
// run.
//
// All that is wrong is reported together, as one error of class
// connector.ErrInvalid: an object, field or integration that is not there, an
// integration that does not feed the object or stands twice in an order. What an
// integration brings along with its own records, such as software with assets, is
// not ordered. The Journal must be a PrecedenceKeeper.
func (s *Syncer) SetPrecedence(ctx context.Context, p Precedence, by string) error {
	op := "set the precedence of " + p.Object
	keeper, ok := s.journal.(PrecedenceKeeper)
	if !ok {
		return unsupported("journal", op, "keep a precedence")
	}
	_, o, err := s.object(ctx, p.Object)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	all, err := s.journal.Integrations(ctx)
	if err != nil {
		return fmt.Errorf("%s: read the integrations: %w", op, err)
	}
	if err := p.validate(o, all); err != nil {
		return &connector.Error{Class: connector.ErrInvalid, Op: op, Err: err, Remedy: "name integrations that feed " + p.Object + ", each once"}
	}
	p = p.normal()
	old, err := keeper.Precedence(ctx, p.Object)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if p.orders(old) {
		return nil
	}
	p.UpdatedAt, p.UpdatedBy = s.opt.Now().UTC(), by
	if err := keeper.SavePrecedence(ctx, p); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// Precedence returns whose values count for an object, a zero Precedence with its
// name if nothing was declared. The Journal must be a PrecedenceKeeper.
func (s *Syncer) Precedence(ctx context.Context, object string) (Precedence, error) {
	op := "read the precedence of " + object
	keeper, ok := s.journal.(PrecedenceKeeper)
	if !ok {
		return Precedence{}, unsupported("journal", op, "keep a precedence")
	}
	if _, _, err := s.object(ctx, object); err != nil {
		return Precedence{}, fmt.Errorf("%s: %w", op, err)
	}
	p, err := keeper.Precedence(ctx, object)
	if err != nil {
		return Precedence{}, fmt.Errorf("%s: %w", op, err)
	}
	return p, nil
}

// normal returns a copy without what says nothing.
func (p Precedence) normal() Precedence {
	p.Order = slices.Clone(p.Order)
	fields := map[string][]string{}
	for name, order := range p.Fields {
		if len(order) > 0 {
			fields[name] = slices.Clone(order)
		}
	}
	if p.Fields = fields; len(fields) == 0 {
		p.Fields = nil
	}
	if len(p.Order) == 0 && p.Fields == nil {
		p.SilentAfter = 0
	}
	return p
}

// orders reports whether two declarations say the same, whoever made them.
func (p Precedence) orders(other Precedence) bool {
	other = other.normal()
	for _, q := range []*Precedence{&p, &other} {
		q.UpdatedAt, q.UpdatedBy = time.Time{}, ""
		if len(q.Order) == 0 {
			q.Order = nil
		}
	}
	return reflect.DeepEqual(p, other)
}

// validate reports all faults together.
func (p Precedence) validate(o *mapping.Object, all []Integration) error {
	var errs []error
	if p.SilentAfter < 0 {
		errs = append(errs, fmt.Errorf("silent_after is %d; it is a number of days, 0 for ever", p.SilentAfter))
	}
	byID := map[string]Integration{}
	var feeding []string
	for _, in := range all {
		byID[in.ID] = in
		if in.Mapping.Object == o.Name {
			feeding = append(feeding, in.ID)
		}
	}
	check := func(what string, order []string) {
		for i, id := range order {
			in, known := byID[id]
			switch {
			case slices.Contains(order[:i], id):
				errs = append(errs, fmt.Errorf("%s: %q stands there twice", what, id))
			case !known:
				errs = append(errs, fmt.Errorf("%s: there is no integration %q%s", what, id, meant(id, feeding)))
			case in.Mapping.Object != o.Name:
				errs = append(errs, fmt.Errorf("%s: integration %q feeds %s and not %s; those that do are: %s", what, id, cmp.Or(in.Mapping.Object, "nothing"), o.Name, cmp.Or(orList(feeding), "none")))
			}
		}
	}
	check("order", p.Order)
	names := make([]string, 0, len(o.Fields))
	for _, f := range o.Fields {
		if f.For == "" {
			names = append(names, f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
		if slices.Contains(names, name) {
			check("field "+name, p.Fields[name])
			continue
		}
		hint := meant(name, names)
		if at := o.Field(name); at >= 0 {
			hint = fmt.Sprintf("; it follows %s", o.Fields[at].For)
		}
		errs = append(errs, fmt.Errorf("field %s: %s have no such field to order%s", name, o.Name, hint))
	}
	return errors.Join(errs...)
}
