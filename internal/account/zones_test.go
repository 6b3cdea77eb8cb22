package account_test

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
)

// P-SET-01: the list holds what can be loaded, and all of it.
func TestZoneRegions(t *testing.T) {
	listed := map[string]bool{}
	for _, r := range account.ZoneRegions() {
		for _, zone := range r.Zones {
			if _, err := time.LoadLocation(zone); err != nil || listed[zone] {
				t.Errorf("%s is of no use (%v)", zone, err)
			}
			listed[zone] = true
		}
		if !slices.IsSorted(r.Zones) {
			t.Errorf("%s is not in order", r.Name)
		}
	}
	for _, zone := range []string{"Europe/Berlin", "Asia/Calcutta", "Asia/Kolkata", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+5", "Pacific/Auckland"} {
		if !listed[zone] {
			t.Errorf("%s is missing", zone)
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	for _, f := range archive.File {
		if name := f.Name; !listed[name] && !strings.HasSuffix(name, "/") && name != "Factory" {
			t.Errorf("%s is missing", name)
		}
	}
}
