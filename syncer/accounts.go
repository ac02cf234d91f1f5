package syncer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// AccountOptions say which accounts are checked. The zero value means all.
type AccountOptions struct {
	// User keeps the accounts of one person: by the person's e-mail, username or
	// employee id, or by the account's own e-mail, username or external id.
	User string
	// Record, if set, receives what is found of each account. An error ends the
	// check.
	Record func(AccountCheck) error
}

// An AccountState is what comes of comparing an account with its application.
type AccountState string

// The states of a checked account.
const (
	AccountSame        AccountState = "same"
	AccountDiffers     AccountState = "differs"
	AccountGone        AccountState = "gone"        // the application has no such account
	AccountUnsupported AccountState = "unsupported" // no integration that brings it can look at a single account
	AccountFailed      AccountState = "failed"      // it could not be asked for
)

// An AccountCheck is what was found of one account.
type AccountCheck struct {
	ID          string       `json:"id"` // the record of saas_users
	ExternalID  string       `json:"external_id"`
	Username    string       `json:"username,omitempty"`
	Email       string       `json:"email,omitempty"`
	User        string       `json:"user,omitempty"`        // whose account it is, as the record says
	Integration string       `json:"integration,omitempty"` // that was asked; empty if none could be
	State       AccountState `json:"state"`
	// Differences are the fields in which record and application differ: Before as
	// it is stored, After as it is there.
	Differences []Difference `json:"differences,omitempty"`
	Reason      string       `json:"reason,omitempty"` // why it is unsupported or failed
}

// An AccountSummary counts the checks of an application's accounts.
type AccountSummary struct {
	Application string `json:"application"` // its name
	Checked     int64  `json:"checked"`     // the sum of the others
	Same        int64  `json:"same"`
	Differs     int64  `json:"differs"`
	Gone        int64  `json:"gone"`
	Unsupported int64  `json:"unsupported"`
	Failed      int64  `json:"failed"`
}

// The objects and fields of SaaS accounts.
const (
	objApplications = "saas_applications"
	objAccounts     = "saas_users"
	objUsers        = "users"
)

// CheckAccounts compares the accounts of a SaaS application, which is given by its
// name or id, with what the application says of each now: id, status, roles and
// last activity. Nothing is written.
//
// Each account is asked for through every integration that brings it, directly or
// with its person, and whose connector can look at a single account, see
// [connector.AccountReader]. A value that the vendor does not tell, or that is
// neither mapped nor stored, is not compared. After an error of class
// connector.ErrAuth an integration is asked no more. The error is ErrNotFound if
// there is no such application, or no account of that user in it.
func (s *Syncer) CheckAccounts(ctx context.Context, application string, opt AccountOptions) (AccountSummary, error) {
	c, err := s.newAccountCheck(ctx, application, opt)
	if err != nil {
		return AccountSummary{}, fmt.Errorf("check the accounts of %q: %w", application, err)
	}
	err = c.run(ctx)
	for _, a := range c.askers {
		err = errors.Join(err, a.close())
	}
	if err != nil {
		return c.summary, fmt.Errorf("check the accounts of %q: %w", application, err)
	}
	return c.summary, nil
}

// An accountCheck is one check.
type accountCheck struct {
	s        *Syncer
	opt      AccountOptions
	object   *mapping.Object // of the accounts
	accounts []Hit
	askers   []*asker
	summary  AccountSummary
}

// An asker asks one integration's vendor for single accounts.
type asker struct {
	s      *Syncer
	in     Integration
	linked map[string]string // record -> vendor id, empty for one that goes with its person
	fields []mapping.FieldMapping
	stream connector.Stream
	cannot string // why it cannot be asked; empty if it can

	src   connector.Source
	reads connector.AccountReader
	err   error // that will not pass
}

