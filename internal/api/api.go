package api

import (
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/attempt"
	"github.com/keyward/keyward/internal/app/audit"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/httpx"
)

// Deps is what the API works with.
type Deps struct {
	Licensing *licensing.Service
	Identity  *identity.Service
	Catalog   *catalog.Service
	Delivery  *delivery.Service
	Trail     *audit.Sealer
	Support   *support.Service
	Attempts  *attempt.Counter
	Now       func() time.Time
	Limits    Limits // the zero value stands for the usual ones
}

// API answers the requests of the native API.
type API struct {
	Deps
	limiter *limiter
	calls   *bodyReader
	spec    []byte
	routes  httpx.Routes
	handler http.Handler
}

// requestTime is how long one request may take.
const requestTime = 10 * time.Second

// New makes the API.
func New(d Deps) *API {
	a := &API{Deps: d, limiter: newLimiter(d.Attempts, d.Limits, d.Now)}
	doc := newDocument()
	a.calls = newBodyReader(doc.registry, reflect.TypeFor[Call](), maxBody)
	a.spec = doc.render()
	a.routes = a.list(doc.registry)
	mux := http.NewServeMux()
	httpx.Mount(mux, a.routes, a.wrap)
	a.handler = httpx.Unmatched(mux, httpx.WriteProblem)
	return a
}

// list is everything that the API answers.
func (a *API) list(registry huma.Registry) httpx.Routes {
	routes := httpx.Routes{
		{Pattern: "GET " + specPath, Access: httpx.Public, Handler: a.document},
		{Pattern: "GET " + keysPath, Access: httpx.Public, Handler: a.keys},
	}
	for _, op := range operations() {
		routes = append(routes, httpx.Route{
			Pattern: "POST " + op.path, Access: httpx.Permission(string(account.DevicesUse)), Handler: a.call(op),
		})
	}
	for _, e := range endpoints() {
		routes = append(routes, httpx.Route{
			Pattern: e.pattern(), Access: httpx.Permission(string(e.permission)), Handler: a.vendor(e, registry),
		})
	}
	return routes
}

// endpoints is everything that secret tokens can ask for.
func endpoints() []endpoint {
	return slices.Concat(licenseEndpoints(), productEndpoints(), planEndpoints(), customerEndpoints(), peopleEndpoints(), eventEndpoints(), releaseEndpoints(), ticketEndpoints())
}

// Routes lists what the API answers and who may ask.
func (a *API) Routes() httpx.Routes { return a.routes }

// ServeHTTP answers every address below /api/v2/, and the published keys.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Mount adds the API to a mux, with everything below its addresses: what is
// not there is answered with a problem document too.
func (a *API) Mount(mux *http.ServeMux) {
	mux.Handle("/api/v2/", a)
	mux.Handle(keysPath, a)
}
