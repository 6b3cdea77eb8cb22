// Package pgtest gives a test an empty PostgreSQL database of its own.
//
// It owns finding a server, or starting one, and the databases it hands out.
// It knows nothing about Keyward's schema and is imported by tests only.
//
// The server is the one that KEYWARD_TEST_POSTGRES names (the URL of a
// database from which others may be created). Without that variable the first
// test that asks starts a server for its own process. The command withpostgres
// starts one server for a whole test run.
//
// Where PostgreSQL is missing a test is skipped, except with CI or
// KEYWARD_TEST_REQUIRE set: there it fails, because a suite that quietly
// leaves out a database proves nothing about it.
package pgtest
