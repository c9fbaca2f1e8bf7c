//go:build !linux

package test

func nest([]string) { panic("only Linux lets a process adopt orphans") }

func attack(string, []string) { panic("only on Linux") }

func keep(string, []string) { panic("only on Linux") }

func addKey(string) { panic("only on Linux") }

func look(string) { panic("only on Linux") }