func (s *Syncer) newAccountCheck(ctx context.Context, application string, opt AccountOptions) (*accountCheck, error) {
	schema, err := s.store.Schema(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	apps, okApps := schema.Object(objApplications)
	accounts, okAccounts := schema.Object(objAccounts)
	if !okApps || !okAccounts {
		return nil, unsupported("store", "look up accounts", "keep "+objApplications+" and "+objAccounts)
	}
	app, err := s.application(ctx, apps, application)
	if err != nil {
		return nil, err
	}
	c := &accountCheck{s: s, opt: opt, object: accounts, summary: AccountSummary{Application: recordLabel(apps, app.Values)}}
	if c.accounts, err = s.accountsOf(ctx, app.ID, ""); err != nil {
		return nil, err
	}
	c.accounts = slices.DeleteFunc(c.accounts, func(h Hit) bool { return h.Archived })
	if err := c.keepUser(ctx, schema); err != nil {
		return nil, err
	}
	return c, c.findAskers(ctx, app.ID)
}

// application finds an application by its name, or by its id.
func (s *Syncer) application(ctx context.Context, o *mapping.Object, name string) (Hit, error) {
	at := o.Field("name")
	if at < 0 {
		return Hit{}, unsupported("store", "look up "+o.Name, "find one by its name")
	}
	queries := []Query{
		{Object: o.Name, By: ByKey, Fields: []string{"name"}, Values: []string{o.Fields[at].Normalize(mapping.TextValue(name))}},
		{Object: o.Name, By: ByID, Values: []string{name}},
	}
	for _, q := range queries {
		if q.Values[0] == "" {
			continue
		}
		hits, err := s.store.Match(ctx, q)
		if err != nil {
			return Hit{}, fmt.Errorf("look the application up: %w", err)
		}
		if len(hits) == 1 && len(hits[0]) > 0 {
			return hits[0][0], nil
		}
	}
	return Hit{}, fmt.Errorf("application %q%s: %w", name, s.meantApplication(ctx, o, at, name), ErrNotFound)
}

// meantApplication asks whether another application was meant.
func (s *Syncer) meantApplication(ctx context.Context, o *mapping.Object, at int, name string) string {
	reader, ok := s.store.(Reader)
	if !ok {
		return ""
	}
	var names []string
	for rec, err := range reader.Records(ctx, RecordQuery{Object: o.Name}) {
		if err != nil {
			return "" // it is only a hint
		}
		names = append(names, o.Fields[at].Format(rec.Values[at]))
	}
	return strings.TrimPrefix(meant(name, names), ";")
}

// accountsOf returns the accounts of an application, with the links that an
// integration has to them.
func (s *Syncer) accountsOf(ctx context.Context, app, integration string) ([]Hit, error) {
	hits, err := s.store.Match(ctx, Query{Integration: integration, Object: objAccounts, By: ByParent, Fields: []string{"application"}, Values: []string{app}})
	if err != nil {
		return nil, fmt.Errorf("look the accounts up: %w", err)
	}
	if len(hits) != 1 {
		return nil, connector.Errorf(connector.ErrInternal, "look the accounts up", "the store answered %d of 1 questions", len(hits))
	}
	return hits[0], nil
}

// keepUser drops the accounts of other people.
func (c *accountCheck) keepUser(ctx context.Context, schema *mapping.Schema) error {
	if c.opt.User == "" {
		return nil
	}
	people := map[string]bool{}
	if users, ok := schema.Object(objUsers); ok {
		for i := range users.Fields {
			f := &users.Fields[i]
			text := f.Normalize(mapping.TextValue(c.opt.User))
			if !f.Unique || text == "" {
				continue
			}
			hits, err := c.s.store.Match(ctx, Query{Object: objUsers, By: ByKey, Fields: []string{f.Name}, Values: []string{text}})
			if err != nil {
				return fmt.Errorf("look the user up: %w", err)
			}
			for _, h := range slices.Concat(hits...) {
				people[h.ID] = true
			}
		}
	}
	c.accounts = slices.DeleteFunc(c.accounts, func(h Hit) bool { return !people[c.text(h, "user_id")] && !c.named(h) })
	if len(c.accounts) == 0 {
		return fmt.Errorf("no account of %q: %w", c.opt.User, ErrNotFound)
	}
	return nil
}

// named reports whether the account itself bears the user's name.
func (c *accountCheck) named(h Hit) bool {
	return slices.ContainsFunc([]string{"email", "username", "external_id", "user"}, func(field string) bool {
		text := strings.TrimSpace(c.text(h, field))
		return text != "" && strings.EqualFold(text, strings.TrimSpace(c.opt.User))
	})
}

// text returns a field of an account.
func (c *accountCheck) text(h Hit, field string) string {
	at := c.object.Field(field)
	if at < 0 {
		return ""
	}
	return c.object.Fields[at].Format(h.Values[at])
}

// findAskers finds out which integrations bring the accounts.
func (c *accountCheck) findAskers(ctx context.Context, app string) error {
	all, err := c.s.journal.Integrations(ctx)
	if err != nil {
		return fmt.Errorf("read the integrations: %w", err)
	}
	for _, in := range all {
		if !in.bringsAccounts(c.s.opt.Mappers[in.ID]) {
			continue
		}
		hits, err := c.s.accountsOf(ctx, app, in.ID)
		if err != nil {
			return err
		}
		a := &asker{s: c.s, in: in, linked: map[string]string{}, fields: in.accountFields()}
		for _, h := range hits {
			if h.Link != nil {
				a.linked[h.ID] = h.Link.VendorID
			}
		}
		if len(a.linked) > 0 {
			a.look()
			c.askers = append(c.askers, a)
		}
	}
	return nil
}

// bringsAccounts reports whether the integration fills accounts, by its own mapper
// if it has one.
func (in *Integration) bringsAccounts(own mapping.Mapper) bool {
	if own != nil {
		return slices.ContainsFunc(own.Targets(), func(t mapping.Target) bool { return t.Object == objAccounts })
	}
	return in.Mapping.Object == objAccounts ||
		slices.ContainsFunc(in.Mapping.Companions, func(c mapping.CompanionMapping) bool { return c.Object == objAccounts })
}

// accountFields returns how the integration fills accounts.
func (in *Integration) accountFields() []mapping.FieldMapping {
	if in.Mapping.Object == objAccounts {
		return in.Mapping.Fields
	}
	for _, m := range in.Mapping.Companions {
		if m.Object == objAccounts {
			return m.Fields
		}
	}
	return nil
}

// look says whether the integration can be asked for single accounts.
func (a *asker) look() {
	conn, err := a.s.opt.Registry.Get(a.in.Connector)
	switch {
	case err != nil:
		a.cannot = err.Error()
	case a.in.State == Archived:
		a.cannot = fmt.Sprintf("integration %s is archived", a.in.ID)
	case !conn.Spec().ReadsAccounts:
		a.cannot = fmt.Sprintf("connector %s cannot look at a single account", a.in.Connector)
	default:
		a.stream, _ = conn.Spec().Stream(a.in.Stream)
	}
}

// open connects to the vendor, once.
func (a *asker) open(ctx context.Context) {
	if a.src != nil || a.err != nil || a.cannot != "" {
		return
	}
	if a.src, a.err = a.s.Open(ctx, a.in); a.err != nil {
		return
	}
	var ok bool
	if a.reads, ok = a.src.(connector.AccountReader); !ok {
		a.cannot = fmt.Sprintf("connector %s says that it can look at a single account, and cannot", a.in.Connector)
	}
}

func (a *asker) close() error {
	if a.src == nil {
		return nil
	}
	if err := a.src.Close(); err != nil {
		return fmt.Errorf("close the source of %q: %w", a.in.ID, err)
	}
	return nil
}

// run checks account by account.
func (c *accountCheck) run(ctx context.Context) error {
	for _, h := range c.accounts {
		asked := false
		var cannot []string
		for _, a := range c.askers {
			vendorID, linked := a.linked[h.ID]
			if !linked {
				continue
			}
			a.open(ctx)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if a.cannot != "" {
				cannot = append(cannot, a.cannot)
				continue
			}
			asked = true
			check := c.checkOf(h)
			check.Integration = a.in.ID
			if err := a.check(ctx, c, h, vendorID, &check); err != nil {
				return err
			}
			if err := c.tell(check); err != nil {
				return err
			}
		}
		if asked {
			continue
		}
		check := c.checkOf(h)
		check.State, check.Reason = AccountUnsupported, cmp.Or(strings.Join(cannot, "; "), "no integration brings it")
		if err := c.tell(check); err != nil {
			return err
		}
	}
	return nil
}

func (c *accountCheck) checkOf(h Hit) AccountCheck {
	return AccountCheck{ID: h.ID, ExternalID: c.text(h, "external_id"), Username: c.text(h, "username"), Email: c.text(h, "email"), User: c.text(h, "user")}
}

func (c *accountCheck) tell(check AccountCheck) error {
	c.summary.Checked++
	switch check.State {
	case AccountSame:
		c.summary.Same++
	case AccountDiffers:
		c.summary.Differs++
	case AccountGone:
		c.summary.Gone++
	case AccountUnsupported:
		c.summary.Unsupported++
	case AccountFailed:
		c.summary.Failed++
	}
	if c.opt.Record != nil {
		return c.opt.Record(check)
	}
	return nil
}

// check asks for one account. The error is that of a check that ended, not the
// vendor's.
func (a *asker) check(ctx context.Context, c *accountCheck, h Hit, vendorID string, check *AccountCheck) error {
	if a.err != nil {
		check.State, check.Reason = AccountFailed, "not asked, since "+a.err.Error()
		return nil
	}
	account, err := a.read(ctx, check.ExternalID, vendorID)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch {
	case err == nil:
		check.Differences = a.compare(c.object, h, account)
		check.State = AccountSame
		if len(check.Differences) > 0 {
			check.State = AccountDiffers
		}
	case errors.Is(err, connector.ErrNotFound):
		check.State = AccountGone
	case errors.Is(err, connector.ErrUnsupported):
		check.State, check.Reason = AccountUnsupported, err.Error()
	default:
		check.State, check.Reason = AccountFailed, err.Error()
		if errors.Is(err, connector.ErrAuth) {
			a.err = err
		}
	}
	return nil
}

// read asks by the account's id in the application, and, where the integration
// knows the record by another one, by that.
func (a *asker) read(ctx context.Context, externalID, vendorID string) (connector.Account, error) {
	account, err := a.readOne(ctx, externalID)
	if errors.Is(err, connector.ErrNotFound) && vendorID != "" && vendorID != externalID {
		return a.readOne(ctx, vendorID)
	}
	return account, err
}

// readOne asks once more if the vendor says when.
func (a *asker) readOne(ctx context.Context, id string) (connector.Account, error) {
	account, err := a.safeRead(ctx, id)
	var e *connector.Error
	if !errors.Is(err, connector.ErrRateLimited) || !errors.As(err, &e) || e.RetryAfter <= 0 {
		return account, err
	}
	t := time.NewTimer(e.RetryAfter)
	defer t.Stop()
	select {
	case <-t.C:
		return a.safeRead(ctx, id)
	case <-ctx.Done():
		return account, context.Cause(ctx)
	}
}

// safeRead turns a panic of the connector into an error.
func (a *asker) safeRead(ctx context.Context, id string) (account connector.Account, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = connector.Errorf(connector.ErrInternal, "read account", "the connector panicked: %v", p)
		}
	}()
	return a.reads.ReadAccount(ctx, id)
}

