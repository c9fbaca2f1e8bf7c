package foreign

import "strings"

// Quote quotes a word for a shell if necessary.
func Quote(s string) string {
	if strings.Trim(s, "/._-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
