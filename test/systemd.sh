#!/bin/sh
# Tests jobsd under a real systemd, which is PID 1 of a container made of unshare(1) and tmpfs. systemd restarts a daemon
# that was killed, and the new daemon adopts the jobs, and knows the exit status of those that ended meanwhile. An upgrade
# keeps the pid, and a stop leaves no process. Run it as
# root, from the top of the repository:
#
#	sh test/systemd.sh
#
# It needs systemd, jq, and Linux 6.15 or later, where a pidfd has the exit code. It writes only to a temporary directory
# and to a control group of its own. The last line is "ok", or "FAILED" and the reason.
set -eu

# The test itself, as a service of that systemd.
if [ "${1-}" = drive ]; then
	exec >/out 2>&1
	fail() { echo "FAILED: $*"; jobsd status; jobsd list; cat /jobsd.log; systemctl --no-pager status jobsd; systemctl exit 1; exit; }
	pid() { jq -r ".jobs.$1.running[0].pid" $state; }
	main() { systemctl show -P MainPID jobsd; }
	until_true() { n=0; until eval "$1"; do n=$((n + 1)); [ $n -lt 300 ] || fail "timed out waiting for: $1"; sleep 0.1; done; }
	state=/var/lib/jobsd/state.json

	systemctl start jobsd || fail "the unit does not start"
	echo "== started: $(systemctl show -P ActiveState -P SubState -P StatusText jobsd | tr '\n' ' ')"
	for job in long short; do jobsd start $job || fail "start $job"; done
	until_true '[ "$(jq "[.jobs[].running[] | select(.state == \"running\")] | length" $state)" = 3 ]'
	jobsd list
	web=$(pid web) long=$(pid long) short=$(pid short) daemon=$(main)
	echo "web $web, long $long, short $short, daemon $daemon"
	sed 's/^/cgroup of long: /' /proc/$long/cgroup

	echo "== kill -9 $daemon"
	kill -9 $daemon
	until_true '[ "$(systemctl show -P ActiveState jobsd)" = active ] && [ "$(main)" != $daemon ]'
	until_true '[ "$(jq .daemon.unclean_restarts $state)" = 1 ]'
	echo "daemon $(main), NRestarts $(systemctl show -P NRestarts jobsd)"
	[ "$(pid web) $(pid long) $(pid short)" = "$web $long $short" ] || fail "the pids changed"
	[ "$(jq '[.jobs[].running[].adopted] | all' $state)" = true ] || fail "not adopted"
	jobsd list
	touch /go # the job short may end
	until_true '[ "$(jq .jobs.short.last_run.exit_code $state)" = 7 ]'
	kill -9 $web
	until_true '[ "$(pid web)" != null ] && [ "$(pid web)" != $web ]'
	echo "short: $(jq -c '.jobs.short.last_run | [.outcome, .exit_code]' $state), web: $(jq -c '.jobs.web.last_run | [.outcome, .signal]' $state) and now $(pid web)"

	echo "== twenty runs end while no daemon runs"
	for n in $(seq 20); do jobsd start e$n || fail "start e$n"; done
	until_true '[ "$(jq "[.jobs | to_entries[] | select(.key | startswith(\"e\")) | .value.running[] | select(.state == \"running\")] | length" $state)" = 20 ]'
	ending=$(jq -r '.jobs | to_entries[] | select(.key | startswith("e")) | .value.running[0].pid' $state)
	recorder=$(pgrep -f jobsd:recorder)
	until_true '[ "$(ls -l /proc/$recorder/fd | grep -c pidfd)" = 22 ]' # theirs, and those of web and long
	daemon=$(main)
	kill -STOP $daemon # they end, and nobody asks how before the daemon is gone
	touch /end
	for p in $ending; do until_true "grep -q '^State:.Z' /proc/$p/status"; done
	kill -9 $daemon
	until_true '[ "$(jq .daemon.unclean_restarts $state)" = 2 ]'
	until_true '[ "$(jq "[.jobs[].running[]] | length" $state)" = 2 ]'
	right=$(jq '[.jobs | to_entries[] | select(.key | startswith("e")) | select(.value.last_run.exit_code == (.key[1:] | tonumber))] | length' $state)
	echo "true exit status: $right of 20"
	[ "$right" = 20 ] || fail "$(jq -c '.jobs | to_entries[] | select(.key | startswith("e")) | [.key, .value.last_run.outcome, .value.last_run.exit_code]' $state)"

	echo "== upgrade"
	daemon=$(main) web=$(pid web)
	cp /usr/local/bin/jobsd /usr/local/bin/new && mv /usr/local/bin/new /usr/local/bin/jobsd
	jobsd upgrade --wait || fail "upgrade"
	[ "$(main) $(pid web) $(pid long)" = "$daemon $web $long" ] || fail "the pids changed in the upgrade"
	[ "$(jq .daemon.upgrades $state)" = 1 ] || fail "no upgrade"
	systemctl reload jobsd || fail "reload"
	echo "daemon $(main), $(systemctl show -P ActiveState -P SubState jobsd | tr '\n' ' ')NRestarts $(systemctl show -P NRestarts jobsd)"

	echo "== stop"
	systemctl stop jobsd || fail "stop"
	for p in $web $long $daemon; do [ ! -e /proc/$p ] || fail "process $p is still alive"; done
	echo "$(systemctl show -P ActiveState -P Result jobsd | tr '\n' ' ')long: $(jq -c '.jobs.long.last_run | [.outcome, .by]' $state)"
	[ "$(systemctl show -P Result jobsd)" = success ] || fail "the result of the unit"
	[ "$(jq -r '.jobs | [.web, .long] | map(.last_run.outcome) | unique[]' $state)" = stopped ] || fail "the outcomes"
	[ ! -e /sys/fs/cgroup/system.slice/jobsd.service ] || fail "its control group is left"
	echo ok
	systemctl exit 0
	exit
