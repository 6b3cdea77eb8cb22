// Package licensefile reads what a Keyward server signed for shipped software
// and says whether it can be relied on.
//
// A lease is a verdict in the form of a compact JWS, signed with a key of the
// license's product. Software pins the product's public key, parses a lease
// with ParseLease and holds it against its own situation with Lease.Check:
//
//	keys, err := licensefile.ParseKeySet([]byte("keyward:ed25519:..."))
//	lease, err := licensefile.ParseLease(token, keys)
//	err = lease.Check(time.Now(), licensefile.Expect{Product: product, Device: device})
//	if err == nil && lease.Verdict.Valid { ... }
//
// An offline file is for a device that never connects. The device writes an
// OfflineRequest, its owner takes that to the portal and brings back the file,
// which ParseOffline reads and Offline.Verify holds against the device:
//
//	file, err := licensefile.ParseOffline(text, keys)
//	v := file.Verify(time.Now(), licensefile.Situation{Product: product, Device: device})
//	if err == nil && v.Valid { ... }
//
// Reading is strict: anything unexpected is a refusal, and a refusal comes
// with no partial result. The package holds no private key, never signs, reads
// no clock and uses no network.
package licensefile
