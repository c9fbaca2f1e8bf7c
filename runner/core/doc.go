// Package core decides what the daemon does: which slots become runs, when runs start and stop, and what is recorded
// and reported. It is the pure half of the runner. A time and an event go in, effects come out. It makes no system
// call, starts no goroutine and reads no clock, so that the daemon and a simulation of years run the same code.
//
// In each turn the shell calls [Core.Handle] for each event, then [Core.Settle] once, and performs what [Core.Effects]
// returns. [Core.Wait] says how long the shell may sleep. The first load of the job files is an event, too: before it,
// the core only takes over the runs of the previous daemon ([Core.Outliving], [Found], [Gone]).
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
// Three questions have pure types that know nothing of the core, with tables of their own in the tests:
//
//   - slotbook: which slots of a job are settled, which came due, and when is the next one?
//   - gate: may this run start beside the runs that are alive, and if not, what must it wait for?
//   - origin: where does a run come from, and what is lost if it is dropped before it starts?
//
// # The way of a slot
//
// At the end of the turn armJob looks into the slotbook and sets the timer of the job to the next slot. When the timer
// is due, the slotbook judges the slots that came due, and slotDue makes a run if the overlap key leaves room for it.
// The run joins the waitlist. At the end of the turn admit asks the gate about each run of the list. From there the
// table of runs leads it: begin emits [Prepare], which makes the intent durable, and then [Fork].
//
// A start by hand goes the same way from orderStart, which makes the run at once. A delayed start becomes a run when
// its own timer is due.
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
// Consecutive slots that are skipped or missed for the same reason are one record with a number. The record grows in
// memory. It is written at the end of the turn, or, while a run of the job is alive, each time it has doubled and each
// minute. So a hanging run of a job that is due every second does not fill the journal.
//
// # Catch-up
//
// Catch-up is one run that makes up for missed slots. It is made if the newest of several late slots is not older than
// catch_up allows; otherwise all of them are missed and nothing runs:
//
//	catch_up = "2h", due each hour, no daemon from 01:30 to 05:30   02:00 to 05:00 are missed, one run at 05:30
//	catch_up = "2h", due at 04:00,  no daemon from 01:30 to 07:30   04:00 is missed, no run
//
// The missed slots are written in one batch with the intent of the catch-up run. After a crash before that, the next
// daemon finds them not settled and decides again. Catch-up runs start after a delay, and only a few at a time, because
// a boot makes many jobs due at once.
//
// # Clocks
//
// [Now] carries three clocks. The wall clock decides when slots of clock times are due. The boot clock, which also
// counts sleep, measures the intervals of `every`. The monotonic clock measures timeouts and pauses. The wall clock may
// be set at any time. The core notices that because the wall clock then moves differently from the boot clock.
//
// # The anchor
//
// The anchor of a job is the slot from which the intervals of `every` are counted: a wall time, the reading of the boot
// clock at that time, and the id of the boot. Each slot that is settled becomes the next anchor.
//
// Within the same boot only the boot clock counts, so setting the wall clock shifts nothing. After a reboot only the
// wall time of the anchor is usable. After a catch-up run the anchor is the time of that run, so that two starts are
// always at least one interval apart.
//
// # Epochs
//
// A clock epoch is a period in which the wall clock does not go back by a minute or more. If it does, the next epoch
// begins, and the clock shows some times again:
//
//	epoch 1   ... 03:58  03:59  04:00  04:01           at 04:01:10 somebody sets the clock to 03:58:40
//	epoch 2                                   03:59  04:00  04:01  04:02 ...
//
// What is due again depends on the kind of the time, which internal/schedule defines:
//
//   - A fixed time, such as 04:00 each day, is due once. It was settled in epoch 1 and does not run in epoch 2.
//   - A wildcard time ("wild" in the code), such as each minute, is due whenever the clock shows it. 03:59, 04:00 and
//     04:01 run in both epochs.
//
// For this a slotbook keeps two positions: the latest settled slot of all, from which fixed times count, and the latest
// one of the epoch, from which wildcard times count. In the journal each slot has the number of its epoch.
//
// If the last slot is more than three hours in the future, the earlier clock was wrong. The next epoch then begins with
// a reset: it forgets all slots after the present time, and fixed times run again. If the clock is later corrected to
// beyond those slots, the time between does not count as missed.
package core
