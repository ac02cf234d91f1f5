package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/credentials"
)

// The triggers notice what people do to the tables with other programs, such as
// sqlite3: they keep the history, mark links as stale and ask for new keys. The
// store's own writes raise the revision and so pass them by; it inserts with
// _rekey 0, which no trigger needs to look at. They use nothing but SQL, since
// they run in the other program.

// triggers returns the statements that make the triggers of an object, by name.
func (m *model) triggers(l *layout) map[string]string {
	name := l.object.Name
	return map[string]string{
		name + "_edited":  m.editedTrigger(l),
		name + "_deleted": m.deletedTrigger(l),
		name + "_id":      idTrigger(l),
	}
}

// idTrigger keeps the id of a record, by which links and history know it.
func idTrigger(l *layout) string {
	return fmt.Sprintf(`CREATE TRIGGER %s BEFORE UPDATE OF "id" ON %s WHEN NEW."id" IS NOT OLD."id" BEGIN
  SELECT RAISE(ABORT, 'the id of a record cannot be changed');
END`, quote(l.object.Name+"_id"), l.table)
}

// editedTrigger notices an update that does not raise the revision.
func (m *model) editedTrigger(l *layout) string {
	var of, changed, keyChanged, keys, values []string
	for i, c := range l.columns {
		differs := "NEW." + c.name + " IS NOT OLD." + c.name
		of = append(of, c.name)
		changed = append(changed, differs)
		after := "NEW." + c.name
		if c.text != "" { // another text means nobody until a run finds out
			after = fmt.Sprintf("CASE WHEN NEW.%s IS NOT OLD.%s AND NEW.%s IS OLD.%s THEN NULL ELSE NEW.%s END", c.text, c.text, c.name, c.name, c.name)
			keys = append(keys, fmt.Sprintf(",\n    %s = %s", c.name, after))
		}
		values = append(values, changedSQL(l.object.Fields[i].Name, "OLD."+c.name, after))
		if l.inKey(i) {
			keyChanged = append(keyChanged, differs)
		}
		if c.keyed != "" {
			keys = append(keys, fmt.Sprintf(",\n    %s = CASE WHEN %s THEN NULL ELSE %s END", c.keyed, differs, c.keyed))
		}
	}
	of = append(of, colRevision, colArchived)
	changed = append(changed, "NEW."+colArchived+" IS NOT OLD."+colArchived)
	rekey := ""
	if len(keyChanged) > 0 {
		rekey = fmt.Sprintf(",\n    %s = CASE WHEN %s = 0 AND (%s) THEN %d ELSE %s END", colRekey, colRekey, strings.Join(keyChanged, " OR "), rekeyEdited, colRekey)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `CREATE TRIGGER %s AFTER UPDATE OF %s ON %s
WHEN NEW."revision" < OLD."revision" OR (NEW."revision" = OLD."revision" AND (%s))
BEGIN
  SELECT RAISE(ABORT, 'the revision of a record cannot go back') WHERE NEW."revision" < OLD."revision";
  UPDATE %s SET
    "revision" = max("revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = %d AND record = +NEW."id"), 0)) + 1,
    "updated_at" = %s%s%s
    WHERE "id" = NEW."id";
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT %d, t."id", t."revision",
      CASE WHEN NEW."archived_at" IS OLD."archived_at" THEN %d WHEN NEW."archived_at" IS NULL THEN %d WHEN OLD."archived_at" IS NULL THEN %d ELSE %d END,
      t."updated_at",
      (SELECT %s FROM (%s) v WHERE v.before IS NOT v.after)
    FROM %s t WHERE t."id" = NEW."id" AND OLD."_rekey" <> %d;
`,
		quote(l.object.Name+"_edited"), strings.Join(of, ", "), l.table, strings.Join(changed, " OR "),
		l.table, l.number, nowSQL, strings.Join(keys, ""), rekey,
		l.number, codeUpdate, codeRestore, codeArchive, codeUpdate,
		l.changesSQL(), strings.Join(values, " UNION ALL "), l.table, rekeyInserted)
	fmt.Fprintf(&b, "  UPDATE ledger_links SET stale = 1 WHERE object = %d AND target = +NEW.\"id\";\n", l.number)
	for _, f := range l.belongs {
		fmt.Fprintf(&b, "  UPDATE ledger_links SET stale = 1 WHERE object = %d AND target IN (+OLD.%s, +NEW.%s);\n", m.parent(l, f).number, l.columns[f].name, l.columns[f].name)
	}
	for _, sql := range m.usersOf(l, `NEW."id"`) {
		b.WriteString("  " + sql + ";\n")
	}
	b.WriteString("END")
	return b.String()
}

