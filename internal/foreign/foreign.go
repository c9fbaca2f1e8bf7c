// Package foreign is the common part of the translators for other schedulers' files: the jobs found, and remarks about
// all that could not be imported.
package foreign

import (
	"fmt"
	"strings"
	"unicode"

	"jobsd/internal/jobfile"
	"jobsd/internal/plain"
)

// Place is a line of a foreign file.
type Place struct {
	File string
	Line int
	Text string
}

// Remark is a remark about a line, or about everything if it has no File.
type Remark struct {
	Place
	Reason string
}

func (r Remark) String() string {
	if r.File == "" {
		return r.Reason
	}
	return fmt.Sprintf("%s:%d: %s: %s", r.File, r.Line, plain.Cut(printable(r.Text), 200), r.Reason)
}

// Job is one job in the terms of jobsd.
type Job struct {
	Place
	Name string // the wanted name; see Result.Name
	Keys []jobfile.Pair
}

// Result is the result of translating some files.
type Result struct {
	Jobs    []Job
	Refused []Remark // lines that are not imported, or not exactly
	Notes   []Remark // lines that mean something slightly different in jobsd

	noted map[Remark]bool
}

// Refuse adds a remark that a line is not imported.
func (r *Result) Refuse(p Place, format string, args ...any) {
	r.Refused = append(r.Refused, Remark{p, fmt.Sprintf(format, args...)})
}

// Note adds a remark about a difference, once.
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

// Add adds the result of another file.
func (r *Result) Add(other *Result) {
	r.Jobs = append(r.Jobs, other.Jobs...)
	r.Refused = append(r.Refused, other.Refused...)
	for _, n := range other.Notes {
		r.Note(n.Place, "%s", n.Reason)
	}
}

// Format returns the job file of a job. Its first line is the original line, as a comment.
func (j *Job) Format() ([]byte, error) {
	keys, err := jobfile.Format(j.Keys)
	if err != nil {
		return nil, fmt.Errorf("cannot write job %s: %w", j.Name, err)
	}
	head := fmt.Sprintf("# %s:%d: %s\n", printable(j.File), j.Line, plain.Cut(printable(j.Text), 1000))
	text := append([]byte(head), keys...)
	if len(text) > jobfile.MaxFile {
		return nil, fmt.Errorf("the job file would be larger than 1 MiB, so no job was created; put the command into a script")
	}
	return text, nil
}

// Texts returns the job files of all jobs, after making their names unique. A job that cannot be written is refused.
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

// printable returns s in a form that is safe on a line of text or in a comment.
func printable(s string) string {
	return plain.Mask(strings.ReplaceAll(s, "\t", " "), unicode.ReplacementChar)
}
