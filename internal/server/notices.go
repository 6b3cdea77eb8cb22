package server

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
)

// mandatoryNotices reads the names of mails that people cannot switch off
// (P-SET-06).
func mandatoryNotices(names []string) (account.Mandatory, error) {
	var known []string
	for _, n := range account.OptionalNotices() {
		known = append(known, n.Name())
	}
	var m account.Mandatory
	for _, name := range names {
		i := slices.Index(known, strings.TrimSpace(name))
		if i < 0 {
			return nil, fault.New(fault.Invalid, "setting", fmt.Sprintf("mandatory-notice: %q is no mail that people can switch off.", name)).
				WithNext("Use one of " + strings.Join(known, ", ") + ".")
		}
		m = append(m, account.OptionalNotices()[i])
	}
	return m, nil
}
