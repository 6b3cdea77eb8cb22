package license

import "strings"

// FoldName is the form in which names of products are searched and sorted:
// lower case, without blanks at the ends or twice in a row.
func FoldName(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
}
