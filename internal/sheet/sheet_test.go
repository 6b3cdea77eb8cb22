package sheet_test

import (
	"encoding/csv"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/sheet"
)

func TestSheet(t *testing.T) {
	var b strings.Builder
	zone := time.FixedZone("", 5*3600+1800)
	s, err := sheet.NewWriter(&b, zone, "Name", "At")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 24, 20, 41, 7, 9, time.UTC)
	for _, row := range [][]string{{`a "b", c`, s.Time(at)}, {"two\nlines", s.Time(time.Time{})}, {"=1+1", "Ünit"}} {
		if err := s.Row(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "\xef\xbb\xbfName,At\r\n\"a \"\"b\"\", c\",2026-11-25T02:11:07+05:30\r\n\"two\r\nlines\",\r\n'=1+1,Ünit\r\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("sheet (-want +got):\n%s", diff)
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	for _, cell := range []string{"=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1", "＝1", "＋1", "－1", "＠x"} {
		if got := sheet.Plain(cell); got != "'"+cell {
			t.Errorf("%q is written as %q", cell, got)
		}
	}
	for _, cell := range []string{"", " ", "Editor", "a=1", "'=1", "12", "––", "KWD-1234"} {
		if got := sheet.Plain(cell); got != cell {
			t.Errorf("%q is written as %q", cell, got)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the pipe is broken") }

func TestWhatCannotBeWritten(t *testing.T) {
	if _, err := sheet.NewWriter(broken{}, time.UTC, "Name"); err == nil {
		t.Error("a broken pipe was written to")
	}
}

func FuzzCells(f *testing.F) {
	f.Add("=1", "a\"b")
	f.Fuzz(func(t *testing.T, a, b string) {
		var out strings.Builder
		s, err := sheet.NewWriter(&out, time.UTC, "A", "B")
		if err == nil {
			err = errors.Join(s.Row(a, b), s.Flush())
		}
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff"))).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 2 {
			t.Fatalf("%q and %q came back as %q: %v", a, b, rows, err)
		}
		for _, cell := range rows[1] {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("cell %q is a formula", cell)
			}
		}
	})
}
