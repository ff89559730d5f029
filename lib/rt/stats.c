/* stats: the tables that were registered, printed in that order. */

/* system */
#include <inttypes.h>
#include <pthread.h>

/* ours */
#include "rt/stats.h"

#define TABLES_MAX 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct mr_stat *tables[TABLES_MAX];
static size_t n_tables;

void mr_stats_register(const struct mr_stat *table)
{
	bool known = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_tables; i++)
		known = known || tables[i] == table;
	if (!known && n_tables < TABLES_MAX)
		tables[n_tables++] = table;
	pthread_mutex_unlock(&lock);
}

int mr_stats_print(struct mr_buf *out)
{
	int rc = 0;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_tables; i++)
		for (const struct mr_stat *s = tables[i]; s->name && rc >= 0; s++)
			rc = mr_buf_printf(out, "%s=%" PRId64 "\n", s->name, (int64_t)*s->value);
	pthread_mutex_unlock(&lock);
	return rc;
}
