/* scan-setup: see scan-setup.h. */

/* system */
#include <errno.h>

/* ours */
#include "scan-setup.h"

int mr_scan_setup_encode(struct mr_buf *out, const struct mr_scan_setup *s)
{
	struct mr_wire_out w;

	mr_wire_begin(&w, "cmd", "setup", 0);
	mr_wire_put(&w, "hostname", s->hostname);
	mr_wire_put(&w, "sealers", s->trusted_sealers);
	mr_wire_put(&w, "forbidden", s->forbidden_attachments);
	mr_wire_put(&w, "rule-cache", s->rule_cache);
	for (size_t i = 0; i < s->n_rule_files; i++)
		mr_wire_put(&w, "rules", s->rule_files[i]);
	return mr_wire_end(&w, out);
}

static struct mr_slice keep(const struct mr_wire *w, const char *key, struct mr_arena *arena)
{
	return mr_slice_of(mr_arena_slice(arena, mr_wire_get(w, key)));
}

int mr_scan_setup_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_scan_setup *out)
{
	struct mr_slice value;
	size_t at = 0;

	if (!mr_slice_eq(mr_wire_get(w, "cmd"), MR_LIT("setup")))
		return -EPROTO;
	*out = (struct mr_scan_setup){ .hostname = keep(w, "hostname", arena),
				       .trusted_sealers = keep(w, "sealers", arena),
				       .forbidden_attachments = keep(w, "forbidden", arena),
				       .rule_cache = keep(w, "rule-cache", arena),
				       .rule_files = mr_arena_alloc(arena, (w->n + 1) * sizeof(value)) };
	while (mr_wire_each(w, "rules", &at, &value))
		out->rule_files[out->n_rule_files++] = mr_slice_of(mr_arena_slice(arena, value));
	return 0;
}
