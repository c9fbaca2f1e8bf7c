package core

import "slices"

// Troubled reports whether a part of the daemon has trouble.
func (c *Core) Troubled(part string) bool {
	return slices.ContainsFunc(c.trouble, func(t Trouble) bool { return t.Part == part })
}

// note sets or clears one trouble of the daemon.
func (c *Core) note(e Trouble) {
	i := slices.IndexFunc(c.trouble, func(t Trouble) bool { return t.Part == e.Part })
	switch {
	case e.Text == "" && i < 0, i >= 0 && c.trouble[i].Text == e.Text:
		return
	case e.Text == "":
		c.trouble = slices.Delete(c.trouble, i, i+1)
		c.say(Info, "", e.Part+" has recovered")
	case i < 0:
		c.trouble = append(c.trouble, e)
		c.say(Error, "", e.Text)
	default:
		c.trouble[i] = e
		c.say(Error, "", e.Text)
	}
	c.changes.daemon = true
}
