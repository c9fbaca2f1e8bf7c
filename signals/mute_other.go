//go:build !linux || !(amd64 || arm64)

package signals

// Mute does nothing on this system.
func Mute() (unmute func()) { return func() {} }
