package portal

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/ui"
)

// statusChips is a filter row: every status with how many rows choosing it
// would show. href is the list with a status, "" for all.
func statusChips[S ~string](statuses []S, counts map[S]int, current S, word func(S) string, href func(S) string) ui.Chips {
	all := 0
	for _, n := range counts {
		all += n
	}
	chips := ui.Chips{Label: "Filter by status", Items: []ui.Chip{
		{Label: "All", Count: fmt.Sprint(all), Value: "all", Current: current == "", Href: href("")},
	}}
	for _, s := range statuses {
		chips.Items = append(chips.Items, ui.Chip{
			Label: word(s), Count: fmt.Sprint(counts[s]), Value: string(s), Current: current == s, Href: href(s),
		})
	}
	return chips
}

// fold is the switch that leaves n rows out of a list, or brings them back.
// one and many are what they are called. Without rows there is none.
func fold(n int, folded bool, one, many, href string) ui.Fold {
	if n == 0 {
		return ui.Fold{}
	}
	verb := "Hide "
	if folded {
		verb = "Show "
	}
	return ui.Fold{Label: verb + ui.Plural(n, one, many), Href: href, Folded: folded}
}

// foldedChips are chips of which the first, "All", leaves n rows out.
func foldedChips(chips ui.Chips, n int, folded bool) ui.Chips {
	if all, err := strconv.Atoi(chips.Items[0].Count); err == nil && folded {
		chips.Items[0].Count = strconv.Itoa(all - n)
	}
	return chips
}

// shownPage is a page of a list as it stands on screen.
type shownPage struct {
	href           string // of the list's beginning
	fingerprint    string
	at             time.Time
	first, last    id.ID // its rows at the edges
	rows, total    int
	prior, further bool // there are rows in front of it, behind it
}

// pager says where the page is and leads to its neighbors.
func (p place) pager(s shownPage) ui.Pager {
	from := p.from(s.rows)
	pager := ui.Pager{Summary: fmt.Sprintf("Showing %d–%d of %d", from, from+s.rows-1, s.total)}
	prior, next := p.edges(s.fingerprint, s.at, s.first, s.last, s.rows)
	if s.prior {
		pager.Prev = paged(s.href, "before", prior)
	}
	if s.further {
		pager.Next = paged(s.href, "after", next)
	}
	return pager
}

func paged(href, name, cursor string) string {
	if strings.Contains(href, "?") {
		return href + "&" + name + "=" + cursor
	}
	return href + "?" + name + "=" + cursor
}

// listNotices says what of a list's address could not be used as it was.
func listNotices(cut, wrongPlace bool) []ui.Notice {
	var notices []ui.Notice
	if cut {
		notices = append(notices, ui.Notice{Tone: ui.ToneInfo, Text: "Only the first 12 letters and digits are searched, so that no key ends up in an address."})
	}
	if wrongPlace {
		notices = append(notices, ui.Notice{Tone: ui.ToneInfo, Text: "That page belongs to another list. This is the beginning of this one."})
	}
	return notices
}

// cutSearch shortens a text until it may stand in an address.
func cutSearch(text string) (short string, cut bool) {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if licensing.InAddress(text) && len(text) <= licensing.MaxSearch {
		return text, false
	}
	end, folded := 0, 0
	for i, c := range text {
		folded += utf8.RuneCountInString(id.Fold(string(c)))
		if folded > licensing.MaxFragment || i > licensing.MaxSearch/2 {
			break
		}
		end = i + utf8.RuneLen(c)
	}
	return strings.TrimSpace(text[:end]), true
}
