package account

import (
	_ "embed"
	"strings"
)

// zones holds one name of the time zone database per line, in order.
//
//go:embed zones.txt
var zones string

// ZoneRegion is the time zones of one part of the world.
type ZoneRegion struct {
	Name  string
	Zones []string // whole names, such as "Europe/Berlin"
}

// ZoneRegions lists every time zone a person can choose (P-SET-01). Names
// without a region come last.
func ZoneRegions() []ZoneRegion {
	const rest = "Other"
	var regions []ZoneRegion
	others := ZoneRegion{Name: rest}
	for line := range strings.Lines(zones) {
		zone := strings.TrimSpace(line)
		name, _, regional := strings.Cut(zone, "/")
		switch {
		case !regional:
			others.Zones = append(others.Zones, zone)
		case len(regions) > 0 && regions[len(regions)-1].Name == name:
			last := &regions[len(regions)-1]
			last.Zones = append(last.Zones, zone)
		default:
			regions = append(regions, ZoneRegion{Name: name, Zones: []string{zone}})
		}
	}
	return append(regions, others)
}
