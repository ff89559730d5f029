-- TLS policies of the administrator are one more map of rules. Which there are is said in lib/store/rule.h from now on.
-- oldest-program: 0.1.0

ALTER TABLE rule MODIFY map VARCHAR(32) NOT NULL;
