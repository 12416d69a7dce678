-- What say.lua and tell.lua share; put before both. KEYS[1] is the state of the channel, KEYS[2] its log.

-- Entries that a log may hold, about: 11 minutes of 300 messages per second while PostgreSQL is away.
local LOG_MAX = 200000
-- Numbers that are passed over when a server may have forgotten some that it, or the one before it, gave.
local JUMP = 1000000
-- Characters of the list of servers that have given numbers: the last ten or so.
local RUNS_MAX = 400

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function whole(number)
  return string.format('%.0f', number)
end

-- kept: epoch, seq, at and run of the state. run: the server's identity, epoch: what a new epoch would be called.
-- A server that is seen for the first time may lack numbers that were given; one that is known does not come first
-- again, so that a sender with an old identity cannot flap it. The clock of a log never goes back.
local function open(kept, run, epoch, now)
  local place = { epoch = kept[1], prev = tonumber(kept[2]), at = math.max(now, tonumber(kept[3])) }
  place.seq = place.prev
  if kept[4] ~= run then
    local runs = redis.call('HGET', KEYS[1], 'runs') or ''
    if not string.find(runs, run, 1, true) then
      place.epoch, place.seq = epoch, place.seq + JUMP
      place.runs = string.sub(run .. ' ' .. runs, 1, RUNS_MAX)
    end
  end
  return place
end

local function append(place, kind, head, events)
  local seq = whole(place.seq + 1)
  local prev, at = whole(place.prev), whole(place.at)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', LOG_MAX, seq .. '-0',
    'p', prev, 'e', place.epoch, 't', at, 'k', kind, 'h', head)
  redis.call('PUBLISH', events, seq .. ' ' .. prev .. ' ' .. place.epoch .. ' ' .. at .. ' ' .. kind .. ' ' .. head)
  place.seq = place.seq + 1
  place.prev = place.seq
end

local function close(place, run, dirty, channel)
  if place.runs then
    redis.call('HSET', KEYS[1], 'seq', whole(place.seq), 'at', whole(place.at),
      'epoch', place.epoch, 'run', run, 'runs', place.runs)
  else
    redis.call('HSET', KEYS[1], 'seq', whole(place.seq), 'at', whole(place.at))
  end
  redis.call('SADD', dirty, channel)
end
