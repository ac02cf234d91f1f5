package sqlite

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
)

var update = flag.Bool("update", false, "write the migration of the standard objects")

const objectsMigration = "migrations/00003_objects.sql"

// objectsSQL is the migration that makes the tables of the standard schema.
func objectsSQL(t *testing.T) string {
	t.Helper()
	schema := mapping.Standard()
	numbers := map[string]int64{}
	for i, o := range schema.Objects {
		numbers[o.Name] = int64(i + 1)
	}
	m, err := newModel(schema, 0, numbers)
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString("-- The tables of the standard objects. The test of this package that holds them\n-- against the schema writes this file with -update.\n\n-- +goose Up\n")
	for _, l := range m.layouts {
		fmt.Fprintf(&b, "INSERT INTO ledger_objects (number, name) VALUES (%d, '%s');\n%s;\n", l.number, l.object.Name, l.createTable())
		for _, sql := range l.createIndexes() {
			b.WriteString(sql + ";\n")
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestTheMigrationMakesTheTablesOfTheStandardSchema(t *testing.T) {
	t.Parallel()
	if *update {
		require.NoError(t, os.WriteFile(objectsMigration, []byte(objectsSQL(t)), 0o600))
	}
	got, err := migrations.ReadFile(objectsMigration)
	require.NoError(t, err)
	require.Equal(t, objectsSQL(t), string(got), "run the test with -update and look at what changes")
}
