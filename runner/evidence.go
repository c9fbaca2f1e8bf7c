package runner

import (
	"errors"

	"jobsd/spawn"
)

// openEvidence returns the evidence of starts, or nil: then a run that is about to start when this daemon is killed ends
// as lost, because nobody knows whether it was forked.
func openEvidence(dir, id, boot string, log *logger) *spawn.Evidence {
	if isUnknownBoot(boot) {
		return nil
	}
	e, err := spawn.OpenEvidence(dir, id, boot)
	switch {
	case errors.Is(err, spawn.ErrNotInMemory):
		log.Info("the run directory is not on a tmpfs, so a run that is about to start when the daemon is killed ends as lost", "run_dir", dir)
	case err != nil:
		log.Warn("a run that is about to start when the daemon is killed ends as lost: " + err.Error())
	}
	return e
}

// mendEvidence makes the evidence again if its file was removed. The runs that are about to start are not in it.
func (l *loop) mendEvidence() {
	k, ok := l.sys.(*kernel)
	if !ok || !k.evidence.Lost() {
		return
	}
	k.evidence.Close()
	k.evidence = openEvidence(l.o.Dirs.Run, l.core.ID(), l.boot, l.log)
}
