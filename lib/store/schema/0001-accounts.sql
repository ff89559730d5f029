-- Domains, mailboxes, aliases, sender lists, DKIM keys, and what changed. Addresses are stored whole and in lower case; the collation is
-- binary, so an index answers and nothing is folded behind our back. Programs read through the views only: a site with a schema of its own
-- writes these views and keeps its tables.
-- oldest-program: 0.1.0

CREATE TABLE IF NOT EXISTS domain (
	name VARCHAR(253) NOT NULL PRIMARY KEY CHECK (name = LOWER(name)),
	enabled BOOLEAN NOT NULL DEFAULT TRUE,
	dkim BOOLEAN NOT NULL DEFAULT TRUE,
	junk_score DECIMAL(7,2) NULL,
	reject_score DECIMAL(7,2) NULL,
	-- Raised by every write below the domain, so that two writers meet here, on one server and on a cluster.
	revision BIGINT UNSIGNED NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS mailbox (
	address VARCHAR(320) NOT NULL PRIMARY KEY CHECK (address = LOWER(address)),
	domain VARCHAR(253) NOT NULL,
	password VARCHAR(255) NOT NULL,
	enabled BOOLEAN NOT NULL DEFAULT TRUE,
	send_only BOOLEAN NOT NULL DEFAULT FALSE,
	quota_bytes BIGINT UNSIGNED NOT NULL DEFAULT 0,
	junk_score DECIMAL(7,2) NULL,
	reject_score DECIMAL(7,2) NULL,
	KEY mailbox_domain (domain),
	CONSTRAINT mailbox_of_domain FOREIGN KEY (domain) REFERENCES domain (name),
	CONSTRAINT mailbox_in_domain CHECK (address LIKE CONCAT('_%@', domain))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row a destination. "@domain" is the catch-all.
CREATE TABLE IF NOT EXISTS alias (
	address VARCHAR(320) NOT NULL CHECK (address = LOWER(address)),
	destination VARCHAR(320) NOT NULL,
	domain VARCHAR(253) NOT NULL,
	PRIMARY KEY (address, destination),
	KEY alias_domain (domain),
	KEY alias_destination (destination),
	CONSTRAINT alias_of_domain FOREIGN KEY (domain) REFERENCES domain (name),
	CONSTRAINT alias_in_domain CHECK (address LIKE CONCAT('%@', domain))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- owner: '' (global), a domain, or a mailbox's address.
CREATE TABLE IF NOT EXISTS sender_list (
	scope ENUM('global', 'domain', 'user') NOT NULL,
	owner VARCHAR(320) NOT NULL,
	pattern VARCHAR(320) NOT NULL CHECK (pattern = LOWER(pattern)),
	action ENUM('allow', 'deny') NOT NULL,
	PRIMARY KEY (scope, owner, pattern)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- sealed_key: base/seal.h with the purpose "dkim:DOMAIN:SELECTOR". public_key: the value of p= in the TXT record.
CREATE TABLE IF NOT EXISTS dkim_key (
	domain VARCHAR(253) NOT NULL,
	selector VARCHAR(63) NOT NULL,
	algorithm ENUM('rsa', 'ed25519') NOT NULL,
	sealed_key TEXT NOT NULL,
	public_key TEXT NOT NULL,
	state ENUM('signing', 'stored') NOT NULL,
	PRIMARY KEY (domain, selector),
	CONSTRAINT dkim_key_of_domain FOREIGN KEY (domain) REFERENCES domain (name) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Written in the transaction of the change. The order of ids means nothing beyond "about then".
CREATE TABLE IF NOT EXISTS change_log (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	at DATETIME NOT NULL,
	kind ENUM('domain', 'mailbox', 'alias', 'global') NOT NULL,
	name VARCHAR(320) NOT NULL,
	what VARCHAR(64) NOT NULL,
	KEY change_log_at (at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE OR REPLACE VIEW v_domain AS SELECT name, enabled, dkim, junk_score, reject_score FROM domain;

CREATE OR REPLACE VIEW v_mailbox AS
	SELECT address, domain, password, enabled, send_only, quota_bytes, junk_score, reject_score FROM mailbox;

CREATE OR REPLACE VIEW v_alias AS SELECT address, destination, domain FROM alias;

CREATE OR REPLACE VIEW v_list AS SELECT scope, owner, pattern, action FROM sender_list;

CREATE OR REPLACE VIEW v_dkim AS SELECT domain, selector, algorithm, sealed_key FROM dkim_key WHERE state = 'signing';

CREATE OR REPLACE VIEW v_change AS SELECT id, kind, name FROM change_log;
