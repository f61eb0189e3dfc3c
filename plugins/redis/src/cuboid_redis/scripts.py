"""What must be one step against all processes, as Lua that the server runs. Times are milliseconds of its own clock.

All names begin with the prefix in braces, so that a cluster keeps them on one node.
"""

from __future__ import annotations

NOW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""

BEAT = (
    NOW
    + """
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return {redis.call('ZCARD', KEYS[1]), redis.call('HGETALL', KEYS[2])}
"""
)
"""Keys: alive, counts. Arguments: process, lease."""

CHANGED = """
local clock = redis.call('TIME')
for _, cube in ipairs(ARGV) do
    local number = string.format('%d%06d', clock[1], clock[2])
    local last = redis.call('HGET', KEYS[1], cube)
    if last and tonumber(last) >= tonumber(number) then
        redis.call('HINCRBY', KEYS[1], cube, 1)
    else
        redis.call('HSET', KEYS[1], cube, number)
    end
end
"""
"""Keys: counts. Arguments: cubes. Numbers are microseconds of the Unix clock, which Lua holds exactly."""

CLAIM = """
local holder = redis.call('GET', KEYS[1])
if not holder or holder == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    holder = ARGV[1]
end
return {holder, redis.call('EXISTS', KEYS[2])}
"""
"""Keys: claim, wanted. Arguments: holder, milliseconds."""

WANT = """
local left = redis.call('PTTL', KEYS[1])
if left < tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
end
if left < 0 then
    redis.call('PUBLISH', ARGV[2], ARGV[3])
end
"""
"""Keys: wanted. Arguments: milliseconds, channel, topic."""

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1], KEYS[2])
    redis.call('PUBLISH', ARGV[2], ARGV[3])
end
"""
"""Keys: claim, wanted. Arguments: holder, channel, topic."""

SHARE = (
    NOW
    + """
local alive, held, turns, began, order = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local me, limit, running = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local waits = ARGV[5] == '1'
local tell = false

redis.call('ZADD', alive, now + ARGV[2], me)
redis.call('ZREMRANGEBYSCORE', alive, '-inf', now)
for _, key in ipairs({held, turns}) do
    for _, process in ipairs(redis.call('HKEYS', key)) do
        if not redis.call('ZSCORE', alive, process) then
            redis.call('HDEL', key, process)
            tell = true
        end
    end
end

local before = tonumber(redis.call('HGET', held, me) or '0')
local taken = running - before
for _, value in ipairs(redis.call('HVALS', held)) do
    taken = taken + tonumber(value)
end

local last = redis.call('HGET', turns, me)
local known = last and cjson.decode(last)
local mine
if waits then
    mine = {priority = tonumber(ARGV[6]), tenant = ARGV[7], waiting = ARGV[8]}
    if known and known.waiting == mine.waiting then
        mine.since = known.since
    else
        mine.since = redis.call('INCR', order)
    end
    redis.call('HSET', turns, me, cjson.encode(mine))
else
    redis.call('HDEL', turns, me)
end
if known and (not mine or known.waiting ~= mine.waiting or known.priority > mine.priority) then
    tell = true
end

local function rounds(tenant)
    return tonumber(redis.call('HGET', began, tenant) or '0')
end
local function precedes(one, other)
    if one.priority ~= other.priority then return one.priority > other.priority end
    local a, b = rounds(one.tenant), rounds(other.tenant)
    if a ~= b then return a < b end
    return one.since < other.since
end

local places = running
if mine then
    local ahead = 0
    for i, value in ipairs(redis.call('HGETALL', turns)) do
        if i % 2 == 0 and precedes(cjson.decode(value), mine) then ahead = ahead + 1 end
    end
    if limit - taken > ahead then
        places = running + 1
        redis.call('HSET', began, mine.tenant, redis.call('INCR', order))
        redis.call('HDEL', turns, me)
    end
end
if places > 0 then redis.call('HSET', held, me, places) else redis.call('HDEL', held, me) end
if redis.call('HLEN', turns) == 0 then
    if redis.call('HLEN', held) == 0 then redis.call('DEL', began) end
elseif tell or places < before then
    redis.call('PUBLISH', ARGV[9], ARGV[10])
end
return {places, redis.call('ZCARD', alive)}
"""
)
"""Keys: alive, held, turns, began, order. Arguments: process, lease, limit, running, whether it waits, its turn's
priority, tenant and statement, channel, topic.

``held`` has the places of each process, ``turns`` its statement that would run next, ``began`` when a statement of each
tenant began last, as a number of ``order``.
"""
