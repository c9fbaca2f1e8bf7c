package foreign

import (
	"slices"
	"strings"
)

// Guard says how to rewrite a shell command that ends in a test with "&&", such as "[ -x X ] && X", "" if it does not.
// If the test is false, such a command exits with 1 although nothing is wrong. cron ignores exit codes, but to jobsd
// this is a failure.
func Guard(command string) string {
	list := lastList(command)
	if len(list) < 2 || slices.Contains(list, "") {
		return ""
	}
	last := len(list) - 2
	for last >= 0 && !isTest(list[last]) {
		last--
	}
	if last < 0 {
		return ""
	}
	rest := strings.Join(list[last+1:], " && ")
	if negated := negate(list[last]); negated != "" && last == 0 && len(list) == 2 {
		return negated + " || " + rest
	}
	return "if " + strings.Join(list[:last+1], " && ") + "; then " + rest + "; fi"
}

// isTest reports whether a simple command only checks something.
func isTest(command string) bool {
	w := append(strings.Fields(command), "")
	switch w[0] {
	case "[", "[[", "test", "type", "which", "hash":
		return true
	case "command":
		return strings.EqualFold(w[1], "-v")
	}
	return false
}

// negate turns a test of one property, such as "[ -x X ]", into its opposite. It returns "" for other tests.
func negate(test string) string {
	w := strings.Fields(test)
	if !(len(w) == 4 && w[0] == "[" && w[3] == "]" || len(w) == 3 && w[0] == "test") || len(w[1]) != 2 || w[1][0] != '-' {
		return ""
	}
	return strings.Join(slices.Insert(w, 1, "!"), " ")
}

// closers maps the words that begin a compound command to those that end it.
var closers = map[string]string{"if": "fi", "case": "esac", "for": "done", "while": "done", "until": "done", "{": "}"}

// leading are the words that come before a command.
var leading = strings.Fields("if then else elif while until do ! {")

// shell scans a command. It finds the operators outside of quotes and compound commands.
type shell struct {
	open    []string // the ends of the open compound commands
	command bool     // the next word is the name of a command
	part    strings.Builder
	list    []string
}

// lastList returns the commands of the last list, which sets the exit code, if only && joins them.
func lastList(command string) []string {
	s := shell{command: true}
	for rest := command; rest != ""; {
		n := s.step(rest)
		if n == 0 {
			return nil
		}
		rest = rest[n:]
	}
	s.join()
	if s.list[0] == "||" || len(s.open) > 0 {
		return nil
	}
	return s.list
}

// step processes the next token and returns its length, 0 if a quote is not closed.
func (s *shell) step(rest string) int {
	top := len(s.open) == 0
	switch {
	case rest[0] == '\\':
		return s.take(rest, min(2, len(rest)))
	case rest[0] == '\'' || rest[0] == '"' || rest[0] == '`':
		return s.take(rest, quotedLength(rest))
	case strings.HasPrefix(rest, "$("):
		s.open = append(s.open, ")")
		return s.take(rest, 2)
	case rest[0] == '(':
		s.open = append(s.open, ")")
		defer func() { s.command = true }()
		return s.take(rest, 1)
	case rest[0] == ')':
		s.close(")")
		return s.take(rest, 1)
	case rest[0] == '#' && (s.part.Len() == 0 || strings.HasSuffix(s.part.String(), " ")):
		return len(rest)
	case strings.HasPrefix(rest, "&>") || strings.HasPrefix(rest, ">&") || strings.HasPrefix(rest, "<&"):
		return s.take(rest, 2)
	case strings.HasPrefix(rest, "&&") && top:
		s.join()
		return 2
	case strings.HasPrefix(rest, "||") && top:
		s.list = []string{"||"} // the rest of the list does not matter
		s.part.Reset()
		s.command = true
		return 2
	case strings.IndexByte(";&\n", rest[0]) >= 0 && top:
		if strings.Trim(rest[1:], " \t;") == "" && rest[0] == ';' {
			return len(rest)
		}
		s.list = nil
		s.part.Reset()
		s.command = true
		return 1
	case strings.IndexByte(";&|\n", rest[0]) >= 0:
		defer func() { s.command = true }()
		return s.take(rest, 1)
	case rest[0] == ' ' || rest[0] == '\t':
		command := s.command
		defer func() { s.command = command }()
		return s.take(rest, 1)
	}
	return s.word(rest)
}

// word processes a word without quotes, or the part before its first quote.
func (s *shell) word(rest string) int {
	end := 1 + strings.IndexAny(rest[1:]+" ", " \t;&|\n()'\"`\\<>$")
	word, command := rest[:end], s.command
	s.take(rest, end)
	if !command {
		return end
	}
	if closer := closers[word]; closer != "" {
		s.open = append(s.open, closer)
	}
	s.close(word)
	s.command = slices.Contains(leading, word)
	return end
}

// take adds the next n bytes to the current command.
func (s *shell) take(rest string, n int) int {
	s.part.WriteString(rest[:n])
	s.command = false
	return n
}

// close ends the innermost compound command if word is its end.
func (s *shell) close(word string) {
	if n := len(s.open); n > 0 && s.open[n-1] == word {
		s.open = s.open[:n-1]
	}
}

// join ends a command of the list.
func (s *shell) join() {
	if len(s.list) == 0 || s.list[0] != "||" {
		s.list = append(s.list, strings.TrimSpace(s.part.String()))
	}
	s.part.Reset()
	s.command = true
}

// quotedLength returns the length of a quotation, 0 if it does not end.
func quotedLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return i + 1
		case s[i] == '\\' && s[0] != '\'':
			i++
		}
	}
	return 0
}
