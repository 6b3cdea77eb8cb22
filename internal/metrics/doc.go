// Package metrics counts what a server does, for Prometheus to fetch.
//
// Labels are words that the program chose itself: route patterns, status codes,
// verdict codes, kinds of jobs. No label and no value tells who somebody is: no
// keys, no ids, no addresses, no names of products.
package metrics
