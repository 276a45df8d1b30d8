-- Prints what wrk measured as one line of JSON: latencies in microseconds, and errors of all kinds.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"scrapes": %d, "mean": %f, "p50": %d, "p99": %d, "max": %d, "errors": %d}\n',
    summary.requests, latency.mean, latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
