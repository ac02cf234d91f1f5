package mapping

import "math"

// bestAssignment gives each row at most one column and each column to at most
// one row, so that the sum of the gains is the greatest: the Hungarian method,
// in time rows² × (rows + columns). It returns each row's column, or -1. All
// gains are 0 or more, and 0 is as good as none; all rows are of one length.
func bestAssignment(gains [][]int64) []int {
	rows := len(gains)
	if rows == 0 {
		return nil
	}
	columns := len(gains[0]) + rows // for each row one that stands for none
	cost := func(row, column int) int64 {
		if column < len(gains[row]) {
			return -gains[row][column]
		}
		return 0
	}
	// Rows and columns count from 1; column 0 holds the row that is being placed.
	var (
		ofRow    = make([]int64, rows+1)    // the potentials
		ofColumn = make([]int64, columns+1) //
		holder   = make([]int, columns+1)   // the row that has a column, or 0
		before   = make([]int, columns+1)   // the column before it on the way
		least    = make([]int64, columns+1)
		visited  = make([]bool, columns+1)
	)
	for row := 1; row <= rows; row++ {
		holder[0] = row
		for k := range least {
			least[k], visited[k] = math.MaxInt64, false
		}
		at := 0
		for holder[at] != 0 {
			visited[at] = true
			from, delta, next := holder[at], int64(math.MaxInt64), 0
			for k := 1; k <= columns; k++ {
				if visited[k] {
					continue
				}
				if d := cost(from-1, k-1) - ofRow[from] - ofColumn[k]; d < least[k] {
					least[k], before[k] = d, at
				}
				if least[k] < delta {
					delta, next = least[k], k
				}
			}
			for k := range visited {
				if visited[k] {
					ofRow[holder[k]] += delta
					ofColumn[k] -= delta
				} else {
					least[k] -= delta
				}
			}
			at = next
		}
		for at != 0 {
			holder[at] = holder[before[at]]
			at = before[at]
		}
	}
	out := make([]int, rows)
	for i := range out {
		out[i] = -1
	}
	for k, row := range holder {
		if k > 0 && k <= len(gains[0]) && row > 0 && gains[row-1][k-1] > 0 {
			out[row-1] = k - 1
		}
	}
	return out
}
