package runner

import (
	"os"
	"testing"

	"jobsd/internal/recorder"
)

func TestMain(m *testing.M) {
	recorder.Stage() // a loop may start this binary as its recorder
	os.Exit(m.Run())
}
