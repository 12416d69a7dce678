-- Says a line, holds it, or refuses it. Nothing is written by a refusal, except the rate that a refused line used.
-- KEYS: state, log, bans, answered key, rate, slow, text of the author, text of anybody, dirty channels.
-- Answers: cold | again, answer | refused, code, retry_ms (-1: none) | held | placed, seq, epoch, at.
local channel, events = ARGV[1], ARGV[2]
local user, id, kind, head = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local interval, burst = tonumber(ARGV[7]), tonumber(ARGV[8])
local is_privileged, is_subscriber, only_emotes = ARGV[9] == '1', ARGV[10] == '1', ARGV[11] == '1'
local follows_minutes, account_minutes = tonumber(ARGV[12]), tonumber(ARGV[13])
local has_digest, characters = ARGV[14] == '1', tonumber(ARGV[15])
local held, is_replicated = ARGV[16], ARGV[17] == '1'

local ANSWERED_MS = 300000
local OWN_AGAIN_MS = 30000
local UNIQUE_MS = 600000
local UNIQUE_MIN_CHARACTERS = 9
local MINUTE_MS = 60000

local function refused(code, retry_ms)
  return { 'refused', code, retry_ms or -1 }
end

local state = call('HMGET', KEYS[1], 'epoch', 'seq', 'at', 'run', 'modes')
if not state[1] then
  return { 'cold' }
end

local kept = call('MGET', KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8])
local answer, full_at, last_at, is_own_again, is_again = kept[1], kept[2], kept[3], kept[4], kept[5]
if answer then
  if is_replicated then
    -- Something must be written, for WAIT looks only at what its own connection wrote, and the first answer may
    -- have been given to another one and not be on a replica.
    call('PEXPIRE', KEYS[4], ANSWERED_MS)
  end
  return { 'again', answer }
end

local now = now_ms()
local banned_until = call('ZSCORE', KEYS[3], user)
if banned_until then
  banned_until = tonumber(banned_until)
  if banned_until >= 9007199254740991 then
    return refused('BANNED')
  elseif banned_until > now then
    return refused('TIMED_OUT', banned_until - now)
  end
end

local modes = {}
if state[5] == '1' then
  modes = call('HMGET', KEYS[1], 'slow_mode', 'subscriber_only', 'follower_only', 'follower_minutes', 'emote_only',
    'unique_chat', 'account_age_minutes')
end
local slow_ms = tonumber(modes[1] or 0) * 1000
local is_unique = modes[6] == '1' and has_digest and characters >= UNIQUE_MIN_CHARACTERS
if not is_privileged then
  if modes[2] == '1' and not is_subscriber then
    return refused('SUBSCRIBERS_ONLY')
  end
  if modes[3] == '1' then
    local needed = tonumber(modes[4] or 0)
    if follows_minutes < 0 then
      return refused('FOLLOWERS_ONLY')
    elseif follows_minutes < needed then
      return refused('FOLLOWERS_ONLY', (needed - follows_minutes) * MINUTE_MS)
    end
  end
  local age = tonumber(modes[7] or 0)
  if account_minutes < age then
    return refused('ACCOUNT_TOO_NEW', (age - account_minutes) * MINUTE_MS)
  end
  if modes[5] == '1' and not only_emotes then
    return refused('EMOTE_ONLY')
  end
end
if interval > 0 then
  -- GCRA: the key holds when the allowance will be full again.
  full_at = math.max(now, tonumber(full_at or 0))
  local too_early = full_at - now - (burst - 1) * interval
  if too_early > 0 then
    return refused('RATE_LIMITED', too_early)
  end
  call('SET', KEYS[5], whole(full_at + interval), 'PX', whole(full_at + interval - now))
end
if not is_privileged then
  if slow_ms > 0 then
    -- When they last said something, so that a changed mode counts from then.
    local wait = tonumber(last_at or 0) + slow_ms - now
    if wait > 0 then
      return refused('SLOW_MODE', wait)
    end
  end
  if is_own_again then
    return refused('DUPLICATE_MESSAGE', call('PTTL', KEYS[7]))
  end
  if is_unique and is_again then
    return refused('DUPLICATE_MESSAGE', call('PTTL', KEYS[8]))
  end
end

if slow_ms > 0 and not is_privileged then
  call('SET', KEYS[6], whole(now), 'PX', slow_ms)
end
if has_digest and not is_privileged then
  call('SET', KEYS[7], 1, 'PX', OWN_AGAIN_MS)
end
if held ~= '' then
  call('SET', KEYS[4], 'h ' .. held, 'PX', ANSWERED_MS)
  return { 'held' }
end
if is_unique then
  call('SET', KEYS[8], 1, 'PX', UNIQUE_MS)
end
local place = open(state, now)
append(place, kind, head, events)
close(place, KEYS[9], channel)
local seq, at = whole(place.seq), whole(place.at)
call('SET', KEYS[4], 'p ' .. seq .. ' ' .. place.epoch .. ' ' .. at .. ' ' .. id, 'PX', ANSWERED_MS)
return { 'placed', seq, place.epoch, at }
