#!/usr/bin/env python3
"""Writes cronie.golden and debian.golden: the runs of real crons for the entries of all.crontab.

usage: golden.py CRONIE DEBIAN

CRONIE and DEBIAN are the unpacked sources of cronie (1.7.2) and of Debian's cron (3.0pl1-162), as "apt-get source"
leaves them. The script compiles their main loops, matching and parsing unchanged. Their own sleep(3) moves a simulated
clock, and the script records what they would start. random(3) returns 0: a~b is a, and RANDOM_DELAY causes no delay.

Each line of a golden file has the time zone, the instant of the start, the line of the crontab, and the next five runs in
UTC, or those within five years; or "refused" if that cron does not accept the line.
"""

import datetime
import os
import subprocess
import sys
import tempfile
import zoneinfo

HERE = os.path.dirname(os.path.abspath(__file__))

# The starts, by the clock of the zone: an ordinary day, the evening before a clock change, half an hour before it, and the
# end of a February with 29 days; in Berlin also a time before the clock change of New York.
BASES = {
    "Europe/Berlin": ["2026-11-27 10:00", "2027-03-27 22:00", "2027-03-28 01:30", "2027-10-30 22:00", "2027-10-31 01:30",
                      "2028-02-28 23:59", "2027-03-14 02:00", "2027-11-07 02:00"],
    "America/New_York": ["2026-11-27 10:00", "2027-03-13 22:00", "2027-03-14 01:30", "2027-11-06 22:00",
                         "2027-11-07 00:30", "2028-02-28 23:59"],
}

CLOCK = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <pwd.h>
#include <time.h>
#include <unistd.h>
#include "harness.h"

static time_t now, limit;
static int due, seen, wanted;

time_t fake_time(time_t *t) { if (t) *t = now; return now; }
unsigned fake_sleep(unsigned s) { now += s; if (now > limit) exit(0); return 0; }
long fake_random(void) { return 0; }
int fake_access(const char *path, int mode) { return 0; } /* this boot has had its jobs */

void __wrap_acquire_daemonlock(int closing) {}
void __wrap_set_cron_uid(void) {}
void LOOK_FOR_DIR(void) {}
void __wrap_check_orphans(cron_db *db) {}
void __wrap_log_it LOG_IT {}
int __wrap_set_debug_flags(const char *s) { return 1; }

void __wrap_job_add(entry *e, user *u) {
    static entry *last;
    if (due && last == e) return; /* it is in the queue */
    last = e; due++;
}

int __wrap_job_runqueue(void) {
    int n = due;
    for (; due > 0; due--) {
        printf(" %ld", (long)now / 60 * 60);
        if (++seen == wanted) exit(0);
    }
    return n;
}

static char *file;
static cron_db *loaded;

LOADED __wrap_load_database(cron_db *db) {
    if (loaded) LOADED_RETURN;
    loaded = db;
    struct passwd pw = {.pw_name = "root", .pw_passwd = "", .pw_dir = "/root", .pw_shell = "/bin/sh"};
    user *u = LOAD_USER(open(file, O_RDONLY), &pw);
    if (!u || !u->crontab) { printf(" refused"); exit(0); }
    db->head = db->tail = u;
    LOADED_RETURN;
}

