package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/licensefile"
)

// offline is a device that never connects and works with a file.
func (s *story) offline(d machine, ago time.Duration) *story {
	return s.then(ago, func(ctx context.Context) error {
		text, err := s.requestOf(d, ago)
		if err == nil {
			_, err = s.uses.Licensing.IssueOffline(ctx, s.owner, s.license.ID, text)
		}
		return err
	})
}

// requestOf is what the software on a device asks for.
func (s *story) requestOf(d machine, ago time.Duration) (string, error) {
	return licensefile.OfflineRequest{
		Product: string(s.product.ID), Device: licensefile.Device{ID: d.ID, Name: d.Name, Kind: string(license.Hardware), Platform: d.Platform},
		Version: s.version, Nonce: fmt.Sprintf("demo-%s-%016d", s.license.ID, ago), MadeAt: s.ago(ago).Add(-time.Hour),
	}.Line()
}

// broughtBack is the file of a device that was taken back with the device's
// code.
func (s *story) broughtBack(d machine, ago time.Duration) *story {
	return s.then(ago, func(ctx context.Context) error {
		f, err := s.fileOf(ctx, d)
		if err != nil {
			return err
		}
		code, err := s.returnCode(ctx, f)
		if err == nil {
			_, err = s.uses.Licensing.ReturnOffline(ctx, s.owner, s.license.ID, f.ID, licensing.OfflineReturn{Code: code})
		}
		return err
	})
}

// missed is the file of a device that nobody can get at any more.
func (s *story) missed(d machine, ago time.Duration) *story {
	return s.then(ago, func(ctx context.Context) error {
		f, err := s.fileOf(ctx, d)
		if err == nil {
			_, err = s.uses.Licensing.ReturnOffline(ctx, s.owner, s.license.ID, f.ID, licensing.OfflineReturn{Lost: true})
		}
		return err
	})
}

func (s *story) fileOf(ctx context.Context, d machine) (license.OfflineFile, error) {
	list, err := s.uses.Licensing.OfflineFiles(ctx, s.owner, s.license.ID)
	if err != nil {
		return license.OfflineFile{}, err
	}
	for _, f := range list.Files {
		if f.Activation.Identifier == d.ID {
			return f, nil
		}
	}
	return license.OfflineFile{}, fmt.Errorf("there is no file of %s", d.Name)
}

// returnCode is what the device shows once it has removed its file.
func (s *story) returnCode(ctx context.Context, f license.OfflineFile) (string, error) {
	text, err := s.uses.Licensing.OfflineText(ctx, s.owner, s.license.ID, f.ID)
	if err != nil {
		return "", err
	}
	ring, err := s.uses.Store.SigningKeys(ctx, s.product.ID)
	if err != nil {
		return "", err
	}
	keys, err := ring.KeySet()
	if err != nil {
		return "", err
	}
	file, err := licensefile.ParseOffline(text.Text, keys)
	if err != nil {
		return "", err
	}
	return file.ReturnCode(), nil
}
