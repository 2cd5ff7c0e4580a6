-- Cycles through prepared requests and prints the result as one line of JSON.
--
-- arguments: FILE [FIRST]
--   FILE   one request a line: METHOD PATH TOKEN, where TOKEN is - for none
--   FIRST  the number that "@@@@@@@@" in a token is replaced by in the first request; every request
--          takes the next one, so that no two tokens are equal

local requests, position = {}, 0
local before, after, number

function init(arguments)
  for line in io.lines(arguments[1]) do
    local method, path, token = line:match("^(%S+) (%S+) (%S+)$")
    local headers = {}
    if token ~= "-" then headers["Authorization"] = "Bearer " .. token end
    requests[#requests + 1] = wrk.format(method, path, headers)
  end
  if arguments[2] then
    number = tonumber(arguments[2])
    before, after = requests[1]:match("^(.*)@@@@@@@@(.*)$")
  end
end

function request()
  if number then
    number = number + 1
    return before .. string.format("%08x", number) .. after
  end
  position = position % #requests + 1
  return requests[position]
end

function done(summary, latency)
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"refused":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
