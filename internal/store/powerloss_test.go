package store_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/keyward/keyward/internal/store"
)

// powerLoss is set in the process of TestPowerLossLosesNothing that records
// what SQLite asks of the disk: "full", or "normal" for the control.
const powerLoss = "KEYWARD_TEST_POWER_LOSS"

// A disk is allowed to forget what was written and not synced. Whenever the
// power goes, and whatever of that survives, what was acknowledged is there and
// the database is whole. The control shows that the test can tell: without a
// sync for each commit, as with synchronous=NORMAL, acknowledged rows are lost.
func TestPowerLossLosesNothing(t *testing.T) {
	if mode := os.Getenv(powerLoss); mode != "" {
		recordAndLosePower(t, mode == "normal")
		return
	}
	for mode, want := range map[string]string{"full": "lost 0 ", "normal": "lost "} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPowerLossLosesNothing$", "-test.v")
		cmd.Env = append(os.Environ(), powerLoss+"="+mode)
		out, err := cmd.CombinedOutput()
		text := string(out)
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("synchronous=%s: %v\n%s", mode, err, text)
		}
		if mode == "normal" && strings.Contains(text, "lost 0 ") {
			t.Errorf("the control lost nothing, so that the test proves nothing:\n%s", text)
		}
	}
}

// recordAndLosePower writes from many callers, then loses the power at many
// moments of what was recorded.
func recordAndLosePower(t *testing.T, relaxed bool) {
	disk.install(t)
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	err = s.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := store.Exec(tx, t.Context(), `CREATE TABLE thing (n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT`)
		return err
	})
	if err == nil && relaxed {
		err = store.Relax(s)
	}
	if err != nil {
		t.Fatal(err)
	}
	disk.settle()
	acknowledged := writeMuch(t, s)
	done := disk.stop()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	lost, moments := 0, 0
	draw := rand.New(rand.NewPCG(1, 2))
	for i := range 16 {
		moment := acknowledged[draw.IntN(len(acknowledged))].after
		if i%2 == 1 { // at any moment, not only right after an answer
			moment = done.settled + draw.IntN(len(done.list)-done.settled)
		}
		for _, survives := range []func() bool{never, func() bool { return draw.IntN(2) == 0 }} {
			lost += missing(t, done.at(t, moment, survives), acknowledged, moment)
			moments++
		}
	}
	t.Logf("lost %d of the acknowledged rows in %d losses of power", lost, moments)
}

func never() bool { return false }

// acknowledgment is a row that InTx said is durable, and how much was recorded
// by then.
type acknowledgment struct {
	row   int64
	after int
}

const rows = 2500 // enough for checkpoints under way

