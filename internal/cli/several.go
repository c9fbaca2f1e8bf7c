package cli

import (
	"path"
	"strings"
	"sync"
)

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
