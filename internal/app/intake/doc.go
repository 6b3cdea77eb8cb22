// Package intake takes over licenses that were issued elsewhere: many at once,
// with their keys or with the hashes of keys only, their dates and the devices
// that use them.
//
// It records facts as they are handed over, so that a license can come with
// more devices than its limit allows. Issuing, and every change from then on,
// belongs to package licensing.
package intake
