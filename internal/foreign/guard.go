package foreign

import (
	"slices"
	"strings"
)

// Guard tells whether a command of a shell ends in a test with "&&", such as "[ -x X ] && X", and returns what to write
// instead, "" if it does not. Where the test is false, such a command ends with the exit code 1 although all is well.
// cron does not look at exit codes; to jobsd this is a failure.
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

// isTest tells whether a simple command only looks at something.
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

// negate turns a test of one property, such as "[ -x X ]", into its opposite; of others it makes "".
func negate(test string) string {
	w := strings.Fields(test)
	if !(len(w) == 4 && w[0] == "[" && w[3] == "]" || len(w) == 3 && w[0] == "test") || len(w[1]) != 2 || w[1][0] != '-' {
		return ""
	}
	return strings.Join(slices.Insert(w, 1, "!"), " ")
}

// closers are the words that begin a compound command, and those that end it.
var closers = map[string]string{"if": "fi", "case": "esac", "for": "done", "while": "done", "until": "done", "{": "}"}

// leading are the words that a command follows.
var leading = strings.Fields("if then else elif while until do ! {")

// shell is the scan of a command: it finds the operators that are outside of quotes and of compound commands.
type shell struct {
	open    []string // what ends the compound commands that are open
	command bool     // a word that comes now is the name of a command
	part    strings.Builder
	list    []string
}

// lastList returns the commands of the last list, which decides on the exit code, if they are joined by && only.
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

// step takes in what comes next, and returns how long it is; 0 if a quote is not closed.
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
		s.list = []string{"||"} // whatever else is in it
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

// word takes in a word without quotes, or the beginning of one with some.
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

// take adds to the command that is being read.
func (s *shell) take(rest string, n int) int {
	s.part.WriteString(rest[:n])
	s.command = false
	return n
}

// close ends the innermost compound command, if that is what the word does.
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

// quotedLength is how long a quotation is, 0 if it does not end.
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
