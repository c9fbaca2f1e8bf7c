package core

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of states into HACKING.md")

// TestMain runs no test as long as a table has gaps: most tests would panic there.
func TestMain(m *testing.M) {
	if gaps := gaps(); gaps != nil {
		fmt.Fprintln(os.Stderr, strings.Join(gaps, "\n"))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// gaps says which names and which cells the tables of states lack.
func gaps() (gaps []string) {
	say := func(format string, args ...any) { gaps = append(gaps, fmt.Sprintf(format, args...)) }
	for s := range nRunStates {
		if s.String() == "" || s.shown() == "" {
			say("states.go: runStates lacks a name of state number %d, which follows %q", s, max(s, 1)-1)
		}
	}
	for e := range nRunEvents {
		if e.String() == "" {
			say("states.go: runEvents lacks the name of event number %d, which follows %q", e, max(e, 1)-1)
		}
	}
	for s := range nJobStates {
		if s.String() == "" {
			say("jobstates.go: jobStates lacks the name of state number %d, which follows %q", s, max(s, 1)-1)
		}
	}
	for e := range nJobEvents {
		if e.String() == "" {
			say("jobstates.go: jobEvents lacks the name of event number %d, which follows %q", e, max(e, 1)-1)
		}
	}
	for s := range nRunStates {
		for e := range nRunEvents {
			if moves[s][e].do == nil {
				say("states.go: moves lacks the cell for a run in the state %q at the event %q", s, e)
			}
		}
	}
	for s := range nJobStates {
		for e := range nJobEvents {
			if jobMoves[s][e].do == nil {
				say("jobstates.go: jobMoves lacks the cell for a definition in the state %q at the event %q", s, e)
			}
		}
	}
	return gaps
}

// unvisited reports reachable cells that no test visited.
func unvisited(t *testing.T, visits map[visit]int) {
	missed := false
	for s := range nRunStates {
		for e := range evBroken { // the tests of rescue.go break runs
			if moves[s][e].to != nil && visits[visit{"run", int(s), int(e)}] == 0 {
				t.Errorf("no simulated run in the state %q got the event %q", s, e)
				missed = true
			}
		}
	}
	for s := range nJobStates {
		for e := range nJobEvents {
			if jobMoves[s][e].to != nil && visits[visit{"job", int(s), int(e)}] == 0 {
				t.Errorf("no simulated definition in the state %q got the event %q", s, e)
				missed = true
			}
		}
	}
	if missed {
		t.Error("if the event is impossible there, make the cell with never or jobNever; if it is rare, make it happen in disturb (simulation_test.go); " +
			"after a change of the simulation, another rare event may be the one that does not happen")
	}
}

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
				line(s.String(), e.String(), to)
			}
		}
	}
	var other []string
	for s := range nRunStates {
		if s.String() != string(s.shown()) {
			other = append(other, fmt.Sprintf("%s (%s)", s, s.shown()))
		}
	}
	b.WriteString("\nA run. The state file has other names for " + strings.Join(other, ", ") + ":\n\n")
	for s := range nRunStates {
		for e := range nRunEvents {
			var to []string
			for _, n := range moves[s][e].to {
				to = append(to, n.String())
			}
			if len(to) > 0 && (len(to) > 1 || to[0] != s.String()) {
				line(s.String(), e.String(), to)
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
		t.Fatal("the states in HACKING.md are not those of the tables; write them with: go test ./runner/core -run Diagram -update")
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
