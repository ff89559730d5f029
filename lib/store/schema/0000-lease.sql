-- What every run of "schema apply" needs before it may look: who holds the lease, and which steps were taken.
-- oldest-program: 0.1.0

CREATE TABLE IF NOT EXISTS lease (
	name VARCHAR(64) NOT NULL PRIMARY KEY,
	holder VARCHAR(128) NOT NULL,
	expires DATETIME NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS schema_version (
	version INT UNSIGNED NOT NULL PRIMARY KEY,
	oldest_program VARCHAR(32) NOT NULL,
	applied DATETIME NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE OR REPLACE VIEW v_schema AS SELECT version, oldest_program FROM schema_version;
