package ui

import (
	"hash/fnv"
	"html/template"
	"strconv"
)

// Tone is the mood of a message or a badge. It always comes with an icon and words.
type Tone string

// The tones there are; the zero value is neutral.
const (
	ToneNeutral Tone = ""
	ToneInfo    Tone = "info"
	ToneGood    Tone = "good"
	ToneWarn    Tone = "warn"
	ToneBad     Tone = "bad"
	ToneHold    Tone = "hold" // it is the reader's turn
)

// Icon is the one that belongs to the tone.
func (t Tone) Icon() string {
	switch t {
	case ToneGood:
		return "check-circle"
	case ToneWarn:
		return "warning"
	case ToneBad:
		return "cross-circle"
	default:
		return "info"
	}
}

// Notice is a message in the flow of a page. Template "notice".
type Notice struct {
	Tone   Tone
	Icon   string // the tone's when empty
	Title  string // bold, first
	Text   string
	Action *Link
}

// Symbol is the icon to draw.
func (n Notice) Symbol() string { return orElse(n.Icon, n.Tone.Icon()) }

// Badge is a status word with its icon and color. Template "badge".
type Badge struct {
	Status string // kept in data-status, for tests and style
	Label  string
	Tone   Tone
	Icon   string
}

// badges is the one place that says how a status looks.
var badges = map[string]Badge{
	"active":      {Tone: ToneGood, Icon: "check-circle"},
	"assigned":    {Tone: ToneInfo, Icon: "assigned"},
	"available":   {Tone: ToneNeutral, Icon: "plus"},
	"suspended":   {Tone: ToneWarn, Icon: "pause"},
	"expired":     {Tone: ToneBad, Icon: "calendar-x"},
	"revoked":     {Tone: ToneNeutral, Icon: "slash"},
	"deactivated": {Tone: ToneNeutral, Icon: "minus-circle"},
	"inactive":    {Tone: ToneNeutral, Icon: "minus-circle"},
	"open":        {Tone: ToneInfo, Icon: "inbox"},
	"in_progress": {Tone: ToneWarn, Icon: "refresh"},
	"waiting":     {Tone: ToneHold, Icon: "clock"},
	"resolved":    {Tone: ToneGood, Icon: "check-circle"},
	"closed":      {Tone: ToneNeutral, Icon: "lock"},
	"idle":        {Tone: ToneWarn, Icon: "clock"},
	"expiring":    {Tone: ToneWarn, Icon: "warning"},
	"pass":        {Tone: ToneGood, Icon: "check"},
	"fail":        {Tone: ToneBad, Icon: "cross"},
	"skipped":     {Tone: ToneNeutral, Icon: "minus"},
}

// NewBadge returns the badge of a status; one it does not know is neutral, with a dot.
func NewBadge(status, label string) Badge {
	b, ok := badges[status]
	if !ok {
		b.Icon = "dot"
	}
	b.Status, b.Label = status, label
	return b
}

// Tile is a colored square with a letter that stands for a named thing. Template "tile".
type Tile struct {
	Letter string
	Hue    int // 1 to 6
	Large  bool
}

// NewTile gives a name its letter and its lasting color.
func NewTile(name string) Tile { return Tile{Letter: firstInitial(name), Hue: Hue(name)} }

func firstInitial(name string) string { return firstLetter(Initials(name)) }

// Hue maps a name to 1..6, the same at every time and on every machine.
func Hue(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // a hash never fails to write
	return int(h.Sum32()%6) + 1
}

// Bar is a meter drawn beside a text that says the same. Template "bar".
type Bar struct {
	Percent int
	Level   string // "ok", "full" or "idle"
}

// NewBar measures used against limit; without a limit (zero or less) the bar stays empty.
func NewBar(used, limit int64, level string) Bar {
	bar := Bar{Level: level}
	if limit > 0 && used > 0 {
		bar.Percent = int(min(100, max(1, used*100/limit)))
	}
	return bar
}

// Width is the bar's length as the SVG attribute wants it.
func (b Bar) Width() string { return strconv.Itoa(b.Percent) + "%" }

