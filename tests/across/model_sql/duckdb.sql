-- dimensions
2*mod(7,4)
2*(7%4)
-mod(-7,4)
2 ** -1
-2 ** 2
-2 ^ 2
2 ^ 3 ^ 2
log10(1000)
floor(log10(1000))
log2(8)
log(1000)
7//2*2
10 - 4 // 3
7 // -2
7 / 2
1 - (2 - 3)
10 % 4 * 2
10 / (4 % 3)
not 1 = 2
1 in (1,2) = true
'a' || 'b' = 'ab'
1 + 2 || 'x'
5 & 3 = 1
2 << 1 + 1
case when 1 then 2 end
date_diff('week', date '2024-01-07', date '2024-01-08')
datediff('week', date '2024-01-07', date '2024-01-08')
date_sub('month', date '2024-01-31', date '2024-02-29')
datesub('month', date '2024-01-31', date '2024-02-29')
date_trunc('week', date '2024-01-07')
dayofweek(date '2024-01-07')
isodow(date '2024-01-07')
weekofyear(date '2024-01-07')
week(date '2024-01-07')
date '2024-01-31' + interval 1 month
date_add(date '2024-01-31', interval 1 month)
strftime(date '2024-01-07', '%-d/%u %j')
round(2.5)
round(-2.567, 2)
trunc(2.7)
ceil(2.1)
substr('hello', -3, 2)
substring('hello', 2)
left('hello', -1)
right('hello',2)
instr('abc','c')
regexp_replace('aaa','a','b')
regexp_replace('aaa','a','b','g')
regexp_extract('a1b2','[0-9]')
string_split('a,b',',')[1]
list_value(1,2)[1]
array_slice([1,2,3],1,2)
[1,2,3][1:2]
'abc'[1]
'abc'[1:2]
extract(epoch from timestamp '2024-01-01')
epoch(timestamp '2024-01-01')
epoch_ms(1700000000000)
to_timestamp(0)
make_timestamp(2024,1,1,1,1,1.5)
cast('2' as int) / 4
cast(7 as int) // 2
mod(7, 4) + 1
5 - mod(7, 4)
10 / mod(7,4)
10 % mod(7,4)
(1=1)::int
cast(1.5 as int)
cast('1' as double)
1.5::decimal(9,1)
greatest(1,null,2)
least(1,null)
concat('a',null)
concat_ws(',','a',null,'b')
ifnull(null,2)
nullif(1,1)
coalesce(null,1)
if(null,1,2)
1 is distinct from null
null = null
true and null
xor(5,3)
bit_count(5)
@(-4)
~5
1e3
0.1+0.2
'it''s'
E'a\nb'
$$x$$
'a' like 'A'
'a' ilike 'A'
'a' similar to 'a|b'
'a_b' like 'a\_b' escape '\'
'ab' glob 'a*'
'a' < 'B'
lower('A')
ascii('a')
chr(65)
lpad('1',3,'0')
trim('  a ')
ltrim('xxa','x')
trim('xax','x')
replace('aa','a','b')
reverse('ab')
repeat('a',2)
length('aé')
strlen('aé')
md5('a')
monthname(date '2024-01-07')
last_day(date '2024-02-01')
quarter(date '2024-02-01')
yearweek(date '2024-01-07')
date_part('isoyear', date '2024-12-30')
datepart('doy', date '2024-12-30')
age(date '2024-03-01', date '2024-02-01')
timestamp '2024-01-01 00:00:00' at time zone 'America/New_York'
timestamptz '2024-01-01 00:00:00+00' at time zone 'America/New_York'
timezone('America/New_York', timestamp '2024-01-01')
time_bucket(interval '7 days', timestamp '2024-01-10')
date '2024-01-10' - date '2024-01-01'
timestamp '2024-01-10' - timestamp '2024-01-01'
(select max(x) from (values (1),(2)) t(x))
exists(select 1)
1 between 0 and 2
1 not between 0 and 2
not 1 in (2)
1 not in (2)
-1 % 3
- 5 % 3
-(5 % 3)
2 * -3
1 - -1
1::varchar || 2
try_cast('a' as int)
interval '3 days 04:05:06'
interval 3 day
interval '1 year 2 months'
'{"a":1}'::json->>'a'
json_extract_string('{"a":"x"}', '$.a')
json_extract('{"a":[1]}', '$.a[0]')
regexp_matches('abc','b')
list_contains([1,2],1)
list_transform([1,2], lambda x: x + 1)
{'a': 1}.a
{'a': 1}['a']
map {'a': 1}['a']
strptime('07/01/2024','%d/%m/%Y')
regexp_extract('a1b2','([a-z])([0-9])', 2)
split_part('a,b',',',2)
array_length([1,2])
len([1,2])
epoch(interval '1 hour')
1::hugeint
'1 day 02:00'::interval
log10(1000)::int
list_filter([1,2], lambda x: x > 1)
[x + 1 for x in [1,2]]
interval 1.5 hour
interval '1 day 02:00'
-- measures
sum(1) filter (where false)
sum(1)
avg(2)
median(3)
quantile_cont(3, 0.5)
list(1)
string_agg('a', ',')
arg_max(1, 2)
count(distinct 1)
mode(1)
stddev(3)
bool_or(true)
