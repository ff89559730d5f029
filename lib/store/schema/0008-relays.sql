-- Relay hosts by sender: mail of an owner's addresses leaves through another host. owner: '' for everybody, a domain, or a mailbox's address.
-- nexthop is written as Postfix writes it: "[host]:port", which asks for no MX. sealed_password: base/seal.h with the purpose
-- "relay:OWNER:NEXTHOP", so that neither another owner nor another host can be given it.
-- oldest-program: 0.1.0

CREATE TABLE IF NOT EXISTS relay (
	owner VARCHAR(320) NOT NULL PRIMARY KEY CHECK (owner = LOWER(owner)),
	nexthop VARCHAR(270) NOT NULL,
	username VARCHAR(255) NULL,
	sealed_password TEXT NULL,
	CONSTRAINT relay_login_is_whole CHECK ((username IS NULL) = (sealed_password IS NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE OR REPLACE VIEW v_relay AS SELECT owner, nexthop, username, sealed_password FROM relay;
