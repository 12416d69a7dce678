-- Reads what of a channel's log is to be written down: what was read before and not settled, else what is new.
-- KEYS: log, lock. ARGV: group, consumer, token of the lock, ms that the lock is ours, entries at most.
-- Answers false when another process has the channel, else entries as XREADGROUP gives them.
local log, lock = KEYS[1], KEYS[2]
local group, consumer, token = ARGV[1], ARGV[2], ARGV[3]

local holder = redis.call('GET', lock)
if holder and holder ~= token then
  return false
end
redis.call('SET', lock, token, 'PX', ARGV[4])
if redis.call('EXISTS', log) == 0 then
  return {}
end

local function read(from)
  local answer = redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', ARGV[5], 'STREAMS', log, from)
  if answer and answer['err'] and string.find(answer['err'], 'NOGROUP', 1, true) then
    redis.call('XGROUP', 'CREATE', log, group, '0')
    answer = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', ARGV[5], 'STREAMS', log, from)
  end
  if answer and answer['err'] then
    return answer
  end
  return answer and answer[1] and answer[1][2] or {}
end

local entries = read('0')
if entries['err'] or #entries > 0 then
  return entries
end
return read('>')
