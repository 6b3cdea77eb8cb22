package identity

import (
	"net/netip"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/keyward/keyward/internal/account"
)

// relyingParty is the portal as authenticators know it.
type relyingParty struct {
	*webauthn.WebAuthn
	origin string // where people use passkeys
}

// newRelyingParty returns what passkeys are bound to: the name in the portal's
// address. An address of loopback is named localhost, which browsers trust
// without https. It returns nil where passkeys cannot work: without https, or
// where the address is a number.
func newRelyingParty(appName, baseURL string) *relyingParty {
	origin, name := nameOf(baseURL)
	if name == "" {
		return nil
	}
	if appName == "" {
		appName = "Keyward"
	}
	w, err := webauthn.New(&webauthn.Config{
		RPID: name, RPDisplayName: appName, RPOrigins: []string{origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification:   protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil // a name that browsers would not take either
	}
	return &relyingParty{w, origin}
}

func nameOf(baseURL string) (origin, name string) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Hostname() == "" {
		return "", ""
	}
	name = u.Hostname()
	if ip, err := netip.ParseAddr(name); err == nil {
		if !ip.IsLoopback() {
			return "", ""
		}
		name = "localhost"
	}
	if u.Scheme != "https" && name != "localhost" {
		return "", ""
	}
	host := name
	if port := u.Port(); port != "" {
		host += ":" + port
	}
	return u.Scheme + "://" + host, name
}

// authenticatorUser is a person as authenticators know them.
type authenticatorUser struct {
	person   account.Person
	passkeys []account.Passkey
}

func (u authenticatorUser) WebAuthnID() []byte          { return []byte(u.person.ID) }
func (u authenticatorUser) WebAuthnName() string        { return u.person.Email }
func (u authenticatorUser) WebAuthnDisplayName() string { return u.person.DisplayName() }

func (u authenticatorUser) WebAuthnCredentials() []webauthn.Credential {
	list := make([]webauthn.Credential, len(u.passkeys))
	for i, k := range u.passkeys {
		list[i] = credentialOf(k)
	}
	return list
}

func credentialOf(k account.Passkey) webauthn.Credential {
	c := webauthn.Credential{
		ID: k.CredentialID, PublicKey: k.PublicKey, Flags: webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(k.Flags)),
		Authenticator: webauthn.Authenticator{SignCount: k.SignCount},
	}
	for _, t := range k.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
	}
	return c
}

// asReported takes over what an authenticator said about a passkey.
func asReported(k account.Passkey, c *webauthn.Credential) account.Passkey {
	k.CredentialID, k.PublicKey = c.ID, c.PublicKey
	k.SignCount, k.Flags = c.Authenticator.SignCount, byte(c.Flags.ProtocolValue())
	k.Transports = nil
	for _, t := range c.Transport {
		k.Transports = append(k.Transports, string(t))
	}
	return k
}
