"""The scripts of the rate budget: each one round trip, each all or nothing. What they mean is said in `sync.limits`.

Keys: `since` (when this Redis began to count), four places (app, app and method, shop, shop and method; each a hash of
what was refused there), `turn`, and a slot for each declared limit. A slot is the theoretical arrival time of the next
call. Keys live a minute longer than they mean anything, because their end is counted by the server's clock.
"""

_COMMON = """
local KEEP = 60000
local RISE, FORGOTTEN, FEW = 1 / 120, 2, 3
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local at = redis.call('TIME')
  return tonumber(at[1]) + tonumber(at[2]) / 1000000
end
local function text(number) return string.format('%.6f', number) end
local function keep(key, seconds) redis.call('PEXPIRE', key, math.ceil(seconds * 1000) + KEEP) end
local function risen(factor, lowered, now)
  return tonumber(factor) + math.max(0, now - tonumber(lowered)) * RISE
end
"""

ENTER = (
    _COMMON
    + """
local now, patience, allowed, me = clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), KEYS[6]
local since = tonumber(redis.call('GET', KEYS[1]))
if not since or since > now then
  since = now
  redis.call('SET', KEYS[1], text(now))
end
local wait, again, factors, budgets, refused = 0, 0, {}, {}, {}
for place = 1, 4 do
  local state = redis.call('HMGET', KEYS[1 + place], 'until', 'factor', 'lowered', 'base')
  if state[1] then
    wait = math.max(wait, tonumber(state[1]) - now)
    table.insert(refused, KEYS[1 + place])
  end
  local factor = state[2] and risen(state[2], state[3], now) or 1
  factors[place] = math.min(1, factor)
  if state[4] and factor < FORGOTTEN then
    table.insert(budgets, {KEYS[1 + place] .. '|slot', 1 / (tonumber(state[4]) * factor), 0})
  end
end
for i = 7, #KEYS do
  local at = 4 + 3 * (i - 7)
  local interval, tolerance, place = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  table.insert(budgets, {KEYS[i], interval / factors[place], tolerance})
end
local turn = tonumber(redis.call('GET', KEYS[6])) or now
local score, narrowest = text(turn + patience), nil
for _, budget in ipairs(budgets) do
  local key, interval, tolerance = unpack(budget)
  local slot = tonumber(redis.call('GET', key)) or since + tolerance + interval
  budget.slot = math.max(slot, now)
  local queue, ahead = key .. '|queue', 0
  if redis.call('EXISTS', queue) == 1 then
    local gone = redis.call('ZRANGEBYSCORE', key .. '|gone', '-inf', text(now))
    if #gone > 0 then
      redis.call('ZREM', queue, unpack(gone))
      redis.call('ZREM', key .. '|gone', unpack(gone))
    end
    ahead = redis.call('ZCOUNT', queue, '-inf', '(' .. score)
    local mine = redis.call('ZSCORE', queue, me)
    if mine and tonumber(mine) < tonumber(score) then ahead = ahead - 1 end
  end
  local here = budget.slot + ahead * interval - tolerance - now
  if here > wait then
    wait, again, narrowest = here, here, key
    if ahead > 0 then again = math.max(here - interval, interval / 4) end  -- in case the one before does not come
  end
end
if wait > 0.000001 then
  redis.call('SET', KEYS[6], text(turn), 'PX', KEEP)
  if narrowest and wait <= allowed then
    redis.call('ZADD', narrowest .. '|queue', score, me)
    redis.call('ZADD', narrowest .. '|gone', text(now + wait + 0.25), me)
    keep(narrowest .. '|queue', wait)
    keep(narrowest .. '|gone', wait)
  end
  return {text(wait), text(narrowest and again or wait)}
end
for _, budget in ipairs(budgets) do
  local key, interval, tolerance = unpack(budget)
  local ttl = math.ceil((budget.slot - now + interval + tolerance) * 1000) + KEEP
  redis.call('SET', key, text(budget.slot + interval), 'PX', ttl)
  redis.call('ZREM', key .. '|queue', me)
  redis.call('ZREM', key .. '|gone', me)
end
redis.call('SET', KEYS[6], text(now), 'PX', KEEP)
for _, place in ipairs(refused) do redis.call('HINCRBY', place, 'left', 1) end
for place = 1, 4 do
  local seen = KEYS[1 + place] .. '|seen'
  local counted = redis.call('HMGET', seen, 'since', 'calls')
  local age = counted[1] and now - tonumber(counted[1]) or -1
  if age < 0 or age >= 10 then
    redis.call('HSET', seen, 'since', text(now), 'calls', 1, 'rate', age > 0 and tonumber(counted[2]) / age or 0)
  else
    redis.call('HINCRBY', seen, 'calls', 1)
  end
  redis.call('PEXPIRE', seen, KEEP)
end
return {'0', '0'}
"""
)

