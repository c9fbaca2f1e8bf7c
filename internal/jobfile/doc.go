// Package jobfile reads a directory of job files, and jobsd.toml, into definitions.
//
// A [Loader] reads the directory again and again and returns a [Set]: every job that is in force and every mistake in
// every file. A load never fails as a whole. When a file is refused, its last good version stays in force. These files
// take part in the way from bytes to a [Definition]:
//
//   - file.go reads a file, which package trust opens only if no other user can write it, and never blocks;
//   - toml.go (with scanner.go) and json.go parse the two formats into the same tree of nodes with positions;
//   - keys.go is the table of job keys: each has one row, with its type, its default and its field; config.go has the
//     table of jobsd.toml; types.go has the types with the checks of single values;
//   - parse.go checks keys against each other and against the facts of the machine, see package machine;
//   - hash.go makes the hashes by which a reload finds what changed;
//   - loader.go keeps what it read, refuse.go compares files with each other, accepted.go keeps last good versions over
//     a restart; try.go checks texts against the directory before they are written.
//
// To add a key, add a field to Definition, a row to the table in keys.go, and a case to keys_test.go, which fails
// without it. If the key depends on another key, check that in parse.go.
package jobfile
