package systemd

import "strings"

// reasons are the errors for settings without a counterpart, by the beginning of their names.
var reasons = []struct{ names, why string }{
	{"Condition Assert", "jobsd has no conditions; begin the command with a test, such as: test -e FILE || exit 0;"},
	{"OnFailure", "jobsd does not know units; use notify.on_failure for a command that runs when the job fails"},
	{"OnSuccess", "jobsd does not know units; use notify.on_success for a command that runs when the job succeeds"},
	{"Requires Requisite Wants BindsTo PartOf Upholds Conflicts", "jobsd does not know units, so it starts and stops none with the job"},
	{"WantsMounts", "jobsd mounts nothing; begin the command with: mountpoint -q DIRECTORY || exit 1;"},
	{"OnActiveSec", "jobsd does not count from the start of a timer; every = DURATION sets a repeated interval"},
	{"ExecCondition", "begin the command with it, and with || exit 0;"},
	{"ExecStop ExecReload", "jobsd runs no command at the end of a job; put it into a script"},
	{"SupplementaryGroups", "a job has the groups of its user"},
	{"Protect Private Restrict Capability Ambient SystemCall NoNewPrivileges ReadWrite ReadOnly Inaccessible ExecPaths NoExec Bind" +
		" TemporaryFileSystem LockPersonality MemoryDeny Device SecureBits AppArmor SELinux KeyringMode RemoveIPC ProcSubset",
		"jobsd has no sandbox: the job can do everything that its user can"},
	{"IOScheduling", "jobsd has no key for it; begin the command with ionice(1)"},
	{"CPUScheduling", "jobsd has no key for it; begin the command with chrt(1)"},
	{"CPU IO Memory Tasks Slice BlockIO IPAddress Delegate", "jobsd sets no limits of control groups; the key limits sets those of setrlimit(2)"},
	{"RuntimeDir StateDir CacheDir LogsDir ConfigurationDir", "jobsd creates no directories; begin the command with mkdir -p"},
	{"LoadCredential SetCredential ImportCredential", "jobsd passes no credentials; use env_file for a file with variables"},
}

func reason(name string) string {
	for _, r := range reasons {
		for begin := range strings.FieldsSeq(r.names) {
			if strings.HasPrefix(name, begin) {
				return r.why
			}
		}
	}
	return "jobsd has no key for it"
}
