package portal

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ui"
)

// failPage renders a fault: what happened, what to do, where to go.
func (d *Door) failPage(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	status := httpx.StatusOf(f)
	p := d.bare(r, failTitle(status))
	p.Path = "/"
	setRetryAfter(w, f)
	page := ui.ErrorPage{Page: p, Status: status, Message: f.Message, Next: f.Next, Action: failAction(r, status)}
	if err := d.templates.Render(w, status, "error", page); err != nil {
		httpx.Log(r.Context()).ErrorContext(r.Context(), "the error page cannot be rendered", "error", err)
		d.templates.Fallback(w)
	}
}

func failTitle(status int) string {
	switch status {
	case http.StatusNotFound:
		return "Not found"
	case http.StatusUnauthorized:
		return "Signed out"
	case http.StatusForbidden:
		return "Not allowed"
	case http.StatusTooManyRequests:
		return "Too many attempts"
	case http.StatusServiceUnavailable:
		return "Back in a moment"
	case http.StatusInternalServerError:
		return "Something went wrong"
	}
	return "That did not work"
}

func failAction(r *http.Request, status int) *ui.Link {
	if status == http.StatusUnauthorized {
		return &ui.Link{Label: "Sign in", Href: "/login", Primary: true}
	}
	if strings.HasPrefix(r.URL.Path, "/downloads/") && (status == http.StatusForbidden || status == http.StatusNotFound) {
		return &ui.Link{Label: "Go to Downloads", Href: "/downloads", Primary: true}
	}
	return &ui.Link{Label: "Go to My Licenses", Href: "/licenses", Primary: true}
}

func setRetryAfter(w http.ResponseWriter, f *fault.Error) {
	if f.RetryAfter > 0 {
		seconds := int((f.RetryAfter + time.Second - 1) / time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
}

// problemsOf is the summary above a form that was refused.
func problemsOf(f *fault.Error) ui.Problems {
	p := ui.Problems{Title: f.Message, Text: f.Next}
	for _, field := range f.Fields {
		p.Fields = append(p.Fields, ui.Problem{For: field.Name, Message: field.Message})
	}
	return p
}

func fieldMessage(f *fault.Error, name string) string {
	for _, field := range f.Fields {
		if field.Name == name {
			return field.Message
		}
	}
	return ""
}
