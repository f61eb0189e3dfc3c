-- dimensions
2*mod(7,4)
-mod(7,4)
-mod(-7,4)
7 mod 4
7 div 2
-7 div 2
10 - 4 div 3
10 div 4 * 3
2 * (10 div 4)
7 % 4
7/2
1/3
2 - 1/3
!0
!1 = 0
not 1 = 0
1 xor 1
1 && 0
0 || 1
5 & 3
5 | 3
5 ^ 3
~5
1 << 1 + 1
2 & 3 = 3
1 + 1 << 2
1 <=> null
null <=> null
not 1 <=> null
'a' = 'A'
'a' like 'A'
'a' like binary 'A'
binary 'a' = 'A'
'abc' regexp 'B'
'abc' not regexp 'x'
'abc' rlike '^a'
'a' regexp binary 'A'
'a' 'b'
'it''s'
'it\'s'
'a\nb'
"x"
'a\_b' like 'a\_b'
'a_b' like 'a|_b' escape '|'
'100%' like '100\%'
concat('a',null)
concat_ws(',','a',null,'b')
ifnull(null,2)
if(null,1,2)
if(1>0,'a','b')
nullif(1,1)
coalesce(null,1)
greatest(1,2)
least(1,null)
date_format('2024-01-07','%e %k %l %i %s %f %j %u %v %x %X %V %w %W %y %D %c %h %p %r %T %M %m %b %a %U %H %Y')
date('2024-01-07 10:11:12')
time('2024-01-07 10:11:12')
year('2024-01-07')
quarter('2024-05-07')
week('2024-01-07')
week('2024-01-07',3)
weekofyear('2024-01-07')
yearweek('2024-01-07',1)
yearweek('2024-01-07')
dayofweek('2024-01-07')
weekday('2024-01-07')
dayofyear('2024-01-07')
dayname('2024-01-07')
monthname('2024-01-07')
last_day('2024-02-07')
to_days('2024-02-07')
2*to_days('2024-02-07')
from_days(739000)
datediff('2024-02-07 01:00','2024-02-06 23:00')
timestampdiff(hour,'2024-02-06 23:00','2024-02-07 01:00')
timestampdiff(month,'2024-01-31','2024-02-29')
timediff('10:00:00','09:00:00')
date_add('2024-01-31', interval 1 month)
date_sub('2024-03-31', interval 1 month)
'2024-01-31' + interval 1 month
date '2024-01-31' + interval 1 day
date_add('2024-01-31', interval '1:30' hour_minute)
date_add('2024-01-31', interval 1.5 hour)
date_add('2024-01-31', interval -1 quarter)
adddate('2024-01-31',1)
adddate('2024-01-31', interval 1 month)
subdate('2024-01-31',1)
addtime('2024-01-31 01:00:00','01:00:00')
extract(year_month from '2024-01-07')
extract(week from '2024-01-07')
unix_timestamp('2024-01-07')
from_unixtime(86400)
from_unixtime(86400,'%Y')
str_to_date('07,1,2024','%d,%m,%Y')
makedate(2024,32)
maketime(1,2,3)
time_to_sec('01:00:00')
sec_to_time(3600)
microsecond('2024-01-07 10:11:12.123456')
convert_tz('2024-01-07 10:00:00','+00:00','+02:00')
timestamp('2024-01-07')
cast('12.7' as signed)
cast(12.7 as signed)
cast(-1 as unsigned)
cast('a' as char(1))
cast('2024-01-07' as date)
cast('2024-01-07 10:11:12.5' as datetime)
cast('2024-01-07 10:11:12.5' as datetime(3))
cast(1.255 as decimal(10,2))
cast(3 as decimal)
cast('1e3' as double)
convert('12', signed)
convert('a' using utf8mb4)
truncate(2.789,2)
truncate(-2.789,0)
round(2.5)
round(-2.567,2)
ceil(2.1)
floor(-2.1)
log(10)
log(2,8)
log2(8)
log10(1000)
floor(log10(1000))
ln(10)
exp(1)
pow(2,3)
sqrt(2)
sign(-2)
mod(7.5,2)
crc32('a')
md5('a')
sha1('a')
sha2('a',256)
hex('a')
unhex('61')
bit_count(7)
char(65)
char(65 using utf8mb4)
ascii('a')
ord('a')
field('b','a','b')
elt(2,'a','b')
find_in_set('b','a,b')
locate('c','abc')
instr('abc','c')
position('c' in 'abc')
locate('b','abcb',3)
substring_index('a,b,c',',',2)
substring('hello',-3,2)
substr('hello',2)
substring('hello' from 2 for 2)
mid('hello',2,2)
left('hello',2)
right('hello',2)
lpad('1',3,'0')
rpad('1',3,'0')
trim('  a ')
trim(leading 'x' from 'xax')
trim(both 'x' from 'xax')
ltrim(' a')
replace('aa','a','b')
reverse('ab')
repeat('a',2)
space(2)
insert('abc',2,1,'z')
char_length('é')
length('é')
upper('a')
ucase('a')
strcmp('a','b')
soundex('a')
format(1234.567,2)
concat(1,2)
json_extract('{"a":1}','$.a')
json_unquote(json_extract('{"a":"x"}','$.a'))
json_value('{"a":"x"}','$.a')
json_contains('[1]','1')
json_length('[1]')
json_object('a',1)
1 in (1,2)
1 not in (2)
1 between 0 and 2
not 1 between 0 and 2
1 is true
null is not true
null is null
isnull(null)
(select max(x) from (select 1 as x) t)
exists(select 1)
case 1 when 1 then 'a' end
interval(2,1,3)
-2 * -3
1 - -1
- - 1
true
x'41'
0x41
b'101'
1e3
'a' collate utf8mb4_bin = 'A'
inet_aton('1.1.1.1')
period_diff(202401,202312)
nullif('a','A')
'2' + '3'
'a' < 'B'
'abc' sounds like 'abc'
1 = 1 = 1
3 > 2 > 1
5 div 2 * 2
- 5 % 3
date_add('2024-01-31', interval 1 day_hour)
'2024-01-31' - interval '1 2' day_hour
date_add('2024-01-31', interval '1-2' year_month)
date_add('2024-01-31', interval 2 + 1 day)
date_add('2024-01-31 00:00:00', interval '1.5' second)
json_overlaps('[1]','[1]')
date_add('2024-01-31', interval -1.5 hour)
date_add('2024-01-31', interval '1.5' hour)
interval(1, 'a' regexp 'b', interval(2,3))
('a' regexp 'b') regexp '0'
log10(log10(10000000000) * 100)
-- measures
std(3)
stddev(3)
variance(3)
bit_or(3)
group_concat(distinct 'a' order by 1 separator ';')
sum(distinct 3)
count(distinct 1,2)
any_value(3)
