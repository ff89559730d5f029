-- Alias domains, relay domains, what ends by itself (aliases, mailboxes), receive-only mailboxes, refused addresses, and rules for Postfix's
-- access, transport and milter maps. Kinds of the change log are text from now on: each step may bring new ones.
-- oldest-program: 0.1.0

-- alias_of: every address here that has no row of its own means that address there. relay_to: mail goes on to another server, as in
-- transport(5); with relay_listed only for addresses that stand in alias as their own destination.
ALTER TABLE domain
	ADD COLUMN IF NOT EXISTS alias_of VARCHAR(253) NULL,
	ADD COLUMN IF NOT EXISTS relay_to VARCHAR(500) NULL,
	ADD COLUMN IF NOT EXISTS relay_listed BOOLEAN NOT NULL DEFAULT FALSE,
	ADD FOREIGN KEY IF NOT EXISTS domain_alias_of (alias_of) REFERENCES domain (name),
	ADD CONSTRAINT IF NOT EXISTS domain_is_one_thing CHECK (alias_of IS NULL OR (relay_to IS NULL AND alias_of <> name));

-- expires: UTC.
ALTER TABLE mailbox
	ADD COLUMN IF NOT EXISTS receive_only BOOLEAN NOT NULL DEFAULT FALSE,
	ADD COLUMN IF NOT EXISTS expires DATETIME NULL;

-- The same in all rows of an address. The destination '' alone: mail is refused, by the catch-all, too.
ALTER TABLE alias
	ADD COLUMN IF NOT EXISTS enabled BOOLEAN NOT NULL DEFAULT TRUE,
	ADD COLUMN IF NOT EXISTS expires DATETIME NULL,
	ADD COLUMN IF NOT EXISTS note VARCHAR(255) NOT NULL DEFAULT '';

-- lib/store/rule.h says what may stand here.
CREATE TABLE IF NOT EXISTS rule (
	map ENUM('client', 'sender', 'recipient', 'milter', 'transport') NOT NULL,
	pattern VARCHAR(320) NOT NULL CHECK (pattern = LOWER(pattern)),
	value VARCHAR(500) NOT NULL,
	PRIMARY KEY (map, pattern)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

ALTER TABLE change_log MODIFY kind VARCHAR(32) NOT NULL, MODIFY name VARCHAR(400) NOT NULL;

CREATE OR REPLACE VIEW v_domain AS
	SELECT name, enabled, dkim, junk_score, reject_score, alias_of, relay_to, relay_listed FROM domain;

-- expires: seconds since 1970, NULL = never.
CREATE OR REPLACE VIEW v_mailbox AS
	SELECT address, domain, password, enabled, send_only, receive_only, quota_bytes, junk_score, reject_score,
		locked_at IS NOT NULL AS locked, TIMESTAMPDIFF(SECOND, '1970-01-01', expires) AS expires FROM mailbox;

CREATE OR REPLACE VIEW v_alias AS
	SELECT address, destination, domain, enabled, TIMESTAMPDIFF(SECOND, '1970-01-01', expires) AS expires, note FROM alias;

CREATE OR REPLACE VIEW v_rule AS SELECT map, pattern, value FROM rule;
