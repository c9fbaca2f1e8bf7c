package main

import (
	"os"
	"os/user"
)

// another is the user of the jobs of the benchmark users. Every system has it.
const another = "nobody"

// users compares jobs of another user with jobs of the daemon's own user. The latter are the floor.
var users = &benchmark{
	name:    "users",
	about:   "jobs with user = at one instant, beside the same jobs without (as root)",
	figures: herd.figures,
	rounds:  7,
	needs: func() string {
		if os.Geteuid() != 0 {
			return "only root's daemon has jobs of other users"
		}
		if _, err := user.Lookup(another); err != nil {
			return err.Error()
		}
		return ""
	},
	prepare: func(w *bench) ([]entry, string, error) {
		const keys = "dir = \"/\"\n"
		n := w.size(200, 100)
		floor := entry{"floor: jobsd, no user", func(w *bench) (values, error) { return w.herdOf(w.jobsd, n, keys) }}
		own := w.jobsds(func(w *bench, program string) (values, error) {
			return w.herdOf(program, n, keys+"user = \""+another+"\"\n")
		})
		return w.with(floor, own), plural(n, "job") + " with user = \"" + another + "\" due at one instant", nil
	},
}
