-- An order is taken, found, and forgotten.
BEGIN;
INSERT INTO orders (what) VALUES ('probe');
SELECT 1 / count(*) FROM orders WHERE what = 'probe';
ROLLBACK;
