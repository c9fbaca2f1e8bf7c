package jobfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A string that Linux cannot execute is refused at the load. The script "longest" checks that the longest permitted one
// can be executed.
func TestLongestArgument(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.toml")
	for _, format := range []string{
		`shell = "%s"`, `cmd = ["true", "%s"]`, `cmd = ["%s"]`, "shell = \"true\"\nenv = {AB = \"%s\"}",
		"shell = \"true\"\nnotify = {on_failure = [\"true\", \"%s\"]}",
	} {
		longest := MaxArgument
		if strings.Contains(format, "AB") {
			longest -= len("AB=")
		}
		for _, n := range []int{longest, longest + 1} {
			if err := os.WriteFile(path, fmt.Appendf(nil, format, strings.Repeat("x", n)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, errs := ReadFile(path, nil)
			if n == longest && errs != nil || n > longest && (len(errs) != 1 || !strings.Contains(errs[0].Error(), "131009 bytes long")) {
				t.Errorf("%s of %d bytes: %.300v", format, n, errs)
			}
		}
	}
}
