package runner

import "time"

// leafRest is how long cgroup leaves of finished runs are kept although no run needs them.
const leafRest = 10 * time.Second

// tidy removes leaves that no run has needed for some time.
func (l *loop) tidy() {
	now := l.sys.now().Mono
	switch {
	case !l.sys.spare():
		l.tidyAt = 0
	case l.tidyAt == 0:
		l.tidyAt = now + leafRest
	case now < l.tidyAt:
	case l.sys.shrink():
		l.tidyAt = now + leafRest
	default:
		l.tidyAt = 0
	}
}

// tidyWait returns how long until leaves may be removed, or a negative time if there are none.
func (l *loop) tidyWait(now time.Duration) time.Duration {
	if l.tidyAt == 0 {
		return -1
	}
	return max(0, l.tidyAt-now)
}
