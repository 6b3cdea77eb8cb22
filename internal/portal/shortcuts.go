package portal

import "github.com/keyward/keyward/internal/ui"

// withKeys gives the menu's entries the letters that lead to them after g.
func withKeys(nav []ui.NavItem) []ui.NavItem {
	keys := map[string]string{
		"/": "h", "/licenses": "l", "/activations": "a", "/downloads": "d",
		"/changelog": "c", "/tickets": "t", "/profile": "p", "/settings": "s",
	}
	for i := range nav {
		nav[i].Key = keys[nav[i].Href]
	}
	return nav
}
