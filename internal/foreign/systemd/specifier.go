package systemd

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// scope has the values of the specifiers of a unit.
type scope struct {
	unit   string          // the name of the unit
	user   bool            // the unit belongs to a user's manager
	values map[byte]string // the values of this machine, or of the user
	tell   func(specifier byte, value string)
}

// ofSystem are the specifiers of system units that have the same value on each machine.
var ofSystem = map[byte]string{
	'u': "root", 'U': "0", 'g': "root", 'G': "0", 'h': "/root",
	'C': "/var/cache", 'E': "/etc", 'L': "/var/log", 'S': "/var/lib", 't': "/run", 'T': "/tmp", 'V': "/var/tmp",
}

// literal replaces the specifiers whose values are known.
func (s scope) literal(text string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out.WriteByte(text[i])
			continue
		}
		if i++; i == len(text) {
			return "", fmt.Errorf("%q ends in %%; write a percent sign as %%%%", text)
		}
		value, ok := s.value(text[i])
		if !ok {
			return "", fmt.Errorf("%q contains %%%c, whose value only systemd knows; write the value itself", text, text[i])
		}
		out.WriteString(value)
	}
	return out.String(), nil
}

// value returns the value of one specifier.
func (s scope) value(c byte) (string, bool) {
	if c == '%' {
		return "%", true
	}
	if v, ok := s.ofName(c); ok {
		return v, true
	}
	if v, ok := ofSystem[c]; ok && !s.user {
		return v, true
	}
	v, ok := s.values[c]
	if ok && s.tell != nil {
		s.tell(c, v)
	}
	return v, ok
}

// ofName returns the value of a specifier that follows from the name of the unit.
func (s scope) ofName(c byte) (string, bool) {
	stem := strings.TrimSuffix(s.unit, path.Ext(s.unit))
	prefix, instance, isInstance := strings.Cut(stem, "@")
	last := prefix[strings.LastIndexByte(prefix, '-')+1:]
	switch c {
	case 'n':
		return s.unit, true
	case 'N':
		return stem, true
	case 'p':
		return prefix, true
	case 'P':
		return unescape(prefix), true
	case 'i':
		return instance, true
	case 'I':
		return unescape(instance), true
	case 'j':
		return last, true
	case 'J':
		return unescape(last), true
	case 'f':
		if isInstance {
			return "/" + unescape(instance), true
		}
		return "/" + unescape(prefix), true
	}
	return "", false
}

// unescape undoes systemd-escape(1).
func unescape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch n, err := uint64(0), error(nil); {
		case s[i] == '-':
			out.WriteByte('/')
		case strings.HasPrefix(s[i:], `\x`) && len(s) >= i+4:
			if n, err = strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				break
			}
			fallthrough
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}
