package sqlite_test
import ("testing";"time";"fmt";"github.com/vendorsync/vendorsync/syncer";"github.com/stretchr/testify/require")
func BenchmarkQuick(b *testing.B) {
	s := open(b)
	applyAll(b, s, deviceUnits(b, 0, 100000, true))
	ids := []string{}
	for i := range 5000 { ids = append(ids, fmt.Sprint(i*17+1)) }
	for i := range 3 {
		n := []int{25, 250, 5000}[i]
		st := time.Now()
		_, err := s.Match(b.Context(), syncer.Query{Integration: "bench", Object: "assets", By: syncer.ByID, Values: ids[:n]})
		require.NoError(b, err)
		b.Log(n, time.Since(st))
	}
}
