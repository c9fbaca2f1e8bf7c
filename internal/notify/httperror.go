package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// explain says why there is no answer. It has words of its own for each reason, because the errors of net/http contain
// URLs, host names, addresses and what the receiver sent, and each of these may be a secret.
func (d *deliverer) explain(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "proxyconnect" {
		return "cannot connect to the proxy: " + d.reason(op.Err)
	}
	return d.reason(err)
}

func (d *deliverer) reason(err error) string {
	var timeout interface{ Timeout() bool }
	var dns *net.DNSError
	var errno syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "the receiver did not answer within " + d.limits.http.String()
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the name of the host does not exist"
	case errors.As(err, &dns):
		return "the name of the host cannot be resolved"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "the receiver answered with HTTP to HTTPS"
	case errors.As(err, &errno):
		return "connection failed: " + errno.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "the receiver did not answer within " + d.limits.http.String()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the receiver closed the connection without an answer"
	}
	if why := certificate(err); why != "" {
		return why
	}
	return other(err)
}

// certificate says what is wrong with TLS, "" if nothing is.
func certificate(err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var op *net.OpError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return "the certificate of the receiver is signed by an unknown authority"
	case errors.As(err, &host):
		return "the certificate of the receiver is for another host name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate of the receiver has expired or is not valid yet"
	case errors.As(err, &invalid), errors.As(err, &verification):
		return "the certificate of the receiver is not valid"
	case errors.As(err, &op) && op.Op == "remote error": // an alert of TLS, which is a number
		return "the receiver refused TLS: " + strings.TrimPrefix(op.Err.Error(), "tls: ")
	case errors.As(err, &record):
		return "the receiver does not speak TLS"
	}
	return ""
}

// phrases are the parts without secrets of errors of net/http that have no type.
var phrases = []struct{ theirs, ours string }{
	{"malformed HTTP", "the answer of the receiver is not HTTP"},
	{"response headers exceeded", "the header of the answer is too large"},
	{"Location header", "the receiver redirects to a URL that is not valid"},
}

// other explains an error without a type.
func other(err error) string {
	text := err.Error()
	for _, p := range phrases {
		if strings.Contains(text, p.theirs) {
			return p.ours
		}
	}
	for code := 300; code < 600; code++ {
		if name := http.StatusText(code); name != "" && strings.HasSuffix(text, ": "+name) { // net/http says no more
			return "the proxy answered " + statusText(code)
		}
	}
	return "the request failed"
}
