package httpx

import "net/http"

// recorder remembers what has been written, for the access log and to know
// whether an error can still be answered.
type recorder struct {
	http.ResponseWriter
	status int // zero until the header is out
	bytes  int64
}

// record returns w itself when it records already.
func record(w http.ResponseWriter) *recorder {
	if rec, ok := w.(*recorder); ok {
		return rec
	}
	return &recorder{ResponseWriter: w}
}

func (rec *recorder) started() bool { return rec.status != 0 }

// WriteHeader implements http.ResponseWriter.
func (rec *recorder) WriteHeader(status int) {
	// Informational answers come before the real one and do not start it.
	if rec.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (rec *recorder) Write(p []byte) (int, error) {
	rec.implyOK()
	n, err := rec.ResponseWriter.Write(p)
	rec.bytes += int64(n)
	return n, err
}

// FlushError lets http.ResponseController flush through the recorder: a flush
// sends the header and so starts the answer.
func (rec *recorder) FlushError() error {
	rec.implyOK()
	return http.NewResponseController(rec.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the server's own writer.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

func (rec *recorder) implyOK() {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
}
