package main

import (
	"regexp"
	"strings"
)

// tokenShapes are what is shortened wherever it is printed: JWTs, refresh tokens, and what an answer
// calls a token. The group is the part that is cut.
var tokenShapes = []*regexp.Regexp{
	regexp.MustCompile(`\beyJ[\w-]{5}([\w-]+\.[\w-]+\.[\w-]+)[\w-]{6}`),
	regexp.MustCompile(`\b[0-9a-f]{8}((?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.[0-9]+){3}\.[\w-]+)[\w-]{6}`),
	regexp.MustCompile(`"(?:\w+_)?token": ?"[\w-]{8}([\w.-]+)[\w-]{6}"`),
}

// shorten replaces the middle of each token by an ellipsis.
func shorten(text string) string {
	for _, shape := range tokenShapes {
		var short strings.Builder
		rest := 0
		for _, match := range shape.FindAllStringSubmatchIndex(text, -1) {
			short.WriteString(text[rest:match[2]])
			short.WriteString("…")
			rest = match[3]
		}
		short.WriteString(text[rest:])
		text = short.String()
	}
	return text
}

// The size of what is shown of an output.
const (
	shownColumns = 100
	shownLines   = 24
)

// lay makes an output readable: tokens shortened, one-line JSON broken behind its commas, and no
// more lines than a screen holds.
func lay(output string) []string {
	output = strings.TrimSpace(strings.ReplaceAll(shorten(output), "\r\n", "\n"))
	if output == "" {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(output, "\n") {
		lines = append(lines, breakLine(line)...)
	}
	if len(lines) > shownLines {
		lines = append(lines[:shownLines], "…")
	}
	return lines
}

// breakLine breaks JSON, which may come as one long line. Other lines stay as they are.
func breakLine(line string) []string {
	if !strings.HasPrefix(line, "{") {
		return []string{line}
	}
	var lines []string
	current := ""
	for part := range strings.SplitAfterSeq(line, ",") {
		if current != "" && len(current)+len(part) > shownColumns {
			lines, current = append(lines, current), " "
		}
		current += part
	}
	return append(lines, current)
}
