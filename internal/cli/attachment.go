package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/server"
	"github.com/keyward/keyward/internal/ticket"
)

type attachmentCommands struct {
	List attachmentList `cmd:"" help:"List what is attached to a ticket."`
	Save attachmentSave `cmd:"" help:"Write an attachment to a file."`
}

type attachmentList struct {
	storage
	aTicket
}

func (c *attachmentList) Run(on *call) error {
	number, err := ticketNumber(c.Ticket)
	if err != nil {
		return err
	}
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		files, err := uses.Support.StaffFiles(ctx, operator(), number)
		if err != nil {
			return err
		}
		list := attachments{Attachments: []attachment{}}
		for i, f := range files {
			list.Attachments = append(list.Attachments, attachment{i + 1, string(f.ID), f.Name, f.Type, f.Size, f.At})
		}
		return c.show(on, list)
	})
}

type attachments struct {
	Attachments []attachment `json:"attachments"`
}

// attachment is one as commands print it.
type attachment struct {
	Number int       `json:"number"` // within its ticket
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Type   string    `json:"type"`
	Size   int64     `json:"size"`
	At     time.Time `json:"attached_at"`
}

func (l attachments) text() string {
	if len(l.Attachments) == 0 {
		return "Nothing is attached.\n"
	}
	rows := [][]string{{"NUMBER", "NAME", "TYPE", "BYTES", "ATTACHED"}}
	for _, a := range l.Attachments {
		rows = append(rows, []string{strconv.Itoa(a.Number), printable(a.Name), a.Type, strconv.FormatInt(a.Size, 10), instant(a.At)})
	}
	return table(rows)
}

type attachmentSave struct {
	storage
	aTicket
	Number int    `arg:"" help:"Number of the attachment, as \"ticket attachment list\" shows it."`
	Output string `name:"output" short:"o" placeholder:"FILE" help:"File to write, which must not exist; without this one named after ticket and attachment, in this directory."`
}

func (c *attachmentSave) Run(on *call) error {
	number, err := ticketNumber(c.Ticket)
	if err != nil {
		return err
	}
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		f, err := uses.Support.StaffFile(ctx, operator(), number, c.Number)
		if err != nil {
			return err
		}
		name := c.Output
		if name == "" {
			name = ticket.Name(number) + "-" + f.Name
		}
		if err := writeNew(name, f); err != nil {
			return err
		}
		return c.show(on, savedFile{name, f.Type, f.Size})
	})
}

// savedFile is a file that was written.
type savedFile struct {
	File string `json:"file"`
	Type string `json:"type"`
	Size int64  `json:"size"`
}

func (f savedFile) text() string {
	return pairs([2]string{"File", f.File}, [2]string{"Type", f.Type}, [2]string{"Bytes", strconv.FormatInt(f.Size, 10)})
}

// writeNew writes a file that is not there yet, for its owner only: what is
// there stays as it is, and of a write that fails nothing is left.
func writeNew(name string, content support.Attached) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Conflict, "file_exists", fmt.Sprintf("There is a file %s already.", name)).WithNext("Choose another name with --output, or move that file away.")
	}
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	_, err = f.Write(content.Content)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), os.Remove(name))
	}
	return nil
}
