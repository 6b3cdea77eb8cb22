package mailbox

import (
	"bufio"
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode"
)

// maxSkipped bounds what is read of one endless line before the client is
// given up.
const maxSkipped = 4 << 20

// errBadLine means that a line was read to its end and is not acceptable.
var errBadLine = errors.New("bad line")

// readLine returns the next line without its CRLF. A line longer than limit
// bytes, or with a CR, LF or NUL of its own, is read to its end and reported as
// errBadLine. A lone LF never ends a line: two programs that disagree on where a
// mail ends are how a mail is smuggled into another.
func (s *session) readLine(limit int) ([]byte, error) {
	var line []byte
	afterCR := false
	for skipped := 0; skipped < maxSkipped; {
		chunk, err := s.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		skipped += len(chunk)
		end := bytes.HasSuffix(chunk, []byte("\r\n")) || afterCR && chunk[0] == '\n'
		afterCR = chunk[len(chunk)-1] == '\r'
		if len(line) <= limit {
			line = append(line, chunk...)
		}
		if end {
			return checkLine(line, limit)
		}
	}
	return nil, errGivenUp
}

func checkLine(line []byte, limit int) ([]byte, error) {
	body, complete := bytes.CutSuffix(line, []byte("\r\n"))
	if !complete || len(line) > limit || bytes.ContainsAny(body, "\r\n\x00") {
		return nil, errBadLine
	}
	return body, nil
}

// path reads "FROM:<address> PARAMETERS", with keyword FROM: or TO:.
func path(argument, keyword string) (address string, parameters []string, ok bool) {
	if len(argument) < len(keyword) || !strings.EqualFold(argument[:len(keyword)], keyword) {
		return "", nil, false
	}
	rest, ok := strings.CutPrefix(strings.TrimLeft(argument[len(keyword):], " "), "<")
	if !ok {
		return "", nil, false
	}
	address, after, ok := strings.Cut(rest, ">")
	if !ok || after != "" && after[0] != ' ' {
		return "", nil, false
	}
	return address, strings.Fields(after), true
}

// plausible accepts what looks like an address; whether it exists is of no
// interest here.
func plausible(address string) bool {
	name, domain, found := strings.Cut(address, "@")
	strange := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == unicode.ReplacementChar }
	return found && name != "" && domain != "" && len(address) <= 254 && !strings.ContainsFunc(address, strange)
}

// announcedSize returns the SIZE parameter, or 0. A number too large to read is
// still larger than what is allowed.
func announcedSize(parameters []string) int64 {
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(name, "SIZE") {
			size, _ := strconv.ParseInt(value, 10, 64)
			return size
		}
	}
	return 0
}