fi

# The container: this is its PID 1.
if [ "${1-}" = boot ]; then
	root=$2
	mount --make-rprivate /
	mount -t tmpfs -o mode=755 tmpfs "$root"
	cd "$root"
	mkdir -p usr etc/jobs.d proc sys/fs dev run tmp var/lib var/log root units old
	for dir in bin sbin lib lib64; do
		if [ -L /$dir ]; then cp -P /$dir .; elif [ -d /$dir ]; then mkdir $dir && mount --bind /$dir $dir; fi
	done
	mount --bind /usr usr
	mount -t tmpfs -o mode=755 tmpfs usr/local
	mkdir -p usr/local/bin
	cp "$3/jobsd" usr/local/bin/jobsd
	cp "$3/systemd.sh" drive.sh
	cp "$3/jobsd.service" units
	mount -t proc proc proc
	mount -t sysfs -o ro sysfs sys
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	mount -t tmpfs -o mode=755 tmpfs run
	mount -t tmpfs -o mode=755 tmpfs dev
	for file in null zero full random urandom tty; do touch dev/$file && mount --bind /dev/$file dev/$file; done
	touch dev/console out
	mount --bind dev/null dev/console
	printf 'root:x:0:0:root:/root:/bin/sh\n' >etc/passwd
	printf 'root:x:0:\n' >etc/group
	echo uninitialized >etc/machine-id
	printf 'cmd = ["sleep", "1000"]\nkeep_alive = true\n' >etc/jobs.d/web.toml
	printf 'cmd = ["sleep", "1000"]\n' >etc/jobs.d/long.toml
	printf 'shell = "until [ -e /go ]; do sleep 0.1; done; exit 7"\nsuccess_codes = [7]\n' >etc/jobs.d/short.toml
	for n in $(seq 20); do
		printf '[[jobs]]\nname = "e%d"\nshell = "until [ -e /end ]; do sleep 0.1; done; exit %d"\n' $n $n
	done >etc/jobs.d/ends.toml
	for target in sysinit basic shutdown local-fs; do printf '[Unit]\nDefaultDependencies=no\n' >units/$target.target; done
	printf '[Unit]\nDefaultDependencies=no\nAfter=shutdown.target\nRequires=shutdown.target\n[Service]\nType=oneshot\nExecStart=systemctl --force exit\n' >units/systemd-exit.service
	printf '[Unit]\nDefaultDependencies=no\nRequires=systemd-exit.service\nAfter=systemd-exit.service\n' >units/exit.target
	printf '[Unit]\nDefaultDependencies=no\nRequires=drive.service\n' >units/default.target
	printf '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=sh /drive.sh drive\n' >units/drive.service
	mkdir units/jobsd.service.d
	printf '[Service]\nStandardOutput=append:/jobsd.log\nStandardError=append:/jobsd.log\n' >units/jobsd.service.d/log.conf
	mount --bind "$3/result" out
	pivot_root . old
	cd /
	umount -l old
	exec env -i container=other SYSTEMD_UNIT_PATH=/units PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
		/lib/systemd/systemd --system --log-target=console --log-level=err --show-status=no </dev/null >/dev/null 2>&1
fi

[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 0; }
for need in /lib/systemd/systemd "$(command -v jq)" "$(command -v unshare)"; do
	[ -x "$need" ] || { echo "skipped: needs systemd, jq and unshare(1)"; exit 0; }
done
cgroups=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
[ -n "$cgroups" ] || { echo "skipped: needs control groups of version 2"; exit 0; }
work=$(mktemp -d)
group=$cgroups/jobsd-systemd-trial-$$
mkdir "$group" "$work/root"
clean() {
	echo 1 >"$group/cgroup.kill"
	while grep -q 'populated 1' "$group/cgroup.events"; do sleep 0.1; done
	find "$group" -depth -type d -exec rmdir {} +
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM
CGO_ENABLED=0 go build -o "$work/jobsd" .
cp "$0" "$work/systemd.sh"
cp examples/jobsd.service "$work"
: >"$work/result"
code=0
sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec timeout 120 unshare -m -u -i -n -p -C -f --kill-child sh "$@"' sh \
	"$group" "$work/systemd.sh" boot "$work/root" "$work" || code=$?
cat "$work/result"
[ "$code" = 0 ] && grep -qx ok "$work/result" || { echo "FAILED with $code"; exit 1; }
