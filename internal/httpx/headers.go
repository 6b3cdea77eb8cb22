package httpx

import "net/http"

// Policy is the content policy of pages: nothing but our own files, no inline
// script or style, no framing, forms only to ourselves, and no script may turn
// text into markup.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// hsts leaves subdomains out: they may belong to other services of the vendor.
const hsts = "max-age=31536000"

// SecurityHeaders adds the headers that narrow what a browser does with our
// answers. Set https only when people reach the server through https: browsers
// remember it for a year.
func SecurityHeaders(policy string, https bool) Middleware {
	headers := map[string]string{
		"Content-Security-Policy":      policy,
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "same-origin",
		"X-Frame-Options":              "DENY",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
	}
	if https {
		headers["Strict-Transport-Security"] = hsts
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, value := range headers {
				w.Header().Set(name, value)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// NoStore keeps answers out of every cache: they belong to the one who is
// signed in.
func NoStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
