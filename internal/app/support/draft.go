package support

import (
	"context"
	"fmt"
	"strings"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// NewFile is a file as somebody sends it.
type NewFile struct {
	Name    string
	Content []byte
}

// draft is a message that was read and checked.
type draft struct {
	subject  string
	body     string
	files    []store.Upload
	mentions []ticket.Mention
	byMail   bool
}

// maxMentions bounds the licenses that one message is linked to.
const maxMentions = 5

// files checks what is attached (P-TIC-10, P-TIC-11, P-TIC-12).
func (s *Service) files(p *fault.Problems, files []NewFile) []store.Upload {
	if len(files) > 0 && s.NoFiles {
		p.Add("files", "Files cannot be attached here.")
		return nil
	}
	if len(files) > ticket.MaxFiles {
		p.Add("files", tooMany())
		return nil
	}
	var uploads []store.Upload
	for _, f := range files {
		name := ticket.FileName(f.Name)
		mediaType, ok := ticket.FileType(name, f.Content)
		switch {
		case len(f.Content) > ticket.MaxFile:
			p.Add("files", fmt.Sprintf("%s is larger than 10 MB. Send a smaller one.", name))
		case !ok:
			p.Add("files", fmt.Sprintf("%s cannot be attached. Choose %s files whose content is what their name says.", name, ticket.FileKinds))
		default:
			uploads = append(uploads, store.Upload{
				File:    ticket.File{Name: name, Type: mediaType, Size: int64(len(f.Content))},
				Content: f.Content,
			})
		}
	}
	return uploads
}

func tooMany() string {
	return fmt.Sprintf("A ticket takes %d files at most. Attach fewer.", ticket.MaxFiles)
}

// body checks a message's text; field is its name in the form.
func body(p *fault.Problems, field, text string) string {
	clean, ok := ticket.CleanBody(text)
	switch {
	case ok:
	case clean == "":
		p.Add(field, "Write what this is about.")
	default:
		p.Add(field, "Shorten it to 20,000 characters, or attach it as a text file.")
	}
	return clean
}

// recognize finds the customer's own license keys in a draft, keeps how those
// licenses stand and masks the keys. A key of somebody else, or of nobody, is a
// word like any other (P-TIC-28, P-TIC-29).
func (s *Service) recognize(ctx context.Context, actor account.Actor, d *draft) error {
	for _, word := range ticket.KeyWords(d.subject + "\n" + d.body) {
		owned, err := s.ownedByKey(ctx, actor.CustomerID, word)
		if err != nil {
			return err
		}
		if owned == "" {
			continue
		}
		m, err := s.standing(ctx, actor, owned)
		if err != nil {
			return err
		}
		d.subject = strings.ReplaceAll(d.subject, word, id.Brief(m.Standing.Mask))
		d.body = strings.ReplaceAll(d.body, word, id.Brief(m.Standing.Mask))
		d.mention(m)
	}
	return nil
}

func (d *draft) mention(m ticket.Mention) {
	for _, known := range d.mentions {
		if known.LicenseID == m.LicenseID {
			return
		}
	}
	if len(d.mentions) < maxMentions {
		d.mentions = append(d.mentions, m)
	}
}

// environment is where what the draft is about runs: that of the license it
// names first, production when it names none (C-ENV-02).
func (d draft) environment() license.Environment {
	if len(d.mentions) == 0 {
		return license.Production
	}
	return d.mentions[0].Standing.Environment
}

// ownedByKey returns the customer's license with this key, or "".
func (s *Service) ownedByKey(ctx context.Context, customer id.ID, key string) (id.ID, error) {
	hashes := make(map[license.Environment][]byte)
	for _, env := range license.Environments() {
		hashes[env] = s.Master.KeyHash(string(env), id.Fold(key))
	}
	found, err := s.Store.OwnedByKey(ctx, customer, hashes)
	if store.IsNotFound(err) {
		return "", nil
	}
	return found, err
}

// standing is how a license of the customer stands now, by the same engine as
// everywhere.
func (s *Service) standing(ctx context.Context, actor account.Actor, wanted id.ID) (ticket.Mention, error) {
	owner := account.Actor{Kind: account.ActorPerson, ID: actor.ID, CustomerID: actor.CustomerID, Role: account.Viewer, RequestID: actor.RequestID}
	det, err := s.Licensing.Detail(ctx, owner, wanted)
	if err != nil {
		return ticket.Mention{}, err
	}
	m := ticket.Mention{LicenseID: wanted, Standing: ticket.Standing{
		At: det.At, Environment: det.License.Environment, Product: det.Product.Name, Plan: det.License.Plan, Mask: det.License.Mask,
		Status: string(det.License.Status(det.At)), Used: det.Used, Use: det.Use, AddDevice: det.AddDevice,
	}}
	if det.License.Limit != license.Unlimited {
		m.Standing.Limit = &det.License.Limit
	}
	return m, nil
}
