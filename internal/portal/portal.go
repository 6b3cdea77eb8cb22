package portal

import (
	"embed"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/calendar"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/app/export"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/markdown"
	"github.com/keyward/keyward/internal/ui"
)

// Deps is what the portal works with.
type Deps struct {
	Licensing *licensing.Service
	Identity  *identity.Service
	Calendar  *calendar.Service
	Export    *export.Service
	Support   *support.Service // nil: there are no tickets
	Delivery  *delivery.Service
	Now       func() time.Time
	Log       *slog.Logger

	AppName      string
	BaseURL      string // as customers reach the portal; https makes cookies secure
	SupportEmail string
	SupportURL   string
	SignInLinks  bool              // people may ask for a mailed link to sign in
	Landing      bool              // strangers at the root see a page, not the sign-in form
	Mandatory    account.Mandatory // mails that nobody can switch off
	Banner       *ui.Banner        // the demo's line above every page
}

// Door serves the customer portal.
type Door struct {
	Deps
	templates *ui.Templates
	notes     *markdown.Renderer
	letters   chan struct{} // forms with files that are being read
}

//go:embed all:pages
var pages embed.FS

// New parses the pages; a page that does not parse is an error at start.
func New(d Deps) (*Door, error) {
	templates, err := ui.Parse(pages, nil)
	if err != nil {
		return nil, err
	}
	return &Door{Deps: d, templates: templates, notes: markdown.New(), letters: make(chan struct{}, maxLetters)}, nil
}

// maxForm bounds a form, in bytes.
const maxForm = 64 << 10

// Routes is every address of the portal and who may use it.
func (d *Door) Routes() httpx.Routes {
	return slices.Concat(
		d.entryRoutes(),
		d.licenseRoutes(),
		d.offlineRoutes(),
		d.activationRoutes(),
		d.downloadRoutes(),
		d.changelogRoutes(),
		d.deviceRoutes(),
		d.swapRoutes(),
		d.factorRoutes(),
		d.calendarRoutes(),
		d.profileRoutes(),
		d.exportRoutes(),
		d.ticketRoutes(),
		d.settingsRoutes(),
		d.teamRoutes(),
		d.signInLinkRoutes(),
		d.viewRoutes(),
	)
}

func (d *Door) entryRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /login", Access: httpx.Public, Handler: d.signInPage},
		{Pattern: "POST /login", Access: httpx.Public, Handler: d.signIn},
		{Pattern: "POST /logout", Access: httpx.Public, Handler: d.signOut},
		{Pattern: "GET /forgot", Access: httpx.Public, Handler: d.forgotPage},
		{Pattern: "POST /forgot", Access: httpx.Public, Handler: d.forgot},
		{Pattern: "GET /invitation", Access: httpx.Public, Handler: d.invitationPage},
		{Pattern: "POST /invitation", Access: httpx.Public, Handler: d.acceptInvitation},
		{Pattern: "GET /reset", Access: httpx.Public, Handler: d.resetPage},
		{Pattern: "POST /reset", Access: httpx.Public, Handler: d.reset},
		{Pattern: "POST /theme", Access: httpx.Public, Handler: d.setTheme},
	}
}

func (d *Door) licenseRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /{$}", Access: httpx.SignedIn, Handler: d.visiting(d.dashboard)},
		{Pattern: "GET /licenses", Access: httpx.SignedIn, Handler: d.visiting(d.licenses)},
		{Pattern: "POST /licenses/search", Access: httpx.SignedIn, Handler: d.visiting(d.searchLicenses)},
		{Pattern: "GET /licenses/{id}", Access: httpx.SignedIn, Handler: d.visiting(d.license)},
		{Pattern: "POST /licenses/{id}/key", Access: httpx.SignedIn, Handler: d.visiting(d.revealKey)},
	}
}

func (d *Door) activationRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /activations", Access: httpx.SignedIn, Handler: d.visiting(d.activations)},
		{Pattern: "POST /activations/search", Access: httpx.SignedIn, Handler: d.visiting(d.searchActivations)},
		{Pattern: "GET /activations/{id}/deactivate", Access: httpx.SignedIn, Handler: d.visiting(d.deactivatePage)},
		{Pattern: "POST /activations/{id}/deactivate", Access: httpx.SignedIn, Handler: d.visiting(d.deactivate)},
	}
}

// Handler serves all of the portal, its own "not found" included.
func (d *Door) Handler() (http.Handler, error) {
	cross, err := httpx.CrossOrigin(d.origins(), d.fail)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	httpx.Mount(mux, d.Routes(), func(r httpx.Route) http.Handler { return httpx.Adapt(r.Handler, d.fail) })
	return httpx.Chain(httpx.Unmatched(mux, d.fail),
		httpx.SecurityHeaders(httpx.Policy, d.secure()), httpx.ValidURL(d.fail), cross,
		d.limitBody, httpx.NoStore), nil
}

// origins are where forms of our own come from besides the host that is asked:
// a proxy may ask by another name than customers do.
func (d *Door) origins() []string {
	u, err := url.Parse(d.BaseURL)
	if err != nil || u.Host == "" {
		return nil
	}
	return []string{u.Scheme + "://" + u.Host}
}

// fail renders a fault as a page, or as a problem document where a script asked.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	if wantsJSON(r) {
		httpx.WriteProblem(w, r, f)
		return
	}
	d.failPage(w, r, f)
}
