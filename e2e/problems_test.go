package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
)

// problems collects what the browser complains about in one tab: errors and
// failed assertions on the console, exceptions that nobody caught, and what the
// log holds as an error, which is where violations of the content policy and
// failed requests go.
type problems struct {
	mu   sync.Mutex
	seen []string
}

func (p *problems) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			p.add("console: " + spoken(e.Args))
		}
	case *runtime.EventExceptionThrown:
		p.add("exception: " + thrown(e.ExceptionDetails))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			p.add(fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	}
}

func (p *problems) add(problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, problem)
}

// unexpected are those in which none of the words occur.
func (p *problems) unexpected(expected []string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.seen), func(problem string) bool {
		return slices.ContainsFunc(expected, func(words string) bool { return strings.Contains(problem, words) })
	})
}

// forget what was seen, once it has been reported.
func (p *problems) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = nil
}

func thrown(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

func spoken(args []*runtime.RemoteObject) string {
	words := make([]string, 0, len(args))
	for _, arg := range args {
		var s string
		if arg.Description != "" {
			s = arg.Description
		} else if json.Unmarshal(arg.Value, &s) != nil {
			s = string(arg.Value)
		}
		words = append(words, s)
	}
	return strings.Join(words, " ")
}
