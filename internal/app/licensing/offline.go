package licensing

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

// offlineListed is how many files of a license one page lists.
const offlineListed = 50

// OfflineList is the offline files of one license.
type OfflineList struct {
	OneLicense
	At      time.Time
	Policy  license.OfflinePolicy
	Files   []license.OfflineFile // newest first
	Out     int                   // can be in use now
	Verdict verdict.Verdict       // could one more device get a file
}

// OfflineFiles returns the offline files of one of the customer's licenses
// (C-OFF-05). Where its product does not allow any, and none was ever issued,
// there is no such page.
func (s *Service) OfflineFiles(ctx context.Context, actor account.Actor, wanted id.ID) (OfflineList, error) {
	if err := customerOnly(actor); err != nil {
		return OfflineList{}, err
	}
	list := OfflineList{At: s.clock()}
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		var err error
		if list.OneLicense, err = s.one(ctx, r, actor, wanted, list.At); err != nil {
			return err
		}
		if list.Files, err = r.OfflineFiles(ctx, wanted, offlineListed); err != nil {
			return err
		}
		if !list.Product.OfflineAllowed && len(list.Files) == 0 {
			return fault.Missing("page")
		}
		facts, policy, err := offlineFacts(ctx, r, list.License, license.Request{}, list.At)
		if err != nil {
			return err
		}
		list.Policy, list.Out = policy, facts.OfflineFiles
		list.Verdict = offlineVerdict(facts, license.Request{Whole: true}, list.At).For(verdict.ForOwner)
		return nil
	})
	return list, err
}

// offlineFacts gathers what decides about a file for the requested device: the
// files of other devices count.
func offlineFacts(ctx context.Context, r store.Reader, l license.License, req license.Request, now time.Time) (license.Facts, license.OfflinePolicy, error) {
	req.Purpose = verdict.AddDevice
	facts, err := gather(ctx, r, l, req, nil, now)
	if err != nil {
		return facts, license.OfflinePolicy{}, err
	}
	policy, err := r.OfflinePolicy(ctx, l.ProductID)
	if store.IsNotFound(err) {
		policy, err = license.DefaultOffline(), nil
	}
	if err != nil {
		return facts, policy, err
	}
	var device id.ID
	if facts.Device != nil {
		device = facts.Device.ID
	}
	facts.OfflineLimit = policy.Files
	facts.OfflineFiles, err = r.OfflineOut(ctx, l.ID, device, now)
	return facts, policy, err
}

// offlineVerdict decides about a file: its device takes a seat like every
// other, and the file must be allowed.
func offlineVerdict(f license.Facts, req license.Request, now time.Time) verdict.Verdict {
	req.Purpose = verdict.AddDevice
	if seat := license.Evaluate(f, req, now); !seat.Valid {
		return seat
	}
	req.Purpose = verdict.Offline
	return license.Evaluate(f, req, now)
}

// OfflineWish is a request as its reader is asked about it.
type OfflineWish struct {
	OneLicense
	Device     license.Device
	Version    string
	MadeAt     time.Time
	Held       bool // the device has its seat already
	ValidUntil time.Time
	Verdict    verdict.Verdict
}

// ReadOffline reads a request and says what would come of it. It changes
// nothing.
func (s *Service) ReadOffline(ctx context.Context, actor account.Actor, wanted id.ID, text string) (OfflineWish, error) {
	if err := mayHaveFiles(actor); err != nil {
		return OfflineWish{}, err
	}
	request, req, err := readOffline(text)
	if err != nil {
		return OfflineWish{}, err
	}
	now := s.clock()
	wish := OfflineWish{Device: *req.Device, Version: request.Version, MadeAt: request.MadeAt}
	err = s.Store.Snapshot(ctx, func(r store.Reader) error {
		var err error
		if wish.OneLicense, err = s.one(ctx, r, actor, wanted, now); err != nil {
			return err
		}
		facts, policy, err := offlineFacts(ctx, r, wish.License, req, now)
		if err != nil {
			return err
		}
		wish.Held = facts.Device != nil && facts.Device.HoldsSeat(now)
		wish.ValidUntil = license.OfflineEnd(wish.License, policy, now)
		wish.Verdict = offlineVerdict(facts, req, now).For(verdict.ForOwner)
		return nil
	})
	return wish, err
}

func mayHaveFiles(actor account.Actor) error { return managersOnly(actor, "offline files") }

