package test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// misbehave is a program that behaves badly, for the jobs of tests. Its first argument says how:
//
//	hop MS      lets a child continue after MS milliseconds, which does the same, each in a session of its own and
//	            ignoring TERM, for a minute
//	flood N     writes N numbered lines as fast as possible
//	number DIR  writes numbered lines until DIR/stop exists
//	nest CMD... runs a command and reaps all its orphans, also after the command has ended, until it is killed
//	keep KEY CMD...  puts a key into a new session keyring and executes a command, on Linux
//	add KEY     puts a key into the session keyring, on Linux
//	look KEY    prints whether a key is in the session keyring, on Linux
//	sit         does nothing until it is killed
//
// The rest is what an ordinary user may do to others, on Linux:
//
//	freeze      suspends every other process of the user, again and again
//	lease FILE  holds a lease on a file, so that others must wait when they open it
//	hide FILE   executes a program while FILE is open; the exec hangs until FILE can be closed
//	grow        makes its standard output a tebibyte long
//	knock PATH  connects to a socket and sends garbage, as often as possible
//	repoint LINK DIR  points a link at good.toml and evil.toml of a directory, by turns
func misbehave() {
	switch os.Args[1] {
	case "hop":
		hop(os.Args[2], append(os.Args, strconv.FormatInt(time.Now().Add(time.Minute).Unix(), 10))[3])
	case "flood":
		flood(os.Args[2])
	case "number":
		writeNumbers(os.Args[2])
	case "nest":
		nest(os.Args[2:])
	case "sit":
		select {}
	case "keep":
		keepKey(os.Args[2], os.Args[3:])
	case "add":
		addKey(os.Args[2])
	case "look":
		lookForKey(os.Args[2])
	case "freeze", "lease", "hide", "grow", "knock", "repoint":
		attack(os.Args[1], os.Args[2:])
	default:
		fmt.Fprintln(os.Stderr, "unknown way to behave:", os.Args[1])
		os.Exit(2)
	}
}

func hop(ms, until string) {
	signal.Ignore(syscall.SIGTERM)
	n, err := strconv.Atoi(ms)
	if err != nil {
		panic(err)
	}
	time.Sleep(time.Duration(n) * time.Millisecond)
	if end, err := strconv.ParseInt(until, 10, 64); err != nil || time.Now().Unix() > end {
		return
	}
	next := exec.Command("/proc/self/exe", "hop", ms, until)
	next.Args[0] = "misbehave"
	next.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := next.Start(); err != nil {
		panic(err)
	}
}

func flood(lines string) {
	n, err := strconv.Atoi(lines)
	if err != nil {
		panic(err)
	}
	b := make([]byte, 0, 1<<16)
	for i := range n {
		b = fmt.Appendf(b, "%09d %0*d\n", i, i%173, 0)
		if len(b) > 60_000 || i == n-1 {
			if _, err := os.Stdout.Write(b); err != nil {
				panic(err)
			}
			b = b[:0]
		}
	}
}
