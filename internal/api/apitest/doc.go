// Package apitest gives tests a whole native API: the real use cases over a
// real database with a clock that stands still, behind a real HTTP server. It
// owns products, customers, tokens and licenses to ask about.
//
// It is imported by tests only, those of the API and of the public client.
package apitest
