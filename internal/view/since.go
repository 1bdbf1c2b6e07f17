package view

import (
	"errors"
	"time"
)

var errSince = errors.New("must be a time as 2026-01-31T00:00:00Z, or how long ago as 24h")

// ParseSince reads a time, or how long before now, as the parameter and the flag "since" take it. Empty is the zero time.
func ParseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errSince
	}
	return at, nil
}
