package runner

import (
	"os"
	"testing"

	"jobsd/internal/notify"
	"jobsd/internal/recorder"
	"jobsd/spawn"
)

func TestMain(m *testing.M) {
	spawn.Stage2() // a loop and its helpers may start this binary
	recorder.Stage()
	notify.Stage("test")
	os.Exit(m.Run())
}
