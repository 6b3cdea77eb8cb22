package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/keyward/keyward/client"
)

// Software asks when it starts. It goes on with a valid license, says what is
// wrong with another one, and goes on for a while when the server is away.
func Example() {
	dir, err := os.MkdirTemp("", "studio")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	vendor := startVendor() // stands for the vendor's Keyward server
	defer vendor.Close()

	c, err := client.New(client.Options{
		BaseURL:    vendor.URL,
		Token:      "kwc_exampleexampleexample",
		Product:    exampleProduct,
		ProductKey: vendor.Pinned,
		Device:     client.Device{ID: "4C4C4544-0042-3510", Name: "Studio Mac"},
		CachePath:  filepath.Join(dir, "license.json"),
		Version:    "8.4.1",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	start := func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		answer, err := c.Validate(ctx, "ACME-7K2M-9QRT-4WXY-P3DF", "export")
		switch {
		case errors.Is(err, client.ErrAway):
			fmt.Println("nobody knows: no answer is kept that still counts")
		case err != nil:
			fmt.Println("the request is wrong:", err)
		case !answer.Valid():
			fmt.Println("not licensed:", answer.Verdict.Message)
		case answer.Offline:
			fmt.Println("licensed, until", answer.Lease.ValidUntil.Format(time.DateOnly), "without the server")
		default:
			fmt.Println("licensed")
		}
	}
	start()
	vendor.Close()
	start()
	// Output:
	// licensed
	// licensed, until 2100-01-01 without the server
}
