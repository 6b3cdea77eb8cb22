package e2e

import "testing"

// weighed is what the browser says of a visit. Sizes are those that went over
// the wire, in bytes.
type weighed struct {
	Fonts, Others int
	Jumped        float64 // layout shift, as web vitals count it
}

const weigh = `(async () => {
	const shifts = await new Promise(done => {
		const seen = []
		new PerformanceObserver(list => seen.push(...list.getEntries())).observe({type: 'layout-shift', buffered: true})
		requestAnimationFrame(() => requestAnimationFrame(() => done(seen)))
	})
	const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
	const size = entries => entries.reduce((sum, e) => sum + e.transferSize, 0)
	const font = e => e.name.endsWith('.woff2')
	return {
		Fonts: size(all.filter(font)), Others: size(all.filter(e => !font(e))),
		Jumped: shifts.reduce((sum, e) => sum + e.value, 0),
	}
})()`

// A first visit of My Licenses, with forty licenses, loads in a moment on a
// phone.
func firstVisitIsLight(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/licenses", Viewport(390, 844))
	p.See("Cartograph")
	w := Eval[weighed](p, weigh)
	t.Logf("%d bytes of fonts, %d of all else", w.Fonts, w.Others)
	if w.Fonts == 0 || w.Others < 10_000 {
		t.Fatalf("nothing was loaded: %+v", w)
	}
	if w.Others > 40_000 || w.Fonts+w.Others > 150_000 {
		t.Errorf("a first visit weighs too much: %+v", w)
	}
	if w.Jumped > 0.001 { // below, a row moved by some pixels when a font came
		t.Errorf("the page jumps by %v", w.Jumped)
	}
}
