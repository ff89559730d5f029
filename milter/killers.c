/* killers: see killers.h. */

/* ours */
#include "base/hash.h"
#include "killers.h"

static size_t find(const struct mr_killers *k, uint64_t hash)
{
	size_t i = 0;

	while (i < k->n && k->v[i].hash != hash)
		i++;
	return i;
}

unsigned mr_killers_add(struct mr_killers *k, struct mr_slice content)
{
	uint64_t hash = mr_hash(content.p, content.n);
	size_t i = find(k, hash);

	if (i == k->n) {
		if (k->n < MR_KILLERS_MAX)
			k->n++;
		else
			i = k->next++ % MR_KILLERS_MAX;
		k->v[i].hash = hash;
		k->v[i].kills = 0;
	}
	return ++k->v[i].kills;
}

unsigned mr_killers_count(const struct mr_killers *k, struct mr_slice content)
{
	size_t i;

	if (k->n == 0)
		return 0; /* nearly always: no need to read the message */
	i = find(k, mr_hash(content.p, content.n));
	return i < k->n ? k->v[i].kills : 0;
}
