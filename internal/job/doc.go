// Package job runs work in the background: jobs that a transaction left in the
// queue, and tasks that come round at an interval.
//
// A job is done at least once. It is claimed by one worker at a time, tried
// again with a growing pause when it fails, given up when trying is of no use,
// and put back when the process that had it is gone. A handler therefore does
// its work so that doing it twice does no harm.
//
// Jobs are done by every process. Tasks are done by the one that leads: it has a
// lease in the database with a number that rises at each change, and what it
// writes after another took over is refused by that number.
//
// The package does not know what jobs are about: their kinds belong to the
// packages that handle them. It writes no SQL; the queue itself is in store.
package job
