// Package joblog owns the files of a job's log: how they are named, opened, rotated and read.
//
// The log of the job backup is backup.log and the old logs backup.log.1 (the newest), backup.log.2 and so on. Only the
// recorder writes to it: whole lines of output, and markers, which are lines that begin with "== ". A line of output may
// have a timestamp in front and, while runs of the job overlap, the number of its run: "[42] ".
package joblog
