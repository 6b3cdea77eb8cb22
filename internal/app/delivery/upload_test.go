package delivery_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/blob"
	"github.com/keyward/keyward/internal/blob/blobtest"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store/storetest"
)

// What TestKilledPublishIsSweptAway gives to the process that it kills.
const (
	killDir     = "KEYWARD_TEST_KILL_DIR"
	killProduct = "KEYWARD_TEST_KILL_PRODUCT"
)

// C-STO-03: between the upload and the record there is nobody to clean up. A
// sweep does it once it is sure that nobody is at work any more.
func TestKilledPublishIsSweptAway(t *testing.T) {
	if dir := os.Getenv(killDir); dir != "" {
		w := worldIn(apptest.NewIn(t, dir), filepath.Join(dir, "files"))
		p := license.Product{ID: id.ID(os.Getenv(killProduct))}
		w.publish(p, "2.0", func(in *delivery.NewRelease) {
			in.Files = append(in.Files, delivery.Upload{FileName: "never.zip", Size: -1, Content: untilKilled{}})
		})
	}
	dir := storetest.Dir(t)
	w := worldIn(apptest.NewIn(t, dir), filepath.Join(dir, "files"))
	p := w.Product("editor")
	w.publish(p, "1.0")
	publishKilled(t, dir, p)
	swept := func(want int) {
		t.Helper()
		w.Must(w.Sweep(t.Context()))
		whole := 0
		for _, name := range w.left() {
			if !strings.Contains(name, "parts") {
				whole++
			}
		}
		if whole != want {
			t.Errorf("%d whole files are there, want %d", whole, want)
		}
	}
	swept(2)
	w.Clock.Add(24 * time.Hour)
	swept(2)
	w.Clock.Add(time.Second)
	swept(1)
	if !strings.Contains(w.Logged.String(), "removed what an upload left that never became a release") {
		t.Error("it was not logged")
	}
	c := w.Customer("Ada")
	w.License(p, c)
	w.wantOffered(c, "editor 1.0")
	w.publish(p, "2.0") // it can be published now
	swept(2)
}

// untilKilled says that it is asked, and never answers.
type untilKilled struct{}

func (untilKilled) Read([]byte) (int, error) {
	fmt.Println("asked")
	select {}
}

func publishKilled(t *testing.T, dir string, p license.Product) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledPublishIsSweptAway$")
	cmd.Env = append(os.Environ(), killDir+"="+dir, killProduct+"="+string(p.ID))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "asked\n" {
		t.Errorf("the other process said %q (%v)", line, err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed, as it should be
}

// P-DL-15: the same on a storage that died between the upload and the record.
func TestSweepOfAnObjectStorage(t *testing.T) {
	server := blobtest.NewS3(t)
	s3, err := blob.NewS3(server.Address())
	if err != nil {
		t.Fatal(err)
	}
	dying := &unreachable{s3, -1}
	w := newWorld(t, func(d *delivery.Deps) { d.Blobs = dying })
	p := w.Product("editor")
	w.publish(p, "1.0")
	dying.after = 1
	_, err = w.Publish(t.Context(), apptest.Staff(), delivery.NewRelease{Product: p.ID, Version: "2.0", Files: []delivery.Upload{
		{FileName: "a.zip", Size: -1, Content: strings.NewReader("abc")}, {FileName: "b.zip", Size: -1, Content: strings.NewReader("abc")},
	}})
	if !errors.Is(err, errUnreachable) || len(server.Files()) != 2 {
		t.Fatalf("%q are there (%v)", server.Files(), err)
	}
	w.Clock.Add(25 * time.Hour)
	if err := w.Sweep(t.Context()); !errors.Is(err, errUnreachable) {
		t.Errorf("got %v", err)
	}
	dying.after = -1
	w.Must(w.Sweep(t.Context()))
	if n := len(server.Files()); n != 1 {
		t.Errorf("%d files are left", n)
	}
}

var errUnreachable = errors.New("the storage does not answer")

// unreachable fails after some more uploads; -1 is never.
type unreachable struct {
	blob.Storage
	after int
}

func (u *unreachable) Put(ctx context.Context, key string, content io.Reader, size int64) error {
	if u.after == 0 {
		return errUnreachable
	}
	if u.after > 0 {
		u.after--
	}
	return u.Storage.Put(ctx, key, content, size)
}

func (u *unreachable) Delete(ctx context.Context, key string) error {
	if u.after >= 0 {
		return errUnreachable
	}
	return u.Storage.Delete(ctx, key)
}

// sweeping comes slowly, while a sweep is made between each of its parts.
type sweeping struct {
	w     world
	parts int
	pause time.Duration
}

func (s *sweeping) Read(p []byte) (int, error) {
	if s.parts--; s.parts < 0 {
		return 0, io.EOF
	}
	s.w.Clock.Add(s.pause)
	s.w.Must(s.w.Sweep(s.w.Context()))
	return copy(p, "part"), nil
}

func TestSweepSparesUploadsThatGoOn(t *testing.T) {
	publish := func(w world, parts int, pause time.Duration) (license.Publication, error) {
		return w.Publish(t.Context(), apptest.Staff(), delivery.NewRelease{Product: w.Product("editor").ID, Version: "1.0", Files: []delivery.Upload{
			{FileName: "a.zip", Size: -1, Content: strings.NewReader("abc")}, {FileName: "b.zip", Size: -1, Content: &sweeping{w, parts, pause}},
		}})
	}
	t.Run("for days", func(t *testing.T) {
		w := newWorld(t)
		r, err := publish(w, 31, 50*time.Minute)
		if err != nil || len(w.left()) != 2 {
			t.Fatalf("%q are there (%v)", w.left(), err)
		}
		w.Clock.Add(48 * time.Hour)
		w.Must(w.Sweep(t.Context()))
		for _, a := range r.Assets {
			f, err := w.Blobs.Open(t.Context(), a.StorageKey)
			w.Must(err)
			w.Must(f.Close())
		}
	})
	t.Run("but not one that stood still for more than a day, which is refused", func(t *testing.T) {
		w := newWorld(t)
		_, err := publish(w, 1, 25*time.Hour)
		wantCode(t, err, "upload_given_up")
		if left := w.left(); len(left) != 0 {
			t.Errorf("left %q", left)
		}
	})
}
