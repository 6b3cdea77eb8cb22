package account_test

import (
	"slices"
	"testing"

	"github.com/keyward/keyward/internal/account"
)

// P-SET-04, P-SET-05, P-SET-06, P-SET-07
func TestWhichNoticesReachAPerson(t *testing.T) {
	nothing := account.Person{NoLicenseMail: true, NoSecurityMail: true}
	always := []account.Notice{
		account.InvitationNotice, account.ResetNotice, account.LicenseSuspendedNotice, account.LicenseRevokedNotice,
	}
	for _, n := range slices.Concat(always, account.OptionalNotices()) {
		var none account.Mandatory
		if !none.Reaches(account.Person{}, n) {
			t.Errorf("%s does not reach somebody who switched nothing off", n)
		}
		if got, want := none.Reaches(nothing, n), slices.Contains(always, n); got != want {
			t.Errorf("%s reaches somebody who switched all mails off: %t, want %t", n, got, want)
		}
		if !(account.Mandatory{n}).Reaches(nothing, n) {
			t.Errorf("%s is mandatory and does not reach them", n)
		}
	}
	for _, tt := range []struct {
		p    account.Person
		n    account.Notice
		want bool
	}{
		{account.Person{NoLicenseMail: true}, account.DevicesChangedNotice, false},
		{account.Person{NoLicenseMail: true}, account.NewDeviceNotice, true},
		{account.Person{NoSecurityMail: true}, account.DevicesChangedNotice, true},
		{account.Person{NoSecurityMail: true}, account.PasswordChangedNotice, false},
	} {
		if got := (account.Mandatory{}).Reaches(tt.p, tt.n); got != tt.want {
			t.Errorf("%s with %+v: %t", tt.n, tt.p, got)
		}
	}
}

func TestNoticeIsBounded(t *testing.T) {
	var n account.NoticeAbout
	for range account.MaxNoticeItems + 3 {
		n.Add(account.NoticeItem{})
	}
	if len(n.Items) != account.MaxNoticeItems || n.More != 3 {
		t.Errorf("%d items and %d more", len(n.Items), n.More)
	}
}
