package mapping_test

import (
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

func Example() {
	program, err := mapping.Compile(mapping.Mapping{
		Object: "assets",
		Key:    "id",
		Fields: []mapping.FieldMapping{
			{To: "serial_number", From: "hardware.serial"},
			{To: "last_seen_at", From: "lastSeen", Format: mapping.EpochMillis},
			{To: "status", Value: "Active"},
		},
		SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
		Children: []mapping.ChildMapping{{
			Object: "software", From: "apps",
			Fields: []mapping.FieldMapping{{To: "name", From: "name"}, {To: "version", From: "version"}},
		}},
	}, mapping.Standard(), mapping.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}

	var out mapping.Out
	record := connector.Record(`{
		"id": 17,
		"hardware": {"serial": "5E10"},
		"lastSeen": 1767366245000,
		"apps": [{"name": "Slack", "version": "4.41"}, {"name": "Zoom", "version": "6.2"}]
	}`)
	if err := program.Map(record, &out); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("vendor id", out.VendorID)
	for _, row := range out.Rows {
		target := program.Targets()[row.Target]
		object, _ := mapping.Standard().Object(target.Object)
		fmt.Print(target.Object)
		for i, column := range target.Columns {
			field := object.Fields[object.Field(column.Field)]
			fmt.Printf(" %s=%s", column.Field, field.Format(row.Values[i]))
		}
		fmt.Println()
	}
	// Output:
	// vendor id 17
	// assets serial_number=5E10 status=Active last_seen_at=2026-01-02T15:04:05Z
	// software name=Slack
	// software_installs asset=row 0 software=row 1 version=4.41
	// software name=Zoom
	// software_installs asset=row 0 software=row 3 version=6.2
}

// All faults of a mapping are reported together, each with its place.
func ExampleCompile() {
	_, err := mapping.Compile(mapping.Mapping{
		Object: "assets",
		Key:    "id",
		Fields: []mapping.FieldMapping{
			{To: "serialnumber", From: "serial"},
			{To: "model", From: "model..name"},
			{To: "managed", Value: "perhaps"},
		},
		SyncKeys: []mapping.SyncKey{{Field: "model"}},
	}, mapping.Standard(), mapping.Options{})
	fmt.Println(err)
	// Output:
	// fields[0].to: assets have no field "serialnumber"; did you mean "serial_number"?
	// fields[1].from: path "model..name", column 7: a key is missing here
	// fields[2].value: "perhaps" is neither true nor false; true, yes, on and 1 are true, false, no, off and 0 are false
	// sync_keys[0]: "model" is not unique, so that no record can be found by it; the unique ones are serial_number, asset_tag, imei, udid
}

// A host adds fields of its own, and the roles that it knows.
func ExampleSchema_With() {
	schema, err := mapping.Standard().With("assets", mapping.Field{Name: "rack_unit", Type: mapping.Integer})
	if err != nil {
		fmt.Println(err)
		return
	}
	schema, err = schema.WithChoices("users", "role", []string{"Employee", "Manager"})
	if err != nil {
		fmt.Println(err)
		return
	}
	assets, _ := schema.Object("assets")
	field := assets.Fields[assets.Field("rack_unit")]
	value, err := field.Parse("42")
	fmt.Println(field.Label, value.Int, err)

	users, _ := schema.Object("users")
	_, err = users.Fields[users.Field("role")].Parse("Owner")
	fmt.Println(err)
	// Output:
	// Rack unit 42 <nil>
	// "Owner" is not one of Employee, Manager
}

// A payload to show or copy has its sensitive values masked.
func ExampleProgram_Mask() {
	program, err := mapping.Compile(mapping.Mapping{
		Object: "users",
		Key:    "id",
		Fields: []mapping.FieldMapping{{To: "username", From: "login"}},
	}, mapping.Standard(), mapping.Options{Fields: []connector.Field{{Path: "recovery[].question", Sensitive: true}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(program.Mask(connector.Record(`{"id":1,"login":"ada","recovery":[{"question":"First pet?"},{"question":null}]}`)))
	// Output:
	// {"id":1,"login":"ada","recovery":[{"question":"********"},{"question":null}]}
}
