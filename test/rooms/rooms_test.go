// Package rooms tests the structure of the module: which package may import which, and what some packages must never
// use.
package rooms

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "jobsd"

// A room is a folder of the module, with those subfolders that are not rooms themselves.
type room struct {
	imports []string // the rooms that it may import; "*" is all of them
	std     []string // the only standard packages that it may import; nil: any
	never   []rule
}

// rooms has a row for each room. HACKING.md has the same table.
var rooms = map[string]room{
	".":                 {imports: []string{"internal/cli", "internal/notify"}},
	"runner":            {imports: []string{"internal/plain", "internal/joblog", "internal/notify", "internal/recorder", "internal/jobfile", "internal/machine", "internal/schedule", "spawn", "signals", "statefile", "internal/control", "internal/durable", "runner/core"}, never: []rule{mutex, osExec}},
	"runner/core":       {imports: []string{"internal/jobfile", "internal/joblog", "internal/schedule", "statefile"}, std: slices.Concat(pure, []string{"path"}), never: []rule{mutex, osExec, clock, concurrency}},
	"spawn":             {imports: []string{"internal/binfmt", "internal/durable", "internal/plain", "internal/trust"}, never: []rule{osExec}},
	"signals":           {never: []rule{osExec}},
	"statefile":         {imports: []string{"internal/durable", "internal/joblog", "internal/trust"}, never: []rule{osExec}},
	"internal/binfmt":   {},
	"internal/jobfile":  {imports: []string{"internal/durable", "internal/machine", "internal/plain", "internal/schedule", "internal/trust"}, never: []rule{osExec}},
	"internal/schedule": {},
	"internal/control":  {imports: []string{"internal/plain", "internal/trust"}},
	"internal/plain":    {std: slices.Concat(pure, text)},
	"internal/trust":    {imports: []string{"internal/plain"}, never: []rule{osExec}},
	"internal/foreign":  {imports: []string{"internal/jobfile", "internal/plain", "internal/schedule"}, std: slices.Concat(pure, text), never: []rule{clock}},
	"internal/joblog":   {never: []rule{osExec}},
	"internal/recorder": {imports: []string{"internal/joblog", "internal/machine", "internal/plain"}, never: []rule{osExec}},
	"internal/notify":   {imports: []string{"internal/joblog", "internal/plain", "internal/trust", "spawn", "statefile"}, never: []rule{osExec}},
	"internal/cli":      {imports: []string{"*"}},
	"internal/fusetest": {never: []rule{osExec}},
	"internal/durable":  {never: []rule{osExec}},
	"internal/machine":  {imports: []string{"internal/binfmt", "internal/plain", "internal/trust"}, never: []rule{osExec}},
	"bench":             {imports: []string{"statefile"}},
	"examples":          {},
	"internal/testdir":  {imports: []string{"internal/durable"}},
	"test":              {imports: []string{"*"}},
	"man":               {},
}

// pure are the standard packages for a room without clock, system calls and concurrency.
var pure = []string{
	"cmp", "container/heap", "errors", "fmt", "iter", "maps", "math", "math/rand/v2", "slices", "sort", "strconv", "strings",
	"time",
}

// text are the standard packages that only work on text.
var text = []string{"path", "regexp", "unicode", "unicode/utf8"}

// modules are the only external modules that may be imported. HACKING.md has a sentence about each.
var modules = []string{
	"github.com/BurntSushi/toml",
	"github.com/fsnotify/fsnotify",
	"github.com/google/renameio/v2",
	"github.com/hashicorp/go-hclog",
	"github.com/rogpeppe/go-internal",
	"github.com/santhosh-tekuri/jsonschema", // only in tests
	"github.com/spf13/cobra",
	"github.com/spf13/pflag",
	"golang.org/x/sys",
}

// A rule returns what is wrong at a node of a file, "" if nothing is wrong.
type rule func(f *ast.File, n ast.Node) string

// mutex: one goroutine owns every job, so there is nothing to lock.
func mutex(f *ast.File, n ast.Node) string {
	return uses(f, n, "sync", "Mutex", "RWMutex")
}

// osExec: a second waiter next to the loop's wait4 would steal exit statuses.
func osExec(_ *ast.File, n ast.Node) string {
	if spec, ok := n.(*ast.ImportSpec); ok && importPath(spec) == "os/exec" {
		return "imports os/exec"
	}
	return ""
}

// clock: events bring their time, so that a simulation can run years in seconds.
func clock(f *ast.File, n ast.Node) string {
	return uses(f, n, "time", "Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker")
}

// concurrency: events come in one after another, and effects go out.
func concurrency(_ *ast.File, n ast.Node) string {
	switch n.(type) {
	case *ast.ChanType:
		return "has a channel type"
	case *ast.GoStmt:
		return "has a go statement"
	case *ast.SelectStmt:
		return "has a select statement"
	}
	return ""
}

// uses reports that n is pkg.name for one of the names, under any local name of pkg.
func uses(f *ast.File, n ast.Node, pkg string, names ...string) string {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok || !slices.Contains(names, sel.Sel.Name) {
		return ""
	}
	if x, ok := sel.X.(*ast.Ident); ok && x.Name == localName(f, pkg) {
		return "uses " + pkg + "." + sel.Sel.Name
	}
	return ""
}

// localName returns the local name of the package in the file, "" if the file does not import it.
func localName(f *ast.File, pkg string) string {
	for _, spec := range f.Imports {
		switch {
		case importPath(spec) != pkg:
		case spec.Name != nil:
			return spec.Name.Name
		default:
			return path.Base(pkg)
		}
	}
	return ""
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic(err) // the parser has accepted the path
	}
	return p
}

