package jobfile
import ("testing";"strings";"fmt";"time";"os";"runtime/debug";"runtime")
func rss() string { b,_ := os.ReadFile("/proc/self/status"); for _, l := range strings.Split(string(b),"\n") { if strings.HasPrefix(l,"VmHWM") || strings.HasPrefix(l, "VmRSS") { return l } }; return "" }
func TestZZ(t *testing.T) {
	var jobs, keys, tabs, dots strings.Builder
	for i := 0; jobs.Len() < 1000_000; i++ { fmt.Fprintf(&jobs, "[[jobs]]\nname=\"a%d\"\ncmd=[\"x\"]\n", i) }
	for i := 0; keys.Len() < 1000_000; i++ { fmt.Fprintf(&keys, "a%d=1\n", i) }
	for i := 0; tabs.Len() < 1000_000; i++ { fmt.Fprintf(&tabs, "[a%d]\n", i) }
	for i := 0; dots.Len() < 1000_000; i++ { fmt.Fprintf(&dots, "a.b.c.d.e.f%d=[]\n", i) }
	var js strings.Builder
	js.WriteString("{\"a\":1")
	for i := 0; js.Len() < 1000_000; i++ { fmt.Fprintf(&js, ",\"a%d\":1", i) }
	js.WriteString("}")
	which := os.Getenv("WHICH")
	for n, s := range map[string]string{"jobs.toml": jobs.String(), "keys.toml": keys.String(), "tabs.toml": tabs.String(), "dots.toml": dots.String(), "js.json": js.String(), "str.toml": "a = \""+strings.Repeat("\\n", 500_000)+"\"", "nl.toml": strings.Repeat("\n", 1000_000)+"cmd=[1,2,3]",
	  "bare.toml": strings.Repeat("a", 1000_000)+"=1", "errs.toml": "cmd=["+strings.Repeat("1,", 90_000)+"]", "hash.toml": strings.Repeat("#\n", 500_000)} {
		if which != "" && n != which { continue }
		debug.FreeOSMemory()
		start := time.Now()
		_, errs := parseAs(t, someHost(t, 0), n, s)
		msg := ""; if errs != nil { msg = errs[0].Error(); if len(msg) > 150 { msg = msg[:150] } }
		fmt.Println(n, time.Since(start), len(errs), msg, rss())
	}
	if which == "dup" {
	b := newBox(t)
	b.put("a.toml", jobs.String()[:strings.LastIndex(jobs.String()[:500_000], "[[")])
	b.put("b.toml", jobs.String()[:strings.LastIndex(jobs.String()[:500_000], "[[")])
	start := time.Now()
	set := b.loader.Load()
	fmt.Println("dup", time.Since(start), len(set.Errors), set.Errors[0], rss())
	}
	runtime.GC()
}
