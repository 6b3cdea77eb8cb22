// Command load measures Keyward; see package load. "load -h" tells its flags.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/keyward/keyward/internal/demo"
	"github.com/keyward/keyward/internal/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// sizes are the licenses of the customers whose pages are measured.
var sizes = []int{20, 10_000}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say what: calls, prepare, pages or bare")
	}
	flags := flag.NewFlagSet("load "+args[0], flag.ContinueOnError)
	binary := flags.String("keyward", "bin/keyward", "the program to measure")
	place := flags.String("place", "", "data directory, or data directory and PostgreSQL URL with a comma between")
	large := flags.String("large", "", "pages: the place with many licenses; --place is the one with few")
	lasting := flags.Duration("for", 5*time.Second, "calls: how long each measurement takes")
	rate := flags.Int("rate", 2000, "calls: validations a second that do not wait for each other")
	times := flags.Int("times", 100, "pages: how often each is asked for")
	customers := flags.Int("customers", 0, "prepare: customers to add besides those that are measured")
	licenses := flags.Int("licenses", 0, "prepare: licenses to spread over them")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "bare":
		return load.Bare(os.Stderr)
	case "prepare":
		return load.Prepare(ctx, load.ParsePlace(*place), sizes, demo.Amount{Customers: *customers, Licenses: *licenses}, os.Stderr)
	case "calls":
		self, err := os.Executable()
		if err != nil {
			return err
		}
		c := load.Calls{Binary: *binary, Bare: []string{self, "bare"}, Place: load.ParsePlace(*place), Lasting: *lasting, Rate: *rate}
		return c.Run(ctx, os.Stdout)
	case "pages":
		p := load.Pages{Binary: *binary, Small: load.ParsePlace(*place), Large: load.ParsePlace(*large), Sizes: sizes, Times: *times}
		return p.Run(ctx, os.Stdout)
	}
	return fmt.Errorf("%q is not calls, prepare, pages or bare", args[0])
}