// roomOf returns the name of the room that contains a folder, "" if there is none.
func roomOf(dir string) string {
	for d := dir; ; d = path.Dir(d) {
		if _, ok := rooms[d]; ok && (d != "." || dir == ".") {
			return d
		}
		if d == "." {
			return ""
		}
	}
}

// judge returns the mistakes in a file of the folder dir, one on each line.
func judge(fset *token.FileSet, dir string, f *ast.File) []string {
	var wrong []string
	complain := func(n ast.Node, format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("%s: %s", fset.Position(n.Pos()), fmt.Sprintf(format, args...)))
	}
	name := roomOf(dir)
	if name == "" {
		complain(f, "the folder %s is not a room in the table", dir)
		return wrong
	}
	r := rooms[name]
	for _, spec := range f.Imports {
		if why := r.refuses(name, importPath(spec)); why != "" {
			complain(spec, "%s: %s", name, why)
		}
		if spec.Name != nil && spec.Name.Name == "." {
			complain(spec, "%s: dot imports hide the names that are used", name)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		for _, broken := range r.never {
			if why := broken(f, n); why != "" {
				complain(n, "%s %s", name, why)
			}
		}
		return true
	})
	return wrong
}

// refuses says why the room may not import p, "" if it may.
func (r room) refuses(name, p string) string {
	if p == module || strings.HasPrefix(p, module+"/") {
		to := roomOf(strings.TrimPrefix(strings.TrimPrefix(p, module), "/"))
		if to == name || slices.Contains(r.imports, to) || slices.Contains(r.imports, "*") {
			return ""
		}
		return "may not import " + p
	}
	if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") {
		inside := func(m string) bool { return p == m || strings.HasPrefix(p, m+"/") }
		if r.std != nil || !slices.ContainsFunc(modules, inside) {
			return "may not import the module of " + p
		}
		return ""
	}
	if r.std != nil && !slices.Contains(r.std, p) {
		return "may not import " + p
	}
	return ""
}

// goFiles calls visit for every Go file of the module except tests.
func goFiles(t *testing.T, visit func(dir, file string)) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("not the root of the module: %v", err)
	}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		base := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != root && (base[0] == '.' || base[0] == '_' || base == "testdata"):
			return filepath.SkipDir
		case d.IsDir() && file != root && isModule(file):
			return filepath.SkipDir // a module of its own, which is no part of ours
		case d.IsDir() || !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go"):
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		visit(filepath.ToSlash(dir), file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func TestRooms(t *testing.T) {
	seen := 0
	goFiles(t, func(dir, file string) {
		seen++
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			return
		}
		for _, wrong := range judge(fset, dir, f) {
			t.Error(wrong)
		}
	})
	if seen == 0 {
		t.Error("no Go file found")
	}
}

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		dir, source string
		want        string // part of the one complaint; "" for none
	}{
		{".", `import "jobsd/internal/cli"`, ""},
		{".", `import "jobsd/runner"`, "may not import jobsd/runner"},
		{"cellar", ``, "not a room"},
		{"internal/cli/table", `import "jobsd/runner"`, ""},
		{"internal/cli", `import "jobsd/cellar"`, ""}, // the files of the cellar itself are refused
		{"spawn", `import "jobsd/statefile"`, "may not import jobsd/statefile"},
		{"spawn", `import "jobsd/spawn/shim"`, ""},
		{"spawn", `import "jobsdx/shim"; import "os"`, ""},
		{"spawn", `import "os/exec"`, "imports os/exec"},
		{"internal/cli", `import "os/exec"`, ""},
		{"internal/jobfile", `import "jobsd/internal/schedule"`, ""},
		{"internal/schedule", `import "jobsd/internal/jobfile"`, "may not import"},
		{"internal/machine", `import "jobsd/internal/jobfile"`, "may not import"},
		{"statefile", `import "github.com/google/renameio/v2"`, ""},
		{"statefile", `import "example.org/yaml"`, "the module of example.org/yaml"},
		{"statefile", `import . "os"`, "dot imports"},
		{"runner", `import "jobsd/runner/core"`, ""},
		{"runner", `import "jobsd/internal/cli"`, "may not import"},
		{"runner", `import "sync"; var m sync.Mutex`, "uses sync.Mutex"},
		{"runner", `import s "sync"; type t struct{ s.RWMutex }`, "uses sync.RWMutex"},
		{"runner", `import "sync"; var o sync.Once`, ""},
		{"runner", `import "time"; var now = time.Now`, ""},
		{"runner/core", `import "jobsd/spawn"`, "may not import jobsd/spawn"},
		{"runner/core", `import "jobsd/runner"`, "may not import jobsd/runner"},
		{"runner/core", `import "golang.org/x/sys/unix"`, "the module of"},
		{"runner/core", `import "os"`, "may not import os"},
		{"runner/core", `import "time"; var now = time.Now`, "uses time.Now"},
		{"runner/core", `import clock "time"; var d = clock.Since(t)`, "uses time.Since"},
		{"runner/core", `import "time"; var u = time.Unix(0, 0)`, ""},
		{"runner/core", `func f(c chan int) {}`, "channel type"},
		{"runner/core", `func f() { go f() }`, "go statement"},
		{"runner/core", `func f() { select {} }`, "select statement"},
	} {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "x.go", "package x; "+test.source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%s: %v", test.source, err)
		}
		got := judge(fset, test.dir, f)
		switch {
		case test.want == "" && len(got) == 0:
		case test.want != "" && len(got) == 1 && strings.Contains(got[0], test.want):
		default:
			t.Errorf("%s: %s\n got %q\nwant %q", test.dir, test.source, got, test.want)
		}
	}
}
