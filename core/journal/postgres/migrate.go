package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/jalurhq/jalur/core/journal/postgres/internal/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versionTable tells which migrations were made. Others who use the same tool in the same database have one of their own.
const versionTable = "journal_version"

// turn is what gateways that start together take turns under: "jalur" in ASCII.
const turn = 0x6a616c7572

// prepare looks at the server, brings the tables up to date, and looks whether the database is the journal's own.
func (s *Store) prepare(ctx context.Context, address *pgx.ConnConfig) (err error) {
	config := prepared(address, nil)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	f, err := look(ctx, conn)
	if err != nil {
		return err
	}
	if err := s.checkClock(f.askedBefore, f.clock); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", turn); err != nil { // until the connection ends
		return fmt.Errorf("waiting for another gateway that opens the journal: %w", err)
	}
	if err := migrate(ctx, config); err != nil {
		return err
	}
	return s.welcome(ctx, db.New(conn), f)
}

// migrate brings the tables up to this program's version. Tables of a newer program are left as they are, where they say that this one can still
// work with them: during a rolling upgrade both do.
func migrate(ctx context.Context, config *pgx.ConnConfig) (err error) {
	pool := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, pool.Close()) }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, files,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	current, newest, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("version of the tables: %w", err)
	case current == newest:
		return nil
	case current > newest:
		return compatible(ctx, config, current, newest)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}

// newestKnown gives the newest version of the tables that this program knows.
func newestKnown() (int64, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, err
	}
	ours, err := goose.NumericComponent(names[len(names)-1])
	if err != nil {
		return 0, fmt.Errorf("migrations: %w", err)
	}
	return ours, nil
}

// newer reports whether a newer program has made the tables.
func (s *Store) newer(ctx context.Context) (bool, error) {
	ours, err := newestKnown()
	if err != nil {
		return false, err
	}
	var current int64
	if err := s.readers.QueryRow(ctx, "SELECT max(version_id) FROM "+versionTable+" WHERE is_applied").Scan(&current); err != nil {
		return false, fmt.Errorf("version of the tables: %w", err)
	}
	return current > ours, nil
}

// outgrown says why this program may not send any more although it runs: a newer one has changed the tables beyond it.
func outgrown(ctx context.Context, q *db.Queries) (string, error) {
	ours, err := newestKnown()
	if err != nil {
		return "", err
	}
	oldest, err := q.OldestWriter(ctx)
	if err != nil {
		return "", fmt.Errorf("the oldest program that its tables allow: %w", err)
	}
	if oldest > ours {
		return fmt.Sprintf("its tables allow programs from %d on by now, and this one knows %d: use the newer program", oldest, ours), nil
	}
	return "", nil
}

// compatible asks the tables of a newer program whether this one may write to them.
func compatible(ctx context.Context, config *pgx.ConnConfig, current, ours int64) (err error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	oldest, err := db.New(conn).OldestWriter(ctx)
	if err != nil {
		return fmt.Errorf("the oldest program that its tables allow: %w", err)
	}
	if oldest > ours {
		return fmt.Errorf("its tables have version %d and allow programs from %d on; this one knows %d: use the newer program", current, oldest, ours)
	}
	return nil
}
