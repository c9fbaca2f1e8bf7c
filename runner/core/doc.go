// Package core decides what the daemon does: which slots become runs, when runs start and stop, and what is recorded
// and reported. It is the pure half of the runner. A time and an event go in, effects come out. It makes no system
// call, starts no goroutine and reads no clock, so that the daemon and a simulation of years run the same code.
//
// In each turn the shell calls [Core.Handle] for each event, then [Core.Settle] once, and performs what [Core.Effects]
// returns. [Core.Wait] says how long the shell may sleep. The first load of the job files is an event, too: before it,
// the core only takes over the runs of the previous daemon ([Core.Outliving], [Adopted]).
//
// # Jobs and runs
//
// A job is a name with its newest definition, its facts and its runs. A run is one execution. Both are state machines,
// and each has a table with one cell for each state and event: jobstates.go for jobs, states.go for runs. No cell is
// empty, so that an event in a state that nobody thought of is reported and not ignored.
//
// Facts ([statefile.Facts]) are what the journal holds. The core changes them only by records, which it also appends to
// the journal. So the next daemon knows what this one knew.
//
// # Slots
//
// A slot is an instant at which a job is due. Each slot is settled exactly once, in one of three ways:
//
//   - It becomes a run. Its record is the intent, which is durable before the process is started.
//   - It is skipped: the daemon saw it in time, but did not start a run, for example because an earlier run was alive.
//   - It is missed: it is late by more than two seconds, because the machine was off or asleep, or the clock was set.
//
// The facts hold the last settled slot of each job. A record of a later slot therefore settles all earlier ones, so
// records must be written in the order of the slots. While a pending run has a slot that the journal does not know yet
// (unsettled in the code), records of later slots of that job wait.
//
// # Catch-up
//
// If the newest of several late slots is not too late for catch_up, one run makes up for all of them. Otherwise all are
// missed and nothing runs. The missed slots are written in one batch with the intent of the catch-up run. After a crash
// before that, the next daemon finds them not settled and decides again. Catch-up runs start after a delay, and only a
// few at a time, because a boot makes many jobs due at once.
//
// # Slots that do not run
//
// Consecutive slots that are skipped or missed for the same reason are one record with a number. The record grows in
// memory. It is written at the end of the turn, or, while a run of the job is alive, each time it has doubled and each
// minute. So a hanging run of a job that is due every second does not fill the journal.
//
// # Clocks
//
// [Now] carries three clocks. The wall clock decides when slots of clock times are due. The boot clock, which also
// counts sleep, measures the intervals of `every`. The monotonic clock measures timeouts and pauses. The wall clock may
// be set at any time. The core notices that because the wall clock then moves differently from the boot clock.
//
// An anchor is the instant from which the intervals of `every` are counted: a wall time, the reading of the boot clock
// at that time, and the id of the boot. Within the same boot the boot clock counts, so setting the wall clock shifts
// nothing. After a reboot only the wall time of the anchor is usable.
//
// An epoch is a period in which the wall clock does not go back by a minute or more. If it does, a new epoch begins,
// and the clock shows some times again. Fixed times, such as 04:00 each day, are due only once: a fixed slot that is
// settled does not run again in the new epoch. Wild times, such as each minute (internal/schedule says which times are
// wild), are due whenever the clock shows them, so they run again. For this a job keeps two positions: the latest
// settled slot of all (last), and the latest one of its epoch (wild).
//
// If the last slot is more than three hours in the future, the earlier clock was wrong. The new epoch then forgets all
// slots after the present time, and fixed times run again. If the clock is later corrected to beyond those slots, the
// time between does not count as missed.
package core
