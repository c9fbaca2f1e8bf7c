package main

import "testing"

func TestUsedSince(t *testing.T) {
	before := usages{1: {cpu: 5}, 2: {cpu: 1}}
	after := usages{1: {cpu: 7}, 3: {cpu: 0.5}} // 2 has ended, and 3 has started
	if got := usedSince(before, after); got != 2.5 {
		t.Errorf("got %v, want 2.5", got)
	}
}
