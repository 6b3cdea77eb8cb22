package httpx

import (
	"net/http"
	"time"
)

// Streaming lets a large answer take as long as it takes, while it moves: each
// piece has idle to get through, whatever the server allows for a whole answer.
func Streaming(w http.ResponseWriter, idle time.Duration, now func() time.Time) http.ResponseWriter {
	return &stream{ResponseWriter: w, control: http.NewResponseController(w), idle: idle, now: now, cache: w.Header().Get("Cache-Control")}
}

type stream struct {
	http.ResponseWriter
	control *http.ResponseController
	idle    time.Duration
	now     func() time.Time
	cache   string // the answer's Cache-Control
}

// WriteHeader implements http.ResponseWriter. Who may keep an answer is said of
// each; http.ServeContent takes it back where a range cannot be had.
func (s *stream) WriteHeader(status int) {
	if s.cache != "" {
		s.Header().Set("Cache-Control", s.cache)
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (s *stream) Write(p []byte) (int, error) {
	_ = s.control.SetWriteDeadline(s.now().Add(s.idle)) // a writer without deadlines has none to move
	return s.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the server's own writer.
func (s *stream) Unwrap() http.ResponseWriter { return s.ResponseWriter }
