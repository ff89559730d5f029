-- Who may send to an alias.
-- oldest-program: 0.1.0

-- The same in all rows of an address: '' anybody; else words, a line each, of which one must hold for who is logged in: 'internal' (everybody
-- does), 'members' (who is behind the alias), or a sender pattern.
ALTER TABLE alias ADD COLUMN IF NOT EXISTS senders TEXT NOT NULL DEFAULT '';

CREATE OR REPLACE VIEW v_alias AS
	SELECT address, destination, domain, enabled, TIMESTAMPDIFF(SECOND, '1970-01-01', expires) AS expires, note, senders FROM alias;
