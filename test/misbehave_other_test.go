//go:build !linux

package test

func nest([]string) { panic("only Linux lets a process adopt orphans") }

func attack(string, []string) { panic("only on Linux") }

func keepKey(string, []string) { panic("only on Linux") }

func addKey(string) { panic("only on Linux") }

func lookForKey(string) { panic("only on Linux") }
