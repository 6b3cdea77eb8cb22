package cli

import (
	"errors"
	"io"
	"strings"

	"github.com/keyward/keyward/internal/fault"
)

// report says what went wrong and what to do, and returns the exit code.
func report(w io.Writer, err error) int {
	say(w, explain(err))
	return exitError
}

func reportUsage(w io.Writer, err error) int {
	say(w, oneLine(err)+" Run with --help to see what there is.")
	return exitUsage
}

// say writes one line, whatever the text holds.
func say(w io.Writer, text string) {
	_, _ = io.WriteString(w, "keyward: "+strings.Join(strings.Fields(text), " ")+"\n") // nobody is left to tell
}

// explain is an error in words for the operator. What a fault hides from
// callers stays hidden here too; other errors are about files, addresses and
// settings, which are the operator's.
func explain(err error) string {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return oneLine(err)
	}
	var b strings.Builder
	if len(f.Fields) == 0 || f.Code != "invalid_input" {
		b.WriteString(f.Message)
	}
	for _, field := range f.Fields {
		b.WriteString(" " + flagOf(field.Name) + ": " + sentence(field.Message))
	}
	if f.Next != "" {
		b.WriteString(" " + sentence(f.Next))
	}
	return b.String()
}

// oneLine is an error, or several that were joined, as a sentence.
func oneLine(err error) string {
	return sentence(upper(strings.ReplaceAll(err.Error(), "\n", "; ")))
}

// flagOf is what a field is called on the command line.
func flagOf(field string) string {
	if name, ok := strings.CutPrefix(field, "person_"); ok {
		return "--person (" + name + ")"
	}
	return strings.ReplaceAll(strings.TrimSuffix(field, "_id"), "_", "-")
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func sentence(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".?!") {
		return s
	}
	return s + "."
}
