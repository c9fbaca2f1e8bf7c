package test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// numberedLine is a line of writeNumbers. Its length follows from its number, so a torn one is different. Most lines are
// short, and some are longer than what a pipe writes in one piece.
func numberedLine(b []byte, run string, n int) []byte {
	length := n * 7919 % 120
	if n%97 == 0 {
		length *= 30
	}
	return fmt.Appendf(b, "%s %d %0*d.\n", run, n, length, 0)
}

// writeNumbers writes numbered lines until the file dir/stop exists, at full speed in bursts: one line in each write, or
// many. Then it writes their number to the file dir/runN.
func writeNumbers(dir string) {
	run := os.Getenv("JOBSD_RUN")
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 0))
	n := 0
	for !exists(filepath.Join(dir, "stop")) {
		atOnce := 1
		if rng.IntN(2) == 0 {
			atOnce = 1 + rng.IntN(2000)
		}
		for written := 0; written < 128<<10; {
			var b []byte
			for range atOnce {
				b = numberedLine(b, run, n)
				n++
			}
			if _, err := os.Stdout.Write(b); err != nil {
				panic(err)
			}
			written += len(b)
		}
		time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond) // the logs would become too large
	}
	file := filepath.Join(dir, "run"+run)
	if err := os.WriteFile(file, []byte(strconv.Itoa(n)), 0o644); err != nil {
		panic(err)
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
