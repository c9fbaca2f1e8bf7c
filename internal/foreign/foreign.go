// Package foreign is what the translators of other schedulers' files have in common: the jobs found, and what is said
// about all that could not be carried over.
package foreign

import (
	"fmt"
	"strings"
	"unicode"

	"jobsd/internal/jobfile"
)

// Place is a line of a foreign file.
type Place struct {
	File string
	Line int
	Text string
}

// Remark is what there is to say about a line, or with no File about everything.
type Remark struct {
	Place
	Reason string
}

func (r Remark) String() string {
	if r.File == "" {
		return r.Reason
	}
	return fmt.Sprintf("%s:%d: %s: %s", r.File, r.Line, Shorten(Printable(r.Text), 200), r.Reason)
}

// Job is one job in our words.
type Job struct {
	Place
	Name string // as wanted; see Result.Name
	Keys []jobfile.Pair
}

// Result is what became of some files.
type Result struct {
	Jobs    []Job
	Refused []Remark // lines that are not carried over, or not to the letter
	Notes   []Remark // what means something else here

	noted map[Remark]bool
}

// Refuse says that a line is not carried over.
func (r *Result) Refuse(p Place, format string, args ...any) {
	r.Refused = append(r.Refused, Remark{p, fmt.Sprintf(format, args...)})
}

// Note says what is different about a line, once.
func (r *Result) Note(p Place, format string, args ...any) {
	n := Remark{p, fmt.Sprintf(format, args...)}
	if r.noted[n] {
		return
	}
	if r.noted == nil {
		r.noted = map[Remark]bool{}
	}
	r.noted[n] = true
	r.Notes = append(r.Notes, n)
}

// Add takes in what became of another file.
func (r *Result) Add(other *Result) {
	r.Jobs = append(r.Jobs, other.Jobs...)
	r.Refused = append(r.Refused, other.Refused...)
	for _, n := range other.Notes {
		r.Note(n.Place, "%s", n.Reason)
	}
}

// Format is the job file of a job, headed by the line that it was.
func (j *Job) Format() ([]byte, error) {
	keys, err := jobfile.Format(j.Keys)
	if err != nil {
		return nil, fmt.Errorf("cannot write job %s: %w", j.Name, err)
	}
	head := fmt.Sprintf("# %s:%d: %s\n", Printable(j.File), j.Line, Shorten(Printable(j.Text), 1000))
	text := append([]byte(head), keys...)
	if len(text) > jobfile.MaxFile {
		return nil, fmt.Errorf("the job file would be larger than 1 MiB, so no job was made; put the command into a script")
	}
	return text, nil
}

// Texts are the job files of all jobs, whose names become unique. A job that cannot be written is refused.
func (r *Result) Texts() (texts [][]byte) {
	r.Name()
	jobs := r.Jobs
	r.Jobs = nil
	for _, j := range jobs {
		text, err := j.Format()
		if err != nil {
			r.Refuse(j.Place, "%v", err)
			continue
		}
		r.Jobs, texts = append(r.Jobs, j), append(texts, text)
	}
	return texts
}

// Shorten cuts a text that has more characters than that, and shows it.
func Shorten(s string, most int) string {
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "..."
		}
	}
	return s
}

// Printable is s as it can stand in a line for people, or in a comment.
func Printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\t' {
			return ' '
		}
		if !unicode.IsPrint(c) {
			return unicode.ReplacementChar
		}
		return c
	}, s)
}