// compare returns in what the account differs from its record.
func (a *asker) compare(o *mapping.Object, h Hit, account connector.Account) []Difference {
	var out []Difference
	add := func(name string, actual mapping.Value, same func(f *mapping.Field, stored mapping.Value) bool) {
		at := o.Field(name)
		if at < 0 {
			return
		}
		f, stored := &o.Fields[at], h.Values[at]
		m := a.mapped(name)
		if stored.IsEmpty() && (actual.IsEmpty() || m == nil) || same(f, stored) {
			return
		}
		d := Difference{Field: name, Before: f.AppendJSON(nil, stored), After: f.AppendJSON(nil, actual)}
		if m != nil && a.sensitive(m.From) {
			d.Before, d.After = masked(d.Before), masked(d.After)
		}
		out = append(out, d)
	}
	if account.ID != "" {
		add("external_id", mapping.TextValue(account.ID), func(f *mapping.Field, stored mapping.Value) bool {
			// Asked by another id, the vendor may answer with its own.
			return strings.EqualFold(f.Format(stored), account.ID) || account.ID == a.linked[h.ID]
		})
	}
	if account.Status != "" {
		status := a.translate("status", account.Status)
		add("status", mapping.TextValue(status), func(f *mapping.Field, stored mapping.Value) bool { return sameText(f.Format(stored), status) })
	}
	if account.Roles != nil {
		roles := make([]string, len(account.Roles))
		for i, role := range account.Roles {
			roles[i] = a.translate("roles", role)
		}
		add("roles", listValue(roles), func(f *mapping.Field, stored mapping.Value) bool { return sameSet(texts(f, stored), roles) })
	}
	if !account.LastActivity.IsZero() {
		at := account.LastActivity.UTC()
		add("last_activity_at", mapping.TextValue(at.Format(time.RFC3339Nano)), func(_ *mapping.Field, stored mapping.Value) bool {
			had, err := time.Parse(time.RFC3339Nano, stored.Text)
			return err == nil && had.Truncate(time.Second).Equal(at.Truncate(time.Second))
		})
	}
	return out
}

