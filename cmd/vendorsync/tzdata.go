package main

// Schedules are in time zones, and Windows and small containers have no database of
// them.
import _ "time/tzdata"
