// Package identity holds the use cases about who somebody is: signing in and
// out, one-time links and passwords, customers with their people,
// administrators, and API tokens.
//
// A use case asks the actor for permission, does everything slow first, then
// changes facts and appends the event in one transaction. Answers about an
// account that does not exist are those about one that does. Tokens leave
// here once, as text; what is kept is a keyed hash.
//
// It sends no mail: it leaves jobs that hold ids, and mints a link when the
// mail is written. It knows no HTTP; cookies are texts to it.
package identity
