-- The shop's rows, in steps: generate.py runs them in order in an empty database.
-- size_of(table) gives how many rows a table should have; the macros below make random numbers of row numbers.

-- step: macros
-- random_at(n, salt): 0 <= x < 2^32, by three rounds of xor-shift and multiply (the constant is the usual one of
-- integer hashes); products stay below 2^63. pick(items, n, salt): one of the items.
CREATE TEMP MACRO mix(x) AS (xor(x, x >> 16) * 73244475) & 4294967295;
CREATE TEMP MACRO random_at(n, salt) AS
    mix(mix(mix((n::BIGINT * 668265263 + salt * 374761393::BIGINT) & 4294967295)));
CREATE TEMP MACRO chance(n, salt, per_mille) AS random_at(n, salt) % 1000 < per_mille;
CREATE TEMP MACRO pick(items, n, salt) AS items[1 + random_at(n, salt) % len(items)];

-- step: calendar
-- Days on which the shop sold nothing: Christmas, a fortnight of rebuilding, and one day in forty for no reason.
CREATE TEMP TABLE open_days AS
SELECT row_number() OVER (ORDER BY day) - 1 AS position, day
FROM (SELECT (DATE '2023-01-01' + i::INTEGER)::DATE AS day, i FROM range(1096) AS days(i))
WHERE NOT (month(day) = 12 AND day(day) IN (25, 26))
  AND day NOT BETWEEN DATE '2024-02-05' AND DATE '2024-02-18'
  AND NOT chance(i, 1, 25);

-- step: suppliers
CREATE TABLE suppliers (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, country VARCHAR);
INSERT INTO suppliers
SELECT i,
       pick(['Alder', 'Birch', 'Cedar', 'Dogwood', 'Elm', 'Fir', 'Ginkgo', 'Hazel'], i, 10) || ' & '
           || pick(['Sons', 'Daughters', 'Partners', 'Company', 'Brothers'], i, 11) || ' ' || i,
       CASE WHEN chance(i, 12, 60) THEN NULL
            ELSE pick(['Germany', 'Italy', 'Portugal', 'Japan', 'United States'], i, 13) END
FROM range(1, 41) AS rows(i);

-- step: products
CREATE TABLE products (
    id INTEGER PRIMARY KEY, supplier_id INTEGER, name VARCHAR NOT NULL, category VARCHAR,
    price DECIMAL(10, 2) NOT NULL, discontinued BOOLEAN, launched_on DATE);
INSERT INTO products
SELECT i,
       CASE WHEN chance(i, 20, 15) THEN 900 + i % 7 ELSE 1 + random_at(i, 21) % 40 END,
       pick(['Plain', 'Folding', 'Heavy', 'Light', 'Twin', 'Classic', 'Travel', 'Little'], i, 22) || ' '
           || pick(['Lamp', 'Chair', 'Kettle', 'Shelf', 'Blanket', 'Clock', 'Basket', 'Mug'], i, 23) || ' ' || i,
       CASE WHEN chance(i, 24, 30) THEN NULL
            ELSE pick(['Kitchen', 'Living', 'Bedroom', 'Garden', 'Office', 'Bath', 'Outdoor'], i, 25) END,
       ((300 + random_at(i, 26) % 4700 + CASE WHEN chance(i, 27, 100) THEN random_at(i, 28) % 40000 ELSE 0 END)
           ::DECIMAL(18, 2) / 100)::DECIMAL(10, 2),
       CASE WHEN chance(i, 29, 20) THEN NULL ELSE chance(i, 30, 90) END,
       DATE '2021-06-01' + (random_at(i, 31) % 1500)::INTEGER
FROM range(1, size_of('products') + 1) AS rows(i);

-- step: users
CREATE TABLE users (
    id INTEGER PRIMARY KEY, email VARCHAR NOT NULL, first_name VARCHAR, last_name VARCHAR, age INTEGER, city VARCHAR,
    country VARCHAR, newsletter BOOLEAN, referred_by INTEGER, created_at TIMESTAMP NOT NULL);
INSERT INTO users
WITH places AS (
    SELECT i, CASE WHEN chance(i, 40, 40) THEN NULL ELSE pick([
        {'city': 'Berlin', 'country': 'Germany'}, {'city': 'Hamburg', 'country': 'Germany'},
        {'city': 'München', 'country': 'Germany'}, {'city': 'Wien', 'country': 'Austria'},
        {'city': 'Lisboa', 'country': 'Portugal'}, {'city': 'Porto', 'country': 'Portugal'},
        {'city': 'Roma', 'country': 'Italy'}, {'city': 'Tokyo', 'country': 'Japan'},
        {'city': 'Austin', 'country': 'United States'}, {'city': 'Chicago', 'country': 'United States'},
        {'city': 'New York', 'country': 'United States'}, {'city': NULL, 'country': 'United States'}], i, 41)
        END AS place
    FROM range(1, size_of('users') + 1) AS rows(i))
SELECT i,
       'customer' || i || '@example.com',
       pick(['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Frances', 'Niklaus', 'Zoë', 'O''Neil'], i, 42),
       pick(['Lovelace', 'Hopper', 'Turing', 'Liskov', 'Knuth', 'Allen', 'Wirth', 'Núñez', 'Codd'], i, 43),
       CASE WHEN chance(i, 44, 120) THEN NULL ELSE 18 + random_at(i, 45) % 40 + random_at(i, 46) % 25 END,
       place.city, place.country,
       CASE WHEN chance(i, 47, 50) THEN NULL ELSE chance(i, 48, 420) END,
       CASE WHEN i > 1 AND chance(i, 49, 250) THEN 1 + random_at(i, 50) % (i - 1) END,
       TIMESTAMP '2023-01-01' + to_seconds(random_at(i, 51) % (1096 * 86400))
