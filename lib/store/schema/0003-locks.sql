-- Lock-down of an account: its log-ins and what it sends stop, mail to it goes on. locked_at NULL: not locked.
-- oldest-program: 0.1.0

ALTER TABLE mailbox
	ADD COLUMN IF NOT EXISTS locked_at DATETIME NULL,
	ADD COLUMN IF NOT EXISTS locked_reason VARCHAR(200) NOT NULL DEFAULT '';

CREATE OR REPLACE VIEW v_mailbox AS
	SELECT address, domain, password, enabled, send_only, quota_bytes, junk_score, reject_score, locked_at IS NOT NULL AS locked FROM mailbox;

-- what: "lock", "disable", "password", "del" end sessions. age: seconds, so that hosts whose clocks differ agree on what is news.
CREATE OR REPLACE VIEW v_change AS
	SELECT id, kind, name, what, TIMESTAMPDIFF(SECOND, at, UTC_TIMESTAMP()) AS age FROM change_log;
