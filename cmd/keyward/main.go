package main

import (
	"context"
	"os"
	_ "time/tzdata" // machines without zone files show dates in the reader's zone too

	"github.com/keyward/keyward/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.System()))
}
