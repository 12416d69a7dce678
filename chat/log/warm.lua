-- Begins the log of a channel from what the database knows, unless somebody else just did.
-- KEYS: state, log, bans, bans that were staged. ARGV: name of the epoch, seq, number of staged bans, settings.
-- Answers: warm | cold (what was staged is gone: stage again).
local begun, seq, staged = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

if call('HEXISTS', KEYS[1], 'epoch') == 1 then
  call('DEL', KEYS[4])
  return { 'warm' }
end
if call('ZCARD', KEYS[4]) ~= staged then
  return { 'cold' }
end
-- Entries that are left (the state alone was lost) may not be in the database yet: they stay.
local at = '0'
local last = call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if last then
  seq = math.max(seq, tonumber(string.match(last[1], '^%d+')))
  at = string.match(last[2][2], '^%d+ %S+ (%d+)')
end
if seq > 0 then
  seq = seq + JUMP -- the last numbers given may have been lost before they were written down
end
call('DEL', KEYS[1], KEYS[3])
if staged > 0 then
  call('RENAME', KEYS[4], KEYS[3])
  call('PEXPIRE', KEYS[3], IDLE_MS + BANS_MORE_MS)
end
local base = whole(seq)
call('HSET', KEYS[1], 'epoch', begun, 'seq', base, 'at', at, 'base', base, 'origin', begun,
  'run', run, 'runs', run)
set_modes({ unpack(ARGV, 4, #ARGV - 2) })
call('PEXPIRE', KEYS[1], IDLE_MS)
return { 'warm' }
