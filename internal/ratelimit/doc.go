// Package ratelimit owns how attempts are limited: a burst and then one per
// interval for each key, in bounded memory, in this process. What is limited
// and what a refused caller is told is decided by those who use it.
package ratelimit
