package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// copyMisbehave puts a copy of misbehave where every user can execute it.
func (s *server) copyMisbehave() string {
	s.t.Helper()
	path := filepath.Join(s.root, "misbehave")
	copyProgram(s.t, ownProgram(s.t, "misbehave"), path)
	return path
}

// keepKey puts a key into a new session keyring and executes a program, which inherits the keyring.
func keepKey(key string, cmd []string) {
	runtime.LockOSThread() // keyrings belong to threads
	if _, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0); err != nil {
		panic(err)
	}
	addKey(key)
	lookForKey(key)
	path, err := exec.LookPath(cmd[0])
	if err != nil {
		panic(err)
	}
	panic(unix.Exec(path, cmd, os.Environ()))
}

// addKey puts a key into the session keyring that this process has inherited.
func addKey(key string) {
	if _, err := unix.AddKey("user", key, []byte("secret"), unix.KEY_SPEC_SESSION_KEYRING); err != nil {
		panic(err)
	}
}

// lookForKey prints whether the key is in the session keyring, and what it holds.
func lookForKey(key string) {
	runtime.LockOSThread()
	id, err := unix.KeyctlSearch(unix.KEY_SPEC_SESSION_KEYRING, "user", key, 0)
	if err != nil {
		fmt.Println(key, "is", unix.ErrnoName(err.(unix.Errno)))
		return
	}
	b := make([]byte, 100)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, b, 0)
	fmt.Println(key, "holds", string(b[:max(0, n)]), err)
}

// TestKeyring: secrets in session keyrings. No job sees the keyring in which the daemon was started. No job of another
// user sees the keyring of the daemon's jobs, and no other run sees the keyring of a job of another user.
func TestKeyring(t *testing.T) {
	needRoot(t, "only root runs jobs of other users")
	if _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, true); err != nil {
		t.Skip("needs keyrings of the kernel: ", err)
	}
	t.Parallel()
	s, _ := newInstalledServer(t)
	s.openToOthers()
	misbehave := s.copyMisbehave()
	s.wrap = []string{misbehave, "keep", "starters"}
	looks := fmt.Sprintf("shell = \"%[1]s look starters; %[1]s look roots; %[1]s look theirs; exec %[1]s add $JOBSD_JOB\"\n", misbehave)
	s.writeJobs("roots.toml", looks)
	s.writeJobs("shim.toml", looks+"nice = 19\n")
	s.writeJobs("theirs.toml", looks+fmt.Sprintf("user = %d\ngroup = %[1]d\ndir = \"/\"\n", otherUID))
	s.startReady()
	rounds := 0
	round := func(when string) {
		rounds++
		for _, job := range []string{"theirs", "roots", "shim", "theirs"} {
			s.jobsd("start", "--wait", job)
		}
		for _, job := range []string{"roots", "shim", "theirs"} {
			text, err := os.ReadFile(filepath.Join(s.root, "log", job+".log"))
			runs := rounds
			if job == "theirs" {
				runs *= 2
			}
			if err != nil || strings.Count(string(text), "starters is ENOKEY") != runs || strings.Contains(string(text), "starters holds") {
				t.Errorf("%s, %s sees the keyring in which the daemon was started: %v, %s", when, job, err, text)
			}
			for _, owner := range []string{"roots", "theirs"} {
				if (owner != "roots" || job == "theirs") && strings.Count(string(text), owner+" is ENOKEY") != runs {
					t.Errorf("%s, %s sees the keyring of %s: %s", when, job, owner, text)
				}
			}
		}
	}
	round("at first")
	s.jobsd("upgrade", "--wait")
	round("after an upgrade")
	s.terminate()
	if s.countLogged("starters holds secret") != 1 {
		t.Error("the keyring in which the daemon was started had no secret")
	}
}

// TestOOMScore: a score that protects the daemon when the kernel runs out of memory does not protect its jobs.
func TestOOMScore(t *testing.T) {
	const file = "/proc/self/oom_score_adj"
	own, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ daemon, want string }{{"-500", "0"}, {strings.TrimSpace(string(own)), ""}, {"300", "300"}} {
		t.Run(c.daemon, func(t *testing.T) {
			t.Parallel()
			if err := exec.Command("sh", "-c", "echo "+c.daemon+" >"+file).Run(); err != nil {
				t.Skip("needs CAP_SYS_RESOURCE to protect a process: ", err)
			}
			if c.want == "" {
				c.want = c.daemon
			}
			s, _ := newInstalledServer(t)
			s.openToOthers()
			s.wrap = []string{"sh", "-c", "echo " + c.daemon + " >" + file + ` && exec "$@"`, "sh"}
			s.writeJobs("direct.toml", "cmd = [\"cat\", \""+file+"\"]\n")
			s.writeJobs("shim.toml", "cmd = [\"cat\", \""+file+"\"]\nnice = 19\n")
			jobs := []string{"direct", "shim"}
			if os.Geteuid() == 0 {
				s.writeJobs("theirs.toml", fmt.Sprintf("cmd = [\"cat\", \"%s\"]\nuser = %d\ngroup = %[2]d\ndir = \"/\"\n", file, otherUID))
				jobs = append(jobs, "theirs")
			}
			s.startReady()
			check := func(n int) {
				for _, job := range jobs {
					s.jobsd("start", "--wait", job)
					if s.countLines(job, c.want) != n {
						text, _ := os.ReadFile(filepath.Join(s.root, "log", job+".log"))
						t.Errorf("%s: got %s, want %s in %d runs", job, text, c.want, n)
					}
				}
				now, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", s.cmd.Process.Pid))
				if err != nil || strings.TrimSpace(string(now)) != c.daemon {
					t.Errorf("the daemon: got %s, %v, want %s", now, err, c.daemon)
				}
			}
			check(1)
			s.jobsd("upgrade", "--wait")
			check(2)
			s.terminate()
		})
	}
}