int main(int argc, char **argv) {
    char *args[] = {"cron", "-f", NULL};
    file = argv[1]; now = atol(argv[2]); limit = atol(argv[3]); wanted = 5;
    return cron_main(2, args);
}
"""

CRONIE = r"""
#include "config.h"
#include <sys/types.h>
#include "cronie_common.h"
#include "globals.h"
#include "funcs.h"
#include "macros.h"
int cron_main(int, char **);
#define LOOK_FOR_DIR __wrap_check_spool_dir
#define LOG_IT (const char *a, PID_T b, const char *c, const char *d, int e)
#define LOADED int
#define LOADED_RETURN return 0
#define LOAD_USER(fd, pw) load_user(fd, pw, "root", "root", "root")
"""

DEBIAN = r"""
#include "cron.h"
#undef entry
int cron_main(int, char **);
#define LOOK_FOR_DIR __wrap_set_cron_cwd
#define LOG_IT (char *a, int b, char *c, char *d)
#define LOADED void
#define LOADED_RETURN return
#define LOAD_USER(fd, pw) load_user(fd, pw, "root", "root", "root")
"""

FAKES = ["-Dtime=fake_time", "-Dsleep=fake_sleep", "-Drandom=fake_random", "-Daccess=fake_access"]
WRAPS = ["acquire_daemonlock", "set_cron_uid", "check_spool_dir", "set_cron_cwd", "check_orphans", "log_it", "set_debug_flags",
         "job_add", "job_runqueue", "load_database"]


def build(work, name, root, harness, sources, flags):
    """Compiles the parts of a cron with the simulated clock and returns the program."""
    cc = ["gcc", "-std=gnu89", "-w", "-O2", "-I" + work, "-I" + root, "-I" + root + "/src"] + flags
    with open(work + "/harness.h", "w") as f:
        f.write(harness)
    with open(work + "/clock.c", "w") as f:
        f.write(CLOCK)
    objects = []
    for source in sources + [work + "/clock.c"]:
        obj = "%s/%s-%s.o" % (work, name, os.path.basename(source))
        fakes = [] if source.endswith("clock.c") else FAKES
        if os.path.basename(source) == "cron.c":
            fakes = fakes + ["-Dmain=cron_main"]
        standard = ["-std=gnu99"] if source.endswith("clock.c") else []
        subprocess.run(cc + standard + fakes + ["-c", "-o", obj, source], cwd=root, check=True)
        objects.append(obj)
    program = work + "/" + name
    wrap = ["-Wl,--wrap=" + w for w in WRAPS] + ["-Wl,--unresolved-symbols=ignore-all"]
    subprocess.run(["gcc", "-o", program] + objects + wrap, check=True)
    return program


def settings_and_entries(text):
    """Yields (number, settings above and the line) of each entry."""
    above = []
    for number, line in enumerate(text.splitlines(True), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if "=" in stripped.split()[0] or stripped.split()[1:2] == ["="]:
            above.append(line)
        else:
            yield number, "".join(above) + line


def evaluate(program, work, out, most):
    with open(HERE + "/all.crontab") as f:
        entries = list(settings_and_entries(f.read()))
    for zone, bases in BASES.items():
        for base in bases:
            local = datetime.datetime.strptime(base, "%Y-%m-%d %H:%M").replace(tzinfo=zoneinfo.ZoneInfo(zone))
            start = int(local.timestamp())
            years = most if base == bases[0] else 5
            for number, text in entries:
                with open(work + "/crontab", "w") as f:
                    f.write(text)
                run = subprocess.run([program, work + "/crontab", str(start), str(start + 86400 * 366 * years)],
                                     env={"TZ": zone}, capture_output=True, text=True, check=True)
                times = [t if t == "refused" else
                         datetime.datetime.fromtimestamp(int(t), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
                         for t in run.stdout.split()]
                out.write("%s %s %d: %s\n" % (zone, local.isoformat(), number, " ".join(times)))


def main():
    cronie, debian = (os.path.abspath(p) for p in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as work:
        if not os.path.exists(cronie + "/config.h"):
            subprocess.run(["./configure", "--without-selinux", "--without-pam", "--without-inotify"], cwd=cronie, check=True)
        with open(work + "/cron-paths.h", "w") as f: # which make would write
            f.write("".join('#define %s "/nowhere"\n' % p for p in ("CRONDIR", "SPOOL_DIR", "SYSCRONTAB", "SYS_CROND_DIR")))
        src = [cronie + "/src/" + f + ".c" for f in ("cron", "entry", "env", "user", "misc", "pw_dup")]
        program = build(work, "cronie", cronie, CRONIE, src, [])
        with open(HERE + "/cronie.golden", "w") as out:
            evaluate(program, work, out, 19) # five leap days
        src = [debian + "/" + f + ".c" for f in ("cron", "entry", "env", "user", "misc")]
        program = build(work, "debian", debian, DEBIAN, src, ["-DDEBUGGING=0", "-DPOSIX"])
        with open(HERE + "/debian.golden", "w") as out:
            evaluate(program, work, out, 9) # its clock ends in 2038


main()
