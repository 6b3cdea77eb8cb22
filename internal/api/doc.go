// Package api is the native API, version 2, in JSON: what shipped software asks
// about a license, and what the vendor's programs manage. It owns the form of questions and answers, who may send
// them and how often, and the OpenAPI document that describes all of it.
//
// It decides nothing about licenses: a question becomes a call of package
// licensing, and its answer becomes JSON. What the vendor's programs do with
// secret tokens is a list of endpoints, each declared once: who may, what it
// takes and answers, whether it needs If-Match. Routes and document follow. A refused license is an answer with a
// verdict; everything else that goes wrong is a problem document (RFC 9457).
//
// Package huma makes the schemas, checks bodies against them and writes the
// OpenAPI document. Its request pipeline is not used: that one takes names in
// any case and a name twice, answers errors in a form of its own that can only
// be changed for the whole program through a package variable, and serves pages
// that load scripts from elsewhere.
package api
