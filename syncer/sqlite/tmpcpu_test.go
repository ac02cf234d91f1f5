package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

func cpuNow() time.Duration {
	var ru syscall.Rusage
	syscall.Getrusage(0, &ru)
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

func BenchmarkCPU(b *testing.B) {
	rows := make([][]string, benchRecords)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range rows {
		rows[i] = device(r, i)
	}
	for _, random := range []bool{false, true} {
		units := deviceUnits(b, 0, benchRecords, random)
		best, bestB := time.Hour, time.Hour
		var wall, wallB = time.Hour, time.Hour
		for range 7 {
			dir := b.TempDir()
			runtime.GC()
			c := cpuNow()
			wb := baseline(b, filepath.Join(dir, "b.db"), rows)
			cb := cpuNow() - c
			s, _ := sqlite.Open(b.Context(), filepath.Join(dir, "s.db"), sqlite.Options{})
			runtime.GC()
			c = cpuNow()
			w := applyAll(b, s, units)
			cs := cpuNow() - c
			s.Close()
			best, bestB = min(best, cs), min(bestB, cb)
			wall, wallB = min(wall, w), min(wallB, wb)
		}
		fmt.Printf("random %v: cpu base %.0f ours %.0f ratio %.3f; wall base %.0f ours %.0f ratio %.3f\n", random, benchRecords/bestB.Seconds(), benchRecords/best.Seconds(), bestB.Seconds()/best.Seconds(),
			benchRecords/wallB.Seconds(), benchRecords/wall.Seconds(), wallB.Seconds()/wall.Seconds())
	}
}
