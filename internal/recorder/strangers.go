package recorder

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxStrangers is how many connections may wait without a hello. A daemon says hello at once.
const maxStrangers = 8

// accept takes a connection. It may be that of a new daemon.
func (s *server) accept() {
	fd, _, err := unix.Accept(s.listener)
	if err != nil {
		if err != unix.EAGAIN && err != unix.EINTR && err != unix.ECONNABORTED {
			s.listenLater()
		}
		return
	}
	unix.CloseOnExec(fd)
	if uid, err := peerUID(fd); err != nil || uid != os.Geteuid() || len(s.strangers) == maxStrangers {
		unix.Close(fd)
		return
	}
	if conn := s.newConn(fd); conn != nil {
		s.strangers[fd] = conn
	}
}

// meet takes the first messages of a connection. A hello with the right state directory makes it that of the daemon,
// which ends the connection of the old one.
func (s *server) meet(conn *Conn) {
	list, err := conn.Receive()
	if len(list) == 0 && err == nil {
		return
	}
	delete(s.strangers, conn.FD())
	if len(list) == 0 || !s.welcome(list[0]) {
		if len(list) > 0 && list[0].Kind == Hello {
			conn.Send(Message{Kind: Hello, Version: Version, ID: s.id})
			conn.Flush()
		}
		closeAll(list)
		s.wait.remove(conn.FD())
		conn.Close()
		return
	}
	if s.daemon != nil {
		s.lastWords()
	}
	s.daemon = conn
	s.take(conn, list, err)
}

func (s *server) welcome(first Received) bool {
	return first.Kind == Hello && s.greeted && first.ID == s.id
}

func closeAll(list []Received) {
	for _, m := range list {
		for _, fd := range m.FDs {
			unix.Close(fd)
		}
	}
}

// listenLater stops to wait for connections for a while, because none can be accepted: the one that waits would wake the
// recorder again at once.
func (s *server) listenLater() {
	s.wait.remove(s.listener)
	s.deaf = time.Now().Add(retryAfter)
}

func (s *server) listenAgain() error {
	if s.deaf.IsZero() || time.Now().Before(s.deaf) {
		return nil
	}
	s.deaf = time.Time{}
	if err := s.wait.add(s.listener); err != nil {
		return fmt.Errorf("cannot wait for a daemon: %w", err)
	}
	return nil
}
