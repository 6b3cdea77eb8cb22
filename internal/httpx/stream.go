package httpx

import (
	"net/http"
	"time"
)

// Streaming lets a large answer take as long as it takes, while it moves: each
// piece has idle to get through, whatever the server allows for a whole answer.
func Streaming(w http.ResponseWriter, idle time.Duration, now func() time.Time) http.ResponseWriter {
	return &stream{ResponseWriter: w, control: http.NewResponseController(w), idle: idle, now: now}
}

type stream struct {
	http.ResponseWriter
	control *http.ResponseController
	idle    time.Duration
	now     func() time.Time
}

// Write implements http.ResponseWriter.
func (s *stream) Write(p []byte) (int, error) {
	_ = s.control.SetWriteDeadline(s.now().Add(s.idle)) // a writer without deadlines has none to move
	return s.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the server's own writer.
func (s *stream) Unwrap() http.ResponseWriter { return s.ResponseWriter }
