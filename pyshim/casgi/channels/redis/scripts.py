"""What is done to a group in Redis in one step.

KEYS[1] is the group's sorted set of channel names, as channels_redis has it. KEYS[2] is a hash
beside it with the blocks of the processes that run casgi: by what the channels of a process begin
with, `score count number.end` (blocks.py). Nobody else reads it: whatever others do to the sorted
set shows, since the names with that score are then no longer as many.
"""

_LIB = """
local set, blocks, process = KEYS[1], KEYS[2], ARGV[1]
local function read(process)
    local text = redis.call('HGET', blocks, process)
    if text then return string.match(text, '^(%S+) (%S+) (%d+)%.(%d+)$') end
end
local function write(score, count, number, last)
    redis.call('HSET', blocks, process, score .. ' ' .. count .. ' ' .. number .. '.' .. last)
end
local function is_at(name, score)
    local found = redis.call('ZSCORE', set, name)
    return found and tonumber(found) == tonumber(score), found
end
local function is_whole(score, count)
    return redis.call('ZCOUNT', set, score, score) == tonumber(count)
end
local function keep(expiry)
    redis.call('EXPIRE', set, expiry)
    redis.call('EXPIRE', blocks, expiry)
end
"""

JOIN = (
    _LIB
    + """
-- ARGV: process, channel, number, end, the time before which a block is old, expiry.
-- Returns 1, or 0 when the whole block has to be written instead.
local score, count, number, last = read(process)
if not score or number ~= ARGV[3] or tonumber(score) < tonumber(ARGV[5]) then return 0 end
if not is_at(ARGV[2], score) then
    redis.call('ZADD', set, score, ARGV[2])
    count = count + 1
end
write(score, count, number, math.max(tonumber(last), tonumber(ARGV[4])))
keep(ARGV[6])
return is_whole(score, count) and 1 or 0
"""
)
"""One more channel of a block."""

LEAVE = (
    _LIB
    + """
-- ARGV: process, channel.
local score, count, number, last = read(process)
if score and is_at(ARGV[2], score) then
    if tonumber(count) > 1 then
        write(score, count - 1, number, last)
    else
        redis.call('HDEL', blocks, process)
    end
end
return redis.call('ZREM', set, ARGV[2])
"""
)
"""One channel less."""

WRITE = (
    _LIB
    + """
-- ARGV: process, now, number, end, expiry, how many follow that join, those, those that are in.
-- Returns which of the latter somebody else has removed. What this process has put into the block
-- since it has made this up stays in it: commands of several connections overtake each other.
local now = ARGV[2]
local score, count, number, last = read(process)
local is_lost = not score
if score and tonumber(number) > tonumber(ARGV[3]) then return {} end
local is_same = score and number == ARGV[3]
if not is_same then last = 0 end
if is_same and tonumber(score) > tonumber(now) then now = score end
local removed, joining = {}, tonumber(ARGV[6])
for i = 7, #ARGV do
    if i <= 6 + joining or is_lost or redis.call('ZSCORE', set, ARGV[i]) then
        redis.call('ZADD', set, now, ARGV[i])
    else
        removed[#removed + 1] = ARGV[i]
    end
end
if is_same and score ~= now then
    for _, name in ipairs(redis.call('ZRANGEBYSCORE', set, score, score)) do
        redis.call('ZADD', set, now, name)
    end
end
count = redis.call('ZCOUNT', set, now, now)
if count > 0 then
    write(now, count, ARGV[3], math.max(tonumber(last), tonumber(ARGV[4])))
    keep(ARGV[5])
else
    redis.call('HDEL', blocks, process)
end
return removed
"""
)
"""A whole block anew: with a score of its own, and as many names as there are."""

MEMBERS = """
-- ARGV: the time at which memberships have expired.
-- Returns the addresses of the blocks that are whole, the processes of the others, and the channels
-- that are in no whole block.
local set, blocks = KEYS[1], KEYS[2]
redis.call('ZREMRANGEBYSCORE', set, 0, ARGV[1])
local whole, broken, scores = {}, {}, {}
local rest = redis.call('ZCARD', set)
local all = redis.call('HGETALL', blocks)
for i = 1, #all, 2 do
    local score, count, address = string.match(all[i + 1], '^(%S+) (%S+) (%S+)$')
    local found = redis.call('ZCOUNT', set, score, score)
    if found > 0 and found == tonumber(count) then
        whole[#whole + 1] = all[i] .. 'group-' .. address
        scores[#scores + 1] = score
        rest = rest - found
    elseif tonumber(score) > tonumber(ARGV[1]) then
        broken[#broken + 1] = all[i]
    else
        redis.call('HDEL', blocks, all[i])
    end
end
local names, low = {}, '-inf'
local function gather(high)
    for _, name in ipairs(redis.call('ZRANGEBYSCORE', set, low, high)) do
        names[#names + 1] = name
    end
    low = high
end
if rest > 0 then
    table.sort(scores, function(a, b) return tonumber(a) < tonumber(b) end)
    for _, score in ipairs(scores) do gather('(' .. score) end
    gather('+inf')
end
return {whole, broken, names}
"""
"""Whom a message is for."""
