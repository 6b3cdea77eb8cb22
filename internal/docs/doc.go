// Package docs owns the documentation that a running server shows to
// developers and operators: guides below /docs, and the reference of the API
// below /api/v2/docs. Everybody may read it, signed in or not, and nothing in it
// is loaded from elsewhere.
//
// Guides are Markdown, embedded; content/*.md begins with its title and a
// sentence. Samples in them are run by the package's tests: a block "sh" is a
// command, "json" or "text" after it what the command prints, and "go FILE" a
// piece of that file of the repository. The reference is made of the API's own
// OpenAPI document and its routes; codes of verdicts are those of package
// verdict, and faults.json lists the codes of problem documents, which a test
// collects from the source.
//
// The package decides nothing and asks no use case.
package docs
