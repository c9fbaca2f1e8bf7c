package cli

import (
	"os"
	"testing"
)

// TestMain makes the tests independent of the locale of the person who runs them.
func TestMain(m *testing.M) {
	os.Setenv("JOBSD_TIME", "24h")
	os.Exit(m.Run())
}
