package runner

// Failpoint, if set, is called with the name of the place where a crash would be worst. Tests end the daemon there:
//
//	prepare   the disk has been handed an intent
//	appended  entries are in the journal, but not durable
//	synced    the entries are durable
//	fork      a process is about to be created
//	piped     the pipe for its output exists
//	forked    the process exists, but the journal does not know it yet
//	ending    an outcome is about to be written
//	state     the state file is about to be replaced
//	handover  the program of the daemon was replaced and now catches signals
//	rotate    the journal is about to begin a new file
var Failpoint func(name string)

func failpoint(name string) {
	if Failpoint != nil {
		Failpoint(name)
	}
}
