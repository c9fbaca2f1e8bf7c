package cli

import (
	"path"
	"strings"
	"sync"
)

// atOnce limits how many requests one command has open at the same time. The daemon has 64 connections for all clients.
const atOnce = 16

// expand returns the jobs that the words of a command line name, each only once. A word with * ? or [ is a pattern and must
// match at least one name. Any other word is the name of a job; expand does not check whether the daemon knows it.
func (s *site) expand(words []string) ([]string, error) {
	return expandIn(words, func() ([]string, error) {
		state, err := s.state()
		if err != nil {
			return nil, err
		}
		return names(state), nil
	})
}

// expandIn does the work of expand. It calls all for the known names once, and only if there is a pattern.
func expandIn(words []string, all func() ([]string, error)) ([]string, error) {
	all = sync.OnceValues(all)
	var jobs []string
	seen := map[string]bool{}
	for _, word := range words {
		matches := []string{word}
		if isPattern(word) {
			names, err := all()
			if err != nil {
				return nil, err
			}
			if matches, err = matching(word, names); err != nil {
				return nil, err
			}
		}
		for _, name := range matches {
			if !seen[name] {
				seen[name] = true
				jobs = append(jobs, name)
			}
		}
	}
	return jobs, nil
}

func isPattern(word string) bool { return strings.ContainsAny(word, "*?[") }

// matching returns the names that a pattern matches.
func matching(pattern string, names []string) (matches []string, err error) {
	for _, name := range names {
		ok, err := path.Match(pattern, name)
		if err != nil {
			return nil, usage("patterns are like those of file names: web-*", "%q is not a pattern of job names: %w", pattern, err)
		}
		if ok {
			matches = append(matches, name)
		}
	}
	if matches == nil {
		return nil, fail(exitNoJob, "jobsd list shows all jobs", "no job matches %q", pattern)
	}
	return matches, nil
}

// together calls do for each job, several at the same time, and reports in the order of the list. The exit code is that of
// the first failure in the list.
func (a *app) together(list []string, do func(job string) error, then func(job string)) error {
	errs := make([]error, len(list))
	turns := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, job := range list {
		turns <- struct{}{}
		all.Go(func() {
			errs[i] = do(job)
			<-turns
		})
	}
	all.Wait()
	code := 0
	for i, job := range list {
		if errs[i] == nil {
			then(job)
		} else if failed := report(a.err, errs[i]); code == 0 {
			code = failed
		}
	}
	if code != 0 {
		return &failure{code: code}
	}
	return nil
}
