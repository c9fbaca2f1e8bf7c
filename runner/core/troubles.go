package core

import "iter"

// troubles holds what is wrong with parts of the daemon, in the order in which it began. Very many jobs may be in trouble
// at once, so a change costs the same however many there are.
type troubles struct {
	list  []Trouble      // without a text: it has ended
	first int            // none before this one lasts
	at    map[string]int // where in the list, by part
	mails map[string]int // how many recipients of mail have it, by text
}

// of returns the trouble of a part, or "".
func (l *troubles) of(part string) string {
	if i, ok := l.at[part]; ok {
		return l.list[i].Text
	}
	return ""
}

// all returns the trouble that lasts.
func (l *troubles) all() iter.Seq[Trouble] {
	return func(yield func(Trouble) bool) {
		for _, t := range l.list[l.first:] {
			if t.Text != "" && !yield(t) {
				return
			}
		}
	}
}

// set sets the trouble of a part.
func (l *troubles) set(t Trouble) {
	if l.at == nil {
		l.at, l.mails = map[string]int{}, map[string]int{}
	}
	if i, ok := l.at[t.Part]; ok {
		l.count(l.list[i], -1)
		l.list[i] = t
	} else {
		l.at[t.Part] = len(l.list)
		l.list = append(l.list, t)
	}
	l.count(t, 1)
}

// end ends the trouble of a part.
func (l *troubles) end(part string) {
	i, ok := l.at[part]
	if !ok {
		return
	}
	l.count(l.list[i], -1)
	delete(l.at, part)
	l.list[i] = Trouble{}
	for l.first < len(l.list) && l.list[l.first].Text == "" {
		l.first++
	}
	if len(l.list) > 2*len(l.at) { // most of the list has ended
		l.tidy()
	}
}

// tidy removes from the list what has ended.
func (l *troubles) tidy() {
	var list []Trouble
	for t := range l.all() {
		l.at[t.Part] = len(list)
		list = append(list, t)
	}
	l.list, l.first = list, 0
}

func (l *troubles) count(t Trouble, by int) {
	if !t.ofMail() {
		return
	}
	if l.mails[t.Text] += by; l.mails[t.Text] == 0 {
		delete(l.mails, t.Text)
	}
}
