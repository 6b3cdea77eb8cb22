// Command offline is a small licensed program for a device that never connects.
// It makes the request that the customer takes to the portal, reads the file
// that comes back, and says whether it may run. It shows what software has to do
// with package licensefile and is no part of the server.
//
//	export KEYWARD_PRODUCT=0190... KEYWARD_PRODUCT_KEY=keyward:ed25519:...
//	go run ./examples/offline request > request.json     on the device
//	go run ./examples/offline verify FILE                with the file from the portal
//	go run ./examples/offline return FILE                removes it and shows the return code
package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/keyward/keyward/licensefile"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "offline:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "request":
		return request()
	case len(args) == 2 && args[0] == "verify":
		return verify(args[1])
	case len(args) == 2 && args[0] == "return":
		return giveBack(args[1])
	}
	return errors.New("usage: offline request | verify FILE | return FILE")
}

// device is what this machine is known by. Real software takes an identifier
// that survives a change of name.
func device() (licensefile.Device, error) {
	host, err := os.Hostname()
	return licensefile.Device{ID: host, Name: host, Kind: "hardware", Platform: runtime.GOOS + "/" + runtime.GOARCH}, err
}

func request() error {
	d, err := device()
	if err != nil {
		return err
	}
	data, err := licensefile.OfflineRequest{
		Product: os.Getenv("KEYWARD_PRODUCT"), Device: d, Version: "1.0.0", Nonce: rand.Text(), MadeAt: time.Now(),
	}.Encode()
	if err != nil {
		return err
	}
	fmt.Println(string(data))
	return nil
}

// read reads a file and proves that the vendor signed it.
func read(path string) (*licensefile.Offline, error) {
	keys, err := licensefile.ParseKeySet([]byte(os.Getenv("KEYWARD_PRODUCT_KEY")))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return licensefile.ParseOffline(strings.TrimSpace(string(text)), keys)
}

func verify(path string) error {
	file, err := read(path)
	if err != nil {
		return err
	}
	d, err := device()
	if err != nil {
		return err
	}
	v := file.Verify(time.Now(), licensefile.Situation{Product: os.Getenv("KEYWARD_PRODUCT"), Device: d.ID, Version: "1.0.0"})
	fmt.Println(v.Code+":", v.Message)
	if !v.Valid {
		return errors.New("the program does not start")
	}
	fmt.Println("Licensed offline until", file.ValidUntil.Format(time.DateOnly))
	return nil
}

// giveBack removes the file first: a code for a file that is still in use would
// free a seat that is taken.
func giveBack(path string) error {
	file, err := read(path)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	fmt.Println("Return code:", file.ReturnCode())
	return nil
}