FROM places;

-- step: orders
-- The larger of two random positions makes the shop grow from year to year.
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, user_id INTEGER, status VARCHAR NOT NULL, channel VARCHAR, is_gift BOOLEAN,
    shipping DECIMAL(8, 2) NOT NULL, created_at TIMESTAMP NOT NULL, shipped_at TIMESTAMPTZ);
INSERT INTO orders
WITH drawn AS (
    SELECT i, greatest(random_at(i, 60) % days, random_at(i, 61) % days) AS position,
           pick(['completed', 'completed', 'completed', 'completed', 'shipped', 'processing', 'cancelled'], i, 62)
               AS status
    FROM range(1, size_of('orders') + 1) AS rows(i), (SELECT count(*) AS days FROM open_days)),
placed AS (
    SELECT i, status, day::TIMESTAMP
        + to_milliseconds((random_at(i, 63) % 43200000 + random_at(i, 64) % 43200000)::BIGINT) AS created_at
    FROM drawn JOIN open_days USING (position))
SELECT i,
       CASE WHEN chance(i, 65, 30) THEN NULL
            WHEN chance(i, 66, 5) THEN size_of('users') + 1 + random_at(i, 67) % 500
            ELSE 1 + random_at(i, 68) % size_of('users') END,
       status,
       CASE WHEN chance(i, 69, 80) THEN NULL ELSE pick(['web', 'web', 'app', 'store', 'phone'], i, 70) END,
       CASE WHEN chance(i, 71, 100) THEN NULL ELSE chance(i, 72, 120) END,
       (pick([0, 0, 390, 490, 990], i, 73)::DECIMAL(18, 2) / 100)::DECIMAL(8, 2),
       created_at,
       CASE WHEN status IN ('completed', 'shipped')
            THEN (created_at + to_minutes((120 + random_at(i, 74) % 8000)::BIGINT)) AT TIME ZONE 'UTC' END
FROM placed ORDER BY i;

-- step: line items
CREATE TABLE line_items (
    order_id INTEGER NOT NULL, line_number INTEGER NOT NULL, product_id INTEGER, quantity INTEGER NOT NULL,
    unit_price DECIMAL(10, 2) NOT NULL, discount DECIMAL(4, 2), PRIMARY KEY (order_id, line_number));
INSERT INTO line_items
WITH lines AS (
    SELECT i AS order_id, line AS line_number, i * 16 + line AS n
    FROM range(1, size_of('orders') + 1) AS orders(i), range(1, 8) AS lines(line)
    WHERE line <= pick([0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7], i, 80)),
drawn AS (
    SELECT *, CASE WHEN chance(n, 81, 4) THEN size_of('products') + 1 + n % 50
                   ELSE 1 + least(random_at(n, 82) % size_of('products'), random_at(n, 83) % size_of('products')) END AS product_id
    FROM lines)
SELECT order_id, line_number,
       CASE WHEN chance(n, 84, 3) THEN NULL ELSE product_id END,
       1 + CASE WHEN chance(n, 85, 300) THEN random_at(n, 86) % 4 ELSE 0 END,
       coalesce(price, 9.90),
       CASE WHEN chance(n, 87, 700) THEN NULL ELSE pick([0.00, 0.05, 0.10, 0.20, 0.50], n, 88) END
FROM drawn LEFT JOIN products ON products.id = drawn.product_id
ORDER BY order_id, line_number;

-- step: returns
CREATE TABLE returns (
    id INTEGER PRIMARY KEY, order_id INTEGER, line_number INTEGER, quantity INTEGER NOT NULL, reason VARCHAR,
    refund DECIMAL(10, 2), returned_at TIMESTAMP NOT NULL);
INSERT INTO returns
WITH drawn AS (
    SELECT order_id, line_number, quantity, unit_price, order_id * 16 + line_number AS n
    FROM line_items WHERE chance(order_id * 16 + line_number, 90, 45))
SELECT row_number() OVER (ORDER BY order_id, line_number),
       CASE WHEN chance(n, 91, 10) THEN order_id + size_of('orders') ELSE order_id END,
       line_number,
       1 + random_at(n, 92) % quantity,
       CASE WHEN chance(n, 93, 150) THEN NULL
            ELSE pick(['damaged', 'wrong size', 'changed mind', 'late', 'not as described'], n, 94) END,
       CASE WHEN chance(n, 95, 100) THEN NULL
            ELSE (unit_price * (1 + random_at(n, 92) % quantity))::DECIMAL(10, 2) END,
       created_at + to_hours((48 + random_at(n, 96) % 700)::BIGINT)
FROM drawn JOIN orders ON orders.id = drawn.order_id;

-- step: reviews
CREATE TABLE reviews (
    id INTEGER PRIMARY KEY, product_id INTEGER, user_id INTEGER, rating INTEGER, verified BOOLEAN,
    created_at TIMESTAMP NOT NULL);
INSERT INTO reviews
SELECT i,
       CASE WHEN chance(i, 100, 10) THEN NULL ELSE 1 + random_at(i, 101) % size_of('products') END,
       CASE WHEN chance(i, 102, 200) THEN NULL ELSE 1 + random_at(i, 103) % size_of('users') END,
       CASE WHEN chance(i, 104, 50) THEN NULL ELSE 1 + greatest(random_at(i, 105) % 5, random_at(i, 106) % 5) END,
       CASE WHEN chance(i, 107, 100) THEN NULL ELSE chance(i, 108, 650) END,
       TIMESTAMP '2023-02-01' + to_seconds(random_at(i, 109) % (1065 * 86400))
FROM range(1, size_of('reviews') + 1) AS rows(i);
