/* migration: the steps of schema/NNNN-*.sql as schema/embed.py writes them into the build. */
#pragma once

struct mr_migration {
	unsigned version;           /* NNNN; 0 is what apply itself needs */
	const char *name;           /* NULL ends the table */
	const char *oldest_program; /* that may still use the database afterwards */
	const char *const *statements;
};
extern const struct mr_migration mr_migrations[];
