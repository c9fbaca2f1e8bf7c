//go:build !linux

package spawn

// Session keyrings and the score for a lack of memory are Linux's.

type oomScore struct{}

var oom oomScore

func (oomScore) lend() (back func()) { return func() {} }

func joinKeyring() error { return nil }
func readOOMScore()      {}
