package jobfile

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"github.com/BurntSushi/toml"
)

// Pair is a key of a job file with its value: a string, a bool, a number, a slice of strings, or a map of these.
type Pair struct {
	Key   string
	Value any
}

// Format writes the pairs as TOML in their order, with tables last as TOML requires.
func Format(pairs []Pair) ([]byte, error) {
	inOrder := slices.Clone(pairs)
	slices.SortStableFunc(inOrder, func(a, b Pair) int { return isTable(a) - isTable(b) })
	var text bytes.Buffer
	for _, p := range inOrder {
		if isTable(p) == 1 && text.Len() > 0 {
			text.WriteByte('\n')
		}
		enc := toml.NewEncoder(&text)
		enc.Indent = ""
		if err := enc.Encode(map[string]any{p.Key: p.Value}); err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", p.Key, err)
		}
	}
	return text.Bytes(), nil
}

func isTable(p Pair) int {
	if reflect.ValueOf(p.Value).Kind() == reflect.Map {
		return 1
	}
	return 0
}
