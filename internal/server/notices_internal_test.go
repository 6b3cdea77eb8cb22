package server

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
)

// P-SET-06
func TestMandatoryNotices(t *testing.T) {
	got, err := mandatoryNotices([]string{"license_expiring", "new_device"})
	if diff := cmp.Diff(account.Mandatory{account.LicenseExpiringNotice, account.NewDeviceNotice}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, name := range []string{"invitation", "", "expiring"} {
		_, err := mandatoryNotices([]string{name})
		if f := fault.From(err); err == nil || f.Kind != fault.Invalid || !strings.Contains(f.Next, "password_changed, new_device") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
