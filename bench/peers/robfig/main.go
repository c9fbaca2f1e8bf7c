// Robfig is a scheduler on robfig/cron, for comparison: it runs a command N times at each time of a cron expression
// with seconds. It has no journal, no log and no state.
//
//	robfig N EXPRESSION COMMAND...
package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"strconv"

	"github.com/robfig/cron/v3"
)

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	c := cron.New(cron.WithSeconds())
	for range n {
		if _, err := c.AddFunc(os.Args[2], run); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("ready")
	c.Run()
}

func run() {
	if err := exec.Command(os.Args[3], os.Args[4:]...).Run(); err != nil {
		log.Print(err)
	}
}
