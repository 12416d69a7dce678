-- Tells what a key was answered. KEYS: the answered key. ARGV: 1 if WAIT follows.
-- Answers: again, answer | none.
local answer = redis.call('GET', KEYS[1])
if not answer then
  return { 'none' }
end
if ARGV[1] == '1' then
  redis.call('PEXPIRE', KEYS[1], 300000) -- see say.lua
end
return { 'again', answer }
