-- A sending limit may lock the account. What a user was told of, and on which day (UTC): once each, over all hosts.
-- oldest-program: 0.1.0

ALTER TABLE sending_limit MODIFY COLUMN action ENUM('defer', 'reject', 'hold', 'lock') NOT NULL;

CREATE TABLE IF NOT EXISTS notice (
	address VARCHAR(320) NOT NULL,
	kind VARCHAR(32) NOT NULL,
	day DATE NOT NULL,
	PRIMARY KEY (address, kind, day),
	KEY notice_day (day)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