REFUSED = (
    _COMMON
    + """
local now, seconds, first, last = clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local declared, cut, floor, least = ARGV[5] == '1', tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local place = KEYS[1]
local state = redis.call('HMGET', place, 'until', 'times', 'patient', 'factor', 'lowered', 'base', 'left', 'refused_at')
local held = tonumber(state[1]) or 0
local storm, soon = held > now, (tonumber(state[3]) or 0) > now
if not storm then
  local left = tonumber(state[7]) or 0
  local same = soon and left - (tonumber(state[8]) or 0) <= FEW
  local times = 1 + (same and tonumber(state[2]) or 0)
  if seconds <= 0 then seconds = math.min(last, first * 2 ^ (times - 1)) end
  redis.call('HSET', place, 'times', times, 'patient', text(now + 3 * seconds), 'refused_at', left)
end
redis.call('HSET', place, 'until', text(math.max(held, now + seconds)))
if not soon then
  local seen = redis.call('HMGET', place .. '|seen', 'since', 'calls', 'rate')
  local lately = seen[1] and tonumber(seen[2]) / math.max(1, now - tonumber(seen[1])) or 0
  redis.call('HSET', place, 'pace', text(math.max(lately, tonumber(seen[3]) or 0)))
end
if (soon or seconds > first) and not storm then
  local factor = state[4] and risen(state[4], state[5], now) or 1
  if not declared and (not state[6] or factor >= FORGOTTEN) then
    redis.call('HSET', place, 'base', text(math.max(least, tonumber(redis.call('HGET', place, 'pace')))))
    factor = 1
  end
  if declared then factor = math.min(1, factor) end
  redis.call('HSET', place, 'factor', text(math.max(floor, factor * cut)), 'lowered', text(now))
end
keep(place, math.max(held - now, seconds) + FORGOTTEN / RISE)
return 0
"""
)

FAILED = (
    _COMMON
    + """
local now, free, last = clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'until', 'failures', 'failing', 'left', 'failing_from', 'failed')
local held, left = tonumber(state[1]) or 0, tonumber(state[4]) or 0
local failed, from = (tonumber(state[6]) or 0) + 1, tonumber(state[5]) or left
redis.call('HSET', KEYS[1], 'failed', failed)
if held > now then return 0 end
local failures = tonumber(state[2]) or 0
if (tonumber(state[3]) or 0) < now or 2 * failed <= left - from + 1 then
  failures = 0
  redis.call('HSET', KEYS[1], 'failed', 1, 'failing_from', left)
end
failures = failures + 1
local seconds = failures > free and math.min(last, 2 ^ (failures - free - 1)) or 0
redis.call('HSET', KEYS[1], 'failures', failures, 'failing', text(now + 3 * seconds + 30), 'until', text(now + seconds))
keep(KEYS[1], math.max(3 * seconds + 30, FORGOTTEN / RISE))
return 0
"""
)

STATE = (
    _COMMON
    + """
local now, found = clock(ARGV[1]), {}
for i, place in ipairs(KEYS) do
  local state = redis.call('HMGET', place, 'until', 'factor', 'lowered', 'base')
  local seen = redis.call('HMGET', place .. '|seen', 'since', 'calls', 'rate')
  local age = seen[1] and now - tonumber(seen[1]) or 0
  local lately = seen[1] and age < 20 and math.max(tonumber(seen[2]) / math.max(1, age), tonumber(seen[3])) or 0
  local factor = state[2] and risen(state[2], state[3], now) or 1
  local base = state[4] and factor < FORGOTTEN and tonumber(state[4]) or 0
  found[i] = {text(factor), text(base), text(math.max(0, (tonumber(state[1]) or 0) - now)), text(lately)}
end
return found
"""
)
