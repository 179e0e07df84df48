CREATE TABLE IF NOT EXISTS pupils (name text);
