-- Writes a session where there is room for it.
-- KEYS: the session, the two sets that are bounded, the other sets.
-- ARGV: what is stored, when it ends in milliseconds, its member of the sets, the two bounds.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = tonumber(ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 1
end
for i = 2, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.0f', now))
end
for i = 2, 3 do
  if redis.call('ZCARD', KEYS[i]) >= tonumber(ARGV[i + 2]) then
    return i
  end
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
for i = 2, #KEYS do
  redis.call('ZADD', KEYS[i], ARGV[2], ARGV[3])
  -- A set lives as long as the last of its members.
  if redis.call('PTTL', KEYS[i]) < ends - now then
    redis.call('PEXPIREAT', KEYS[i], ARGV[2])
  end
end
return 0
