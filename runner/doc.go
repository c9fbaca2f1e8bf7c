// Package runner is the daemon: the loop that feeds the core (runner/core) with events and performs its effects.
//
// One goroutine, on the main thread, runs the loop. In each turn it takes signals and messages, reaps children, answers
// clients, lets the core handle all that as events, and performs the effects. Then it waits in one poll(2) call for the
// next event or timer. The loop owns the core, the processes and the control socket, so it needs no locks.
//
// The loop never waits for a disk or for another program. Helpers do that, each in its own goroutine:
//
//   - disk writes the journal, the state file and the logs of jobs, in the order of the requests
//   - loader reads the job files
//   - searcher looks for processes that left the group of their run
//   - logger writes the daemon's own log
//
// No message to a helper blocks the loop: disk and searcher have an inbox without a limit, requests to the loader
// merge, and the logger drops lines if its reader stalls. Helpers post their answers to the pump of the loop (package
// signals).
//
// A run is recorded before it is started: the core emits Prepare, the disk makes the intent durable and opens the log,
// and only then the core emits Fork. If the disk does not answer in time, the run starts anyway, because a full or hung
// disk must not stop the job that would repair it.
package runner
