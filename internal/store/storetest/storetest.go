package storetest

import (
	"testing"

	"github.com/keyward/keyward/internal/store"
)

// Run proves what the store does for its aggregates. open returns a new,
// migrated store that is closed when its test ends.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	for name, suite := range map[string]func(*testing.T, *store.Store){
		"schema":         schema,
		"customers":      customers,
		"people":         people,
		"administrators": administrators,
		"sessions":       sessions,
		"links":          links,
		"apps":           apps,
		"recovery codes": recoveryCodes,
		"passkeys":       passkeys,
		"challenges":     challenges,
		"security mail":  securityNotices,
		"sign-ins":       signIns,
		"teams":          teams,
		"tokens":         tokens,
		"products":       products,
		"releases":       releases,
		"publications":   publications,
		"uploads":        uploads,
		"delivery":       delivery,
		"generators":     generators,
		"signing keys":   signingKeys,
		"jobs":           jobs,
		"notices":        notices,
		"calendars":      feeds,
		"licenses":       licenses,
		"license status": statuses,
		"license paging": paging,
		"saved views":    views,
		"license needs":  needs,
		"license search": searches,
		"license ending": ending,
		"activations":    activations,
		"seats":          seats,
		"offline files":  offline,
		"devices":        devices,
		"attempts":       attempts,
		"reservations":   reservations,
		"device names":   labels,
		"events":         events,
		"event seals":    seals,
		"event cursors":  cursors,
		"webhooks":       webhooks,
		"deliveries":     deliveries,
		"validations":    validations,
		"idempotency":    idempotency,
		"tickets":        tickets,
		"ticket numbers": ticketNumbers,
		"ticket threads": ticketThreads,
		"ticket keys":    ticketMentions,
		"ticket lists":   ticketLists,
		"ticket sweeps":  ticketSweeps,
		"meta":           meta,
		"use":            used,
	} {
		t.Run(name, func(t *testing.T) { suite(t, open(t)) })
	}
}

// schema proves that a migrated store has nothing left to migrate.
func schema(t *testing.T, s *store.Store) {
	if err := s.CheckSchema(t.Context()); err != nil {
		t.Error(err)
	}
	from, to, err := s.Migrate(t.Context())
	if err != nil || from != to || to == 0 {
		t.Errorf("migrated again from %d to %d (%v)", from, to, err)
	}
}
