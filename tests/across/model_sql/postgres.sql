-- dimensions
2*mod(7,4)
-mod(7,4)
-mod(-7,4)
mod(-7,4)*2
7/2
7/2.0
2^3^2
-2^2
2*3^2
7%4*2
|/ 4
5 & 3
5 # 3
5 | 3
~5
1 << 2
1+1 << 2
not 1=2
1 is distinct from null
'a'||'b'='ab'
'a'||1
1||'a'||2
'abc' ~ 'B'
'abc' ~* 'B'
'abc' !~ 'B'
'abc' !~* 'B'
'abc' ilike 'ABC'
'abc' not ilike 'x'
'a' similar to 'a|b'
'a_b' like 'a\_b'
'a_b' like 'a!_b' escape '!'
'it''s'
E'a\nb'
$$it's$$
to_char(timestamp '2024-01-07 15:04:05','Month')
to_char(timestamp '2024-01-07 15:04:05','month')
to_char(timestamp '2024-01-07 15:04:05','MONTH')
to_char(timestamp '2024-01-07 15:04:05','Mon mon MON')
to_char(timestamp '2024-01-07 15:04:05','Dy dy DY Day day DAY')
to_char(timestamp '2024-01-07 15:04:05','FMDD FMMM D ID DDD IDDD')
to_char(timestamp '2024-01-07 15:04:05','IYYY-IW WW W Q CC J')
to_char(timestamp '2024-01-07 15:04:05','HH24:MI:SS.MS US HH12 AM am PM HH SSSS')
to_char(timestamp '2024-01-07 15:04:05','yyyy-mm-dd hh24:mi:ss')
to_char(timestamp '2024-01-07','YY YYY Y,YYY Y TMMonth RM DDth')
to_char(timestamp '2024-01-07','YYYY-"Q"Q')
to_char(timestamp '2024-01-07','"Week of" Mon DD')
to_char(1234.5,'FM9,999.00')
to_char(7,'fm000')
to_char(interval '90 minutes','HH24:MI')
to_date('20240107','YYYYMMDD')
to_timestamp('07 Jan 2024','DD Mon YYYY')
to_timestamp(0)
to_number('12,3','99G9')
date_part('day', timestamp '2024-01-07' - timestamp '2024-01-01')
date_part('dow', date '2024-01-07')
date_part('isodow', date '2024-01-07')
date_part('epoch', interval '1 hour')
extract(epoch from timestamp '2024-01-07' - timestamp '2024-01-01')
extract(week from date '2024-01-07')
extract(isoyear from date '2024-12-30')
extract(dow from date '2024-01-07')
extract(doy from date '2024-01-07')
extract(quarter from date '2024-01-07')
extract(hour from timestamp '2024-01-07 15:04:05')
date_trunc('week', date '2024-01-07')
date_trunc('quarter', timestamp '2024-05-07')
date_trunc('day', timestamptz '2024-01-07 23:00+00', 'America/New_York')
date_bin('15 minutes', timestamp '2024-01-07 15:04:05', timestamp '2024-01-01')
date '2024-01-31' + interval '1 month'
date '2024-01-31' + 1
date '2024-01-31' - date '2024-01-01'
timestamp '2024-01-31' - interval '1 month'
interval '1 year 2 months'
interval '1' month
interval '3 days 04:05:06'
3 * interval '1 day'
make_interval(days => 3)
age(timestamp '2024-03-01', timestamp '2024-01-31')
justify_days(interval '40 days')
timestamptz '2024-01-07 00:00+00' at time zone 'America/New_York'
timestamp '2024-01-07 00:00' at time zone 'America/New_York'
timezone('UTC', timestamptz '2024-01-07 00:00+00')
make_date(2024,1,7)
'2024-01-07'::date
'2024-01-07'::timestamp::date + 1
'1 day'::interval
1.255::numeric(10,2)
1.255::numeric
3.7::int
'3'::bigint/2
3::float8/2
1::bool
true::int
'{1,2}'::int[]
(array[1,2,3])[2]
(array[1,2,3])[1:2]
1 = any(array[1,2])
1 = all(array[1,1])
array_length(array[1,2],1)
cardinality(array[1,2])
array[1]||array[2]
round(2.5)
round(2.5::float8)
round(-2.567,2)
trunc(2.789,1)
trunc(-2.7)
ceil(2.1)
ceiling(2.1)
floor(-2.1)
log(100)
log(2,8)
floor(log(1000))
log10(1000)
ln(10)
exp(1)
power(2,3)
sqrt(2)
cbrt(27)
sign(-2)
div(7,2)
gcd(4,6)
width_bucket(5,0,10,5)
degrees(1)
pi()
greatest(1,null)
least(1,null)
nullif(1,1)
coalesce(null,1)
concat('a',null)
concat_ws(',','a',null,'b')
substring('hello' from 2 for 3)
substring('hello',2)
substring('hello' from 'l+')
substr('hello',-1,3)
left('hello',-1)
right('hello',2)
position('l' in 'hello')
strpos('hello','l')
split_part('a,b',',',2)
split_part('a,b',',',-1)
regexp_replace('aaa','a','b')
regexp_replace('aAa','a','b','gi')
regexp_match('a1','[0-9]')
(regexp_match('a1','[0-9]'))[1]
regexp_split_to_array('a,b',',')
replace('aa','a','b')
translate('abc','ab','xy')
overlay('abc' placing 'z' from 2)
trim('  a ')
trim(both 'x' from 'xax')
trim(leading 'x' from 'xax')
ltrim('xxa','x')
rtrim('axx','x')
btrim('xax','x')
lpad('1',3,'0')
initcap('ab cd')
reverse('ab')
repeat('a',2)
length('é')
char_length('é')
octet_length('é')
ascii('a')
chr(65)
md5('a')
encode('a','hex')
format('%s-%s',1,2)
quote_literal('a')
to_hex(255)
upper('a')
'{"a":1}'::json->>'a'
'{"a":{"b":1}}'::jsonb#>>'{a,b}'
'{"a":1}'::jsonb->'a'
'{"a":1}'::jsonb ? 'a'
'{"a":1}'::jsonb @> '{"a":1}'
('{"a":1}'::jsonb->>'a')::int + 1
jsonb_array_length('[1]')
jsonb_build_object('a',1)
json_extract_path_text('{"a":1}','a')
1 in (1,2)
1 not in (2)
1 between 0 and 2
1 not between 0 and 2
2 between symmetric 3 and 1
null is not true
(1=1) is true
1 isnull
row(1,2) = row(1,2)
(1,2) < (1,3)
(timestamp '2024-01-01', timestamp '2024-01-05') overlaps (timestamp '2024-01-02', timestamp '2024-01-03')
case when true then 1 else 2 end
(select max(x) from (values (1),(2)) t(x))
exists(select 1)
- -1
1 - -1
10-(5-3)
10/(4/2)
current_date = now()::date
1e3
0.1+0.2
B'101'
'a' < 'B'
'a' collate "C" < 'B'
daterange('2024-01-01','2024-01-05') @> date '2024-01-02'
num_nonnulls(1,null)
bit_length('a')
'abc' ^@ 'a'
starts_with('abc','a')
interval '1 day 02:00'
interval '1 day -02:00'
interval '1.5 hours'
interval '90 mins'
interval 'P1DT2H'
interval '2' day + interval '3' hour
to_hex(10) || 'x'
to_hex(length(to_hex(5)) + 10)
log10(log10(10000000000) * 100)
-- measures
array_agg(1)
string_agg('a', ',')
string_agg(distinct 'a', ',')
percentile_cont(0.5) within group (order by 1)
percentile_disc(0.5) within group (order by 1)
mode() within group (order by 1)
count(*) filter (where true)
sum(1) filter (where false)
bool_or(true)
every(true)
bit_and(3)
stddev(3)
variance(3)
corr(1,2)
regr_slope(1,2)
any_value(3)
max(1)
