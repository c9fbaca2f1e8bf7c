package systemd

import "strings"

// reasons are what to say of settings that have no counterpart, by how their names begin.
var reasons = []struct{ names, why string }{
	{"Condition Assert", "jobsd looks at no conditions; begin the command with a test, such as: test -e FILE || exit 0;"},
	{"OnFailure", "jobsd knows no units; notify.on_failure is a command that runs when the job fails"},
	{"OnSuccess", "jobsd knows no units; notify.on_success is a command that runs when the job succeeds"},
	{"Requires Requisite Wants BindsTo PartOf Upholds Conflicts", "jobsd knows no units, so none is started or stopped with the job"},
	{"WantsMounts", "jobsd mounts nothing; begin the command with: mountpoint -q DIRECTORY || exit 1;"},
	{"OnActiveSec", "jobsd does not count from when a timer is started; every = DURATION is due again and again"},
	{"ExecCondition", "begin the command with it, and with || exit 0;"},
	{"ExecStop ExecReload", "jobsd runs nothing at the end of a job; put it into a script"},
	{"SupplementaryGroups", "the groups of a job are its user's"},
	{"Protect Private Restrict Capability Ambient SystemCall NoNewPrivileges ReadWrite ReadOnly Inaccessible ExecPaths NoExec Bind" +
		" TemporaryFileSystem LockPersonality MemoryDeny Device SecureBits AppArmor SELinux KeyringMode RemoveIPC ProcSubset",
		"jobsd does not shut a process in: the job can do all that its user can"},
	{"IOScheduling", "jobsd has no key for it; begin the command with ionice(1)"},
	{"CPUScheduling", "jobsd has no key for it; begin the command with chrt(1)"},
	{"CPU IO Memory Tasks Slice BlockIO IPAddress Delegate", "jobsd limits nothing by a control group; limits are those of setrlimit(2)"},
	{"RuntimeDir StateDir CacheDir LogsDir ConfigurationDir", "jobsd makes no directories; begin the command with mkdir -p"},
	{"LoadCredential SetCredential ImportCredential", "jobsd passes no credentials; env_file is a file with variables"},
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
