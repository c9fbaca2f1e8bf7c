// Package fusetest mounts file systems that do not answer, for tests. Any local user may have such a one by FUSE.
package fusetest
