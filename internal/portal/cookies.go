package portal

import (
	"net/http"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
)

// Names of the portal's own cookies. Administrators have others (P-AUTH-01).
const (
	sessionCookie = "keyward_session"
	deviceCookie  = "keyward_device"
	stepCookie    = "keyward_step"    // the second step of signing in
	passkeyCookie = "keyward_passkey" // what an authenticator was asked
)

func sessionToken(r *http.Request) string { return cookieValue(r, sessionCookie) }

func cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

func (d *Door) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: d.secure(), SameSite: http.SameSiteLaxMode,
	})
}

func (d *Door) startSession(w http.ResponseWriter, token, device string) {
	d.setCookie(w, sessionCookie, token, account.SessionLife)
	d.rememberDevice(w, device)
}

func (d *Door) rememberDevice(w http.ResponseWriter, device string) {
	if device != "" {
		d.setCookie(w, deviceCookie, device, identity.KnownDeviceLife)
	}
}

func (d *Door) endSession(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: d.secure(), SameSite: http.SameSiteLaxMode,
	})
}
