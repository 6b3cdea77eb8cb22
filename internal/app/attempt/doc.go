// Package attempt owns the limits that all servers of an installation count
// together, in the database: those against guessing, where as many times more
// guesses as there are servers would be a hole. What only protects a server
// from too much work is limited by package ratelimit, in its memory.
package attempt
