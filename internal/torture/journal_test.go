package torture_test

import (
	"database/sql"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// journal is what a lane's gateways write, as somebody sees it who knows nothing of the code that writes it.
type journal interface {
	address() string // as the configuration names it
	open() (*sql.DB, error)
	integrity(tables *sql.DB) (string, error) // "ok", or what the database finds wrong with itself
}

func journalOf(s setup) journal {
	if s.database != "" {
		return database(s.database)
	}
	return file(filepath.Join(s.folder, "jalur.db"))
}

// file is a journal on SQLite, by its path.
type file string

func (f file) address() string { return "sqlite://" + string(f) }

func (f file) open() (*sql.DB, error) { return sql.Open("sqlite", "file:"+string(f)+"?mode=ro") }

func (f file) integrity(tables *sql.DB) (says string, err error) {
	err = tables.QueryRow("PRAGMA quick_check").Scan(&says)
	return says, err
}

// database is a journal on PostgreSQL, by its address.
type database string

func (d database) address() string { return string(d) }

func (d database) open() (*sql.DB, error) {
	return sql.Open("pgx", string(d)+"&target_session_attrs=read-write")
}

// integrity holds every table and index of ours against PostgreSQL's own checker.
func (d database) integrity(tables *sql.DB) (says string, err error) {
	if _, err := tables.Exec("CREATE EXTENSION IF NOT EXISTS amcheck"); err != nil {
		return "", err
	}
	const indexes = `SELECT count(bt_index_check(c.oid, true)::text) FROM pg_class AS c
		WHERE c.relkind = 'i' AND c.relnamespace = current_schema()::regnamespace`
	var checked int
	if err := tables.QueryRow(indexes).Scan(&checked); err != nil {
		return "an index: " + err.Error(), nil
	}
	const heap = `SELECT coalesce(string_agg(c.relname || ': ' || found.msg, '; '), 'ok') FROM pg_class AS c, verify_heapam(c.oid) AS found
		WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace`
	err = tables.QueryRow(heap).Scan(&says)
	return strings.TrimSpace(says), err
}
