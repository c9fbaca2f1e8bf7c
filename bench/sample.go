package main

import (
	"fmt"
	"time"

	"jobsd/statefile"
)

func jobName(i int) string { return fmt.Sprintf("job-%05d", i) }

// sampleJob is what the state file says about a job that has run.
func sampleJob(i int) *statefile.Job {
	run := sampleRun(i)
	return &statefile.Job{State: "armed", File: "/etc/jobs.d/" + jobName(i) + ".toml", Schedule: "at 04:35", NextRun: run.Slot,
		LastRun: run, Runs: 17, LastSuccess: run.EndedAt}
}

func sampleRun(i int) *statefile.Run {
	at := time.Date(2026, 11, 23, 4, 35, 0, 0, time.UTC).Add(time.Duration(i) * time.Second)
	code := 0
	return &statefile.Run{Run: uint64(i), Slot: statefile.At(at), Reason: statefile.ReasonSchedule, Attempt: 1,
		StartedAt: statefile.At(at), EndedAt: statefile.At(at.Add(time.Minute)), Duration: statefile.Seconds(time.Minute),
		Outcome: statefile.OutcomeExited, ExitCode: &code, UserCPU: statefile.Seconds(1234 * time.Microsecond),
		SystemCPU: statefile.Seconds(567 * time.Microsecond), MaxRSS: 12_345_678}
}

// runEntries are the three records in the journal of each of n runs.
func runEntries(n int) (all []statefile.Entry) {
	for i := range n {
		run := sampleRun(i)
		identity := statefile.Identity{Run: run.Run, Slot: run.Slot, Epoch: 1, Reason: run.Reason, Attempt: 1}
		for _, record := range []statefile.Record{
			&statefile.Intent{Job: jobName(i), Identity: identity},
			&statefile.Started{Job: jobName(i), Run: run.Run, PID: 12345, Inode: 67890, BootID: "7c3e4d5a-0000-4000-8000-000000000000"},
			&statefile.Ended{Job: jobName(i), Outcome: *run, Drained: true},
		} {
			all = append(all, statefile.Entry{At: run.EndedAt, Record: record})
		}
	}
	return all
}