// mapped returns how the integration fills a field, nil if it does not. The id of
// an account that goes with its person need not be mapped.
func (a *asker) mapped(field string) *mapping.FieldMapping {
	if i := slices.IndexFunc(a.fields, func(m mapping.FieldMapping) bool { return m.To == field }); i >= 0 {
		return &a.fields[i]
	}
	return nil
}

// sensitive reports whether a source path is that of a sensitive field.
func (a *asker) sensitive(path string) bool {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "record."), "response.")
	return path != "" && slices.ContainsFunc(a.stream.Fields, func(f connector.Field) bool { return f.Sensitive && f.Path == path })
}

// translate says a vendor's word as the integration's mapping writes it.
func (a *asker) translate(field, text string) string {
	m := a.mapped(field)
	if m == nil || len(m.Values) == 0 {
		return text
	}
	for from, to := range m.Values {
		if sameText(from, text) {
			return to
		}
	}
	return cmp.Or(m.Otherwise, text)
}

func sameText(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) }

// sameSet reports whether two lists hold the same texts, in whatever order.
func sameSet(a, b []string) bool {
	normal := func(list []string) []string {
		out := make([]string, len(list))
		for i, text := range list {
			out[i] = strings.ToLower(strings.TrimSpace(text))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(normal(a), normal(b))
}

// listValue returns a list as a field's value, null for an empty one.
func listValue(items []string) mapping.Value {
	if len(items) == 0 {
		return mapping.Null
	}
	b, err := json.Marshal(items)
	if err != nil {
		return mapping.Null // texts always marshal
	}
	return mapping.TextValue(string(b))
}
