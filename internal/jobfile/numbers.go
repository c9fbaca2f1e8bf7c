package jobfile

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// whole is a whole number from least to most.
func whole[T int | int32](least, most T) typ[T] {
	return typ[T]{
		name: "number",
		form: Form{Item: Number},
		read: of(integer, "a whole number", func(r *reader, n *node) (T, bool) {
			if n.num < int64(least) || n.num > int64(most) {
				return 0, r.fail(n, "must be from %d to %d, not %d", least, most, n.num)
			}
			return T(n.num), true
		}),
		print:  printInt[T],
		schema: func() schema { return schema{"type": "integer", "minimum": least, "maximum": most} },
		write:  asIs[T],
	}
}

// exitCodes is a set of exit codes.
var exitCodes = typ[[]int]{
	name: "array of numbers",
	form: Form{Item: Number, Many: List},
	read: func(r *reader, n *node) ([]int, bool) {
		codes, ok := listOf(whole(0, 255), 1).read(r, n)
		slices.Sort(codes)
		return slices.Compact(codes), ok
	},
	print:  printList(printInt[int]),
	schema: listOf(whole(0, 255), 1).schema,
	write:  writeList[int],
}

// size is a number of bytes, at least least.
func size(least int64) typ[int64] {
	return typ[int64]{
		name: "size",
		read: func(r *reader, n *node) (int64, bool) {
			v := n.num
			switch n.kind {
			case integer:
			case text:
				var why known
				if v, why = parseSize(n.text); why != "" {
					return 0, r.fail(n, "%q %s", n.text, why)
				}
			default:
				return 0, r.wrong(n, `a size such as "10MB"`)
			}
			if v < least {
				return 0, r.fail(n, "must be at least %d bytes", least)
			}
			return v, true
		},
		print: printInt[int64],
		schema: func() schema {
			return textOrNumber("^"+sizePattern+"$", least).with(schema{"examples": []string{"10MB", "10MiB"}})
		},
		write: writeSize,
	}
}

// units of sizes: powers of 1000, or of 1024 with an i, as in IEC 80000-13.
var units = map[string]int64{
	"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

const sizePattern = "[0-9]+ ?((" + letterK + "|[mMgGtT])?" + letterI + "?[bB])?"

// writeSize writes a number of bytes with the largest unit that gives a whole number.
func writeSize(bytes int64) any {
	for _, unit := range []string{"TB", "GB", "MB", "kB"} {
		if n := units[strings.ToLower(unit)]; bytes != 0 && bytes%n == 0 {
			return strconv.FormatInt(bytes/n, 10) + unit
		}
	}
	return bytes
}

// parseSize reads "10MB" or "10MiB" as a number of bytes, or says what is wrong.
func parseSize(s string) (int64, known) {
	end := strings.IndexFunc(s, func(c rune) bool { return c < '0' || c > '9' })
	if end < 0 {
		end = len(s)
	}
	unit, ok := units[strings.ToLower(strings.TrimPrefix(s[end:], " "))]
	if end == 0 || !ok {
		return 0, `is not a size: write a whole number and a unit, as in "10MB" or "10MiB"`
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, "is too large"
	}
	return n * unit, ""
}

// mode is a file mode mask, in octal.
var mode = typ[int]{
	name: "octal string",
	read: of(text, `an octal number in quotes, such as "022"`, func(r *reader, n *node) (int, bool) {
		v, err := strconv.ParseUint(n.text, 8, 32)
		if err != nil || v > 0o777 {
			return 0, r.fail(n, `%q is not a mask: write one from "000" to "777"`, n.text)
		}
		return int(v), true
	}),
	print: printInt[int],
	write: func(v int) any { return fmt.Sprintf("%03o", v) },
	schema: func() schema {
		return pattern("^0*[0-7]{1,3}$").with(schema{"examples": []string{"022", "027", "077"}})
	},
}
