package statefile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxState is the maximum size of a state file in bytes: 2,500 for each of 100,000 jobs, with a margin.
const maxState = 256 << 20

// ReadState reads the state file in the state directory without a lock: the file is always complete. The error wraps
// fs.ErrNotExist if there is no file, and ErrVersion if this program cannot read its version.
func ReadState(stateDir string) (*State, error) {
	return fromState(stateDir, func(f *os.File) (*State, error) {
		document, err := readDocument(f)
		if err != nil {
			return nil, err
		}
		return decodeState(document)
	})
}

// ReadDaemon reads only the part of the state file about the daemon, which comes before the jobs. A program that
// waits for this part to change need not read ten thousand jobs each time. The errors are those of ReadState.
func ReadDaemon(stateDir string) (*Daemon, error) {
	return fromState(stateDir, func(f *os.File) (*Daemon, error) { return decodeDaemon(json.NewDecoder(f)) })
}

func fromState[T any](stateDir string, read func(*os.File) (*T, error)) (*T, error) {
	path := filepath.Join(stateDir, stateName)
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the state file: %w", err)
	}
	defer f.Close()
	result, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("cannot read the state file %s: %w", path, err)
	}
	return result, nil
}

func decodeDaemon(in *json.Decoder) (*Daemon, error) {
	if _, err := in.Token(); err != nil { // {
		return nil, err
	}
	var version json.RawMessage
	var daemon Daemon
	for _, field := range []struct {
		key  string
		into any
	}{{"version", &version}, {"daemon", &daemon}} {
		key, err := in.Token()
		if err == nil && key != field.key {
			err = fmt.Errorf("found %q instead of %q", key, field.key)
		}
		if err == nil {
			err = in.Decode(field.into)
		}
		if err == nil {
			err = judgeVersion(version)
		}
		if err != nil {
			return nil, err
		}
	}
	return &daemon, nil
}

// readDocument reads a state file and checks its version.
func readDocument(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errIrregular
	case info.Size() > maxState:
		return nil, fmt.Errorf("it has %d bytes", info.Size())
	}
	document := make([]byte, info.Size())
	if _, err := io.ReadFull(f, document); err != nil {
		return nil, err
	}
	return document, judgeDocument(document)
}

// judgeDocument checks the version of a state file, and then its checksum.
func judgeDocument(document []byte) error {
	err := checkVersion(document)
	if err == nil {
		_, err = verified(document)
	}
	return err
}

func decodeState(document []byte) (*State, error) {
	var s State
	if err := json.Unmarshal(document, &s); err != nil {
		return nil, err
	}
	for name, j := range s.Jobs {
		if j == nil {
			return nil, fmt.Errorf("job %q is null", name)
		}
	}
	return &s, nil
}

// inspect moves a damaged state file aside and returns a message about it. It leaves a good file for the next write
// to replace. It also leaves a file of another version and returns an error.
func (d *dir) inspect() ([]string, error) {
	f, _, err := d.openFile(stateName)
	if err == nil {
		err = inspectDocument(f)
		f.Close()
	}
	switch {
	case err == nil, errors.Is(err, os.ErrNotExist):
		return nil, nil
	case errors.Is(err, ErrVersion), errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("cannot read the state file: %w", err)
	}
	damaged := fmt.Sprintf("%s was damaged: %v", stateName, err)
	aside := d.badName(stateName)
	if err := d.rename(stateName, aside); err != nil {
		return []string{fmt.Sprintf("%s; cannot move it aside: %v", damaged, err)}, nil
	}
	return []string{fmt.Sprintf("%s; it was moved aside as %s, and the daemon writes a new one", damaged, aside)}, nil
}

func inspectDocument(f *os.File) error {
	document, err := readDocument(f)
	if err == nil && !json.Valid(document) {
		err = errors.New("it is not valid JSON")
	}
	return err
}
