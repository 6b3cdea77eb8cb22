package license

import (
	"time"

	"github.com/keyward/keyward/verdict"
)

// warnings lists what will matter soon on a license that is valid now.
func warnings(f Facts, now time.Time) []verdict.Warning {
	l := *f.License
	var list []verdict.Warning
	switch {
	case l.InGrace(now):
		list = append(list, dated(verdict.InGrace, l.EndsAt(), now))
	case l.EndsSoon(now, verdict.SoonWindow):
		list = append(list, dated(verdict.ExpiresSoon, l.EndsAt(), now))
	}
	if left := l.UpdatesUntil.Sub(now); left > 0 && left <= verdict.UpdatesWindow {
		list = append(list, dated(verdict.UpdatesEnding, l.UpdatesUntil, now))
	}
	list = append(list, seatWarnings(f)...)
	if f.Longest != nil && f.Longest.Stale(now) {
		list = append(list, verdict.Warning{Code: verdict.DeviceStale, Target: f.Longest.DisplayName()})
	}
	return list
}

func seatWarnings(f Facts) []verdict.Warning {
	var list []verdict.Warning
	if f.Used == 0 && !f.License.FirstActivatedAt.IsZero() {
		list = append(list, verdict.Warning{Code: verdict.NoDeviceActive})
	}
	limit := f.License.Limit
	if limit == Unlimited {
		return list
	}
	switch over := f.Used - limit; {
	case over > 0:
		list = append(list, counted(verdict.OverLimit, over))
	case over+f.Reserved == -1 && limit > 1:
		list = append(list, counted(verdict.LimitNear, 1))
	}
	return list
}

func dated(code verdict.WarningCode, at, now time.Time) verdict.Warning {
	w := counted(code, DaysLeft(at, now))
	w.At = verdict.Time(at).Time
	return w
}

func counted(code verdict.WarningCode, n int) verdict.Warning {
	return verdict.Warning{Code: code, Number: &n}
}

// DaysLeft is how many days remain until at: a day that has begun counts, so
// that the last hours read as 1 and only the past reads as 0.
func DaysLeft(at, now time.Time) int {
	left := at.Sub(now)
	if left <= 0 {
		return 0
	}
	days := int(left / day)
	if left%day > 0 {
		days++
	}
	return days
}
