package runner

import (
	"os"
	"testing"

	"jobsd/internal/notify"
)

func TestMain(m *testing.M) {
	notify.Stage("test")
	os.Exit(m.Run())
}
