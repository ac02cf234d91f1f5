// Package prometheus serves the metrics of integrations as a page that a
// Prometheus server reads.
//
// An [Exporter] is given to the Syncer, which counts what it does, and put
// behind an address:
//
//	metrics, err := prometheus.New(prometheus.Options{Journal: store})
//	...
//	s, err := syncer.New(store, syncer.Options{Registry: registry, MeterProvider: metrics.MeterProvider()})
//	...
//	mux.Handle("GET /metrics", metrics)
//
// A host that has a registry of its own registers the Exporter there instead: it
// is a Collector.
//
// # Metrics
//
// What this process has done since it began. Counters start at zero for every
// active integration, so that the first run is seen as an increase:
//
//	vendorsync_runs_total{integration,status}              full runs that ended or were interrupted
//	vendorsync_run_duration_seconds{integration,status}    how long they took, a histogram
//	vendorsync_records_total{integration,outcome}          what became of their records
//	vendorsync_wait_seconds_total{integration}             their waits for the vendor's limits
//	vendorsync_step_duration_seconds{integration,step}     fetching a page, deciding and applying a batch, a histogram
//	vendorsync_running{integration}                        1 while this process makes a run
//
// What the Journal knows, whichever process did it, so that it outlives a
// restart. Archived integrations are left out, test runs and reverts do not
// count:
//
//	vendorsync_integration_info{integration,name,connector,stream,state}
//	vendorsync_last_success_timestamp_seconds{integration} the end of the last run that succeeded, with problems or without
//	vendorsync_last_run_status{integration,status}         1 for the status of the last run that is over, 0 for the others
//	vendorsync_last_run_timestamp_seconds{integration}     its end
//	vendorsync_last_run_duration_seconds{integration}      from its start, over restarts of the process
//	vendorsync_last_run_records{integration,outcome}       what became of its records
//	vendorsync_last_run_problems{integration}
//	vendorsync_journal_up                                  0 if the Journal could not be read; the metrics above are missing then
//
// What the host tells, see [Options]:
//
//	vendorsync_next_run_timestamp_seconds{integration}
//	vendorsync_credential_expiry_timestamp_seconds{credential}
//
// Beside them stand vendorsync_build_info and, on the Exporter's own page, the
// metrics of the Go runtime and the process.
//
// An alert for an integration that has not succeeded for 26 hours, and one for a
// credential that ends within a week:
//
//	time() - vendorsync_last_success_timestamp_seconds > 26 * 3600
//	vendorsync_credential_expiry_timestamp_seconds - time() < 7 * 24 * 3600
package prometheus
