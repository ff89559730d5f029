-- How much authenticated mail may be sent (proto/limit.h). level and owner say who set a rule for whom: '' for everybody, a domain for its
-- users or itself, a user. Of the rules on the same scope and thing those of the nearest level hold.
-- oldest-program: 0.1.0

CREATE TABLE IF NOT EXISTS sending_limit (
	level ENUM('global', 'domain', 'user') NOT NULL,
	owner VARCHAR(320) NOT NULL,
	scope ENUM('user', 'domain', 'address', 'network') NOT NULL,
	-- Clients that a rule on addresses or networks holds for: '*' or a network; '' in the other scopes.
	net VARCHAR(43) NOT NULL,
	what ENUM('messages', 'recipients') NOT NULL,
	-- 0: unlimited
	window_seconds INT UNSIGNED NOT NULL,
	amount INT UNSIGNED NOT NULL,
	action ENUM('defer', 'reject', 'hold') NOT NULL,
	PRIMARY KEY (level, owner, scope, net, what, window_seconds)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE OR REPLACE VIEW v_limit AS
	SELECT level, owner, CONCAT_WS(' ', scope, NULLIF(net, ''), what,
		IF(window_seconds = 0, 'unlimited', CONCAT(amount, '/', window_seconds, 's ', action))) AS rule
	FROM sending_limit;
