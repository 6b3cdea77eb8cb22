package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/pgtest"
	"github.com/keyward/keyward/internal/ticket"
	"github.com/keyward/keyward/verdict"
)

// No statement about one license, customer or device may read a whole table:
// these tables grow without end.
func TestNoStatementReadsAWholeTable(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		s := openMigrated(t, Options{Dir: t.TempDir()})
		seedPlans(t, s, "BLOB", 100) // it plans without looking at the rows
		for text, args := range recorded(t, s) {
			checkSQLite(t, s, text, args)
		}
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		s := openMigrated(t, Options{Database: pgtest.URL(t)})
		seedPlans(t, s, "BYTEA", 1)
		for text, args := range recorded(t, s) {
			checkPostgres(t, s, text, args)
		}
	})
}

func openMigrated(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// planNoon is when everything in these tests happens.
var planNoon = time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC)

// seededID is the id of row i of a seeded table.
func seededID(kind string, i int) id.ID { return id.ID(fmt.Sprintf("%s-%d", kind, i)) }

// seedPlans fills the tables that grow: 2,000 customers share 40,000 licenses,
// every one of them with a device, an event and a refused attempt. Each table
// gets its share of the rows only.
func seedPlans(t *testing.T, s *Store, blob string, share int) {
	t.Helper()
	err := s.InTx(t.Context(), func(tx *Tx) error {
		p := license.Product{ID: seededID("product", 1), Environment: license.Production, Name: "Editor", Slug: "editor", CreatedAt: planNoon}
		if err := tx.AddProduct(t.Context(), p); err != nil {
			return err
		}
		for _, fill := range []struct {
			rows int
			text string
		}{
			{2000, `INSERT INTO customer (id, name, status, created_at, updated_at) %s SELECT 'customer-' || i, 'C', 'active', i, i FROM n`},
			{2000, `INSERT INTO person (id, email, name, password_hash, status, time_zone, theme, created_at, updated_at)
				%s SELECT 'person-' || i, 'p' || i || '@example.com', '', '', 'active', '', 'system', i, i FROM n`},
			{2000, `INSERT INTO session (id, token_hash, person_seq, customer_seq, created_at, last_seen_at, expires_at, address, user_agent)
				%s SELECT 'session-' || i, CAST('session-' || i AS BYTES), 1 + i %% CUSTOMERS, 1 + i %% CUSTOMERS, i, i, 1773316800000000 + i, '', '' FROM n`},
			{20000, `INSERT INTO team_invitation (id, customer_seq, person_seq, role, token_hash, created_at, expires_at)
				%s SELECT 'invitation-' || i, 1 + i %% CUSTOMERS, 1 + (i + i / CUSTOMERS) %% CUSTOMERS, 'viewer', CAST('invitation-' || i AS BYTES), i, i FROM n`},
			{2000, `INSERT INTO membership (person_seq, customer_seq, role, created_at) %s SELECT i, i, 'owner', i FROM n`},
			{2000, `INSERT INTO authenticator_app (person_seq, secret_sealed, last_step, created_at) %s SELECT i, CAST('x' AS BYTES), 0, i FROM n`},
			{20000, `INSERT INTO recovery_code (person_seq, code_hash, created_at) %s SELECT 1 + i %% CUSTOMERS, CAST('code-' || i AS BYTES), i FROM n`},
			{4000, `INSERT INTO passkey (id, person_seq, credential_id, public_key, sign_count, flags, transports, name, created_at)
				%s SELECT 'passkey-' || i, 1 + i %% CUSTOMERS, CAST('credential-' || i AS BYTES), CAST('x' AS BYTES), 0, 0, '', '', i FROM n`},
			{20000, `INSERT INTO challenge (token_hash, purpose, person_seq, data, created_at, expires_at)
				%s SELECT CAST('challenge-' || i AS BYTES), 'second_step', 1 + i %% CUSTOMERS, '', i, 1773316800000000 + i FROM n`},
			{20000, `INSERT INTO sign_in (person_seq, at, refused, way, new_browser, address, user_agent)
				%s SELECT 1 + i %% CUSTOMERS, 1773316800000000 + i, i %% 2 = 0, 'password', i %% 3 = 0, '', '' FROM n`},
			{40000, `INSERT INTO license (id, environment, product_seq, customer_seq, plan, key_hash, key_text, key_folded, key_mask,
					activation_limit, validity_days, created_at, assigned_at, first_activated_at, expires_at, grace,
					suspend_reason, revoke_reason, note, max_version, features, version)
				%s SELECT 'license-' || i, 'production', 1, 1 + i %% CUSTOMERS, 'Standard', CAST('key-' || i AS BYTES), 'KEY' || i, 'KEY' || i, 'mask',
					5, 365, i, 1773316800000000 + i %% 97, CASE WHEN i %% 3 = 0 THEN 1773316800000000 END, 1773316800000000 + (i %% 700 - 350) * 86400000000, 0,
					'', '', '', '', '[]', 1 FROM n`},
			{40000, `INSERT INTO activation (id, license_seq, customer_seq, kind, identifier, identifier_folded, name, name_folded,
					platform, app_version, activated_at, end_reason)
				%s SELECT 'activation-' || i, i, 1 + i %% CUSTOMERS, 'hardware', 'HW-' || i, 'hw-' || i, 'D', 'd', '', '', 1773316800000000 + i, '' FROM n`},
			{40000, `INSERT INTO event (id, at, type, actor_kind, actor_id, request_id, environment, product_seq, license_seq, license_version,
					customer_seq, activation_id, person_id, reason, data)
				%s SELECT 'event-' || i, i, 'license.assigned', 'system', '', '', 'production', 1, i, 1, 1 + i %% CUSTOMERS, 'activation-' || i, '', '', '{}' FROM n`},
			{40000, `INSERT INTO event_origin (event_seq, address) %s SELECT i, '203.0.113.9' FROM n`},
			{40000, `INSERT INTO event_seal (number, event_seq, hash) %s SELECT i, i, CAST('x' AS BYTES) FROM n`},
			{4000, `INSERT INTO webhook (id, environment, url, events, secret_sealed, delivered, failed, created_at)
				%s SELECT 'hook-' || i, 'production', '', '', CAST('x' AS BYTES), 0, 0, i FROM n`},
			{40000, `INSERT INTO webhook_delivery (id, webhook_seq, event_type, body, state, attempts, next_at, retry_of, created_at)
				%s SELECT 'delivery-' || i, 1 + i %% CUSTOMERS, '', '', 'waiting', 1, 1773316800000000 + i, '', 1773316800000000 + i FROM n`},
			{40000, `INSERT INTO webhook_attempt (delivery_seq, at, took, request_headers, status, answer_headers, answer, error)
				%s SELECT i, i, 1, '{}', 500, '{}', '', '' FROM n`},
			{40000, `INSERT INTO offline_file (id, license_seq, activation_id, nonce, claims_sealed, issued_at, valid_until, return_reason)
				%s SELECT 'file-' || i, i, 'activation-' || i, 'nonce', CAST('x' AS BYTES), i, 1773316800000000 + i, '' FROM n`},
			{40000, `INSERT INTO attempt (license_seq, at, kind, identifier, name, code)
				%s SELECT i, i, 'hardware', 'hw', '', 'limit_reached' FROM n`},
			{20000, `INSERT INTO reservation (id, license_seq, retired_seq, kind, identifier, identifier_folded, name, claims, created_at, expires_at)
				%s SELECT 'reservation-' || i, i, i, '', '', '', '', 0, i, 1773316800000000 + i FROM n`},
			{20000, `INSERT INTO release (id, product_seq, version, released_at, created_at) %s SELECT 'release-' || i, 1, 'v' || i, i, i FROM n`},
			{40000, `INSERT INTO asset (id, release_seq, file_name, kind, platform, architecture, size, sha256, content_type, storage_key, downloads, created_at)
				%s SELECT 'asset-' || i, 1 + i / 2, 'f' || i, 'package', '', '', 1, CAST('x' AS BYTES), '', 'key-' || i, 0, i FROM n WHERE i / 2 < (SELECT COUNT(*) FROM release)`},
			{4000, `INSERT INTO ticket (id, number, customer_seq, person_seq, subject, subject_folded, category, priority, status, form, created_at, updated_at, resolved_at)
				%s SELECT 'ticket-' || i, 1000 + i, 1 + i %% CUSTOMERS, 1 + i %% CUSTOMERS, 'S', 's', 'billing', 'normal',
					CASE i %% 3 WHEN 0 THEN 'open' WHEN 1 THEN 'resolved' ELSE 'closed' END, 'form-' || i, i, 1773316800000000 + i, 1773316800000000 + i FROM n`},
			{8000, `INSERT INTO ticket_message (id, ticket_seq, kind, side, author_id, body, body_folded, by_mail, form, created_at)
				%s SELECT 'post-' || i, 1 + i / 2, 'message', CASE i %% 2 WHEN 0 THEN 'customer' ELSE 'staff' END, 'person-' || (1 + i %% CUSTOMERS), 'B', 'b', i %% 2 = 0, 'form-' || i, i
					FROM n WHERE i / 2 < (SELECT COUNT(*) FROM ticket)`},
			{4000, `INSERT INTO ticket_file (id, message_seq, ticket_seq, name, media_type, size, created_at)
				%s SELECT 'attachment-' || i, i, 1 + i / 2, 'f', 'text/plain', 1, i FROM n`},
			{4000, `INSERT INTO ticket_content (file_seq, content) %s SELECT i, CAST('x' AS BYTES) FROM n`},
			{4000, `INSERT INTO ticket_event (id, ticket_seq, type, side, actor_id, was, became, detail, at)
				%s SELECT 'entry-' || i, i, 'created', 'customer', '', '', 'open', '', i FROM n`},
			{4000, `INSERT INTO ticket_license (ticket_seq, license_seq, standing, created_at) %s SELECT i, i, '{}', i FROM n`},
			{20000, `INSERT INTO upload (release_id, storage_key, seen_at, given_up_at)
				%s SELECT 'release-' || i, 'upload-' || i, 1773316800000000 + i, CASE WHEN i %% 100 = 0 THEN i END FROM n`},
			{20000, `INSERT INTO idempotency (scope, key, request_hash, result_id, expires_at)
				%s SELECT 'scope', 'key-' || i, CAST('x' AS BYTES), '', 1773316800000000 + i FROM n`},
			{20000, `INSERT INTO validation_hour (product_seq, hour, code, total) %s SELECT 1, i * 3600000000, 'valid', 1 FROM n`},
		} {
			numbers := fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)`, fill.rows/share)
			text := strings.NewReplacer("AS BYTES", "AS "+blob, "CUSTOMERS", strconv.Itoa(2000/share)).Replace(fmt.Sprintf(fill.text, numbers))
			if _, err := tx.exec(t.Context(), text); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		if s.DatabaseName() == sqliteName {
			return nil // as in production, where nobody collects statistics
		}
		_, err := tx.exec(t.Context(), `ANALYZE`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// recorder passes statements on and remembers them.
type recorder struct {
	querier
	seen map[string][]any
}

func (r *recorder) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	r.seen[text] = args
	return r.querier.ExecContext(ctx, text, args...)
}

func (r *recorder) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	r.seen[text] = args
	return r.querier.QueryContext(ctx, text, args...)
}

// recorded returns the statements of every read and write that has to stay
// quick, with arguments they were used with.
func recorded(t *testing.T, s *Store) map[string][]any {
	t.Helper()
	var r *recorder
	err := s.InTx(t.Context(), func(tx *Tx) error {
		r = &recorder{tx.q, map[string][]any{}}
		tx.q = r
		for name, call := range planned() {
			if err := call(t.Context(), tx); err != nil && !IsNotFound(err) {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.seen
}

// only drops the result of a read.
func only[T any](_ T, err error) error { return err }

type call = func(ctx context.Context, tx *Tx) error

// planned is every call whose statements are looked at.
func planned() map[string]call {
	owner, one, seat := seededID("customer", 7), seededID("license", 6), seededID("activation", 6)
	device := &license.Device{Kind: license.Hardware, Identifier: "other", Name: "d"}
	calls := map[string]call{
		"License":      func(ctx context.Context, tx *Tx) error { return only(tx.License(ctx, one)) },
		"OwnedLicense": func(ctx context.Context, tx *Tx) error { return only(tx.OwnedLicense(ctx, owner, one)) },
		"LicenseByKey": func(ctx context.Context, tx *Tx) error {
			return only(tx.LicenseByKey(ctx, license.Production, []byte("key-6")))
		},
		"LockLicense": func(ctx context.Context, tx *Tx) error { return only(tx.LockLicense(ctx, one)) },
		"Licenses of a customer": func(ctx context.Context, tx *Tx) error {
			return only(tx.Licenses(ctx, VendorFilter{Environment: license.Production, Customer: owner, Status: license.Active, Now: planNoon}, one, 101))
		},
		"Licenses of a product": func(ctx context.Context, tx *Tx) error {
			return only(tx.Licenses(ctx, VendorFilter{Environment: license.Production, Product: seededID("product", 1), Within: time.Hour, Now: planNoon}, one, 101))
		},
		"Licenses of an environment": func(ctx context.Context, tx *Tx) error {
			return only(tx.Licenses(ctx, VendorFilter{Environment: license.Production, Now: planNoon}, one, 101))
		},
		"ActivationsAfter":   func(ctx context.Context, tx *Tx) error { return only(tx.ActivationsAfter(ctx, one, seat, 101)) },
		"LicenseEventsAfter": func(ctx context.Context, tx *Tx) error { return only(tx.LicenseEventsAfter(ctx, one, "none", 101)) },
		"ClaimIdempotent": func(ctx context.Context, tx *Tx) error {
			return only(tx.ClaimIdempotent(ctx, Idempotent{Scope: "scope", Key: "new", RequestHash: []byte("x"), ExpiresAt: planNoon}, planNoon))
		},
		"DropIdempotent": func(ctx context.Context, tx *Tx) error { return tx.DropIdempotent(ctx, "scope", "none") },
		"SaveLicense": func(ctx context.Context, tx *Tx) error {
			l, err := tx.License(ctx, one)
			if err != nil {
				return err
			}
			return tx.SaveLicense(ctx, l)
		},
		"AddLicense": func(ctx context.Context, tx *Tx) error {
			l := license.License{ID: "new", ProductID: seededID("product", 1), CustomerID: owner, Environment: license.Production, CreatedAt: planNoon}
			return tx.AddLicense(ctx, l, LicenseKey{Hash: []byte("new")}, "")
		},
		"KeyOf":      func(ctx context.Context, tx *Tx) error { return only(tx.KeyOf(ctx, one)) },
		"KeysOf":     func(ctx context.Context, tx *Tx) error { return only(tx.KeysOf(ctx, []id.ID{one, "b", "c"})) },
		"SealedKeys": func(ctx context.Context, tx *Tx) error { return only(tx.SealedKeys(ctx, owner, 10)) },
		"AddActivation": func(ctx context.Context, tx *Tx) error {
			return tx.AddActivation(ctx, license.Activation{ID: "new", LicenseID: one, Kind: license.Hardware, Identifier: "new", ActivatedAt: planNoon})
		},
		"EndActivation": func(ctx context.Context, tx *Tx) error {
			return only(tx.EndActivation(ctx, "none", planNoon, license.ByOwner))
		},
		"EndActivations": func(ctx context.Context, tx *Tx) error {
			return only(tx.EndActivations(ctx, seededID("license", 9), planNoon, license.WithLicense))
		},
		"AddReservation": func(ctx context.Context, tx *Tx) error {
			return tx.AddReservation(ctx, license.Reservation{ID: "new", Retired: seededID("activation", 30000), CreatedAt: planNoon, ExpiresAt: planNoon}, ClaimCode{})
		},
		"ClaimableReservation": func(ctx context.Context, tx *Tx) error {
			return only(tx.ClaimableReservation(ctx, one, *device, []byte("x"), planNoon))
		},
		"UseReservation": func(ctx context.Context, tx *Tx) error { return tx.UseReservation(ctx, "none", seat, planNoon) },
		"ReleaseReservation": func(ctx context.Context, tx *Tx) error {
			return only(tx.ReleaseReservation(ctx, "none", planNoon))
		},
		"CountClaim": func(ctx context.Context, tx *Tx) error { return tx.CountClaim(ctx, one, planNoon) },
		"OwnedReservation": func(ctx context.Context, tx *Tx) error {
			_, _, err := tx.OwnedReservation(ctx, owner, "none")
			return err
		},
		"Reservation": func(ctx context.Context, tx *Tx) error { return only(tx.Reservation(ctx, "none")) },
		"ReservationFor": func(ctx context.Context, tx *Tx) error {
			return only(tx.ReservationFor(ctx, seededID("activation", 8)))
		},
		"OpenReservations": func(ctx context.Context, tx *Tx) error { return only(tx.OpenReservations(ctx, one, planNoon, 10)) },
		"SelfServed":       func(ctx context.Context, tx *Tx) error { return only(tx.SelfServed(ctx, one, planNoon, 3)) },
		"SetLabel": func(ctx context.Context, tx *Tx) error {
			return tx.SetLabel(ctx, license.Activation{LicenseID: one, Kind: license.Hardware, Identifier: "hw-6"}, "label")
		},
		"LabelOf":            func(ctx context.Context, tx *Tx) error { return only(tx.LabelOf(ctx, one, *device)) },
		"Activation":         func(ctx context.Context, tx *Tx) error { return only(tx.Activation(ctx, seat)) },
		"OwnedActivation":    func(ctx context.Context, tx *Tx) error { return only(tx.OwnedActivation(ctx, owner, seat)) },
		"Seats":              func(ctx context.Context, tx *Tx) error { return only(tx.Seats(ctx, one, device, planNoon)) },
		"LongestUnused":      func(ctx context.Context, tx *Tx) error { return only(tx.LongestUnused(ctx, one, planNoon)) },
		"LicenseActivations": func(ctx context.Context, tx *Tx) error { return only(tx.LicenseActivations(ctx, one, 10)) },
		"DeviceNames":        func(ctx context.Context, tx *Tx) error { return only(tx.DeviceNames(ctx, []id.ID{seat, "b", "c"})) },
		"MarkSeen": func(ctx context.Context, tx *Tx) error {
			return tx.MarkSeen(ctx, []Seen{{ActivationID: seat, At: planNoon}})
		},
		"AddAttempt": func(ctx context.Context, tx *Tx) error {
			return tx.AddAttempt(ctx, one, license.Attempt{At: planNoon, Kind: license.Hardware, Code: verdict.LimitReached})
		},
		"Attempts": func(ctx context.Context, tx *Tx) error { return only(tx.Attempts(ctx, one, 5)) },
		"AppendEvent": func(ctx context.Context, tx *Tx) error {
			return tx.AppendEvent(ctx, event.New(event.LicenseRenewed, account.System(""), planNoon))
		},
		"LicenseEvents": func(ctx context.Context, tx *Tx) error { return only(tx.LicenseEvents(ctx, one, 100)) },
		"LicenseEvent":  func(ctx context.Context, tx *Tx) error { return only(tx.LicenseEvent(ctx, one, event.LicenseAssigned)) },
		"CustomerEvents": func(ctx context.Context, tx *Tx) error {
			return only(tx.CustomerEvents(ctx, owner, 8, event.ChangeRefused, event.LicenseCreated))
		},
		"AllViews": func(ctx context.Context, tx *Tx) error {
			return only(tx.AllViews(ctx, seededID("person", 6), owner, 40))
		},
		"Views": func(ctx context.Context, tx *Tx) error {
			return only(tx.Views(ctx, seededID("person", 6), owner, "licenses", 20))
		},
		"View": func(ctx context.Context, tx *Tx) error {
			return only(tx.View(ctx, seededID("person", 6), owner, "view"))
		},
		"RenameView":      func(ctx context.Context, tx *Tx) error { return tx.RenameView(ctx, "view", "Name") },
		"DeleteView":      func(ctx context.Context, tx *Tx) error { return tx.DeleteView(ctx, "view") },
		"Unsealed":        func(ctx context.Context, tx *Tx) error { return only(tx.Unsealed(ctx, 100)) },
		"SealedAfter":     func(ctx context.Context, tx *Tx) error { return only(tx.SealedAfter(ctx, 39000, 100)) },
		"LockEventCursor": func(ctx context.Context, tx *Tx) error { return only(tx.LockEventCursor(ctx, "mail")) },
		"SetEventCursor":  func(ctx context.Context, tx *Tx) error { return tx.SetEventCursor(ctx, "mail", 7) },
		"Idempotent":      func(ctx context.Context, tx *Tx) error { return only(tx.Idempotent(ctx, "scope", "key-6", planNoon)) },
		"ForgetIdempotent": func(ctx context.Context, tx *Tx) error {
			return only(tx.ForgetIdempotent(ctx, planNoon.Add(-time.Hour), 500))
		},
		"ValidationsSince": func(ctx context.Context, tx *Tx) error {
			return only(tx.ValidationsSince(ctx, seededID("product", 1), time.UnixMicro(19_900*3_600_000_000)))
		},
		"AddValidations": func(ctx context.Context, tx *Tx) error {
			return tx.AddValidations(ctx, []Validations{{ProductID: seededID("product", 1), Hour: planNoon, Code: verdict.Valid, Total: 1}})
		},
		"SessionByToken": func(ctx context.Context, tx *Tx) error { return only(tx.SessionByToken(ctx, []byte("session-6"))) },
		"Sessions":       func(ctx context.Context, tx *Tx) error { return only(tx.Sessions(ctx, seededID("person", 6))) },
		"TouchSession":   func(ctx context.Context, tx *Tx) error { return tx.TouchSession(ctx, seededID("session", 6), planNoon) },
		"EndSession": func(ctx context.Context, tx *Tx) error {
			return tx.EndSession(ctx, seededID("person", 7), seededID("session", 6))
		},
		"EndSessions": func(ctx context.Context, tx *Tx) error { return only(tx.EndSessions(ctx, seededID("person", 8))) },
		"EndOtherSessions": func(ctx context.Context, tx *Tx) error {
			return only(tx.EndOtherSessions(ctx, seededID("person", 9), seededID("session", 9)))
		},
		"LatestEvents": func(ctx context.Context, tx *Tx) error {
			return only(tx.LatestEvents(ctx, owner, event.TeamLeft, 100))
		},
		"Exists": func(ctx context.Context, tx *Tx) error { return only(tx.Exists(ctx, SessionRecord, "none")) },
		"EventsOfCustomer": func(ctx context.Context, tx *Tx) error {
			return only(tx.EventsOfCustomer(ctx, owner, seededID("event", 6), 200, event.ChangeRefused))
		},
		"LockCustomer": func(ctx context.Context, tx *Tx) error { return only(tx.LockCustomer(ctx, owner)) },
		"SetRole": func(ctx context.Context, tx *Tx) error {
			return tx.SetRole(ctx, seededID("person", 6), owner, account.Viewer)
		},
		"RemoveMembership": func(ctx context.Context, tx *Tx) error { return tx.RemoveMembership(ctx, seededID("person", 6), owner) },
		"SetSessionCustomer": func(ctx context.Context, tx *Tx) error {
			return tx.SetSessionCustomer(ctx, seededID("person", 5), seededID("session", 5), owner)
		},
		"TeamInvitations": func(ctx context.Context, tx *Tx) error { return only(tx.TeamInvitations(ctx, owner)) },
		"TeamInvitation":  func(ctx context.Context, tx *Tx) error { return only(tx.TeamInvitation(ctx, "none")) },
		"TeamInvitationByToken": func(ctx context.Context, tx *Tx) error {
			return only(tx.TeamInvitationByToken(ctx, []byte("none")))
		},
		"AddSignIn": func(ctx context.Context, tx *Tx) error {
			return tx.AddSignIn(ctx, seededID("person", 6), account.SignIn{At: planNoon}, account.SignInsKept)
		},
		"SignIns":      func(ctx context.Context, tx *Tx) error { return only(tx.SignIns(ctx, seededID("person", 6), 50)) },
		"PurgeSignIns": func(ctx context.Context, tx *Tx) error { return only(tx.PurgeSignIns(ctx, planNoon, 500)) },
		"NoticeTopic": func(ctx context.Context, tx *Tx) error {
			_, _, err := tx.NoticeTopic(ctx, seededID("person", 6), "topic")
			return err
		},
		"SetNoticeTopic": func(ctx context.Context, tx *Tx) error {
			return tx.SetNoticeTopic(ctx, seededID("person", 6), "topic", Job{ID: "job", RunAt: planNoon})
		},
		"PurgeNoticeTopics": func(ctx context.Context, tx *Tx) error { return only(tx.PurgeNoticeTopics(ctx, planNoon, 100)) },
		"Endings": func(ctx context.Context, tx *Tx) error {
			return only(tx.Endings(ctx, planNoon, planNoon.Add(time.Hour), Ending{}, 200))
		},
		"Endings behind one": func(ctx context.Context, tx *Tx) error {
			return only(tx.Endings(ctx, planNoon, planNoon.Add(time.Hour), Ending{LicenseID: one, EndsAt: planNoon.Add(time.Minute)}, 200))
		},
		"NoteEnd": func(ctx context.Context, tx *Tx) error { return only(tx.NoteEnd(ctx, one, planNoon, planNoon)) },
		"MarkEnding": func(ctx context.Context, tx *Tx) error {
			return only(tx.MarkEnding(ctx, seededID("person", 6), owner, "expired", planNoon, planNoon.Add(time.Hour), planNoon))
		},
		"MarkTold": func(ctx context.Context, tx *Tx) error {
			return tx.MarkTold(ctx, seededID("person", 6), one, "expired", planNoon)
		},
		"OwnedEnding": func(ctx context.Context, tx *Tx) error {
			return only(tx.OwnedEnding(ctx, owner, planNoon, planNoon.Add(time.Hour), 100))
		},
		"PersonByEmail": func(ctx context.Context, tx *Tx) error { return only(tx.PersonByEmail(ctx, "p6@example.com")) },
	}
	addLists(calls, owner)
	addWebhooks(calls)
	addReleases(calls, owner)
	addOffline(calls, one)
	addFactors(calls, seededID("person", 6))
	addTickets(calls, owner)
	return calls
}

// addTickets adds what customers and staff do with tickets, and every form of
// their two lists.
func addTickets(calls map[string]call, owner id.ID) {
	one := seededID("ticket", 6)
	for i, f := range []TicketFilter{
		{}, {Status: ticket.Resolved}, {Category: "billing"}, {From: planNoon, To: planNoon.Add(time.Hour)},
		{Search: "b"}, {Search: "tick-1", Number: "1"}, {Open: true}, {Environment: license.Staging}, {Environment: license.Staging, Status: ticket.Open, Search: "b"},
	} {
		for j, page := range []Page{{Size: 25}, {After: one, Size: 25}, {Before: one, Size: 25}} {
			for _, customer := range []id.ID{owner, ""} {
				f.Customer = customer
				for _, order := range []ticket.Order{ticket.ByUpdated, ticket.ByAge, ticket.ByNeed} {
					if customer == "" && order != ticket.ByUpdated {
						continue // staff read them as they change
					}
					calls[fmt.Sprint("Tickets ", i, j, customer, order)] = func(ctx context.Context, tx *Tx) error {
						return only(tx.Tickets(ctx, f, order, page))
					}
				}
			}
		}
		f.Customer = owner
		calls[fmt.Sprint("CountTickets ", i)] = func(ctx context.Context, tx *Tx) error { return only(tx.CountTickets(ctx, f)) }
	}
	maps.Copy(calls, map[string]call{
		"NextTicketNumber": func(ctx context.Context, tx *Tx) error { return only(tx.NextTicketNumber(ctx)) },
		"AddTicket": func(ctx context.Context, tx *Tx) error {
			return tx.AddTicket(ctx, ticket.Ticket{
				ID: "new", Number: 900, Environment: license.Production, CustomerID: owner, PersonID: seededID("person", 6),
				Priority: ticket.Normal, Status: ticket.Open, CreatedAt: planNoon, UpdatedAt: planNoon,
			}, "new")
		},
		"Ticket":         func(ctx context.Context, tx *Tx) error { return only(tx.Ticket(ctx, one)) },
		"OwnedTicket":    func(ctx context.Context, tx *Tx) error { return only(tx.OwnedTicket(ctx, owner, one)) },
		"TicketByNumber": func(ctx context.Context, tx *Tx) error { return only(tx.TicketByNumber(ctx, 1006)) },
		"TicketByForm":   func(ctx context.Context, tx *Tx) error { return only(tx.TicketByForm(ctx, owner, "form-6")) },
		"LockTicket":     func(ctx context.Context, tx *Tx) error { return only(tx.LockTicket(ctx, one)) },
		"SaveTicket": func(ctx context.Context, tx *Tx) error {
			x, err := tx.Ticket(ctx, one)
			if err != nil {
				return err
			}
			return tx.SaveTicket(ctx, x)
		},
		"ResolvedTickets": func(ctx context.Context, tx *Tx) error { return only(tx.ResolvedTickets(ctx, planNoon, 100)) },
		"TicketPeople":    func(ctx context.Context, tx *Tx) error { return only(tx.TicketPeople(ctx, one)) },
		"AddPost": func(ctx context.Context, tx *Tx) error {
			return tx.AddPost(ctx, one, ticket.Post{ID: "new", Kind: ticket.Message, Side: ticket.CustomerSide, At: planNoon}, "new")
		},
		"Written": func(ctx context.Context, tx *Tx) error {
			return only(tx.Written(ctx, one, seededID("person", 6), "", 200))
		},
		"Posts":      func(ctx context.Context, tx *Tx) error { return only(tx.Posts(ctx, one, false)) },
		"Post":       func(ctx context.Context, tx *Tx) error { return only(tx.Post(ctx, one, seededID("post", 10))) },
		"PostedForm": func(ctx context.Context, tx *Tx) error { return only(tx.PostedForm(ctx, one, "form-10")) },
		"AddFile": func(ctx context.Context, tx *Tx) error {
			return tx.AddFile(ctx, seededID("post", 10), Upload{File: ticket.File{ID: "new", Name: "f", Type: "text/plain", At: planNoon}})
		},
		"Files": func(ctx context.Context, tx *Tx) error { return only(tx.Files(ctx, one, false)) },
		"OwnedFile": func(ctx context.Context, tx *Tx) error {
			return only(tx.OwnedFile(ctx, owner, seededID("attachment", 6)))
		},
		"File":       func(ctx context.Context, tx *Tx) error { return only(tx.File(ctx, one, seededID("attachment", 6))) },
		"FileExists": func(ctx context.Context, tx *Tx) error { return tx.FileExists(ctx, seededID("attachment", 6)) },
		"AddTicketEvent": func(ctx context.Context, tx *Tx) error {
			return tx.AddTicketEvent(ctx, one, ticket.Event{ID: "new", Type: ticket.Posted, Side: ticket.StaffSide, At: planNoon})
		},
		"TicketEvents": func(ctx context.Context, tx *Tx) error { return only(tx.TicketEvents(ctx, one)) },
		"AddMention": func(ctx context.Context, tx *Tx) error {
			return tx.AddMention(ctx, one, ticket.Mention{LicenseID: seededID("license", 6)}, planNoon)
		},
		"Mentions": func(ctx context.Context, tx *Tx) error { return only(tx.Mentions(ctx, one)) },
		"EnqueueTicketNotice": func(ctx context.Context, tx *Tx) error {
			return tx.EnqueueTicketNotice(ctx, ticket.Notice{Occasion: ticket.Opened, TicketID: one}, planNoon)
		},
	})
}

// addFactors adds what is read and written about how people sign in.
func addFactors(calls map[string]call, person id.ID) {
	key := seededID("passkey", 6)
	maps.Copy(calls, map[string]call{
		"App": func(ctx context.Context, tx *Tx) error { return only(tx.App(ctx, person)) },
		"PutApp": func(ctx context.Context, tx *Tx) error {
			return tx.PutApp(ctx, account.App{PersonID: person, Secret: []byte("x"), CreatedAt: planNoon})
		},
		"ConfirmApp":    func(ctx context.Context, tx *Tx) error { return tx.ConfirmApp(ctx, person, planNoon) },
		"AcceptAppCode": func(ctx context.Context, tx *Tx) error { return tx.AcceptAppCode(ctx, person, 7) },
		"DropApp":       func(ctx context.Context, tx *Tx) error { return tx.DropApp(ctx, seededID("person", 8)) },
		"ReplaceRecoveryCodes": func(ctx context.Context, tx *Tx) error {
			return tx.ReplaceRecoveryCodes(ctx, seededID("person", 8), [][]byte{[]byte("new")}, planNoon)
		},
		"SpendRecoveryCode": func(ctx context.Context, tx *Tx) error {
			return tx.SpendRecoveryCode(ctx, person, []byte("none"), planNoon)
		},
		"RecoveryCodesLeft": func(ctx context.Context, tx *Tx) error { return only(tx.RecoveryCodesLeft(ctx, person)) },
		"AddPasskey": func(ctx context.Context, tx *Tx) error {
			return tx.AddPasskey(ctx, account.Passkey{ID: "new", PersonID: person, CredentialID: []byte("new"), PublicKey: []byte("x"), CreatedAt: planNoon})
		},
		"Passkeys": func(ctx context.Context, tx *Tx) error { return only(tx.Passkeys(ctx, person, 20)) },
		"Passkey":  func(ctx context.Context, tx *Tx) error { return only(tx.Passkey(ctx, person, key)) },
		"PasskeyByCredential": func(ctx context.Context, tx *Tx) error {
			return only(tx.PasskeyByCredential(ctx, []byte("credential-6")))
		},
		"UsePasskey":    func(ctx context.Context, tx *Tx) error { return tx.UsePasskey(ctx, account.Passkey{ID: key}, planNoon) },
		"RenamePasskey": func(ctx context.Context, tx *Tx) error { return tx.RenamePasskey(ctx, person, key, "Name") },
		"DropPasskey":   func(ctx context.Context, tx *Tx) error { return tx.DropPasskey(ctx, person, key) },
		"DropPasskeys":  func(ctx context.Context, tx *Tx) error { return only(tx.DropPasskeys(ctx, seededID("person", 8))) },
		"AddChallenge": func(ctx context.Context, tx *Tx) error {
			return tx.AddChallenge(ctx, account.Challenge{Purpose: account.SecondStep, PersonID: person, CreatedAt: planNoon, ExpiresAt: planNoon}, []byte("new"))
		},
		"Challenge": func(ctx context.Context, tx *Tx) error {
			return only(tx.Challenge(ctx, []byte("challenge-6"), account.SecondStep, planNoon))
		},
		"SpendChallenge":  func(ctx context.Context, tx *Tx) error { return tx.SpendChallenge(ctx, []byte("none")) },
		"DropChallenges":  func(ctx context.Context, tx *Tx) error { return tx.DropChallenges(ctx, seededID("person", 8)) },
		"PurgeChallenges": func(ctx context.Context, tx *Tx) error { return only(tx.PurgeChallenges(ctx, planNoon, 500)) },
		"ProveSession": func(ctx context.Context, tx *Tx) error {
			return tx.ProveSession(ctx, person, seededID("session", 6), planNoon)
		},
	})
}

// addOffline adds what is done with the offline files of a license.
func addOffline(calls map[string]call, one id.ID) {
	calls["OfflineFiles"] = func(ctx context.Context, tx *Tx) error { return only(tx.OfflineFiles(ctx, one, 10)) }
	calls["OfflineFile"] = func(ctx context.Context, tx *Tx) error { return only(tx.OfflineFile(ctx, one, seededID("file", 6))) }
	calls["OfflineFileOf"] = func(ctx context.Context, tx *Tx) error { return only(tx.OfflineFileOf(ctx, one, "nonce")) }
	calls["OfflineOut"] = func(ctx context.Context, tx *Tx) error { return only(tx.OfflineOut(ctx, one, "", planNoon)) }
	calls["ReturnOfflineFile"] = func(ctx context.Context, tx *Tx) error {
		return only(tx.ReturnOfflineFile(ctx, seededID("file", 6), license.FileLost, planNoon))
	}
	calls["SupersedeOfflineFiles"] = func(ctx context.Context, tx *Tx) error {
		return tx.SupersedeOfflineFiles(ctx, one, seededID("activation", 6), planNoon)
	}
}

// addWebhooks adds what is done for each webhook, each second.
func addWebhooks(calls map[string]call) {
	hook, delivery := seededID("hook", 1), seededID("delivery", 6)
	claimed := Delivery{ID: delivery, WebhookID: hook, Attempts: 1}
	calls["Webhooks"] = func(ctx context.Context, tx *Tx) error { return only(tx.Webhooks(ctx, license.Production, 10)) }
	calls["Webhook"] = func(ctx context.Context, tx *Tx) error { return only(tx.Webhook(ctx, hook)) }
	calls["Deliveries"] = func(ctx context.Context, tx *Tx) error { return only(tx.Deliveries(ctx, hook, 10)) }
	calls["NextDeliveryAt"] = func(ctx context.Context, tx *Tx) error { return only(tx.NextDeliveryAt(ctx, hook)) }
	calls["ClaimDelivery"] = func(ctx context.Context, tx *Tx) error {
		return only(tx.ClaimDelivery(ctx, hook, planNoon.Add(time.Second), planNoon))
	}
	calls["EndDelivery"] = func(ctx context.Context, tx *Tx) error {
		return tx.EndDelivery(ctx, claimed, DeliveryDelivered, planNoon)
	}
	calls["RetryDelivery"] = func(ctx context.Context, tx *Tx) error {
		claimed := Delivery{ID: seededID("delivery", 7), Attempts: 1}
		return tx.RetryDelivery(ctx, claimed, planNoon)
	}
	calls["DeliveryAttempts"] = func(ctx context.Context, tx *Tx) error { return only(tx.DeliveryAttempts(ctx, delivery)) }
	calls["RemoveWebhook"] = func(ctx context.Context, tx *Tx) error { return tx.RemoveWebhook(ctx, seededID("hook", 2), planNoon) }
	calls["PurgeDeliveries"] = func(ctx context.Context, tx *Tx) error {
		return only(tx.PurgeDeliveries(ctx, planNoon.Add(time.Millisecond), 10))
	}
}

// addReleases adds what the lists of releases read.
func addReleases(calls map[string]call, owner id.ID) {
	p, one := seededID("product", 1), seededID("release", 6)
	for i, page := range []Page{{Size: 20}, {After: one, Size: 20}, {Before: one, Size: 20}} {
		for j, f := range []PublicationFilter{{Product: p}, {Product: p, OutAt: planNoon}} {
			calls[fmt.Sprint("Publications ", i, j)] = func(ctx context.Context, tx *Tx) error { return only(tx.Publications(ctx, f, page)) }
		}
	}
	maps.Copy(calls, map[string]call{
		"Releases":         func(ctx context.Context, tx *Tx) error { return only(tx.Releases(ctx, p)) },
		"OfferedReleases":  func(ctx context.Context, tx *Tx) error { return only(tx.OfferedReleases(ctx, p)) },
		"Publication":      func(ctx context.Context, tx *Tx) error { return only(tx.Publication(ctx, p, "1")) },
		"PublicationsByID": func(ctx context.Context, tx *Tx) error { return only(tx.PublicationsByID(ctx, []id.ID{one})) },
		"addAssets":        func(ctx context.Context, tx *Tx) error { return tx.addAssets(ctx, []*license.Publication{{ID: one}}) },
		"ReleasedAsset": func(ctx context.Context, tx *Tx) error {
			_, _, err := tx.ReleasedAsset(ctx, one)
			return err
		},
		"StorageKeyKnown": func(ctx context.Context, tx *Tx) error { return only(tx.StorageKeyKnown(ctx, "none")) },
		"HeldProducts":    func(ctx context.Context, tx *Tx) error { return only(tx.HeldProducts(ctx, owner, 200)) },
		"HeldLicenses":    func(ctx context.Context, tx *Tx) error { return only(tx.HeldLicenses(ctx, owner, p)) },
		"FormerSlug":      func(ctx context.Context, tx *Tx) error { return only(tx.FormerSlug(ctx, license.Production, "none")) },
		"SeeUploads":      func(ctx context.Context, tx *Tx) error { return tx.SeeUploads(ctx, one, planNoon) },
		"EndUploads":      func(ctx context.Context, tx *Tx) error { return only(tx.EndUploads(ctx, one)) },
		"GiveUploadsUp":   func(ctx context.Context, tx *Tx) error { return tx.GiveUploadsUp(ctx, planNoon, planNoon) },
		"UploadsGivenUp":  func(ctx context.Context, tx *Tx) error { return only(tx.UploadsGivenUp(ctx, 10)) },
		"ForgetUpload":    func(ctx context.Context, tx *Tx) error { return tx.ForgetUpload(ctx, "none") },
	})
}

// addLists adds every form of the two lists of a customer.
func addLists(calls map[string]call, owner id.ID) {
	pages := []Page{{Size: 25}, {After: seededID("license", 6), Size: 25}, {Before: seededID("license", 6), Size: 25}}
	for i, f := range []LicenseFilter{
		{}, {Status: license.Active}, {Status: license.Expired}, {Status: license.Revoked}, {Within: 30 * 24 * time.Hour},
		{Product: "edi"}, {Key: "KEY"}, {Product: "edi", Key: "EY6", Licenses: []id.ID{"a", "b", "c"}}, {Product: "edi", Status: license.Active},
		{Living: true}, {Living: true, Key: "KEY"},
	} {
		f.Customer, f.Now = owner, planNoon
		calls[fmt.Sprint("CountOwned ", i)] = func(ctx context.Context, tx *Tx) error { return only(tx.CountOwned(ctx, f)) }
		for _, order := range []license.Order{license.ByAssigned, license.ByProduct, license.ByStatus, license.ByExpiry, license.ByNeed} {
			for j, page := range pages {
				for _, desc := range []bool{false, true} {
					calls[fmt.Sprint("OwnedLicenses ", i, order, j, desc)] = func(ctx context.Context, tx *Tx) error {
						return only(tx.OwnedLicenses(ctx, f, order, desc, page))
					}
				}
			}
		}
	}
	seats := []Page{{Size: 25}, {After: seededID("activation", 6), Size: 25}, {Before: seededID("activation", 6), Size: 25}}
	for i, f := range []ActivationFilter{
		{}, {Status: license.ActivationActive}, {LicenseID: seededID("license", 6)}, {Search: "hw"}, {Holding: true},
		{Search: "hw", Status: license.ActivationActive, LicenseID: seededID("license", 6)},
	} {
		f.Customer, f.Now = owner, planNoon
		calls[fmt.Sprint("CountActivations ", i)] = func(ctx context.Context, tx *Tx) error { return only(tx.CountActivations(ctx, f)) }
		for j, page := range seats {
			calls[fmt.Sprint("OwnedActivations ", i, j)] = func(ctx context.Context, tx *Tx) error {
				return only(tx.OwnedActivations(ctx, f, page))
			}
		}
	}
}

// small are the tables that may be read as a whole: few products, few
// administrators, the events that wait for their seal, and the rows that a
// bounded query within the statement has read.
var small = regexp.MustCompile(`^(p|n|latest|administrator|a|product|json_each|g|generator|w|event_pending|event_head|event_cursor|h|webhook|CONSTANT ROW)$`)

var scan = regexp.MustCompile(`^SCAN (CONSTANT ROW|\S+)`)

// checkSQLite fails on a SCAN: through an index too it reads every row.
func checkSQLite(t *testing.T, s *Store, text string, args []any) {
	t.Helper()
	rs, err := s.query(t.Context(), `EXPLAIN QUERY PLAN `+text, args...)
	steps, err := collect(rs, err, func(s scanner) (string, error) {
		var id, parent, unused int
		var detail string
		return detail, s.Scan(&id, &parent, &unused, &detail)
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, step := range steps {
		if m := scan.FindStringSubmatch(step); m != nil && !small.MatchString(m[1]) {
			t.Errorf("%s\n%s", text, strings.Join(steps, "\n"))
			return
		}
	}
}

// plan is a node of PostgreSQL's plans.
type plan struct {
	Node  string `json:"Node Type"`
	Table string `json:"Relation Name"`
	Cond  string `json:"Index Cond"`
	Index string `json:"Index Name"`
	Parts []plan `json:"Plans"`
}

// checkPostgres fails on a node that reads every row of a table or index. With
// sequential scans made dear, one is left only where nothing else could be done.
func checkPostgres(t *testing.T, s *Store, text string, args []any) {
	t.Helper()
	var explained string
	err := s.InTx(t.Context(), func(tx *Tx) error {
		if _, err := tx.exec(t.Context(), `SET LOCAL enable_seqscan = off`); err != nil {
			return err
		}
		return tx.queryRow(t.Context(), `EXPLAIN (FORMAT JSON) `+text, args...).Scan(&explained)
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var plans []struct{ Plan plan }
	if err := json.Unmarshal([]byte(explained), &plans); err != nil {
		t.Fatal(err)
	}
	for _, p := range plans {
		if node, ok := whole(p.Plan); ok {
			t.Errorf("%s\n%s of %s%s\n%s", text, node.Node, node.Table, node.Index, explained)
		}
	}
}

// whole finds a node that reads a whole table that grows.
func whole(p plan) (plan, bool) {
	reads := p.Node == "Seq Scan" || strings.Contains(p.Node, "Index") && p.Cond == ""
	if reads && !small.MatchString(p.Table) && !strings.HasPrefix(p.Index, "product") {
		return p, true
	}
	for _, part := range p.Parts {
		if node, ok := whole(part); ok {
			return node, true
		}
	}
	return plan{}, false
}
