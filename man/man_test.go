package man

import (
	"bytes"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	want := []string{"jobs.d", "jobsd", "jobsd-control", "jobsd-state"}
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("Names() = %q, want %q", got, want)
	}
}

func TestPage(t *testing.T) {
	for _, name := range []string{"jobsd", "jobsd.8", "jobs.d", "jobs.d.5", "jobsd-state", "jobsd-state.5", "jobsd-control.7"} {
		page, ok := Page(name)
		if !ok || !bytes.Contains(page, []byte("\n.Sh NAME\n")) {
			t.Errorf("Page(%q) = %d bytes, %t: not a manual page", name, len(page), ok)
		}
	}
	for _, name := range []string{"", "jobsd.", "jobs", "jobsd.5", "man.go"} {
		if _, ok := Page(name); ok {
			t.Errorf("Page(%q) was found", name)
		}
	}
}

func TestLint(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed")
	}
	for _, name := range Names() {
		page, _ := Page(name)
		lint := exec.Command(mandoc, "-T", "lint", "-W", "warning")
		lint.Stdin = bytes.NewReader(page)
		if out, err := lint.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, strings.TrimSpace(string(out)))
		}
	}
}

// TestText compares the pages in plain text with the output of mandoc, except for blanks and quotes.
func TestText(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed")
	}
	for _, name := range Names() {
		page, _ := Page(name)
		text, ok := Text(name)
		if !ok {
			t.Fatalf("%s: no text", name)
		}
		render := exec.Command(mandoc, "-T", "ascii")
		render.Stdin = bytes.NewReader(page)
		out, err := render.Output()
		if err != nil {
			t.Fatal(err)
		}
		got, want := bare(text), bare(string(out))
		want = want[:strings.LastIndex(want, "November")] // without the foot of the page
		if i := strings.LastIndex(want, "Debian"); i > len(want)-20 {
			want = want[:i]
		}
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Errorf("%s: got ...%s, want ...%s", name, got[max(i-60, 0):min(i+60, len(got))], want[max(i-60, 0):min(i+60, len(want))])
				break
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d characters, want %d", name, len(got), len(want))
		}
	}
}

var overstruck = regexp.MustCompile(".\b")

// bare returns the text from its first heading on, without blanks and quotes, which differ between formatters.
func bare(text string) string {
	text = overstruck.ReplaceAllString(text, "")
	_, text, _ = strings.Cut(text, "NAME\n")
	return regexp.MustCompile("[\\s'`\"‘’“”]").ReplaceAllString(text, "")
}

func TestTextWidth(t *testing.T) {
	for _, name := range Names() {
		text, _ := Text(name)
		page, _ := Page(name)
		for line := range strings.SplitSeq(text, "\n") {
			literal := bytes.Contains(page, []byte(strings.TrimSpace(line)))
			if len(line) > 80 && !literal {
				t.Errorf("%s: %d characters: %q", name, len(line), line)
			}
		}
	}
	if _, ok := Text("nothing"); ok {
		t.Error("found a page that does not exist")
	}
}

// TestPunctuation: a mark joins the words beside it, but not if \& is in front of it.
func TestPunctuation(t *testing.T) {
	for source, want := range map[string]string{
		`.Pq Ar file , No or none .`:    "(file, or none).",
		`.Ql \&[ -x X \&] && X ,`:       "'[ -x X ] && X',",
		`.Ql \&[ \&! -x X \&] || X`:     "'[ ! -x X ] || X'",
		`.Op Fl n Ar number`:            "[-n number]",
		`.Ql \&.`:                       "'.'",
		`.Cm env , No as \&! is a mark`: "env, as ! is a mark",
	} {
		f := &formatter{}
		f.line(source)
		f.flush()
		if got := strings.TrimSpace(f.out.String()); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}
