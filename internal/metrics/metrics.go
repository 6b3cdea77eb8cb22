package metrics

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics counts. A nil *Metrics counts nothing, so that whoever does not want
// to know pays nothing.
type Metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.HistogramVec
	validations *prometheus.CounterVec
	commits     prometheus.Histogram
	batches     prometheus.Histogram
	jobs        *prometheus.CounterVec
	deliveries  *prometheus.CounterVec
}

// New makes metrics that also tell about this process and this program.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "keyward_request_duration_seconds", Help: "How long requests took.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route", "method", "status"}),
		validations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keyward_validations_total", Help: "Answers to software that asked whether a license is good, by the first code.",
		}, []string{"code"}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "keyward_commit_duration_seconds", Help: "How long transactions that write took, with their operations.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5},
		}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "keyward_commit_operations", Help: "How many operations were committed at once.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 9),
		}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keyward_jobs_total", Help: "Attempts at jobs, mails among them, by what became of them.",
		}, []string{"kind", "outcome"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keyward_webhook_attempts_total", Help: "Attempts to deliver to webhooks, by what became of them.",
		}, []string{"outcome"}),
	}
	m.registry.MustRegister(m.requests, m.validations, m.commits, m.batches, m.jobs, m.deliveries,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	return m
}

// Request counts a request that was answered.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	if m != nil {
		m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Observe(took.Seconds())
	}
}

// Validation counts a verdict that software was told.
func (m *Metrics) Validation(code string) {
	if m != nil {
		m.validations.WithLabelValues(code).Inc()
	}
}

// Commit counts a transaction that wrote.
func (m *Metrics) Commit(operations int, took time.Duration) {
	if m != nil {
		m.batches.Observe(float64(operations))
		m.commits.Observe(took.Seconds())
	}
}

// Job counts an attempt at a job.
func (m *Metrics) Job(kind, outcome string) {
	if m != nil {
		m.jobs.WithLabelValues(kind, outcome).Inc()
	}
}

// Delivery counts an attempt to deliver to a webhook.
func (m *Metrics) Delivery(outcome string) {
	if m != nil {
		m.deliveries.WithLabelValues(outcome).Inc()
	}
}

// Levels has look called at each fetch. It returns how long queues are, by
// name; an error leaves them out this time.
func (m *Metrics) Levels(look func(context.Context) (map[string]int64, error)) {
	if m != nil {
		m.registry.MustRegister(levels{look})
	}
}

// Leader has leads called at each fetch: whether this process does the tasks
// that one process does for all.
func (m *Metrics) Leader(leads func() bool) {
	if m == nil {
		return
	}
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "keyward_leader", Help: "1 where this process does the tasks that one process does for all.",
	}, func() float64 {
		if leads() {
			return 1
		}
		return 0
	}))
}

// Handler answers Prometheus.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: fetches}))
	return mux
}

// fetches bounds how many may look at the same time.
const fetches = 4

// lookTime bounds how long a fetch waits for the database.
const lookTime = 3 * time.Second

// levels asks for the lengths of queues when they are wanted.
type levels struct {
	look func(context.Context) (map[string]int64, error)
}

func (levels) description() *prometheus.Desc {
	return prometheus.NewDesc("keyward_queue_length", "What waits, by queue.", []string{"queue"}, nil)
}

// Describe implements prometheus.Collector.
func (l levels) Describe(c chan<- *prometheus.Desc) { c <- l.description() }

// Collect implements prometheus.Collector.
func (l levels) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	lengths, err := l.look(ctx)
	if err != nil {
		return
	}
	for queue, n := range lengths {
		c <- prometheus.MustNewConstMetric(l.description(), prometheus.GaugeValue, float64(n), queue)
	}
}
