package notify

import "context"

// Deliver delivers one message, with one attempt. Like Serve, it must have the process for itself: it reaps all
// children. version is the version of this program, for receivers.
func Deliver(ctx context.Context, m *Message, version string) (Result, error) {
	d, err := newDeliverer(usual, version)
	if err != nil {
		return Result{}, err
	}
	defer d.children.close()
	r := d.deliver(ctx, m)
	r.Number = m.Number
	return r, nil
}
