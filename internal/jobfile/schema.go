package jobfile

import (
	"maps"
)

// schema is a JSON Schema or a piece of one, by which an editor checks and completes a file while it is written. Each
// type brings its own, and it must accept all that the checks accept; where a schema cannot tell, it accepts more. It is
// of draft 7, the newest that editors know for TOML as well as for JSON. Patterns keep to what the regular expressions
// of JavaScript, Rust and Go have in common.
type schema map[string]any

// with returns the schema with more in it; what it says itself stays.
func (s schema) with(more schema) schema {
	all := maps.Clone(more)
	maps.Copy(all, s)
	return all
}

func textSchema() schema { return schema{"type": "string"} }

func someTextSchema() schema { return schema{"type": "string", "minLength": 1} }

// pattern is the schema of texts that an expression matches.
func pattern(expression string) schema { return schema{"type": "string", "pattern": expression} }

func matching(expression string) func() schema { return func() schema { return pattern(expression) } }

// textOrNumber is the schema of such texts, and of whole numbers.
func textOrNumber(expression string, least int64) schema {
	return schema{"type": []string{"string", "integer"}, "pattern": expression, "minimum": least}
}

// The letters for which strings.ToLower has a third form: the dotted one of Turkish, and the sign of kelvin.
const (
	letterI = "[iI\u0130]"
	letterK = "[kK\u212a]"
)

const (
	draft7       = "http://json-schema.org/draft-07/schema#"
	schemaKey    = "$schema" // in a file: names its schema for an editor, says nothing to us
	aboutSchema  = "Where this schema is, for editors. The daemon passes it over."
	jobReference = "#/definitions/job"
)

// JobSchema is the schema of job files.
func JobSchema() map[string]any {
	job := jobKeys.schema()
	top := schema{schemaKey: schema{"type": "string", "description": aboutSchema}, "jobs": schema{
		"description": "Several jobs in one file. No other key stands beside it.",
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

// together is what a schema can say of keys that have to do with each other. Of those that exclude each other, it
// refuses the value of the one that stands there, so that an editor marks it.
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
