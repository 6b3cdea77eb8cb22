package metrics_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/metrics"
)

// count has every kind of thing counted once.
func count(m *metrics.Metrics) {
	m.Request("GET /licenses/{id}", "GET", http.StatusOK, 3*time.Millisecond)
	m.Validation("valid")
	m.Commit(7, time.Millisecond)
	m.Job("license.assigned", "done")
	m.Delivery("refused")
}

func fetch(m *metrics.Metrics, path string) (int, string) {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestWhatIsCountedIsTold(t *testing.T) {
	m := metrics.New()
	count(m)
	m.Levels(func(context.Context) (map[string]int64, error) { return map[string]int64{"jobs": 5}, nil })
	_, text := fetch(m, "/metrics")
	for _, want := range []string{
		`keyward_request_duration_seconds_count{method="GET",route="GET /licenses/{id}",status="200"} 1`,
		`keyward_validations_total{code="valid"} 1`,
		`keyward_commit_operations_sum 7`,
		`keyward_commit_duration_seconds_sum 0.001`,
		`keyward_jobs_total{kind="license.assigned",outcome="done"} 1`,
		`keyward_webhook_attempts_total{outcome="refused"} 1`,
		`keyward_queue_length{queue="jobs"} 5`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// A database that does not answer takes its queues from a fetch, and no more.
func TestQueuesOutOfReachAreLeftOut(t *testing.T) {
	m := metrics.New()
	count(m)
	m.Levels(func(context.Context) (map[string]int64, error) { return nil, errors.New("away") })
	code, text := fetch(m, "/metrics")
	if code != http.StatusOK || strings.Contains(text, "keyward_queue_length") || !strings.Contains(text, "keyward_validations_total") {
		t.Errorf("%d\n%s", code, text)
	}
}

func TestNothingElseIsAnsweredThere(t *testing.T) {
	if code, _ := fetch(metrics.New(), "/"); code != http.StatusNotFound {
		t.Errorf("/ answers %d", code)
	}
}

func TestWithoutMetricsNothingIsCounted(t *testing.T) {
	var none *metrics.Metrics
	count(none)
	none.Levels(func(context.Context) (map[string]int64, error) { return nil, errors.New("nobody asks") })
}
