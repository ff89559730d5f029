-- DKIM keys that take over from each other (mail/key-rotation.h). 'stored' is what 0.1.0 called 'waiting', and may still write. A retired
-- key has no private half any more.
-- oldest-program: 0.1.0

ALTER TABLE dkim_key
	MODIFY state ENUM('signing', 'stored', 'waiting', 'retired') NOT NULL,
	-- When it came into that state, and when DNS was looked at last.
	ADD COLUMN IF NOT EXISTS since DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
	ADD COLUMN IF NOT EXISTS checked DATETIME NULL,
	-- What was wrong with its record then; '' nothing, NULL nobody has looked yet.
	ADD COLUMN IF NOT EXISTS problem VARCHAR(255) NULL;

UPDATE dkim_key SET state = 'waiting' WHERE state = 'stored';

-- For what a domain that signs shows to the world, in numbers.
CREATE OR REPLACE VIEW v_dkim_state AS
	SELECT k.state AS state, COALESCE(k.problem = '', FALSE) AS seen
	FROM dkim_key k JOIN domain d ON d.name = k.domain WHERE d.enabled AND d.dkim;