// Usage is "2 / 5" with its bar, or "2 / Unlimited" without one. Template "usage".
type Usage struct {
	Used      int64
	Limit     int64 // not read when Unlimited
	Unlimited bool
	Idle      bool   // drawn gray: nothing can be used at the moment
	Unit      string // read aloud after the figures, such as "seats used"
	Note      string // beside the figures, such as "Limit reached"
}

// Level is how the bar is painted.
func (u Usage) Level() string {
	switch {
	case u.Idle:
		return "idle"
	case !u.Unlimited && u.Used >= u.Limit:
		return "full"
	default:
		return "ok"
	}
}

// Of is the limit in words.
func (u Usage) Of() string {
	if u.Unlimited {
		return "Unlimited"
	}
	return strconv.FormatInt(u.Limit, 10)
}

// Bar is the meter of the usage.
func (u Usage) Bar() Bar { return NewBar(u.Used, u.Limit, u.Level()) }

// Copy is a button that puts a text on the clipboard. It is hidden until a script shows it.
// Template "copy" is the icon alone, "copy-button" has words. With URL the text is fetched
// by POST, so that it need not be in the page; with Target it is the text of that element.
type Copy struct {
	URL    string
	Target string // element id
	Label  string // what a screen reader calls the button
	Done   string // announced after; "Key copied" when empty
}

// Announcement is what is said after copying.
func (c Copy) Announcement() string { return orElse(c.Done, "Key copied") }

// Field is one labeled input with its hint and its error. Template "field".
type Field struct {
	Name         string
	ID           string // Name when empty
	Label        string
	Type         string // "text" when empty; "password" gets a button that shows it
	Value        string
	Hint         string
	Error        string
	Autocomplete string
	Inputmode    string
	Placeholder  string
	MaxLength    int
	MinLength    int
	Rows         int      // more than zero makes it a text area
	Options      []Option // makes it a select
	Required     bool
	Marked       bool // shows an asterisk beside the label
	Optional     bool // says so beside the label
	Autofocus    bool
	Code         bool // fixed-width letters, no spelling help
}

// Option is one choice of a select.
type Option struct {
	Value, Label string
}

// InputID is the id of the input, which errors link to.
func (f Field) InputID() string { return orElse(f.ID, f.Name) }

// InputType is the input's type.
func (f Field) InputType() string { return orElse(f.Type, "text") }

// Secret reports whether what is typed is hidden.
func (f Field) Secret() bool { return f.Type == "password" }

// Literal reports whether the browser should keep from correcting what is typed.
func (f Field) Literal() bool { return f.Code || f.Type == "email" || f.Type == "password" }

// DescribedBy lists the ids of the hint and the error that belong to the input.
func (f Field) DescribedBy() string {
	switch {
	case f.Hint != "" && f.Error != "":
		return f.InputID() + "-error " + f.InputID() + "-hint"
	case f.Error != "":
		return f.InputID() + "-error"
	case f.Hint != "":
		return f.InputID() + "-hint"
	default:
		return ""
	}
}

// Checkbox is one yes-or-no input. Template "checkbox".
type Checkbox struct {
	Name, ID, Label, Hint string
	Value                 string // "1" when empty
	Checked               bool
}

// InputID is the id of the input.
func (c Checkbox) InputID() string { return orElse(c.ID, c.Name) }

// InputValue is what is sent when it is checked.
func (c Checkbox) InputValue() string { return orElse(c.Value, "1") }

// Problems is the summary above a form that was refused. Template "problems"; it draws
// nothing when there is nothing to say.
type Problems struct {
	Title  string // "Please check the form" when empty
	Text   string
	Fields []Problem
}

// Problem is what is wrong with one input. Without For it is a sentence and no link.
type Problem struct {
	For     string // id of the input
	Message string
}

// Any reports whether there is something to show.
func (p Problems) Any() bool { return p.Title != "" || p.Text != "" || len(p.Fields) > 0 }

// Heading is the summary's first line.
func (p Problems) Heading() string { return orElse(p.Title, "Please check the form") }

// Hidden is a value that a form sends along.
type Hidden struct {
	Name, Value string
}

// Confirm asks before something is done that cannot simply be taken back. Template "confirm"
// draws it as a dialog that [Confirm.ID] opens; "confirm-card" draws the same as part of a
// page, for readers without script.
type Confirm struct {
	ID     string
	Title  string
	Text   []string // one paragraph each
	Action string   // POST address
	Hidden []Hidden
	Submit string // words on the button
	Cancel string // where to go instead, on the page; the dialog just closes
	Danger bool
}

