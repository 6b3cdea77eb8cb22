package verdict

// Audience is who reads a verdict.
type Audience string

// The audiences.
const (
	ForDevice        Audience = "device"        // shipped software, with a client token
	ForOwner         Audience = "owner"         // a person of the customer who owns the license
	ForAdministrator Audience = "administrator" // vendor staff
)

// For returns the verdict with everything removed that the audience must not
// see. It is the one place that redacts: software learns no counts, no owner
// and no other device; owners learn no internal facts. An audience that is
// not known is shown what software is shown.
func (v Verdict) For(a Audience) Verdict {
	if a == ForAdministrator {
		return v
	}
	if a != ForOwner {
		a = ForDevice
	}
	out := v
	out.Checks = make([]Check, len(v.Checks))
	for i, c := range v.Checks {
		out.Checks[i] = redactCheck(c, a)
	}
	out.Fixes = redactFixes(v.Fixes, a)
	if a == ForDevice {
		out.Message = Describe(v.Code).Developer
		out.Warnings = redactWarnings(v.Warnings)
	}
	return out
}

func redactCheck(c Check, a Audience) Check {
	c.Internal = ""
	if a != ForDevice {
		return c
	}
	c.Note = ""
	switch c.Code {
	case ProductMismatch, LimitReached, NotAssigned, NotActivated, Blocked, OfflineNotAllowed:
		c.Observed, c.Required = Value{}, Value{}
	}
	if c.Code == Blocked {
		c.Reason, c.Since = "", nil // whoever is blocked learns no more (C-ABU-04)
	}
	return c
}

func redactFixes(fixes []Fix, a Audience) []Fix {
	out := make([]Fix, 0, len(fixes))
	for _, f := range fixes {
		if a == ForDevice {
			f.Target = deviceTarget(f)
		}
		out = append(out, f)
	}
	return out
}

// deviceTarget drops the names of other devices and products.
func deviceTarget(f Fix) string {
	switch f.Action {
	case DeactivateDevice, ActivateDevice, UseProductKey:
		return ""
	}
	return f.Target
}

// redactWarnings keeps what concerns the license's dates: seats and other
// devices are the owner's business.
func redactWarnings(warnings []Warning) []Warning {
	var out []Warning
	for _, w := range warnings {
		switch w.Code {
		case ExpiresSoon, InGrace, UpdatesEnding:
			out = append(out, w)
		}
	}
	return out
}