func writeMuch(t *testing.T, s *store.Store) (all []acknowledgment) {
	t.Helper()
	const callers = 4
	var mu sync.Mutex
	var writers sync.WaitGroup
	for c := range callers {
		writers.Go(func() {
			for n := c; n < rows; n += callers {
				err := s.InTx(t.Context(), func(tx *store.Tx) error {
					_, err := store.Exec(tx, t.Context(), `INSERT INTO thing (n, text) VALUES ($1, $2)`, n, strings.Repeat("x", n%300))
					return err
				})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				all = append(all, acknowledgment{int64(n), disk.length()})
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	return all
}

// missing opens what is left on the disk and counts the rows that were
// acknowledged before the moment and are not there.
func missing(t *testing.T, dir string, acknowledged []acknowledgment, moment int) (lost int) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if damages, err := s.Damages(t.Context()); err != nil || len(damages) > 0 {
		t.Errorf("damaged: %v, %v", damages, err)
	}
	kept, err := store.Ints(s.Reader, t.Context(), `SELECT n FROM thing`)
	if err != nil {
		t.Error(err)
	}
	there := make(map[int64]bool, len(kept))
	for _, n := range kept {
		there[n] = true
	}
	for _, a := range acknowledged {
		if a.after <= moment && !there[a.row] {
			lost++
		}
	}
	return lost
}

// The kinds of what is asked of a disk.
const (
	wrote = iota
	truncated
	synced
)

type request struct {
	kind    int
	file    string
	offset  int64 // or the new size
	content []byte
}

// requests are in the order in which the disk did them.
type requests struct {
	list []request
	// settled is how many of the first were long on the disk when it began.
	settled int
}

// sector is what a disk writes as a whole or not at all.
const sector = 512

// at makes a directory with what is on the disk when the power goes after so
// many requests. What was not synced by then survives where survives says so,
// sector by sector and in no order.
func (r requests) at(t *testing.T, moment int, survives func() bool) string {
	t.Helper()
	last := map[string]int{}
	for i, q := range r.list[:moment] {
		if q.kind == synced {
			last[q.file] = i
		}
	}
	files := map[string][]byte{}
	for i, q := range r.list[:moment] {
		safe := i < r.settled || i < last[q.file]
		switch q.kind {
		case truncated:
			if safe || survives() {
				files[q.file] = resized(files[q.file], q.offset)
			}
		case wrote:
			for at := 0; at < len(q.content); at += sector {
				if piece := q.content[at:min(at+sector, len(q.content))]; safe || survives() {
					files[q.file] = overwritten(files[q.file], q.offset+int64(at), piece)
				}
			}
		}
	}
	dir := t.TempDir()
	for name, content := range files {
		if strings.HasPrefix(name, "keyward.db") && name != "keyward.db-journal" {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func resized(file []byte, size int64) []byte {
	if int64(len(file)) >= size {
		return file[:size]
	}
	return append(file, make([]byte, size-int64(len(file)))...)
}

func overwritten(file []byte, offset int64, piece []byte) []byte {
	if end := offset + int64(len(piece)); int64(len(file)) < end {
		file = resized(file, end)
	}
	copy(file[offset:], piece)
	return file
}

// recorder stands between SQLite and the system and keeps what is asked of the
// disk. There is one, in a process of its own, because C calls it.
type recorder struct {
	mu      sync.Mutex // one request at a time, so that their order is known
	on      bool
	done    requests
	names   map[uintptr]string // of open files
	system  uintptr            // the VFS that does the work
	methods map[uintptr]uintptr
}

var disk = recorder{names: map[uintptr]string{}, methods: map[uintptr]uintptr{}}

// install makes the recorder the VFS that connections use from now on.
func (r *recorder) install(t *testing.T) {
	t.Helper()
	tls := libc.NewTLS()
	r.system = sqlite3.Xsqlite3_vfs_find(tls, 0)
	own := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	name, err := libc.CString("recorder")
	if r.system == 0 || own == 0 || err != nil {
		t.Fatal("SQLite has no VFS, or there is no memory", err)
	}
	vfs := to[sqlite3.Tsqlite3_vfs](own)
	*vfs = *to[sqlite3.Tsqlite3_vfs](r.system)
	vfs.FpNext, vfs.FzName, vfs.FxOpen = 0, name, pointer(openFile)
	if rc := sqlite3.Xsqlite3_vfs_register(tls, own, 1); rc != sqlite3.SQLITE_OK {
		t.Fatalf("register: %d", rc)
	}
	r.on = true
}

// settle calls all that was done so far long past.
func (r *recorder) settle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done.settled = len(r.done.list)
}

func (r *recorder) length() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.done.list)
}

func (r *recorder) stop() requests {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on = false
	return r.done
}

// do has the system do something and keeps it if it was done.
func (r *recorder) do(file uintptr, q request, system func() int32) int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	rc := system()
	if name, known := r.names[file]; r.on && known && rc == sqlite3.SQLITE_OK {
		q.file = name
		r.done.list = append(r.done.list, q)
	}
	return rc
}

// opened puts the recorder in the way of what is done to an open file.
func (r *recorder) opened(tls *libc.TLS, name, file uintptr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.names, file) // of one that was closed
	if name == 0 {
		return
	}
	r.names[file] = filepath.Base(libc.GoString(name))
	methods := &to[sqlite3.Tsqlite3_file](file).FpMethods
	own, known := r.methods[*methods]
	if !known {
		own = libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_io_methods{})))
		m := to[sqlite3.Tsqlite3_io_methods](own)
		*m = *to[sqlite3.Tsqlite3_io_methods](*methods)
		m.FxWrite, m.FxTruncate, m.FxSync = pointer(writeFile), pointer(truncateFile), pointer(syncFile)
		r.methods[*methods] = own
		r.methods[own] = *methods // the way back
	}
	*methods = own
}

// systemMethods are those that the system has for an open file.
func (r *recorder) systemMethods(file uintptr) *sqlite3.Tsqlite3_io_methods {
	return to[sqlite3.Tsqlite3_io_methods](r.methods[to[sqlite3.Tsqlite3_file](file).FpMethods])
}

func openFile(tls *libc.TLS, _, name, file uintptr, flags int32, out uintptr) int32 {
	open := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](to[sqlite3.Tsqlite3_vfs](disk.system).FxOpen)
	rc := open(tls, disk.system, name, file, flags, out)
	if rc == sqlite3.SQLITE_OK {
		disk.opened(tls, name, file)
	}
	return rc
}

func writeFile(tls *libc.TLS, file, content uintptr, size int32, offset int64) int32 {
	q := request{kind: wrote, offset: offset, content: append([]byte(nil), unsafe.Slice(to[byte](content), size)...)}
	return disk.do(file, q, func() int32 {
		write := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](disk.systemMethods(file).FxWrite)
		return write(tls, file, content, size, offset)
	})
}

func truncateFile(tls *libc.TLS, file uintptr, size int64) int32 {
	return disk.do(file, request{kind: truncated, offset: size}, func() int32 {
		truncate := function[func(*libc.TLS, uintptr, int64) int32](disk.systemMethods(file).FxTruncate)
		return truncate(tls, file, size)
	})
}

func syncFile(tls *libc.TLS, file uintptr, flags int32) int32 {
	return disk.do(file, request{kind: synced}, func() int32 {
		sync := function[func(*libc.TLS, uintptr, int32) int32](disk.systemMethods(file).FxSync)
		return sync(tls, file, flags)
	})
}

// to is what lies at an address of C's memory.
func to[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// pointer is a declared function as C points to it; function is the way back.
func pointer[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&struct{ f F }{f})) }

func function[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&struct{ a uintptr }{address})) }
