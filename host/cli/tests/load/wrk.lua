-- Asks [[BODY]] of the service, and looks at every answer.
wrk.method = "POST"
wrk.body = [[BODY]]
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer " .. [[TOKEN]]

answers, wrong, first = 0, 0, ""
local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function response(status, headers, body)
    answers = answers + 1
    if status ~= 200 or not string.find(body, [[EXPECTED]], 1, true) then
        wrong = wrong + 1
        if first == "" then first = status .. " " .. body end
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    local answers, first = 0, ""
    local wrong = errors.connect + errors.read + errors.write + errors.timeout
    if wrong > 0 then first = "connections failed, or answers did not come in time" end
    for _, thread in ipairs(threads) do
        answers = answers + thread:get("answers")
        wrong = wrong + thread:get("wrong")
        if thread:get("first") ~= "" then first = thread:get("first") end
    end
    print("answers: " .. answers)
    print("wrong: " .. wrong)
    print("first: " .. first)
end