// readOffline reads a request as the device made it, and what it asks of a
// license.
func readOffline(text string) (licensefile.OfflineRequest, license.Request, error) {
	request, err := licensefile.ParseOfflineRequest(text)
	if err != nil {
		return request, license.Request{}, noRequest(err)
	}
	device, problem := license.Device{
		Identifier: request.Device.ID, Kind: license.Kind(request.Device.Kind), Name: request.Device.Name, Platform: request.Device.Platform,
	}.Check()
	if problem != nil {
		return request, license.Request{}, noRequest(problem)
	}
	product, err := id.Parse(request.Product)
	if err != nil {
		product = noProduct
	}
	call := Call{Key: "offline", Version: request.Version, Device: &device}
	if _, err := call.check(); err != nil {
		return request, license.Request{}, noRequest(err)
	}
	return request, license.Request{ProductID: product, Device: &device, Version: request.Version}, nil
}

func noRequest(cause error) error {
	return fault.Wrap(fault.Invalid, "request_unreadable", "This is not a request that a device made.", cause).
		WithField("request", "Use the whole file or text that the software shows under offline activation, unchanged.")
}

// IssueOffline answers a request with a file: it gives the device its seat, at
// the limit as atomically as an activation, and keeps what is signed. The same
// request again, by double click or reload, is answered with the same file. A
// refusal is kept for the owner to see, as one of a device is.
func (s *Service) IssueOffline(ctx context.Context, actor account.Actor, wanted id.ID, text string) (license.OfflineFile, error) {
	if err := mayHaveFiles(actor); err != nil {
		return license.OfflineFile{}, err
	}
	request, req, err := readOffline(text)
	if err != nil {
		return license.OfflineFile{}, err
	}
	returnKey := make([]byte, licensefile.ReturnKeySize)
	if _, err := io.ReadFull(s.Random, returnKey); err != nil {
		return license.OfflineFile{}, err
	}
	o := offlineIssue{request: request, returnKey: returnKey, file: id.New()}
	var refused *fault.Error
	var file license.OfflineFile
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		file, refused, err = s.issueOffline(ctx, tx, actor, wanted, req, o)
		return err
	})
	if err == nil {
		err = asError(refused)
	}
	return file, err
}

// offlineIssue is what an issue brings to its transaction.
type offlineIssue struct {
	request   licensefile.OfflineRequest
	returnKey []byte
	file      id.ID
}

func (s *Service) issueOffline(ctx context.Context, tx *store.Tx, actor account.Actor, wanted id.ID, req license.Request, o offlineIssue) (license.OfflineFile, *fault.Error, error) {
	now := s.clock()
	l, err := s.lockOwned(ctx, tx, actor, wanted)
	if err != nil {
		return license.OfflineFile{}, nil, err
	}
	if again, err := tx.OfflineFileOf(ctx, l.ID, o.request.Nonce); !store.IsNotFound(err) {
		return again, nil, err
	}
	facts, policy, err := offlineFacts(ctx, tx.Reader, l, req, now)
	if err != nil {
		return license.OfflineFile{}, nil, err
	}
	req.Purpose = verdict.AddDevice
	d := &deedContext{actor: actor, call: Call{Version: req.Version, Device: req.Device}, req: req, now: now, facts: facts, offline: true}
	d.verdict = offlineVerdict(facts, req, now)
	if err := s.takeSeat(ctx, tx, d); err != nil {
		return license.OfflineFile{}, nil, err
	}
	if d.result == nil {
		return license.OfflineFile{}, offlineRefusal(d.verdict), nil
	}
	file := license.OfflineFile{
		ID: o.file, LicenseID: l.ID, Activation: *d.result, Nonce: o.request.Nonce, IssuedAt: now, ValidUntil: license.OfflineEnd(l, policy, now),
	}
	if !file.IssuedAt.Truncate(time.Second).Before(file.ValidUntil) {
		return license.OfflineFile{}, nil, fault.New(fault.Conflict, "license_ending", "This license ends within the second.")
	}
	return file, nil, s.keepOffline(ctx, tx, d, file, o)
}

// lockOwned takes the license for this transaction and returns it if the actor's
// customer owns it.
func (s *Service) lockOwned(ctx context.Context, tx *store.Tx, actor account.Actor, wanted id.ID) (license.License, error) {
	if _, err := tx.LockLicense(ctx, wanted); err != nil && !store.IsNotFound(err) {
		return license.License{}, err
	}
	return s.owned(ctx, tx.Reader, actor, wanted)
}

