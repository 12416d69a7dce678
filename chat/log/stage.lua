-- Lays bans ready for warm.lua, some thousand at a time: a channel may have more than one script should add.
-- KEYS: where. ARGV: score and user of each.
redis.call('ZADD', KEYS[1], unpack(ARGV, 1, #ARGV - 2))
redis.call('PEXPIRE', KEYS[1], 60000)
return { 'staged' }
