package report

import (
	"context"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/syncer"
)

// CountRecords counts the records of each object of a store, in the order of its
// schema, by reading them all. It returns an error of class
// [connector.ErrUnsupported] if the store is no [syncer.Reader].
func CountRecords(ctx context.Context, store syncer.Store) ([]Total, error) {
	reader, ok := store.(syncer.Reader)
	if !ok {
		return nil, connector.Errorf(connector.ErrUnsupported, "count records", "%T cannot read its records", store)
	}
	schema, err := store.Schema(ctx)
	if err != nil {
		return nil, fmt.Errorf("count records: read the schema: %w", err)
	}
	totals := make([]Total, 0, len(schema.Objects))
	for _, o := range schema.Objects {
		total := Total{Object: o.Name}
		for r, err := range reader.Records(ctx, syncer.RecordQuery{Object: o.Name, Archived: true}) {
			switch {
			case err != nil:
				return nil, fmt.Errorf("count records: read %s: %w", o.Name, err)
			case r.Archived.IsZero():
				total.Records++
			default:
				total.Archived++
			}
		}
		totals = append(totals, total)
	}
	return totals, nil
}
