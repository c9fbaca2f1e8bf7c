package jobfile

import (
	"cmp"
	"strings"

	"jobsd/internal/schedule"
)

// When says when the job starts by itself: "every day at 04:35", "every 10 minutes, also at boot", "after backup and
// sync", "service", "only when asked". Each time of day in it is written as 15:04. It is computed when it is needed,
// because ten thousand such texts take 0.2 MB.
func (d *Definition) When() string {
	also := d.Causes()
	switch {
	case d.KeepAlive != nil:
		return "service"
	case d.Schedule.Kind() == schedule.None:
		return cmp.Or(also, "only when asked")
	case also != "":
		return d.Schedule.Words() + ", also " + also
	}
	return d.Schedule.Words()
}

// Causes says what starts the job besides its schedule, "" if nothing does.
func (d *Definition) Causes() string {
	var causes []string
	if d.AtBoot {
		causes = append(causes, "at boot")
	}
	if len(d.After) > 0 {
		causes = append(causes, "after "+strings.Join(d.After, " and "))
	}
	return strings.Join(causes, " and ")
}
