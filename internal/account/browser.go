package account

import "strings"

// A browserSign is a part of a User-Agent that tells what sent it. Of several
// that match the first counts, because browsers claim to be others too.
type browserSign struct{ part, name string }

func browserSigns() []browserSign {
	return []browserSign{
		{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
}

func systemSigns() []browserSign {
	return []browserSign{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Macintosh", "macOS"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
}

// BrowserName is what to call the sender of a User-Agent before people, such
// as "Firefox on Windows". It holds no word of the sender's own.
func BrowserName(userAgent string) string {
	browser, system := signed(userAgent, browserSigns()), signed(userAgent, systemSigns())
	switch {
	case browser == "" && system == "":
		return "An unknown browser"
	case browser == "":
		return "A browser on " + system
	case system == "":
		return browser
	}
	return browser + " on " + system
}

func signed(userAgent string, signs []browserSign) string {
	for _, s := range signs {
		if strings.Contains(userAgent, s.part) {
			return s.name
		}
	}
	return ""
}

// Platform is what a User-Agent runs on, as files of releases name it: windows,
// macos, linux, android or ios; "" where it does not tell.
func Platform(userAgent string) string {
	switch system := signed(userAgent, systemSigns()); system {
	case "iPhone", "iPad":
		return "ios"
	case "Android", "Windows", "macOS", "Linux":
		return strings.ToLower(system)
	}
	return ""
}