// deletedTrigger notices that a record is gone, and takes what is a part of it
// along. References to it wait again.
func (m *model) deletedTrigger(l *layout) string {
	values := make([]string, len(l.columns))
	for i, c := range l.columns {
		values[i] = changedSQL(l.object.Fields[i].Name, "OLD."+c.name, "NULL")
	}
	var b strings.Builder
	fmt.Fprintf(&b, `CREATE TRIGGER %s AFTER DELETE ON %s
BEGIN
  INSERT INTO ledger_history (object, record, revision, batch, op, changes)
    SELECT %d, OLD."id", 1, OLD."_batch", %d, OLD."_columns" WHERE OLD."_batch" IS NOT NULL;
  INSERT INTO ledger_history (object, record, revision, op, at, changes)
    SELECT %d, OLD."id", max(OLD."revision", coalesce((SELECT max(revision) FROM ledger_history WHERE object = %d AND record = +OLD."id"), 0)) + 1,
      %d, %s, (SELECT %s FROM (%s) v WHERE v.before IS NOT NULL);
  DELETE FROM ledger_links WHERE object = %d AND target = +OLD."id";
  DELETE FROM ledger_superseded WHERE object = %d AND target = +OLD."id";
  DELETE FROM ledger_withheld WHERE object = %d AND target = +OLD."id";
`,
		quote(l.object.Name+"_deleted"), l.table, l.number, codeCreate, l.number, l.number, codeDelete, nowSQL, l.changesSQL(), strings.Join(values, " UNION ALL "), l.number, l.number, l.number)
	for _, f := range l.belongs {
		fmt.Fprintf(&b, "  UPDATE ledger_links SET stale = 1 WHERE object = %d AND target = +OLD.%s;\n", m.parent(l, f).number, l.columns[f].name)
	}
	// What was merged into it is a record of its own again, with all its keys.
	fmt.Fprintf(&b, `  UPDATE %s SET "_rekey" = %d WHERE "id" IN (SELECT record FROM ledger_merges WHERE object = %d AND target = OLD."id");
  DELETE FROM ledger_merges WHERE object = %d AND record = OLD."id";
  DELETE FROM ledger_merges WHERE object = %d AND target = OLD."id";
`, l.table, rekeyEdited, l.number, l.number, l.number)
	for _, child := range m.layouts {
		for _, f := range child.links {
			switch c := &child.columns[f]; {
			case child.object.Fields[f].Object != l.object.Name:
			case c.text == "":
				fmt.Fprintf(&b, "  DELETE FROM %s WHERE %s = OLD.\"id\";\n", child.table, c.name)
			default:
				fmt.Fprintf(&b, "  UPDATE %s SET %s = NULL WHERE %s = OLD.\"id\";\n", child.table, c.name, c.name)
			}
		}
	}
	b.WriteString("END")
	return b.String()
}

// changedSQL is a row of field, before and after.
func changedSQL(field, before, after string) string {
	return fmt.Sprintf("SELECT '%s' AS field, %s AS before, %s AS after", field, before, after)
}

// changesSQL gathers rows of field, before and after into the JSON text of
// [changes]. Fields that are sensitive to any integration are masked.
func (l *layout) changesSQL() string {
	masked := func(column string) string {
		return fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN '%s' END", column, credentials.Mask)
	}
	return fmt.Sprintf("json_group_object(v.field, json(CASE WHEN EXISTS (SELECT 1 FROM ledger_hidden WHERE object = %d AND field = v.field) "+
		"THEN json_array(%s, %s, json('true')) ELSE json_array(v.before, v.after) END))", l.number, masked("v.before"), masked("v.after"))
}

// sharedObjects are those whose records are used by many others. Who uses one
// sees it as a part of itself: a title's name is a part of what is installed.
var sharedObjects = []string{"software", "saas_applications"}

// usersOf returns the statements that mark the links of all that use a shared
// record, whose id is an expression, as stale.
func (m *model) usersOf(l *layout, id string) []string {
	if !slices.Contains(sharedObjects, l.object.Name) {
		return nil
	}
	var all []string
	for _, child := range m.layouts {
		for _, f := range child.links {
			if child.object.Fields[f].Object != l.object.Name || child.columns[f].text != "" {
				continue
			}
			using := fmt.Sprintf("FROM %s WHERE %s = %s", child.table, child.columns[f].name, id)
			all = append(all, fmt.Sprintf("UPDATE ledger_links SET stale = 1 WHERE object = %d AND target IN (SELECT +\"id\" %s)", child.number, using))
			for _, other := range child.belongs {
				if other != f {
					all = append(all, fmt.Sprintf("UPDATE ledger_links SET stale = 1 WHERE object = %d AND target IN (SELECT +%s %s)", m.parent(child, other).number, child.columns[other].name, using))
				}
			}
		}
	}
	return all
}

// inKey reports whether a field takes part in a key.
func (l *layout) inKey(field int) bool {
	return slices.ContainsFunc(l.keys, func(k key) bool { return slices.Contains(k.fields, field) })
}

// parent returns the layout of the object that a link field points to.
func (m *model) parent(l *layout, field int) *layout {
	return m.layout(l.object.Fields[field].Object)
}

// staleTriggers returns the triggers that are missing or not as they have to be,
// by name, with the statements that make them.
func staleTriggers(ctx context.Context, c *conn, m *model) (map[string]string, error) {
	have := map[string]string{}
	err := c.query(ctx, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'", nil, func(v []driver.Value) error {
		have[text(v[0])] = text(v[1])
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the triggers: %w", err)
	}
	stale := map[string]string{}
	for _, l := range m.layouts {
		for name, want := range m.triggers(l) {
			if have[name] != want {
				stale[name] = want
			}
		}
	}
	return stale, nil
}

// ensureTriggers makes the triggers as they have to be: they follow from the
// model, and are made anew when it, or what they do, has changed.
func ensureTriggers(ctx context.Context, c *conn, m *model) error {
	stale, err := staleTriggers(ctx, c, m)
	if err != nil {
		return err
	}
	for name, want := range stale {
		if _, err := c.exec(ctx, "DROP TRIGGER IF EXISTS "+quote(name)); err != nil {
			return fmt.Errorf("drop trigger %s: %w", name, err)
		}
		if _, err := c.exec(ctx, want); err != nil {
			return fmt.Errorf("create trigger %s: %w", name, err)
		}
	}
	return nil
}
