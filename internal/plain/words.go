package plain

import "strings"

// Cut cuts a text that has more than most characters, and marks the cut.
func Cut(s string, most int) string {
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "..."
		}
	}
	return s
}

// Shell writes a command for a shell. It quotes the words that a shell would not read unchanged, among them a first
// word that could be an assignment.
func Shell(words ...string) string {
	bare := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+@%,:"
	var b strings.Builder
	for i, word := range words {
		if i == 1 {
			bare += "="
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		if word == "" || strings.Trim(word, bare) != "" {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		b.WriteString(word)
	}
	return b.String()
}
