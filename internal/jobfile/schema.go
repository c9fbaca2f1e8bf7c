package jobfile

import (
	"maps"
)

// schema is a JSON Schema or a part of one. Editors use it to check and complete a file. Each type has its own schema,
// which must accept all that the checks accept; if a schema cannot express a check, it accepts more. It uses draft 7,
// the newest that editors support for both TOML and JSON. Patterns use only what the regular expressions of JavaScript,
// Rust and Go have in common.
type schema map[string]any

// with returns the schema extended by more. It overwrites no entry.
func (s schema) with(more schema) schema {
	all := maps.Clone(more)
	maps.Copy(all, s)
	return all
}

func textSchema() schema { return schema{"type": "string"} }

func someTextSchema() schema { return schema{"type": "string", "minLength": 1} }

// pattern is the schema of texts that match an expression.
func pattern(expression string) schema { return schema{"type": "string", "pattern": expression} }

func matching(expression string) func() schema { return func() schema { return pattern(expression) } }

// textOrNumber is the schema of such texts and of whole numbers.
func textOrNumber(expression string, least int64) schema {
	return schema{"type": []string{"string", "integer"}, "pattern": expression, "minimum": least}
}

// The letters with a third form in strings.ToLower: the dotted I of Turkish, and the sign of kelvin.
const (
	letterI = "[iI\u0130]"
	letterK = "[kK\u212a]"
)

const (
	draft7       = "http://json-schema.org/draft-07/schema#"
	schemaKey    = "$schema" // in a file: names its schema for an editor; jobsd ignores it
	aboutSchema  = "Location of this schema, for editors. The daemon ignores it."
	jobReference = "#/definitions/job"
)

// JobSchema is the schema of job files.
func JobSchema() map[string]any {
	job := jobKeys.schema()
	top := schema{schemaKey: schema{"type": "string", "description": aboutSchema}, "jobs": schema{
		"description": "Several jobs in one file. No other key may be next to it.",
		"type":        "array",
		"items":       schema{"$ref": jobReference},
	}}
	for _, name := range jobKeys.names() {
		top[name] = schema{"$ref": jobReference + "/properties/" + name}
	}
	return schema{
		"$schema":              draft7,
		"title":                "A job file of jobsd",
		"type":                 "object",
		"properties":           top,
		"additionalProperties": false,
		"if":                   schema{"required": []string{"jobs"}},
		"then":                 schema{"propertyNames": schema{"enum": []string{schemaKey, "jobs"}}},
		"else":                 schema{"$ref": "#/definitions/together"},
		"definitions": schema{
			"job":      job.with(schema{"required": []string{"name"}, "allOf": []schema{{"$ref": "#/definitions/together"}}}),
			"together": together(),
		},
	}
}

// together is the part of the schema about keys that depend on each other. Of two keys that exclude each other it
// refuses the value of the present one, so that an editor marks it.
func together() schema {
	var times []string
	unfits := schema{}
	for _, k := range jobKeys.rows {
		if k.marks&when != 0 && k.name != "keep_alive" {
			times = append(times, k.name)
			unfits[k.name] = false
		}
		if k.marks&unfit != 0 {
			unfits[k.name] = false
		}
	}
	dependencies := schema{
		"cmd":   schema{"properties": schema{"shell": false}},
		"shell": schema{"properties": schema{"cmd": false}},
		"days":  []string{"start_at"},
		"from":  []string{"every"},
	}
	for _, name := range times {
		others := schema{}
		for _, other := range times {
			if other != name {
				others[other] = false
			}
		}
		dependencies[name] = schema{"properties": others}
	}
	return schema{
		"anyOf":        []schema{{"required": []string{"cmd"}}, {"required": []string{"shell"}}},
		"dependencies": dependencies,
		"if": schema{
			"required":   []string{"keep_alive"},
			"properties": schema{"keep_alive": schema{"not": schema{"const": false}}},
		},
		"then": schema{"properties": unfits},
	}
}

// ConfigSchema is the schema of jobsd.toml.
func ConfigSchema() map[string]any {
	s := configKeys.schema()
	s["properties"].(schema)[schemaKey] = schema{"type": "string", "description": aboutSchema}
	return s.with(schema{"$schema": draft7, "title": "jobsd.toml, the settings of jobsd"})
}