func offlineRefusal(v verdict.Verdict) *fault.Error {
	w := verdict.Describe(v.Code)
	return fault.New(fault.Conflict, string(v.Code), w.Title+": no file was issued.").WithNext(w.Customer)
}

// keepOffline writes the file and its event. What the device had before is
// superseded.
func (s *Service) keepOffline(ctx context.Context, tx *store.Tx, d *deedContext, file license.OfflineFile, o offlineIssue) error {
	if err := tx.SupersedeOfflineFiles(ctx, file.LicenseID, file.Activation.ID, d.now); err != nil {
		return err
	}
	content, err := json.Marshal(offlineContent(d, file, o))
	if err != nil {
		return err
	}
	sealed, err := s.Master.Seal(content, offlineBinding(file.ID))
	if err != nil {
		return err
	}
	if err := tx.AddOfflineFile(ctx, file, sealed); err != nil {
		return err
	}
	return tx.AppendEvent(ctx, offlineEvent(event.OfflineIssued, d.actor, *d.facts.License, file, "", d.now))
}

func offlineBinding(file id.ID) signing.Binding {
	return signing.Binding{Table: "offline_file", Column: "claims_sealed", Row: string(file)}
}

func offlineEvent(t event.Type, actor account.Actor, l license.License, f license.OfflineFile, why license.Reason, now time.Time) event.Event {
	e := event.New(t, actor, now).About(l).Because(string(why))
	e.ActivationID, e.Data.Subject = f.Activation.ID, f.ID
	return e
}

// offlineContent is what the file says (C-OFF-01). The device is named as its
// request did: it compares.
func offlineContent(d *deedContext, f license.OfflineFile, o offlineIssue) licensefile.Offline {
	l, p := d.facts.License, d.facts.Product
	c := licensefile.Offline{
		ID: string(f.ID), Product: string(p.ID), Environment: string(p.Environment), License: string(l.ID), Plan: l.Plan,
		Device: o.request.Device, Nonce: o.request.Nonce, IssuedAt: f.IssuedAt.Truncate(time.Second), ValidUntil: f.ValidUntil,
		MaxSkew: p.MaxSkew.Truncate(time.Second), MaxVersion: l.MaxVersion, Limit: l.Limit, Features: featureValues(l.Features), ReturnKey: o.returnKey,
	}
	if c.MaxSkew == 0 {
		c.MaxSkew = license.OfflineSkew
	}
	if !l.Perpetual() {
		ends := l.EndsAt().Truncate(time.Second)
		c.EndsAt = &ends
	}
	return c
}

// OfflineText is a file that was issued, to be carried to its device.
type OfflineText struct {
	Text    string
	Product license.Product
	File    license.OfflineFile
}

// OfflineText signs a file with the product's current key. One that is no
// longer out is not given out again.
func (s *Service) OfflineText(ctx context.Context, actor account.Actor, wanted, file id.ID) (OfflineText, error) {
	if err := mayHaveFiles(actor); err != nil {
		return OfflineText{}, err
	}
	l, err := s.owned(ctx, s.Store.Reader, actor, wanted)
	if err != nil {
		return OfflineText{}, err
	}
	f, content, err := s.offlineFile(ctx, s.Store.Reader, l, file)
	if err != nil {
		return OfflineText{}, err
	}
	if f.State(s.clock()) != license.FileOut {
		return OfflineText{}, fault.New(fault.Conflict, "offline_file_over", "This offline file is no longer in use.").
			WithNext("Make a new request on the device to get another one.")
	}
	p, err := s.Store.Product(ctx, l.ProductID)
	if err != nil {
		return OfflineText{}, err
	}
	key, err := s.signingKey(ctx, p, s.clock())
	if err != nil {
		return OfflineText{}, err
	}
	text, err := s.signer.SignOffline(key, content)
	return OfflineText{Text: text, Product: p, File: f}, err
}

// offlineFile returns a file of a license with what it says.
func (s *Service) offlineFile(ctx context.Context, r store.Reader, l license.License, file id.ID) (license.OfflineFile, licensefile.Offline, error) {
	var content licensefile.Offline
	f, err := r.OfflineFile(ctx, l.ID, file)
	if store.IsNotFound(err) {
		err = fault.Missing("offline file")
	}
	if err != nil {
		return f, content, err
	}
	sealed, err := r.OfflineClaims(ctx, file)
	if err != nil {
		return f, content, err
	}
	plain, err := s.Master.Open(sealed, offlineBinding(file))
	if err == nil {
		err = json.Unmarshal(plain, &content)
	}
	if err != nil {
		return f, content, fmt.Errorf("offline file %s: %w", file, err)
	}
	return f, content, nil
}

