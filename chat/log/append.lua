-- What say.lua and tell.lua share; put before both. KEYS[1] is the state of the channel, KEYS[2] its log.

-- Entries that a log may hold, about: 11 minutes of 300 messages per second while PostgreSQL is away.
local LOG_MAX = 200000
-- Numbers that are passed over when a server may have forgotten some that it, or the one before it, gave.
local JUMP = 1000000
-- Characters of the list of servers that have given numbers: the last ten or so.
local RUNS_MAX = 400

-- How long a channel without events is kept (chat/keeping renews it), and its bans: never shorter, or nobody is banned.
local IDLE_MS = 604800000
local BANS_MORE_MS = 3600000

-- Behind the arguments of each script: the identity of the server that this connection leads to, and what a new epoch
-- would be called.
local run, epoch = ARGV[#ARGV - 1], ARGV[#ARGV]
local call = redis.call -- a look-up less; most of what an append costs are its calls

local function now_ms()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function whole(number)
  return string.format('%.0f', number)
end

-- Of each entry of the log: p is `prev epoch at kind` (chat/log/entries.py), h the head.

-- flat: names and values of settings. What the script of a line checks is read only where any is on.
local function set_modes(flat)
  local is_any = 0
  for n = 1, #flat, 2 do
    if flat[n] ~= 'version' and tonumber(flat[n + 1]) ~= 0 then
      is_any = 1
    end
  end
  call('HSET', KEYS[1], 'modes', is_any, unpack(flat))
end

-- kept: epoch, seq, at and run of the state.
-- A server that is seen for the first time may lack numbers that were given; one that is known does not come first
-- again, so that a sender with an old identity cannot flap it. The clock of a log never goes back.
local function open(kept, now)
  local place = { epoch = kept[1], prev = tonumber(kept[2]), at = math.max(now, tonumber(kept[3])) }
  place.seq = place.prev
  if kept[4] ~= run then
    local runs = call('HGET', KEYS[1], 'runs') or ''
    if not string.find(runs, run, 1, true) then
      place.epoch, place.seq = epoch, place.seq + JUMP
      place.runs = string.sub(run .. ' ' .. runs, 1, RUNS_MAX)
    end
  end
  return place
end

local function append(place, kind, head, events)
  local seq = whole(place.seq + 1)
  local place_text = whole(place.prev) .. ' ' .. place.epoch .. ' ' .. whole(place.at) .. ' ' .. kind
  call('XADD', KEYS[2], 'MAXLEN', '~', LOG_MAX, seq .. '-0', 'p', place_text, 'h', head)
  call('PUBLISH', events, seq .. ' ' .. place_text .. ' ' .. head)
  place.seq = place.seq + 1
  place.prev = place.seq
end

local function close(place, dirty, channel)
  if place.runs then
    call('HSET', KEYS[1], 'seq', whole(place.seq), 'at', whole(place.at),
      'epoch', place.epoch, 'run', run, 'runs', place.runs)
  else
    call('HSET', KEYS[1], 'seq', whole(place.seq), 'at', whole(place.at))
  end
  call('SADD', dirty, channel)
end
