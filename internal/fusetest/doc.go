// Package fusetest mounts file systems that do not answer, for tests. Any local user can mount one with FUSE.
package fusetest
