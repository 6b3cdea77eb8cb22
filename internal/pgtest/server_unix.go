//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	superuser = "postgres"
	attempts  = 3
	readyIn   = time.Minute
)

// watch runs postgres until its standard input closes, which happens when
// this process closes it or ends in any way whatever, and then removes every
// trace. A parent-death signal would leave the files behind and exists on
// Linux only.
//
//go:embed watch.sh
var watch string

// errPortTaken says that somebody else took the port between our looking and
// PostgreSQL's listening.
var errPortTaken = errors.New("the port was taken")

// Server is a running PostgreSQL whose data lasts as long as the server.
type Server struct {
	// URL names a database whose user may create others. That user is not a
	// superuser, as the one that Keyward gets in production is not.
	URL string

	dir      string
	binaries string
	owner    *syscall.SysProcAttr
	password string
	cmd      *exec.Cmd
	alive    io.Closer
}

// Start creates and starts a server on a free port of the loopback address.
// It stops on Close, and also when this process ends, or drops the Server,
// without calling it.
func Start(ctx context.Context) (*Server, error) {
	binaries, err := findBinaries()
	if err != nil {
		return nil, err
	}
	owner, err := serverOwner()
	if err != nil {
		return nil, err
	}
	for range attempts {
		var s *Server
		if s, err = startOnce(ctx, binaries, owner); err == nil {
			return s, nil
		}
		if !errors.Is(err, errPortTaken) {
			break
		}
	}
	return nil, err
}

func startOnce(ctx context.Context, binaries string, owner *syscall.SysProcAttr) (*Server, error) {
	s := &Server{binaries: binaries, owner: owner, password: rand.Text()}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.launch(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close stops the server and removes its files.
func (s *Server) Close() error {
	return errors.Join(s.halt(), os.RemoveAll(s.dir))
}

func (s *Server) halt() error {
	if s.cmd == nil {
		return nil
	}
	if err := errors.Join(s.alive.Close(), s.cmd.Wait()); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}

// serverOwner returns how to run the server's programs, which refuse to run as
// root.
func serverOwner() (*syscall.SysProcAttr, error) {
	// Its own process group keeps a Ctrl-C in the terminal from stopping the
	// server before the tests that use it.
	attr := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	for _, name := range []string{superuser, "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		attr.Credential, err = credential(account)
		return attr, err
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

func credential(account *user.User) (*syscall.Credential, error) {
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user id of %s: %w", account.Username, err)
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("group id of %s: %w", account.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// prepare makes the server's directory and fills it with initdb.
func (s *Server) prepare(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "keyward-postgres-")
	if err != nil {
		return err
	}
	s.dir = dir
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(s.password), 0o600); err != nil {
		return err
	}
	if c := s.owner.Credential; c != nil {
		if err := errors.Join(os.Chown(dir, int(c.Uid), int(c.Gid)), os.Chown(secret, int(c.Uid), int(c.Gid))); err != nil {
			return err
		}
	}
	return s.initdb(ctx, secret)
}

func (s *Server) initdb(ctx context.Context, secret string) error {
	args := []string{
		"--pgdata", filepath.Join(s.dir, "data"), "--username", superuser,
		"--auth", "password", "--pwfile", secret,
		"--encoding", "UTF8", "--locale", "C", "--no-sync",
	}
	if s.hasICU(ctx) {
		// Words sort as a reader expects on most installations, so a query that
		// relies on byte order without asking for it must fail here.
		args = append(args, "--locale-provider", "icu", "--icu-locale", "en-US")
	}
	if out, err := s.command(ctx, "initdb", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

func (s *Server) hasICU(ctx context.Context) bool {
	config, err := s.command(ctx, "pg_config", "--configure").Output()
	if err != nil || !bytes.Contains(config, []byte("--with-icu")) {
		return false
	}
	help, err := s.command(ctx, "initdb", "--help").Output()
	return err == nil && bytes.Contains(help, []byte("--locale-provider"))
}

func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.binaries, program), args...)
	s.confine(cmd)
	return cmd
}

// confine gives a command the server's user, directory and language.
func (s *Server) confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = s.owner
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
}

// launch starts postgres on a free port and waits until it answers.
func (s *Server) launch(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	if err := s.run(port); err != nil {
		return err
	}
	if err := s.waitReady(ctx); err != nil {
		return err
	}
	return s.addUser(ctx, port)
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

func (s *Server) run(port string) error {
	// Not bound to a context: the server outlives the call that starts it.
	cmd := exec.Command("/bin/sh", "-c", watch, "watch", s.dir,
		filepath.Join(s.binaries, "postgres"), "-D", filepath.Join(s.dir, "data"), "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=300",
		// Nothing here has to survive a power cut. Everything else is as shipped,
		// the isolation level above all: a test must meet what production meets.
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")
	s.confine(cmd)
	alive, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.cmd, s.alive = cmd, alive
	return nil
}

// waitReady follows the server's own status file. Trying to connect instead
// would fill the log with refusals, and the log is what tells a failed start.
func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyIn)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		status, err := os.ReadFile(filepath.Join(s.dir, "data", "postmaster.pid"))
		if err == nil && strings.HasSuffix(strings.TrimSpace(string(status)), "ready") {
			return nil
		}
		log, err := os.ReadFile(filepath.Join(s.dir, "log"))
		switch {
		case err == nil && bytes.Contains(log, []byte("Address already in use")):
			return errPortTaken
		case err == nil && bytes.Contains(log, []byte("FATAL:")):
			return fmt.Errorf("PostgreSQL did not start:\n%s", log)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL did not start: %w\n%s", ctx.Err(), log)
		case <-tick.C:
		}
	}
}

// addUser makes the user that the tests connect as. It may stop other
// sessions because dropping a database can meet one of the server's own.
func (s *Server) addUser(ctx context.Context, port string) error {
	const name = "keyward"
	admin := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, s.password),
		Host: net.JoinHostPort("127.0.0.1", port), Path: "/postgres", RawQuery: "sslmode=disable",
	}
	err := execute(ctx, admin.String(), "CREATE ROLE "+name+" LOGIN CREATEDB PASSWORD '"+s.password+"' IN ROLE pg_signal_backend")
	if err != nil {
		return fmt.Errorf("create the test user: %w", err)
	}
	admin.User = url.UserPassword(name, s.password)
	s.URL = admin.String()
	return nil
}
