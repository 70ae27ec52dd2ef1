"""What Redis does in one step, so that no two workers can come between."""

from typing import Final

from bitstamp_ledger.fleet._policy import (
    LEFT_BY_A_REFUSAL,
    PACE_MS,
    PAUSE_FIRST_MS,
    PAUSE_MAX_MS,
    REGAINED_AFTER_MS,
    SLOWEST,
    TEN_MINUTES_MS,
)

TURNS_OWED_MAX: Final = 100
"""The last class may be behind by a tenth of so many turns, and catch up."""

_PART_LEFT: Final = f"""
local function part_left(learned, now)
    local known = redis.call('HMGET', learned, 'part', 'at')
    if not known[1] then return 1 end
    return math.min(1, known[1] + math.max(0, now - known[2]) / {REGAINED_AFTER_MS})
end
"""
"""The part of the budget that refusals left; what `Learned.part` says for one process."""

BY_THE_CLOCK_OF_REDIS: Final = f"""{_PART_LEFT}
local clock = redis.call('TIME')
local here = clock[1] * 1000 + math.floor(clock[2] / 1000)
local late = here - tonumber(ARGV[1])
local rates = tonumber(ARGV[4])
ARGV[1] = here
for rate = 1, rates do
    ARGV[2 + 3 * rate] = tonumber(ARGV[2 + 3 * rate]) + late
end
local ahead = tonumber(string.match(ARGV[3], '^%d+') or '0')
local part = part_left(KEYS[1] .. ':learned', here)
if part < 1 then
    local long = tonumber(ARGV[3 + 3 * rates])
    if rates > 1 then ARGV[6] = math.max(1, math.floor(ARGV[6] * part)) end
    local pace = math.max(1, math.floor(long * part * {PACE_MS} / {TEN_MINUTES_MS}))
    if redis.call('ZCOUNT', KEYS[1], here - {PACE_MS} + 1, here) + ahead >= pace then
        return {{rates - 1, -1}}
    end
end
for rate = 1, rates do ARGV[3 + 3 * rate] = ARGV[3 + 3 * rate] - ahead end
"""
"""Put before the limiter's own script.

1. It takes the time from whoever asks, so that of two workers the slower one, or the one whose
   clock is behind, would not see what the other has just counted.
2. Where a refusal taught a lower rate, the second holds less, and so do any ten seconds.  The ten
   minutes stay as they are: what has left in them would otherwise be a standstill of minutes.
3. The name of what is taken begins with how many are ahead in the line; that much room is theirs.
   Without it, accounts that wait together would take by chance, and who is quicker takes more.
"""

JOIN: Final = f"""{_PART_LEFT}
local pause, cold = redis.call('PTTL', KEYS[1]), redis.call('PTTL', KEYS[2])
local seen, turns = KEYS[3], KEYS[4]
local who, class = ARGV[1], tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
for _, left in ipairs(redis.call('ZRANGEBYSCORE', seen, '-inf', now - ARGV[3] * 1000)) do
    redis.call('ZREM', seen, left)
    for queue = 5, 7 do redis.call('ZREM', KEYS[queue], left) end
end
redis.call('ZADD', seen, now, who)
redis.call('ZADD', KEYS[5 + class], 'NX', now, who)
for key = 3, 7 do redis.call('PEXPIRE', KEYS[key], 600000) end
local rank = redis.call('ZRANK', KEYS[5 + class], who)
local ahead = rank
for queue = 5, 4 + class do ahead = ahead + redis.call('ZCARD', KEYS[queue]) end
local below = 0
for queue = 6 + class, 7 do below = below + redis.call('ZCARD', KEYS[queue]) end
if below == 0 and tonumber(redis.call('GET', turns) or '0') >= 9 then ahead = rank end
local held = 0
if rank > 0 and tonumber(redis.call('HGET', KEYS[9], who) or '0') >= tonumber(ARGV[4]) then
    local first = redis.call('ZRANGE', KEYS[5 + class], 0, 0)[1]
    if now - redis.call('ZSCORE', seen, first) < ARGV[5] * 1000 then held = 1 end
end
local part = part_left(KEYS[8], math.floor(now / 1000))
return {{pause, cold, ahead, math.floor(part * 1000), held}}
"""
"""Says who must wait although there is room: who was served often enough since the first of its
class came, and is still there.  Room comes in bursts, as it was taken a window ago; whoever is
awake just then would have all of it, and again in the next window.
"""

LEAVE: Final = f"""
local seen, turns, class = KEYS[1], KEYS[2], tonumber(ARGV[2])
if redis.call('ZRANK', KEYS[3 + class], ARGV[1]) == 0 then
    redis.call('DEL', KEYS[7])
else
    redis.call('HINCRBY', KEYS[7], ARGV[1], 1)
    redis.call('PEXPIRE', KEYS[7], {TEN_MINUTES_MS})
end
redis.call('ZREM', seen, ARGV[1])
redis.call('ZREM', KEYS[3 + class], ARGV[1])
local below = 0
for queue = 4 + class, 5 do below = below + redis.call('ZCARD', KEYS[queue]) end
local before = tonumber(redis.call('GET', turns) or '0')
local since = below > 0 and math.min(before + 1, {TURNS_OWED_MAX}) or math.max(0, before - 9)
redis.call('SET', turns, since, 'PX', {TEN_MINUTES_MS})
redis.call('PEXPIRE', KEYS[6], {TEN_MINUTES_MS})
return 1
"""
"""Counts the turns since the last class had one.  Its tenth stays its own until it comes for it: it
asks too seldom to be there just then.

And counts who was served how often while the same one stayed the first of its class.
"""

PAUSE: Final = f"""{_PART_LEFT}
if redis.call('EXISTS', KEYS[1]) == 1 then return {{0, 0}} end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local strikes = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], {TEN_MINUTES_MS})
local pause = math.min({PAUSE_FIRST_MS} * 2 ^ (strikes - 1), {PAUSE_MAX_MS})
pause = math.floor(math.max(pause, tonumber(ARGV[1])))
redis.call('SET', KEYS[1], strikes, 'PX', pause)
local part = math.max({SLOWEST}, part_left(KEYS[3], now) * {LEFT_BY_A_REFUSAL})
redis.call('HSET', KEYS[3], 'part', tostring(part), 'at', string.format('%.0f', now + pause))
redis.call('PEXPIRE', KEYS[3], math.ceil(pause + (1 - part) * {REGAINED_AFTER_MS}))
return {{pause, math.floor(part * 1000)}}
"""
"""The first refusal of a pause counts; those of what was under way are no further offence."""
