//go:build !linux

package shim

// JoinKeyring does nothing: this system has no session keyrings.
func JoinKeyring() error { return nil }

// UnblockSignals does nothing. On this system children keep a signal mask or an ignored TSTP, TTIN or TTOU that the
// daemon inherited.
func UnblockSignals() {}
