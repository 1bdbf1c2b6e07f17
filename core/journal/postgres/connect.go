package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	oldestServer = 130000
	notesKey     = "jalur"
	appName      = "jalur"
)

var errNoCancel = errors.New("a statement that was begun is never cancelled")

// notes are what a connection has to remember.
type notes struct {
	connected    atomic.Bool
	unreplicated string // what the server said about a commit that no standby has
}

// doubt gives an error where the server said that no standby has what it committed.
func (n *notes) doubt() error {
	if n.unreplicated == "" {
		return nil
	}
	return errors.New("the server: " + n.unreplicated)
}

func notesOf(c *pgconn.PgConn) *notes {
	n, ok := c.CustomData()[notesKey].(*notes)
	if !ok {
		return &notes{} // a connection that guard has not made
	}
	return n
}

// guard makes a connection hold what faults of a synchronous standby need. When a context ends, pgx closes the connection and also sends the server a request
// to cancel; on a commit that waits for a standby this makes visible, and lost at a failover, what was never acknowledged. So a connection that is made dials
// no more. And a warning beside a commit says that the wait was cancelled by somebody else.
func guard(config *pgx.ConnConfig) {
	n := &notes{}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if n.connected.Load() {
			return nil, errNoCancel
		}
		return dial(ctx, network, address)
	}
	config.AfterConnect = func(_ context.Context, c *pgconn.PgConn) error {
		c.CustomData()[notesKey] = n
		n.connected.Store(true)
		return nil
	}
	config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) {
		if notice.Code == codeWarning && notice.SeverityUnlocalized == severityWarning {
			n.unreplicated = notice.Message // in the server's language, so every warning of this class counts
		}
	}
}

// prepared gives a copy of the address with what every connection of ours has.
func prepared(address *pgx.ConnConfig, parameters map[string]string) *pgx.ConnConfig {
	config := address.Copy()
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = appName
	}
	maps.Copy(config.RuntimeParams, parameters)
	if config.ValidateConnect == nil && severalHosts(config) {
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite // of several servers the one that is the primary
	}
	return config
}

func severalHosts(config *pgx.ConnConfig) bool {
	return slices.ContainsFunc(config.Fallbacks, func(f *pgconn.FallbackConfig) bool {
		return f.Host != config.Host || f.Port != config.Port
	})
}

// pool gives connections that meet has looked at.
func (s *Store) pool(ctx context.Context, address *pgx.ConnConfig, most int, meet func(context.Context, *pgx.Conn) error) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	millis := strconv.FormatInt(s.config.StatementWait.Milliseconds(), 10)
	config.ConnConfig = prepared(address, map[string]string{
		"statement_timeout": millis, "lock_timeout": millis,
		// A gateway that stops in the middle of a transaction doesn't hold up the others.
		"idle_in_transaction_session_timeout": millis,
	})
	config.MaxConns, config.MinConns = int32(most), 0 //nolint:gosec // a handful
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		guard(c)
		return nil
	}
	config.AfterConnect = meet
	return pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
}

// facts are what a server says of itself.
type facts struct {
	version    int
	recovering bool
	readOnly   string
	syncCommit string
	standbys   string
	fsync      string
	systemID   string
	database   int64
	run
	clock       time.Time
	askedBefore time.Time
}

const sqlFacts = `SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_setting('transaction_read_only'),
	current_setting('synchronous_commit'), current_setting('synchronous_standby_names'), current_setting('fsync'),
	(SELECT system_identifier::text FROM pg_control_system()),
	(SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
	CASE WHEN pg_is_in_recovery() THEN 0 ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint END,
	(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint, clock_timestamp()`

func look(ctx context.Context, conn *pgx.Conn) (facts, error) {
	f := facts{askedBefore: time.Now()}
	err := conn.QueryRow(ctx, sqlFacts).Scan(&f.version, &f.recovering, &f.readOnly, &f.syncCommit, &f.standbys, &f.fsync,
		&f.systemID, &f.database, &f.timeline, &f.started, &f.clock)
	if err != nil {
		return f, fmt.Errorf("what the server is: %w", err)
	}
	return f, f.check()
}

// check refuses a server that could lose what it acknowledges, or that is not the one to ask.
func (f facts) check() error {
	const on, off, local = "on", "off", "local"
	switch {
	case f.version < oldestServer:
		return fmt.Errorf("PostgreSQL %d is older than %d", f.version/10000, oldestServer/10000) //nolint:mnd // the version's first part
	case f.recovering:
		return errors.New("the server is a standby: name the primary, or all servers (postgres://user@a,b/db)")
	case f.readOnly == on:
		return errors.New("transactions are read-only here (default_transaction_read_only)")
	case f.fsync != on:
		return errors.New("fsync is off: the server would lose what it has acknowledged")
	case f.syncCommit == off:
		return errors.New("synchronous_commit is off: the server would acknowledge what it may lose")
	case f.syncCommit == local && f.standbys != "":
		return errors.New("synchronous_commit is local: a failover would lose what was acknowledged")
	default:
		return nil
	}
}
