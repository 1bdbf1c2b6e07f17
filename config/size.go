package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

const kibi = 1024

var errSize = errors.New(`must be a size with its unit, such as "512MiB" (KiB, MiB or GiB)`)

// Bytes gives the memory in bytes; 0 where none is set.
func (l Limits) Bytes() (int64, error) {
	if l.Memory == "" {
		return 0, nil
	}
	for unit, size := range map[string]int64{"KiB": kibi, "MiB": kibi * kibi, "GiB": kibi * kibi * kibi} {
		number, found := strings.CutSuffix(l.Memory, unit)
		if !found {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n <= 0 || n > math.MaxInt64/size {
			return 0, errSize
		}
		return n * size, nil
	}
	return 0, errSize
}
