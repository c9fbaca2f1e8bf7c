// Package jobfile reads a directory of job files, and jobsd.toml, into definitions.
//
// A [Loader] reads the directory again and again and returns a [Set]: every job that is in force and every mistake of
// every file. It never fails as a whole, and a file that is refused stops nothing: the last good version of it stays in
// force. On the way from bytes to a [Definition]
//
//   - trust.go opens files that nobody else can write, and never waits for one;
//   - toml.go (with scanner.go) and json.go make of either format the same tree of nodes, which know where they stand;
//   - keys.go is the table of keys: each has one row, with its type, its default and where it goes; config.go is that of
//     jobsd.toml; types.go has the types with all checks of a value by itself;
//   - parse.go works out what keys mean together, with what host.go knows of the machine;
//   - hash.go makes the hashes by which a reload tells what changed;
//   - loader.go keeps what was read, refuse.go compares files with each other, accepted.go keeps last good versions over
//     a restart; try.go tells what changed texts would make of the directory, before they are written.
//
// To add a key, add a field to Definition, a row to the table in keys.go, and a case to keys_test.go, which fails
// without. If the key has to do with another, say so in parse.go.
package jobfile
