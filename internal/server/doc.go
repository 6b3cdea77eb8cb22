// Package server puts the program together: the only package that sees
// everything. It opens the database and the master key, builds the use cases,
// gives them to the doors, mounts the doors on one mux, and runs and stops all
// of it in order. It is also where the clock enters the program.
package server
