package cli

import (
	"cmp"
	"path/filepath"

	"jobsd/internal/foreign"
	"jobsd/internal/jobfile"
)

// imported is the JSON of import.
type imported struct {
	Files   []string      `json:"files"`
	Jobs    []due         `json:"jobs"`
	Refused []remarkJSON  `json:"refused"`
	Notes   []remarkJSON  `json:"notes"`
	Reload  *reloadResult `json:"reload"`
}

// remarkJSON is a remark about a line of a foreign file.
type remarkJSON struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Text   string `json:"text"`
	Reason string `json:"reason"`
}

func remarksJSON(list []foreign.Remark) []remarkJSON {
	all := []remarkJSON{} // no null in the output
	for _, r := range list {
		all = append(all, remarkJSON{r.File, r.Line, r.Text, r.Reason})
	}
	return all
}

// importJSON installs the files, or only checks them, and prints one document about all of them.
func (a *app) importJSON(found *foreign.Result, files []newFile, still foreign.Remark, dry bool) error {
	s, err := a.places.site()
	if err != nil {
		return err
	}
	var defs []*jobfile.Definition
	var reload *reloadResult
	switch {
	case len(files) == 0:
	case dry:
		defs, err = s.try(files)
	default:
		defs, reload, err = a.addFiles(s, files, nil)
		found.Notes = append(found.Notes, still)
	}
	if defs == nil && err != nil {
		return err
	}
	doc := imported{Files: []string{}, Jobs: s.dues(defs), Refused: remarksJSON(found.Refused), Notes: remarksJSON(found.Notes), Reload: reload}
	for _, f := range files {
		doc.Files = append(doc.Files, filepath.Join(s.Jobs, f.Name))
	}
	return cmp.Or(a.printJSON(doc), err, a.each(fileNames(files), reload.refusal))
}
