package jobfile

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
)

// The resources of `limits`. The value is true for those that count bytes and take sizes.
var resources = map[string]bool{
	"as": true, "core": true, "data": true, "fsize": true, "memlock": true, "stack": true,
	"cpu": false, "nofile": false, "nproc": false,
}

var limits = typ[[]Limit]{
	name: "table of numbers",
	form: Form{Item: Number, Many: Table},
	read: of(table, "a table such as {nofile = 1024}", func(r *reader, n *node) ([]Limit, bool) {
		defer func(key string) { r.key = key }(r.key)
		prefix, before := r.key, r.mistakes()
		set := make([]Limit, 0, len(n.kids))
		for _, kid := range n.kids {
			bytes, ok := resources[kid.key]
			if !ok {
				r.unknown(kid, prefix, slices.Sorted(maps.Keys(resources)))
				continue
			}
			r.key = join(prefix, kid.key)
			set = append(set, Limit{Name: kid.key, Value: readLimit(r, kid, bytes)})
		}
		slices.SortFunc(set, func(a, b Limit) int { return cmp.Compare(a.Name, b.Name) })
		return set, r.mistakes() == before
	}),
	print: printList(func(b []byte, l Limit) []byte {
		return strconv.AppendUint(append(append(b, l.Name...), '='), l.Value, 10)
	}),
	schema: limitsSchema,
}

func limitsSchema() schema {
	properties := schema{}
	for name, bytes := range resources {
		expression := "^unlimited$"
		if bytes {
			expression = "^(unlimited|" + sizePattern + ")$"
		}
		properties[name] = textOrNumber(expression, 0)
	}
	return schema{"type": "object", "properties": properties, "additionalProperties": false}
}

func readLimit(r *reader, n *node, bytes bool) uint64 {
	switch {
	case n.kind == text && n.text == "unlimited":
		return math.MaxUint64
	case bytes && (n.kind == text || n.kind == integer):
		v, _ := size(0).read(r, n)
		return uint64(v)
	case n.kind == integer:
		v, _ := whole(0, math.MaxInt).read(r, n)
		return uint64(v)
	}
	want := known(`a number or "unlimited"`)
	if bytes {
		want = `a size such as "1GiB" or "unlimited"`
	}
	r.wrong(n, want)
	return 0
}
