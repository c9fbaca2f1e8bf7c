package runner

import (
	"os"
	"testing"

	"jobsd/internal/notify"
	"jobsd/internal/recorder"
)

func TestMain(m *testing.M) {
	recorder.Stage()
	notify.Stage("test")
	os.Exit(m.Run())
}
