// Stamp is the job of the benchmarks. It appends a record of 16 bytes to the file that its first argument names: the
// wall clock in nanoseconds and its pid, both little-endian. With a second argument it then stays until a signal ends
// it, as a service does. Without arguments it does nothing.
package main

import (
	"encoding/binary"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		return
	}
	record := binary.LittleEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
	record = binary.LittleEndian.AppendUint64(record, uint64(os.Getpid()))
	f, err := os.OpenFile(os.Args[1], os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = f.Write(record)
	}
	if err != nil {
		os.Exit(1)
	}
	if len(os.Args) > 2 {
		end := make(chan os.Signal, 1)
		signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
		<-end
	}
}
