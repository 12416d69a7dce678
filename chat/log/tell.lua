-- Does an act: its effects and its events, once.
-- KEYS: state, log, bans, answer to the act, dirty channels.
-- ARGV: channel, where to publish, 1 if WAIT follows, then of each event: kind, head, bans (their number,
-- then user and until), unbans (number, users), settings (number, names and values).
-- Answers: cold | again, answer | told, answer. The answer: epoch, at, seq of the first event, number of events.
local channel, events, is_replicated = ARGV[1], ARGV[2], ARGV[3] == '1'

local TOLD_MS = 604800000

local state = call('HMGET', KEYS[1], 'epoch', 'seq', 'at', 'run', 'version')
if not state[1] then
  return { 'cold' }
end
local answer = call('GET', KEYS[4])
if answer then
  if is_replicated then
    call('PEXPIRE', KEYS[4], TOLD_MS) -- see say.lua
  end
  return { 'again', answer }
end

local cursor = 4
local function take()
  cursor = cursor + 1
  return ARGV[cursor - 1]
end

local now = now_ms()
local place = open(state, now)
local first, count = place.seq + 1, 0
while cursor <= #ARGV - 2 do
  local kind, head = take(), take()
  local bans = tonumber(take())
  for _ = 1, bans do
    local user, till = take(), take()
    call('ZADD', KEYS[3], till, user)
  end
  if bans > 0 then
    call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now) -- timeouts that are over
    if call('PTTL', KEYS[3]) < 0 then -- these are the first
      call('PEXPIRE', KEYS[3], IDLE_MS + BANS_MORE_MS)
    end
  end
  for _ = 1, tonumber(take()) do
    call('ZREM', KEYS[3], take())
  end
  local settings, version = {}, nil
  for _ = 1, tonumber(take()) do
    local name, value = take(), take()
    settings[#settings + 1], settings[#settings + 2] = name, value
    version = name == 'version' and tonumber(value) or version
  end
  if #settings > 0 and (not version or version >= tonumber(state[5] or 0)) then
    set_modes(settings)
    state[5] = version or state[5]
  end
  if kind ~= '' then
    append(place, kind, head, events)
    count = count + 1
  end
end
if count > 0 then
  close(place, KEYS[5], channel)
end
answer = place.epoch .. ' ' .. whole(place.at) .. ' ' .. whole(first) .. ' ' .. count
call('SET', KEYS[4], answer, 'PX', TOLD_MS)
return { 'told', answer }
