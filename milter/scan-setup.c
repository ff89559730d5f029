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
	for (size_t i = 0; i < s->n_lists; i++)
		mr_wire_put(&w, "list", s->list_rows[i]);
	mr_wire_putu(&w, "list-questions", s->list_questions);
	mr_wire_put(&w, "lists-skip", s->lists_skip);
	mr_wire_putu(&w, "fuzzy", s->fuzzy);
	return mr_wire_end(&w, out);
}

int mr_scan_setup_lists(struct mr_scan_setup *s, const struct mr_slice *rows, size_t n, struct mr_arena *arena, struct mr_diag *diag)
{
	struct mr_dnslist *lists;
	struct mr_slice *copies;

	if (n > MR_DNSLIST_ROWS_MAX)
		return mr_diag_set(diag, -EINVAL, "more than %d lists", MR_DNSLIST_ROWS_MAX);
	lists = mr_arena_alloc(arena, n * sizeof(*lists) + 1);
	copies = mr_arena_alloc(arena, n * sizeof(*copies) + 1);
	for (size_t i = 0; i < n; i++) {
		copies[i] = mr_slice_of(mr_arena_slice(arena, rows[i]));
		if (mr_dnslist_parse(copies[i], arena, &lists[i], diag) < 0)
			return -EINVAL;
	}
	s->list_rows = copies;
	s->lists = lists;
	s->n_lists = n;
	return 0;
}

static int decode_lists(const struct mr_wire *w, struct mr_arena *arena, struct mr_scan_setup *s)
{
	struct mr_slice rows[MR_DNSLIST_ROWS_MAX];
	uint64_t questions;
	size_t at = 0, n = 0;

	while (n < MR_DNSLIST_ROWS_MAX && mr_wire_each(w, "list", &at, &rows[n]))
		n++;
	if (mr_wire_u64(w, "list-questions", MR_DNS_QUESTIONS_MAX, &questions) < 0)
		return -EPROTO;
	s->list_questions = (unsigned)questions;
	return mr_scan_setup_lists(s, rows, n, arena, NULL) < 0 ? -EPROTO : 0;
}

static struct mr_slice keep(const struct mr_wire *w, const char *key, struct mr_arena *arena)
{
	return mr_slice_of(mr_arena_slice(arena, mr_wire_get(w, key)));
}

int mr_scan_setup_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_scan_setup *out)
{
	struct mr_slice value;
	uint64_t fuzzy;
	size_t at = 0;

	if (!mr_slice_eq(mr_wire_get(w, "cmd"), MR_LIT("setup")) || mr_wire_u64(w, "fuzzy", 1, &fuzzy) < 0)
		return -EPROTO;
	*out = (struct mr_scan_setup){ .hostname = keep(w, "hostname", arena),
				       .trusted_sealers = keep(w, "sealers", arena),
				       .forbidden_attachments = keep(w, "forbidden", arena),
				       .lists_skip = keep(w, "lists-skip", arena),
				       .rule_cache = keep(w, "rule-cache", arena),
				       .fuzzy = fuzzy,
				       .rule_files = mr_arena_alloc(arena, (w->n + 1) * sizeof(value)) };
	while (mr_wire_each(w, "rules", &at, &value))
		out->rule_files[out->n_rule_files++] = mr_slice_of(mr_arena_slice(arena, value));
	return decode_lists(w, arena, out);
}
