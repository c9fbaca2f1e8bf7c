package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// tools are the programs that the benchmarks start. They are in a temporary directory of their own, because -dir may be
// mounted noexec.
type tools struct {
	bin    string
	own    string // this program
	jobsd  string
	stamp  string // the job, see bench/stamp
	robfig string // the peer on robfig/cron, "" without -peers
}

// buildTools builds them from the checkout. The caller removes them.
func buildTools(ctx context.Context, o *options) (*tools, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	t := &tools{}
	if t.own, err = os.Executable(); err != nil {
		return nil, err
	}
	if t.bin, err = makeScratch(os.TempDir()); err != nil {
		return nil, err
	}
	if err := t.build(ctx, root, o); err != nil {
		t.remove()
		return nil, err
	}
	return t, nil
}

func (t *tools) build(ctx context.Context, root string, o *options) (err error) {
	t.jobsd, t.stamp = filepath.Join(t.bin, "jobsd"), filepath.Join(t.bin, "stamp")
	if err := goBuild(ctx, root, ".", t.jobsd, programFlags()...); err != nil {
		return err
	}
	if err := t.buildStamp(ctx, root); err != nil {
		return err
	}
	if o.beside != "" {
		if o.beside, err = filepath.Abs(o.beside); err != nil {
			return err
		}
	}
	if o.peers {
		t.robfig = filepath.Join(t.bin, "robfig")
		if err := goBuild(ctx, filepath.Join(root, "bench", "peers"), "./robfig", t.robfig); err != nil {
			return err
		}
	}
	return nil
}

func (t *tools) buildStamp(ctx context.Context, root string) error {
	var flags []string
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		flags = append(flags, "-ldflags=-s -w -E main.entry") // see bench/stamp/stamp_linux_amd64.s
	}
	return goBuild(ctx, root, "./bench/stamp", t.stamp, flags...)
}

func (t *tools) remove() { os.RemoveAll(t.bin) }

// moduleRoot returns the directory of the checkout.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("cannot find the checkout: %w", err)
	}
	name, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if name != "jobsd" {
		return "", errors.New("cannot find the checkout: run bench in it")
	}
	return dir, nil
}

// programFlags returns the flags with which README builds the program for this machine.
func programFlags() []string {
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		return []string{"-ldflags=-E=jobsd/spawn.entry"}
	}
	return nil
}

func goBuild(ctx context.Context, dir, pkg, to string, flags ...string) error {
	args := append([]string{"build", "-o", to}, flags...)
	c := exec.CommandContext(ctx, "go", append(args, pkg)...)
	c.Dir, c.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build %s: %w\n%s", pkg, err, out)
	}
	return nil
}
