package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/jalurhq/jalur/core/journal/sqlite/internal/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	driverName  = "sqlite"
	fileHeader  = "SQLite format 3\x00"
	fileMode    = 0o600 // account numbers stand in it
	readerCount = 4
	busyMillis  = "5000"

	// Before this version SQLite could damage a file in WAL mode when a checkpoint met a write.
	oldestVersion = "3.51.3"
	syncFull      = 2
)

// resolve gives the one true path of the journal, so that two names of one file can't be locked apart.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("the journal %s: %w", path, err)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", fmt.Errorf("the folder of the journal: %w", err)
	}
	path = filepath.Join(folder, filepath.Base(path))
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case err != nil:
		return "", fmt.Errorf("the journal: %w", err)
	case info.IsDir():
		return "", fmt.Errorf("the journal %s is a folder, not a file", path)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("the journal %s is not a regular file", path)
	}
	return filepath.EvalSymlinks(path)
}

// prepareFile makes the file for its owner alone, or looks whether what is there can be a database.
func prepareFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode) //nolint:gosec // the operator's own path
	if err != nil {
		return err
	}
	head := make([]byte, len(fileHeader))
	n, err := io.ReadFull(file, head)
	if err := file.Close(); err != nil {
		return err
	}
	switch {
	case n == 0 && errors.Is(err, io.EOF), bytes.Equal(head, []byte(fileHeader)):
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	default:
		return errors.New("the file is not an SQLite database")
	}
}

func address(path string, parameters url.Values) string {
	file := url.URL{Scheme: "file", Path: path, RawQuery: parameters.Encode()}
	return file.String()
}

// openWriter gives a pool of one connection to a journal that is up to date.
func openWriter(ctx context.Context, path string) (*sql.DB, error) {
	pool, err := sql.Open(driverName, address(path, url.Values{"_pragma": {
		"busy_timeout(" + busyMillis + ")", "foreign_keys(1)", "journal_mode(WAL)", "synchronous(FULL)",
	}}))
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	for _, step := range []func(context.Context, *sql.DB) error{checkKeeping, checkOwn, migrate} {
		if err := step(ctx, pool); err != nil {
			return nil, errors.Join(err, pool.Close())
		}
	}
	return pool, nil
}

func openReaders(ctx context.Context, path string) (*sql.DB, error) {
	pool, err := sql.Open(driverName, address(path, url.Values{
		"mode": {"ro"}, "_pragma": {"busy_timeout(" + busyMillis + ")", "query_only(1)"},
	}))
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(readerCount)
	pool.SetMaxIdleConns(readerCount)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return pool, nil
}

// checkKeeping refuses an SQLite that could lose what it has acknowledged.
func checkKeeping(ctx context.Context, pool *sql.DB) error {
	if err := pool.PingContext(ctx); err != nil {
		return err
	}
	var version, mode string
	var sync, keys int
	for query, answer := range map[string]any{
		"SELECT sqlite_version()": &version, "PRAGMA journal_mode": &mode,
		"PRAGMA synchronous": &sync, "PRAGMA foreign_keys": &keys,
	} {
		if err := pool.QueryRowContext(ctx, query).Scan(answer); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
	}
	return keeps(version, mode, sync, keys)
}

func keeps(version, mode string, sync, keys int) error {
	switch {
	case !atLeast(version, oldestVersion):
		return fmt.Errorf("SQLite %s is older than %s", version, oldestVersion)
	case mode != "wal":
		return fmt.Errorf("the journal mode is %q: this file system allows no write-ahead log", mode)
	case sync != syncFull:
		return fmt.Errorf("synchronous is %d, not FULL", sync)
	case keys != 1:
		return errors.New("foreign keys are not enforced")
	default:
		return nil
	}
}

func atLeast(version, oldest string) bool {
	have, want := strings.Split(version, "."), strings.Split(oldest, ".")
	for i := range want {
		if i >= len(have) {
			return false
		}
		a, errA := strconv.Atoi(have[i])
		b, errB := strconv.Atoi(want[i])
		if errA != nil || errB != nil {
			return false
		}
		if a != b {
			return a > b
		}
	}
	return true
}

// checkOwn refuses a database that something else has made.
func checkOwn(ctx context.Context, pool *sql.DB) error {
	const query = `SELECT count(*), coalesce(sum(name = ?), 0) FROM sqlite_master WHERE type = 'table'`
	var tables, own int
	if err := pool.QueryRowContext(ctx, query, goose.DefaultTablename).Scan(&tables, &own); err != nil {
		return err
	}
	if tables > 0 && own == 0 {
		return errors.New("the file is a database, but not a journal")
	}
	return nil
}

// migrate brings the tables up to this program's version. Those of a newer one are left as they are, where they say that this one may still write to them.
func migrate(ctx context.Context, pool *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, pool, files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := provider.GetDBVersion(ctx); err != nil { // makes the table of versions where there is none
		return fmt.Errorf("version of the tables: %w", err)
	}
	current, ours, err := versions(ctx, pool)
	if err != nil {
		return err
	}
	if current > ours {
		return compatible(ctx, pool, current, ours)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}

// versions gives that of the tables, and the newest that this program knows.
func versions(ctx context.Context, pool *sql.DB) (current, ours int64, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, 0, err
	}
	if ours, err = goose.NumericComponent(names[len(names)-1]); err != nil {
		return 0, 0, fmt.Errorf("migrations: %w", err)
	}
	const query = "SELECT max(version_id) FROM " + goose.DefaultTablename + " WHERE is_applied"
	if err := pool.QueryRowContext(ctx, query).Scan(&current); err != nil {
		return 0, 0, fmt.Errorf("version of the tables: %w", err)
	}
	return current, ours, nil
}

// compatible asks the tables of a newer program whether this one may write to them.
func compatible(ctx context.Context, pool *sql.DB, current, ours int64) error {
	oldest, err := db.New(pool).OldestWriter(ctx)
	if err != nil {
		return fmt.Errorf("the oldest program that its tables allow: %w", err)
	}
	if oldest > ours {
		return fmt.Errorf("its tables have version %d and allow programs from %d on; this one knows %d: use the newer program", current, oldest, ours)
	}
	return nil
}
