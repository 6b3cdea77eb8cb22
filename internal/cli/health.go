package cli

import "github.com/keyward/keyward/internal/server"

// healthCommand is for what watches a process and has no other means to ask it,
// such as an image without a shell.
type healthCommand struct {
	Listen  string `name:"listen" env:"KEYWARD_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address that the server listens on."`
	TLSCert string `name:"tls-cert" env:"KEYWARD_TLS_CERT" placeholder:"FILE" help:"Certificate chain, if the server has one: it is asked by https then."`
	Ready   bool   `name:"ready" help:"Ask whether it can do its work, not only whether it runs."`
	JSON    bool   `name:"json" help:"Print the result as JSON."`
}

// Run fails unless the server says yes.
func (c *healthCommand) Run(on *call) error {
	said, err := server.Probe(on.ctx, server.Question{Listen: c.Listen, HTTPS: c.TLSCert != "", Ready: c.Ready})
	if err != nil {
		return err
	}
	return show(on, c.JSON, health{said})
}

type health struct {
	Says string `json:"says"`
}

func (h health) text() string { return h.Says + "\n" }
