-- Every threshold by domain and by user, those of what the users send, too; NULL = the domain's, the milter's.
-- oldest-program: 0.1.0

ALTER TABLE domain
	ADD COLUMN IF NOT EXISTS header_score DECIMAL(7,2) NULL,
	ADD COLUMN IF NOT EXISTS greylist_score DECIMAL(7,2) NULL,
	ADD COLUMN IF NOT EXISTS outbound_score DECIMAL(7,2) NULL,
	ADD COLUMN IF NOT EXISTS outbound_reject_score DECIMAL(7,2) NULL;
ALTER TABLE mailbox
	ADD COLUMN IF NOT EXISTS header_score DECIMAL(7,2) NULL,
	ADD COLUMN IF NOT EXISTS greylist_score DECIMAL(7,2) NULL,
	ADD COLUMN IF NOT EXISTS outbound_score DECIMAL(7,2) NULL,
	ADD COLUMN IF NOT EXISTS outbound_reject_score DECIMAL(7,2) NULL;

CREATE OR REPLACE VIEW v_domain AS
	SELECT name, enabled, dkim, junk_score, reject_score, alias_of, relay_to, relay_listed, quarantine_score, header_score,
		greylist_score, outbound_score, outbound_reject_score FROM domain;

CREATE OR REPLACE VIEW v_mailbox AS
	SELECT address, domain, password, enabled, send_only, receive_only, quota_bytes, junk_score, reject_score,
		locked_at IS NOT NULL AS locked, TIMESTAMPDIFF(SECOND, '1970-01-01', expires) AS expires, quarantine_score, header_score,
		greylist_score, outbound_score, outbound_reject_score FROM mailbox;
