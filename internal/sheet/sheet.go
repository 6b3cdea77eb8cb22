package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"
)

// ContentType is the media type of a sheet.
const ContentType = "text/csv; charset=utf-8; header=present"

// mark is the byte order mark: without it Excel reads UTF-8 as something else.
const mark = "\ufeff"

// Writer writes one sheet. It buffers: nothing is sure to be written before
// Flush.
type Writer struct {
	rows *csv.Writer
	zone *time.Location
}

// NewWriter begins a sheet with its heading. Instants are written in zone.
func NewWriter(w io.Writer, zone *time.Location, heading ...string) (*Writer, error) {
	if _, err := io.WriteString(w, mark); err != nil {
		return nil, fmt.Errorf("write sheet: %w", err)
	}
	s := &Writer{rows: csv.NewWriter(w), zone: zone}
	s.rows.UseCRLF = true
	return s, s.Row(heading...)
}

// Row adds a row.
func (s *Writer) Row(cells ...string) error {
	safe := make([]string, len(cells))
	for i, cell := range cells {
		safe[i] = Plain(cell)
	}
	if err := s.rows.Write(safe); err != nil {
		return fmt.Errorf("write sheet: %w", err)
	}
	return nil
}

// Flush writes what is buffered.
func (s *Writer) Flush() error {
	s.rows.Flush()
	if err := s.rows.Error(); err != nil {
		return fmt.Errorf("write sheet: %w", err)
	}
	return nil
}

// Time is an instant in the sheet's zone with its offset (ISO 8601), and
// nothing for none.
func (s *Writer) Time(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(s.zone).Format("2006-01-02T15:04:05-07:00")
}

// Plain is a cell that no spreadsheet evaluates: what begins as a formula gets
// an apostrophe in front, which means text.
func Plain(cell string) string {
	if strings.ContainsAny(first(cell), "=+-@\t\r\n＝＋－＠") {
		return "'" + cell
	}
	return cell
}

// first is the first character of a text; blanks and marks in front of it are
// passed over, because spreadsheets do the same.
func first(cell string) string {
	cell = strings.TrimLeft(cell, " \u00a0"+mark)
	for _, r := range cell {
		return string(r)
	}
	return ""
}
