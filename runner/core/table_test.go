package core

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of states into HACKING.md")

func TestNoCellIsEmpty(t *testing.T) {
	for s := range nRunStates {
		for e := range nRunEvents {
			if moves[s][e].do == nil {
				t.Errorf("a run that is %s does not know what to do at %q", runStates[s], runEvents[e])
			}
		}
	}
	for s := range nJobStates {
		for e := range nJobEvents {
			if jobMoves[s][e].do == nil {
				t.Errorf("a job that is %s does not know what to do at %q", s, jobEvents[e])
			}
		}
	}
}

// unvisited reports reachable cells that no test visited.
func unvisited(t *testing.T, visits map[visit]int) {
	for s := range nRunStates {
		for e := range evBroken { // the tests of rescue.go break runs
			if moves[s][e].to != nil && visits[visit{"run", int(s), int(e)}] == 0 {
				t.Errorf("no simulated run was %s at %q", runNames[s], runEvents[e])
			}
		}
	}
	for s := range nJobStates {
		for e := range nJobEvents {
			if jobMoves[s][e].to != nil && visits[visit{"job", int(s), int(e)}] == 0 {
				t.Errorf("no simulated job was %s at %q", s, jobEvents[e])
			}
		}
	}
}

// runNames distinguishes states that have the same name in the state file.
var runNames = [nRunStates]string{"pending", "intent", "forking", "outlived", "running", "stopping", "lingering", "draining", "done"}

// diagram draws both tables: which event leads from which state to which.
func diagram() string {
	var b strings.Builder
	line := func(from, event string, to []string) {
		fmt.Fprintf(&b, "    %-13s -- %-13s --> %s\n", from, event, strings.Join(to, ", "))
	}
	b.WriteString("A definition:\n\n")
	for s := range nJobStates {
		for e := range nJobEvents {
			var to []string
			for _, n := range jobMoves[s][e].to {
				to = append(to, n.String())
			}
			if len(to) > 0 && (len(to) > 1 || to[0] != s.String()) {
				line(s.String(), jobEvents[e], to)
			}
		}
	}
	b.WriteString("\nA run, of which the state file calls intent and forking both starting, lingering and draining both draining, and\noutlived running:\n\n")
	for s := range nRunStates {
		for e := range nRunEvents {
			var to []string
			for _, n := range moves[s][e].to {
				to = append(to, runNames[n])
			}
			if len(to) > 0 && (len(to) > 1 || to[0] != runNames[s]) {
				line(runNames[s], runEvents[e], to)
			}
		}
	}
	return b.String()
}

// TestDiagram keeps the diagram in HACKING.md true. Write it with: go test ./runner/core -run Diagram -update
func TestDiagram(t *testing.T) {
	const file, begin, end = "../../HACKING.md", "<!-- states: written by go test ./runner/core -run Diagram -update -->\n", "<!-- end of states -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Skip("not in a checkout: ", err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("HACKING.md has no place for the states")
	}
	want := head + begin + "\n" + diagram() + "\n" + end + tail
	if string(text) == want {
		return
	}
	if !*update {
		t.Fatal("the states in HACKING.md are not those of the tables; go test ./runner/core -run Diagram -update")
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
