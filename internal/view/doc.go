// Package view is the JSON that callers see: the HTTP API, its client and the command line's "-o json" all use these shapes.
//
// What isn't known is null where it is money, a time or an outcome, and "" where it is text. Lists are never null,
// and "details" is always an object. Money is the object {"value","currency"}, times are RFC 3339 in UTC.
package view
