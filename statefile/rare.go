package statefile

import "slices"

// A list of JobFacts that is empty in most jobs is a pointer, because a slice takes three times the memory. The pointer
// is nil if the list is empty, and nothing changes the list that it points to.

// Items returns the items of a list that may be nil.
func Items[T any](list *[]T) []T {
	if list == nil {
		return nil
	}
	return *list
}

func listOf[T any](items []T) *[]T {
	if len(items) == 0 {
		return nil
	}
	return &items
}

// with returns a list with one more item.
func with[T any](list *[]T, item T) *[]T { return listOf(append(slices.Clip(Items(list)), item)) }
