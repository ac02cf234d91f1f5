package syncer

import (
	"encoding/json"
	"hash/fnv"
	"os"
	"strconv"
	"strings"
)

// An owner is who holds a lease: a process of a host. It is kept as JSON in the
// lease, so that a process on the same host can tell that its holder is dead
// without waiting for the lease to end.
type owner struct {
	Host  string `json:"host"`
	PID   int    `json:"pid"`
	Start string `json:"start,omitempty"` // tells processes with the same number apart
}

func processOwner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	b, _ := json.Marshal(owner{Host: host, PID: os.Getpid(), Start: processStart(os.Getpid())}) // plain strings and numbers always marshal
	return string(b)
}

// ownerText names a lease's holder for a person.
func ownerText(text string) string {
	var o owner
	if json.Unmarshal([]byte(text), &o) != nil || o.PID <= 0 {
		return text
	}
	return "process " + strconv.Itoa(o.PID) + " on " + o.Host
}

// holderDead reports whether text names a process of this host that is no
// longer there. It says false when it cannot tell.
func holderDead(text string) bool {
	var o owner
	if json.Unmarshal([]byte(text), &o) != nil || o.PID <= 0 {
		return false
	}
	host, err := os.Hostname()
	if err != nil || host != o.Host {
		return false
	}
	if !processAlive(o.PID) {
		return true
	}
	start := processStart(o.PID)
	return start != "" && o.Start != "" && start != o.Start
}

// processStart returns when a process started, in ticks since boot with the
// boot's own id, or "" where the system does not say.
func processStart(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	// The command in parentheses may hold blanks; field 22 counts from the start.
	_, rest, ok := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return ""
	}
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without it the ticks alone must do
	return fields[19] + "@" + strings.TrimSpace(string(boot))
}

// fingerprintJSON returns a short stable fingerprint of v's JSON.
func fingerprintJSON(v any) string {
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(v) // a hash never fails to write
	return strconv.FormatUint(h.Sum64(), 36)
}
