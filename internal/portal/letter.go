package portal

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ticket"
)

const (
	// maxLetter bounds a form with files, in bytes. It is more than a ticket
	// takes, so that who sends too much gets their text back with the reason.
	maxLetter = 100 << 20
	// letterTime is how long sending one may take on a slow line.
	letterTime = 5 * time.Minute
	// maxLetters bounds how many are read at once, since they are held in memory.
	maxLetters = 4
)

// letter is a form that may carry files.
type letter struct {
	values url.Values
	files  []support.NewFile
}

// limitBody bounds what is sent: little, except for letters.
func (d *Door) limitBody(next http.Handler) http.Handler {
	forms, letters := httpx.LimitBody(maxForm, d.fail)(next), httpx.LimitBody(maxLetter, d.fail)(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isLetter(r) {
			letters.ServeHTTP(w, r)
			return
		}
		forms.ServeHTTP(w, r)
	})
}

// isLetter reports whether a request is a form with files for a route that
// takes some.
func isLetter(r *http.Request) bool {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" || r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/tickets/") {
		return false
	}
	return r.URL.Path == "/tickets/new" || strings.HasSuffix(r.URL.Path, "/reply") || strings.HasSuffix(r.URL.Path, "/reopen")
}

// readLetter reads a form of a ticket, with files or without. Its sender is
// known by now: strangers send nothing large.
func (d *Door) readLetter(w http.ResponseWriter, r *http.Request) (letter, error) {
	if !isLetter(r) {
		err := httpx.ParseForm(r, maxForm)
		return letter{values: r.PostForm}, err
	}
	select {
	case d.letters <- struct{}{}:
		defer func() { <-d.letters }()
	default:
		return letter{}, fault.New(fault.Unavailable, "busy", "Many files are being sent at the moment.").WithRetryAfter(10 * time.Second)
	}
	control := http.NewResponseController(w) // tests have no connection to prolong
	_ = control.SetReadDeadline(d.Now().Add(letterTime))
	_ = control.SetWriteDeadline(d.Now().Add(letterTime + time.Minute))
	parts, err := r.MultipartReader()
	if err != nil {
		return letter{}, malformedLetter(err)
	}
	return readParts(parts)
}

func readParts(parts *multipart.Reader) (letter, error) {
	l := letter{values: url.Values{}}
	room := int64(maxForm)
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return l, nil
		case err != nil:
			return l, letterFault(err)
		case part.FormName() == "files":
			err = l.file(part)
		default:
			room, err = l.value(part, room)
		}
		if err != nil {
			return l, letterFault(err)
		}
	}
}

// value keeps one text; what no database stores is left out.
func (l *letter) value(part *multipart.Part, room int64) (left int64, err error) {
	text, err := io.ReadAll(io.LimitReader(part, room+1))
	if err != nil {
		return 0, err
	}
	if int64(len(text)) > room {
		return 0, fault.New(fault.TooLarge, "too_large", "The text is larger than 64 KB.").WithNext("Send less at once, or attach it as a text file.")
	}
	l.values.Add(part.FormName(), strings.ReplaceAll(strings.ToValidUTF8(string(text), ""), "\x00", ""))
	return room - int64(len(text)), nil
}

// file keeps one file, as far as one may be large and there may be many; the
// rule about both is not the door's.
func (l *letter) file(part *multipart.Part) error {
	if part.FileName() == "" {
		return nil // nothing was chosen
	}
	f := support.NewFile{Name: part.FileName()}
	if len(l.files) < ticket.MaxFiles {
		var err error
		if f.Content, err = io.ReadAll(io.LimitReader(part, ticket.MaxFile+1)); err != nil {
			return err
		}
	}
	if len(l.files) <= ticket.MaxFiles {
		l.files = append(l.files, f)
	}
	_, err := io.Copy(io.Discard, part)
	return err
}

func letterFault(err error) error {
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return err
	}
	if _, ours := errors.AsType[*fault.Error](err); ours {
		return err
	}
	return malformedLetter(err)
}

func malformedLetter(cause error) *fault.Error {
	return fault.Wrap(fault.Invalid, "malformed_form", "The form could not be read.", cause).
		WithNext("Reload the page and send the form again.")
}
