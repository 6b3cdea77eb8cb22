// Command keyward is the whole program: server, demo and commands of the
// operator. It hands over to package cli and ends with its exit code.
package main