// Pager leads to the neighboring pages of a list. Template "pager".
type Pager struct {
	Label      string // names the navigation; "Pages" when empty
	Summary    string // "Showing 1–8 of 12"
	Prev, Next string // addresses; empty draws the button as not available
}

// Name is the navigation's name.
func (p Pager) Name() string { return orElse(p.Label, "Pages") }

// Many reports whether there is another page at all.
func (p Pager) Many() bool { return p.Prev != "" || p.Next != "" }

// Empty says why there is nothing and what to do about it. Template "empty".
type Empty struct {
	Icon, Title, Text string
	Actions           []Link
}

// Chip is one choice of a row of filters.
type Chip struct {
	Label, Href string
	Count       string // empty for none
	Value       string // kept in data-value
	Current     bool
}

// Chips is a row of filters of which one is in force. Template "chips".
type Chips struct {
	Label string
	Items []Chip
}

// Fold is a switch that leaves rows out of a list, or brings them back, and counts them.
// Template "fold"; without an address it draws nothing.
type Fold struct {
	Label, Href string
	Folded      bool // they are left out now
}

// Icon shows what the switch would do.
func (f Fold) Icon() string {
	if f.Folded {
		return "eye"
	}
	return "eye-off"
}

// Pill is a filter in force that one click takes away.
type Pill struct {
	Name, Value string
	Href        string // the list without it
}

// Pills are the filters in force. Template "pills"; without any it draws nothing.
type Pills struct {
	Items []Pill
	Clear string // address of the list without any filter, offered from two pills on
}

// Sort is the heading of a column that a list can be ordered by. Template "sort" draws the
// whole heading cell.
type Sort struct {
	Label, Href string
	Direction   string // "ascending", "descending" or empty
	Class       string
}

// Menu is a button that opens a list of links. Template "menu".
type Menu struct {
	Label string // "Sort"; empty for a menu that chooses nothing
	Value string // "Newest first"
	Icon  string
	Items []Choice
}

// Choice is one entry of a menu.
type Choice struct {
	Label, Href string
	Current     bool
}

// Legend explains badges, folded away until wanted. Template "legend".
type Legend struct {
	Title string
	Items []LegendItem
}

// LegendItem is one badge and its meaning.
type LegendItem struct {
	Badge Badge
	Text  string
}

// KPI is a figure on a tile; with Href the whole tile is a link. Template "kpis" takes a
// slice of them.
type KPI struct {
	Label, Value string
	Note         string
	Href         string
	Icon         string
	Tone         Tone
}

// Check is one line of a list of things that were checked. Template "checks" takes a slice.
type Check struct {
	State  string // "pass", "fail" or "skipped"
	Label  string
	Detail string // what was seen, at the end of the line
	Note   string // what would be needed, below the label
}

// Icon is the mark of the state.
func (c Check) Icon() string {
	switch c.State {
	case "pass":
		return "check"
	case "fail":
		return "cross"
	default:
		return "minus"
	}
}

// Spoken is the state in words, for those who do not see the mark.
func (c Check) Spoken() string {
	switch c.State {
	case "pass":
		return "passed"
	case "fail":
		return "failed"
	default:
		return "not checked"
	}
}

// TimelineItem is one entry of a timeline. Template "timeline" takes a slice.
type TimelineItem struct {
	Icon  string
	Tone  Tone
	Title string
	Text  string
	When  When
	Kind  string // kept in data-kind
}

// Symbol is the icon to draw.
func (m TimelineItem) Symbol() string { return orElse(m.Icon, "dot") }

// funcs are the template functions every page has.
func funcs(assets *Assets) template.FuncMap {
	return template.FuncMap{
		"asset":    assets.mustURL,
		"icon":     Icon,
		"iconWith": iconWith,
		"badge":    NewBadge,
		"tile":     NewTile,
		"tileLarge": func(name string) Tile {
			t := NewTile(name)
			t.Large = true
			return t
		},
		"bar":      NewBar,
		"hue":      Hue,
		"initials": Initials,
		"plural":   Plural,
	}
}
