// Package client asks a Keyward server about a license, for software written
// in Go. It keeps the last signed answer, so that software keeps working while
// the server is away.
//
//	c, err := client.New(client.Options{
//		BaseURL:    "https://licenses.example.com",
//		Token:      "kwc_...",             // client token of your product
//		Product:    "0190...",             // id of your product
//		ProductKey: "keyward:ed25519:...", // its public key
//		Device:     client.Device{ID: machineID},
//		CachePath:  filepath.Join(configDir, "license.json"),
//		Version:    "8.4.1",
//	})
//	answer, err := c.Validate(ctx, key)
//	switch {
//	case err != nil: // nobody knows: the server is away and no answer is kept
//	case answer.Valid(): // go on
//	default: // answer.Verdict says why not, and what to do
//	}
//
// What the server says is believed only with a signature of a pinned key, for
// this product, this device and this request. What was kept is believed only
// until its end, and not when the clock of the device was set back. The file it
// is kept in protects against mistakes and forgery; it cannot protect against
// somebody who restores an older copy of it. A kept answer counts for newer
// versions of the software too: an update while the server is away stops nobody.
//
// The package imports the standard library and Keyward's public packages only.
package client
