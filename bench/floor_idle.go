package main

func floorIdle(args []string)    {}
func floorRestart(args []string) {}
