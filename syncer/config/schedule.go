package config

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/vendorsync/vendorsync/internal/excerpt"
	"github.com/vendorsync/vendorsync/schedule"
)

// scheduleForm is when an integration runs: one line, or its parts.
func scheduleForm() form[schedule.Schedule] {
	line, parts := text(), object(
		bind("every", "A number and a unit: 30m, 6h, 1d, 2w, 3mo. Default: 1d.", text(), func(s *schedule.Spec, v string) { s.Every = v }),
		bind("at", "The time of day: 06:00. Default: a quiet time that differs from integration to integration.", text(), func(s *schedule.Spec, v string) { s.At = v }),
		bind("on", "Weekdays: mon, tue, wed, thu, fri, sat, sun. Default: all.", texts(), func(s *schedule.Spec, v []string) { s.On = v }),
		bind("day", "The day of the month, with a period of months; 31 is the last.", dayOfMonth(), func(s *schedule.Spec, v int) { s.Day = v }),
		bind("cron", "A line of five fields in place of all that: 0 3 * * 1-5.", text(), func(s *schedule.Spec, v string) { s.Cron = v }),
		bind("zone", "The time zone: Europe/London. Default: UTC.", text(), func(s *schedule.Spec, v string) { s.Zone = v }),
		bind("not_between", "Times of day between which no run starts, in pairs: [\"08:00\", \"18:00\"].", texts(), func(s *schedule.Spec, v []string) { s.NotBetween = v }),
		bind("pause_running", "A run that is under way stops there too, and goes on afterwards. Default: false.", boolean(), func(s *schedule.Spec, v bool) { s.PauseRunning = v }),
		bind("jitter", "Put each start off by up to so much: 10m.", text(), func(s *schedule.Spec, v string) { s.Jitter = v }),
		bind("missed", "What becomes of starts that were missed: one run as soon as possible, or none. Default: catch_up.",
			oneOf(schedule.CatchUp, schedule.Skip), func(s *schedule.Spec, v schedule.Missed) { s.Missed = v }),
	)
	return form[schedule.Schedule]{
		shape: shape{
			schema: schema{"anyOf": []any{line.schema, parts.schema}},
			node: func(text string) (*yaml.Node, error) {
				if strings.HasPrefix(strings.TrimSpace(text), "{") {
					return parts.node(text)
				}
				return line.node(text)
			},
		},
		read: func(r *reader, n *yaml.Node, path string) (schedule.Schedule, bool) {
			target, ok := r.visit(n, path)
			if !ok {
				return schedule.Schedule{}, false
			}
			var s schedule.Schedule
			var err error
			if target.Kind == yaml.MappingNode {
				var spec schedule.Spec
				if spec, ok = parts.read(r, n, path); ok {
					s, err = schedule.New(spec)
				}
			} else {
				var words string
				if words, ok = line.read(r, n, path); ok {
					s, err = schedule.Parse(words)
				}
			}
			if err != nil {
				r.fault(n, path, "%s", strings.TrimPrefix(err.Error(), "schedule: "))
			}
			return s, ok && err == nil
		},
	}
}

// dayOfMonth is a number from 1 to 31.
func dayOfMonth() form[int] {
	return form[int]{
		shape: shape{schema: schema{"type": "integer", "minimum": 1, "maximum": 31}, node: toScalar},
		read: func(r *reader, n *yaml.Node, path string) (int, bool) {
			n, ok := scalar(r, n, path, "a day of the month")
			if !ok {
				return 0, false
			}
			day, err := strconv.Atoi(n.Value)
			if err != nil || day < 1 || day > 31 {
				r.fault(n, path, "%q is no day of the month; write 1 to 31", excerpt.Of(n.Value))
				return 0, false
			}
			return day, true
		},
	}
}
