package jobfile

import (
	"fmt"
	"runtime"
	"testing"
)

// manyFiles makes a directory of n files of one job each.
func manyFiles(tb testing.TB, n int) string {
	dir := safeDir(tb)
	for i := range n {
		text := fmt.Sprintf("name = \"job-%05d\"\ncmd = [\"true\"]\nstart_at = \"%d:%02d\"\n", i, i%24, i%60)
		put(tb, dir, fmt.Sprintf("job-%05d.toml", i), text)
	}
	return dir
}

func BenchmarkFirstLoad(b *testing.B) {
	dir := manyFiles(b, 10_000)
	b.ReportAllocs()
	var l *Loader
	var set *Set
	for b.Loop() {
		l, set = NewLoader(Options{Jobs: dir}), nil
		if set = l.Load(); len(set.Jobs) != 10_000 || set.Errors != nil {
			b.Fatal(len(set.Jobs), set.Errors)
		}
	}
	with := heap()
	runtime.KeepAlive(l)
	runtime.KeepAlive(set)
	l, set = nil, nil
	b.ReportMetric(float64(with-heap())/10_000, "heap-B/job")
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
