-- Asks [[BODY]] of a contender, over and over. Without a function for answers, which would cost more than they do.
wrk.method = "POST"
wrk.body = [[BODY]]
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer " .. [[TOKEN]]

function done(summary, latency, requests)
    local errors = summary.errors
    print("answers: " .. summary.requests)
    print("microseconds: " .. summary.duration)
    print("p99: " .. latency:percentile(99))
    print("wrong: " .. errors.connect + errors.read + errors.write + errors.status + errors.timeout)
end
