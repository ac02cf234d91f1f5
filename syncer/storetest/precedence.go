package storetest

import (
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

func precedenceRules() []rule {
	return []rule{
		{"precedence-kept", "a precedence comes back as it was saved, and again after it was replaced", precedenceKept},
		{"precedence-none", "an object without precedence has a zero one with its name", precedenceNone},
		{"precedence-removed", "a precedence that orders nothing removes the one there was", precedenceRemoved},
	}
}

func (p *probe) precedences() syncer.PrecedenceKeeper {
	return p.store.(syncer.PrecedenceKeeper) //nolint:errcheck // the part's rules run for keepers alone
}

func (p *probe) savePrecedence(v syncer.Precedence) {
	p.no(p.precedences().SavePrecedence(p.ctx, v), "SavePrecedence")
}

func (p *probe) precedenceIs(want syncer.Precedence) {
	got, err := p.precedences().Precedence(p.ctx, want.Object)
	p.no(err, "Precedence")
	p.at("UpdatedAt of a precedence", got.UpdatedAt, want.UpdatedAt)
	got.UpdatedAt, want.UpdatedAt = time.Time{}, time.Time{}
	p.alike("the precedence of "+want.Object, got, want)
}

func precedence(object string) syncer.Precedence {
	return syncer.Precedence{
		Object: object, Order: []string{"hr", "an integration that nobody knows", "mdm"},
		Fields:      map[string][]string{"department": {"mdm", "hr"}, "title": {"directory 世界"}},
		SilentAfter: 30, UpdatedAt: start.Add(time.Minute), UpdatedBy: "ada",
	}
}

func precedenceKept(p *probe) {
	v := precedence("users")
	p.savePrecedence(v)
	p.savePrecedence(syncer.Precedence{Object: "assets", Fields: map[string][]string{"notes": {"mdm"}}})
	p.precedenceIs(v)
	v.Order[0], v.Fields["title"][0] = "changed by its owner", "changed by its owner"
	p.precedenceIs(precedence("users"))
	p.precedenceIs(syncer.Precedence{Object: "assets", Fields: map[string][]string{"notes": {"mdm"}}})
	least := syncer.Precedence{Object: "users", Order: []string{"mdm"}}
	p.savePrecedence(least)
	p.precedenceIs(least)
}

func precedenceNone(p *probe) {
	p.precedenceIs(syncer.Precedence{Object: "users"})
	p.savePrecedence(precedence("assets"))
	p.precedenceIs(syncer.Precedence{Object: "users"})
}

func precedenceRemoved(p *probe) {
	for _, nothing := range []syncer.Precedence{
		{Object: "users"},
		{Object: "users", Order: []string{}, Fields: map[string][]string{"title": {}}, SilentAfter: 7, UpdatedAt: start, UpdatedBy: "bob"},
	} {
		p.savePrecedence(precedence("users"))
		p.savePrecedence(precedence("assets"))
		p.savePrecedence(nothing)
		p.precedenceIs(syncer.Precedence{Object: "users"})
		p.precedenceIs(precedence("assets"))
		p.savePrecedence(nothing)
	}
}
