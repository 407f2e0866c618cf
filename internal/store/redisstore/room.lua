-- Tells which of two sets is full, in the order of create.lua; 0 where none is. It writes nothing.
-- KEYS: the two sets. ARGV: their bounds.
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
for i = 1, 2 do
  if redis.call('ZCOUNT', KEYS[i], '(' .. now, '+inf') >= tonumber(ARGV[i]) then
    return i + 1
  end
end
return 0
