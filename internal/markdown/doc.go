// Package markdown makes markup of text that people wrote in Markdown, such as
// release notes. Markup in the text is not believed: it shows as text or not
// at all, and what comes out is limited to a list of harmless elements.
package markdown
