-- Cycles through prepared requests and prints the result as one line of JSON.
--
-- arguments: FILE [FIRST]
--   FILE   one request a line: METHOD PATH TOKEN, where TOKEN is - for none
--   FIRST  how many requests were sent before. The cycle goes on from there. Where the one token has
--          "@@@@@@@@" in it, that is replaced by this number, and by the next one in every further
--          request, so that no two tokens are equal

local requests, position = {}, 0
local before, after, number

function init(arguments)
  for line in io.lines(arguments[1]) do
    local method, path, token = line:match("^(%S+) (%S+) (%S+)$")
    local headers = {}
    if token ~= "-" then headers["Authorization"] = "Bearer " .. token end
    requests[#requests + 1] = wrk.format(method, path, headers)
  end
  local first = tonumber(arguments[2])
  before, after = requests[1]:match("^(.*)@@@@@@@@(.*)$")
  if before then number = first end
  position = first % #requests
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
