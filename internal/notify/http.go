package notify

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"strconv"
)

// client sends requests.
type client struct {
	http.Client
	agent string // the value of User-Agent
}

const (
	maxRedirects = 3
	maxAnswer    = 4 << 10 // how much of an answer's body is read
)

func newClient(version string) client {
	log.SetOutput(io.Discard)                            // net/http logs what a receiver sends without being asked
	t := http.DefaultTransport.(*http.Transport).Clone() // with the proxies of the environment
	t.DisableKeepAlives = true                           // notifications are rare
	t.DisableCompression = true
	t.MaxResponseHeaderBytes = 64 << 10
	return client{http.Client{Transport: t, CheckRedirect: checkRedirect}, "jobsd/" + version}
}

// request is one request that a preset makes of a message.
type request struct {
	method      string            // "": POST
	path        string            // added to the URL
	query       map[string]string // added to the URL
	id          string            // the same at each attempt
	contentType string
	header      map[string]string
	body        []byte
}

// requestError says why a request failed, without secrets.
type requestError struct {
	text  string
	final bool // another attempt would fail in the same way
}

func (e *requestError) Error() string { return e.text }

// http sends the requests that the message makes. It stops at the first one that fails; the next attempt begins with
// the first one again.
func (d *deliverer) http(ctx context.Context, m *Message) Result {
	preset, ok := presets[m.HTTP.Preset]
	if !ok {
		return Result{Error: "internal error: there is no such preset", Final: true}
	}
	requests := d.requests(ctx, preset, m)
	ctx, cancel := context.WithTimeout(ctx, d.limits.message)
	defer cancel()
	var r Result
	for i := range requests {
		var err error
		r.Answer, err = d.send(ctx, m.HTTP, &requests[i])
		if err != nil && ctx.Err() == context.DeadlineExceeded {
			err = fmt.Errorf("the %d requests of the message took longer than %s", len(requests), d.limits.message)
		}
		if err != nil {
			r.Error = err.Error()
			e, ok := err.(*requestError)
			r.Final = ok && e.final
			break
		}
	}
	return r
}

// requests makes the requests. It has a limited time to read the output of the runs.
func (d *deliverer) requests(ctx context.Context, make preset, m *Message) []request {
	ctx, cancel := context.WithTimeout(ctx, d.limits.log)
	defer cancel()
	return make(d, ctx, m)
}

// send sends one request. It returns the status of the answer, if there is one.
func (d *deliverer) send(ctx context.Context, t *HTTP, q *request) (answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.limits.http)
	defer cancel()
	made := within(ctx, func() (m madeRequest) {
		m.request, m.err = d.newRequest(ctx, t, q)
		return m
	})
	switch {
	case made == nil:
		return "", errHungFiles
	case made.err != nil:
		return "", made.err
	}
	r := made.request
	a, err := d.client.Do(r)
	if err != nil {
		return "", &requestError{text: d.explain(err)}
	}
	defer a.Body.Close()
	io.Copy(io.Discard, io.LimitReader(a.Body, maxAnswer)) // some receivers log an error if nobody reads their answer
	answer = statusText(a.StatusCode)
	return answer, judgeStatus(a.StatusCode)
}

// madeRequest is what newRequest returns.
type madeRequest struct {
	request *http.Request
	err     error
}

var errHungFiles = errors.New("cannot read url_file or headers_file: the disk does not answer")

// newRequest makes a request. The headers of the receiver's file replace ours, but not the identifier.
func (d *deliverer) newRequest(ctx context.Context, t *HTTP, q *request) (*http.Request, error) {
	u, err := t.address()
	if err != nil {
		return nil, err
	}
	if q.path != "" {
		u = u.JoinPath(q.path)
	}
	if len(q.query) > 0 {
		query := u.Query()
		for name, value := range q.query {
			query.Set(name, value)
		}
		u.RawQuery = query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, cmp.Or(q.method, http.MethodPost), u.String(), bytes.NewReader(q.body))
	if err != nil {
		return nil, &requestError{text: "the URL is not valid"}
	}
	r.Header.Set("User-Agent", d.client.agent)
	if q.contentType != "" {
		r.Header.Set("Content-Type", q.contentType)
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	if err := t.addHeaders(r); err != nil {
		return nil, err
	}
	if q.id != "" {
		r.Header.Set("Idempotency-Key", q.id)
	}
	return r, nil
}

// checkRedirect allows what takes the same request to the same host, because the headers and the body are for that host
// only. The last answer stands for every other redirect. It also stands for the statuses 301, 302 and 303: after them,
// the client would send GET instead of POST, and the message would be lost in silence.
func checkRedirect(next *http.Request, before []*http.Request) error {
	first := before[0]
	if len(before) > maxRedirects || next.Method != first.Method || !sameHost(first.URL, next.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

// sameHost reports whether a redirect from one URL to the other stays on the host. It may change from http to https.
func sameHost(from, to *url.URL) bool {
	if from.Scheme == "http" && to.Scheme == "https" {
		return from.Hostname() == to.Hostname()
	}
	return from.Scheme == to.Scheme && from.Host == to.Host
}

// judgeStatus says whether a status means success.
func judgeStatus(code int) error {
	if code >= 200 && code <= 299 {
		return nil
	}
	e := &requestError{text: "the receiver answered " + statusText(code)}
	switch {
	case code >= 300 && code <= 399: // it may come from a network that wants a login first, or from maintenance
		e.text += ": jobsd follows redirects only to the same host, and only with the status 307 or 308"
	case code == http.StatusRequestTimeout || code == http.StatusTooManyRequests:
	case code >= 400 && code <= 499:
		e.final = true
	}
	return e
}

// statusText never has the text that the receiver sent.
func statusText(code int) string {
	if text := http.StatusText(code); text != "" {
		return fmt.Sprintf("%d %s", code, text)
	}
	return strconv.Itoa(code)
}
