// Package schedule says when integrations run, and runs them then.
//
// A [Schedule] is a value without a clock of its own: it is parsed, kept,
// shown, and asked for the first start after a moment.
//
//	s, err := schedule.Parse("every 6h zone Europe/London not between 08:00 and 18:00")
//	if err != nil {
//		return err
//	}
//	next := s.For("int_42").Next(time.Now())
//
// People write a schedule as a word or as the fields of a [Spec]:
//
//	schedule: daily                  # once a day at a quiet time; also what nothing means
//	schedule: manual                 # only when asked
//	schedule: {every: 6h}
//	schedule: {every: 2w, at: "06:00", on: [sun]}
//	schedule: {every: 1mo, day: 31}  # the last day of each month
//	schedule: {cron: "0 3 * * 1-5", zone: Europe/London, not_between: ["08:00", "18:00"]}
//
// [Schedule.For] gives a schedule the id of what it starts. What the schedule
// leaves open follows from the id: the minute of the night, the day of the
// week, the second of the hour. It is the same at every start of the program
// and different from id to id, so that not all begin at once.
//
// # The clock that is put forward and back
//
// Times of day are those of the schedule's zone, UTC if it names none. A time of
// day that is left out when clocks go forward happens at the moment of the
// change; one that comes twice when they go back happens the first time. Either
// way it happens once. What recurs by the hour or the minute alone (every: 15m,
// or a cron line whose hour is *) goes on through the change as elapsed time
// does, without a hole.
//
// # Running
//
// A [Runner] starts what is due. It keeps nothing between two starts of the
// program: what is due follows from when each job last ran, which its [Source]
// knows.
//
//	runner := schedule.NewRunner(source, schedule.Options{Logger: logger})
//	return runner.Run(ctx) // until ctx ends
//
// Names of time zones need the time zone database. A program that runs where
// there is none (Windows, small containers) embeds it with
//
//	import _ "time/tzdata"
package schedule
