-- Notes that entries are written down, and forgets what nobody will resume from.
-- KEYS: log, lock, dirty, state, bans. ARGV: group, token of the lock, channel, entries that stay, ms until the keys of
-- a channel in which nothing happens go, the same for its bans, ids.
-- So many entries that nobody has read yet are counted; with more of them nothing is trimmed this time.
local SCAN = 1000
local log, lock, dirty = KEYS[1], KEYS[2], KEYS[3]
local group, token = ARGV[1], ARGV[2]

if #ARGV > 6 then
  redis.call('XACK', log, group, unpack(ARGV, 7))
end
local unread = 0
if redis.call('EXISTS', log) == 1 then
  local delivered = '0-0'
  local pending = 0
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', log)) do
    local fields = {}
    for i = 1, #info, 2 do
      fields[info[i]] = info[i + 1]
    end
    if fields['name'] == group then
      delivered, pending = fields['last-delivered-id'], fields['pending']
    end
  end
  unread = #redis.call('XRANGE', log, '(' .. delivered, '+', 'COUNT', SCAN)
  if unread < SCAN then
    redis.call('XTRIM', log, 'MAXLEN', '~', tonumber(ARGV[4]) + unread + pending)
  end
  if unread == 0 and pending == 0 then
    redis.call('SREM', dirty, ARGV[3])
  end
  redis.call('PEXPIRE', log, ARGV[5])
else
  redis.call('SREM', dirty, ARGV[3])
end
redis.call('PEXPIRE', KEYS[4], ARGV[5])
-- Later than the state: without a state bans are read from PostgreSQL again, a state without bans would let all in.
redis.call('PEXPIRE', KEYS[5], ARGV[6])
if redis.call('GET', lock) == token then
  redis.call('DEL', lock)
end
