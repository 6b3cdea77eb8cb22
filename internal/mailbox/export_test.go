package mailbox

import "io"

// Converse lets the fuzz test talk to a Box without a network.
func (b *Box) Converse(conn io.ReadWriter) { b.converse(conn) }