// OfflineReturn is how a file comes back.
type OfflineReturn struct {
	Code string // that its device shows once it has removed the file
	Lost bool   // or: nobody can get at the device or the file any more
}

// OfflineFile returns one file of one of the customer's licenses, for the page
// that asks before it is taken back.
func (s *Service) OfflineFile(ctx context.Context, actor account.Actor, wanted, file id.ID) (OneLicense, license.OfflineFile, error) {
	if err := customerOnly(actor); err != nil {
		return OneLicense{}, license.OfflineFile{}, err
	}
	var one OneLicense
	var f license.OfflineFile
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		var err error
		if one, err = s.one(ctx, r, actor, wanted, s.clock()); err != nil {
			return err
		}
		f, err = r.OfflineFile(ctx, wanted, file)
		if store.IsNotFound(err) {
			err = fault.Missing("offline file")
		}
		return err
	})
	return one, f, err
}

// ReturnOffline takes a file back and frees its device's seat. With the code of
// the device the file is out of the count at once; one that is lost goes on
// working until its end, and is counted until then. Doing it again changes
// nothing.
func (s *Service) ReturnOffline(ctx context.Context, actor account.Actor, wanted, file id.ID, how OfflineReturn) (license.OfflineFile, error) {
	if err := mayHaveFiles(actor); err != nil {
		return license.OfflineFile{}, err
	}
	var after license.OfflineFile
	var refused *fault.Error
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		after, refused, err = s.returnOffline(ctx, tx, actor, wanted, file, how)
		return err
	})
	if err == nil {
		err = asError(refused)
	}
	return after, err
}

// returnOffline decides and writes under the license's lock.
func (s *Service) returnOffline(ctx context.Context, tx *store.Tx, actor account.Actor, wanted, file id.ID, how OfflineReturn) (license.OfflineFile, *fault.Error, error) {
	now := s.clock()
	l, err := s.lockOwned(ctx, tx, actor, wanted)
	if err != nil {
		return license.OfflineFile{}, nil, err
	}
	f, content, err := s.offlineFile(ctx, tx.Reader, l, file)
	if err != nil || f.State(now) == license.FileBack || how.Lost && f.ReturnReason == license.FileLost {
		return f, nil, err
	}
	why, refused, err := s.giveFileUp(ctx, tx, actor, f, content, how, now)
	if err != nil || refused != nil {
		return f, refused, err
	}
	if _, err := tx.ReturnOfflineFile(ctx, f.ID, why, now); err != nil {
		return f, nil, err
	}
	f.ReturnedAt, f.ReturnReason = now, why
	return f, nil, tx.AppendEvent(ctx, offlineEvent(event.OfflineReturned, actor, l, f, why, now))
}

// giveFileUp frees the seat of a file's device. A device that is given up
// without its code is one that its owner no longer has, and counts as such.
func (s *Service) giveFileUp(ctx context.Context, tx *store.Tx, actor account.Actor, f license.OfflineFile, c licensefile.Offline, how OfflineReturn, now time.Time) (license.Reason, *fault.Error, error) {
	if how.Lost {
		_, refused, err := s.free(ctx, tx, actor, f.Activation, license.Lost, now)
		return license.FileLost, refused, err
	}
	if !licensefile.SameReturnCode(how.Code, c.ReturnCode()) {
		return "", fault.New(fault.Invalid, "return_code_wrong", "This is not the return code of this file.").
			WithField("code", "Type the twelve characters that the software on "+f.Activation.DisplayName()+" shows after it has removed the file."), nil
	}
	return license.FileReturned, nil, s.freeReturned(ctx, tx, actor, f, now)
}

// freeReturned gives back the seat of the device whose file came back: the
// device itself gave it up.
func (s *Service) freeReturned(ctx context.Context, tx *store.Tx, actor account.Actor, f license.OfflineFile, now time.Time) error {
	ended, err := tx.EndActivation(ctx, f.Activation.ID, now, license.BySoftware)
	if err != nil || !ended {
		return err
	}
	one, err := s.one(ctx, tx.Reader, actor, f.LicenseID, now)
	if err != nil {
		return err
	}
	return tx.AppendEvent(ctx, ownDeactivation(actor, one, f.Activation.ID, license.BySoftware, now))
}
