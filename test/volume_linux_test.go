package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pod is a shell script that mounts a ConfigMap, a Secret and an emptyDir as Kubernetes does, in a namespace with a
// read-only root. Then it becomes a user that is in no passwd file, and runs commands.
const pod = `set -e
mount --make-rprivate /
mount -t proc proc /proc
cd $POD
mount -t tmpfs tmpfs kubelet
for volume in config secret; do
	mkdir kubelet/$volume kubelet/$volume/..2026_01
	chmod 1777 kubelet/$volume
	ln -s ..2026_01 kubelet/$volume/..data
	for file in $volume/*; do
		cp $file kubelet/$volume/..2026_01
		ln -s ..data/${file#*/} kubelet/$volume
	done
	chmod -R g+w kubelet/$volume/..2026_01
	mount --bind kubelet/$volume $volume
	mount -o remount,bind,ro $volume
done
mount -t tmpfs -o mode=777 tmpfs data
$LEAVE umount kubelet
mount -o remount,bind,ro /
unset HOME XDG_CONFIG_HOME XDG_STATE_HOME XDG_RUNTIME_DIR JOBSD_ROOT
cd /
exec setpriv --reuid=$ID --regid=$ID --clear-groups sh -c "$1"
`

// inPod returns the output of commands in such a namespace.
func (s *server) inPod(uid int, vars []string, commands string) string {
	s.t.Helper()
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", pod, "sh", commands)
	cmd.Env = append(os.Environ(), append(vars, "POD="+s.root, fmt.Sprint("ID=", uid), "PATH="+filepath.Dir(s.exe)+":"+os.Getenv("PATH"))...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Errorf("%v\n%s", err, out)
	}
	return string(out)
}

// TestReadOnlyVolume: jobs of a ConfigMap run with the variables of a Secret, for root and for a user without a home.
// By their modes, all users could write these files; only the mount prevents it.
func TestReadOnlyVolume(t *testing.T) {
	needRoot(t, "needs root, to mount")
	s, _ := newInstalledServer(t)
	s.openToOthers()
	for _, dir := range []string{"config", "secret", "kubelet", "data"} {
		if err := os.Mkdir(filepath.Join(s.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"config/a.toml": fmt.Sprintf("shell = \"echo $WORD by $(id -u) at $HOME; pwd\"\nenv_file = %q\n", filepath.Join(s.root, "secret/env")),
		"secret/env":    "WORD=sesame\n",
	} {
		writeFile(t, filepath.Join(s.root, name), text)
	}
	const run = `
for way in "--root $POD/data/r" ""; do
	mkdir $POD/data/r 2>/dev/null || export XDG_CONFIG_HOME=$POD/data/c XDG_STATE_HOME=$POD/data/s
	mkdir -p $POD/data/c/jobsd
	jobsd run --background $way --jobs-dir $POD/config || continue
	jobsd start $way --jobs-dir $POD/config --wait a
	jobsd check $way --jobs-dir $POD/config
	jobsd show $way --jobs-dir $POD/config a | grep ^file
	jobsd status $way
done; true`
	for uid, n := range map[int]int{otherUID: 2, 0: 1} { // root has no directories in a home
		out := s.inPod(uid, nil, run)
		for _, want := range []string{
			fmt.Sprintf("\nsesame by %d at ", uid), "1 file, 1 job, no errors", "daemon:    running",
			"\ntrusted because its mount is read-only: " + s.root + "/config\n",
			s.root + "/config/a.toml (trusted because its mount is read-only)\n",
		} {
			if strings.Count(out, want) != n {
				t.Errorf("uid %d: got %q %d times, want %d times, in\n%s", uid, want, strings.Count(out, want), n, out)
			}
		}
	}

	// The same volume, with another mount of it that is writable.
	out := s.inPod(otherUID, []string{"LEAVE=:"}, "jobsd check --root $POD/data --jobs-dir $POD/config; true")
	if !strings.Contains(out, "the directory can be written by its group and by others (mode 1777): move ") {
		t.Errorf("check: got %s, want that the directory is refused", out)
	}

	// A user without a home gets a hint.
	out = s.inPod(otherUID, nil, "jobsd run; HOME=/ jobsd run; jobsd list; true")
	if n := strings.Count(out, "--root DIR, or set XDG_CONFIG_HOME and XDG_STATE_HOME"); n != 3 {
		t.Errorf("got the hint %d times, want 3 times:\n%s", n, out)
	}
}
