package portal

import "strings"

// browsers and systems are the words by which they name themselves, the more
// particular first: nearly all of them claim to be Safari, too.
func browsers() [][2]string {
	return [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"Chrome/", "Chrome"}, {"CriOS/", "Chrome"}, {"Safari/", "Safari"},
	}
}

func systems() [][2]string {
	return [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
}

// browserName is what a browser says it is, in words.
func browserName(agent string) string {
	browser, system := named(browsers(), agent), named(systems(), agent)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "" || system != "":
		return browser + system
	}
	return "Unknown browser"
}

func named(known [][2]string, agent string) string {
	for _, k := range known {
		if strings.Contains(agent, k[0]) {
			return k[1]
		}
	}
	return ""
}
