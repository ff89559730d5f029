/* scan: runs the checks over one message, see scan.h. */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/address.h"
#include "scan.h"

#define AUTHRES_MAX (16u << 10) /* bytes of one Authentication-Results value */

struct mr_scan *mr_scan_new(const struct mr_scan_setup *setup, const struct mr_scan_input *in, struct mr_dns_view *dns,
			    struct mr_arena *arena)
{
	struct mr_scan *scan = mr_arena_alloc(arena, sizeof(*scan));

	scan->setup = setup;
	scan->in = in;
	scan->dns = dns;
	scan->arena = arena;
	mr_message_parse(in->message, arena, &scan->message);
	return scan;
}

void mr_scan_done(struct mr_scan *scan)
{
	if (scan->viewed)
		mr_view_free(&scan->view);
	scan->viewed = false;
}

struct mr_view *mr_scan_view(struct mr_scan *scan)
{
	if (!scan->viewed)
		mr_view_read(scan->in->message, scan->arena, &scan->view);
	scan->viewed = true;
	return &scan->view;
}

void mr_scan_result_add(struct mr_scan_result *r, const char *name, double score, const char *group)
{
	if (r->n_symbols == MR_SYMBOLS_MAX)
		return;
	r->symbols[r->n_symbols++] = (struct mr_symbol){ .name = mr_slice_of(name), .score = score, .group = mr_slice_of(group) };
	r->score += score;
}

void mr_scan_symbol(struct mr_scan *scan, const char *name, double score)
{
	mr_scan_result_add(&scan->result, name, score, scan->running ? scan->running : "");
}

static void write_authres(struct mr_scan *scan)
{
	struct mr_buf out = MR_BUF(AUTHRES_MAX);
	struct mr_authres a = { .authserv_id = scan->setup->hostname,
				.spf_request = scan->spf_request,
				.spf = scan->spf,
				.dkim = scan->dkim,
				.arc = scan->arc,
				.dmarc = scan->dmarc };

	if (!scan->in->trusted && mr_authres_write(&a, &out) == 0)
		scan->result.authres = mr_slice_of(mr_arena_slice(scan->arena, mr_buf_slice(&out)));
	mr_buf_done(&out);
}

/* A signature that holds, of the author's domain or one above it; where there is a DMARC policy, as that says. */
static struct mr_slice dkim_domain(const struct mr_scan *scan)
{
	const struct mr_dkim_answer *a = scan->dkim;
	struct mr_slice author = scan->dmarc ? scan->dmarc->author : (struct mr_slice){ 0 };

	if (scan->dmarc && scan->dmarc->dkim_aligned && scan->dmarc->organization.n)
		return scan->dmarc->organization;
	for (size_t i = 0; a && i < a->n; i++)
		if (a->signatures[i].result == MR_DKIM_PASS && a->signatures[i].aligns && mr_domain_below(author, a->signatures[i].domain))
			return a->signatures[i].domain;
	return (struct mr_slice){ 0 };
}

static void tell_identity(struct mr_scan *scan)
{
	struct mr_slice dkim = dkim_domain(scan), spf = { 0 };
	struct mr_slice domain;
	char *text;

	if (scan->spf && scan->spf->result == MR_SPF_PASS)
		spf = scan->spf->domain;
	domain = dkim.n ? dkim : spf;
	if (!domain.n || domain.n + 5 > MR_IDENTITY_MAX)
		return;
	text = mr_arena_printf(scan->arena, "%s %.*s", dkim.n ? "dkim" : "spf", (int)domain.n, domain.p);
	for (char *c = text; *c; c++)
		*c = mr_lower(*c);
	scan->result.identity = mr_slice_of(text);
}

int mr_scan_run(struct mr_scan *scan)
{
	bool waiting = false;

	for (size_t i = 0; mr_checks[i] && i < MR_CHECKS_MAX; i++) {
		if (scan->done[i] || (mr_checks[i]->outside_only && scan->in->trusted))
			continue;
		scan->running = mr_checks[i]->name;
		if (mr_checks[i]->run(scan) == -EAGAIN)
			waiting = true;
		else
			scan->done[i] = true;
	}
	if (waiting)
		return -EAGAIN;
	write_authres(scan);
	tell_identity(scan);
	scan->result.sender = mr_standing_of_sender(scan);
	scan->result.author = mr_standing_of_author(scan);
	scan->result.complete = true;
	return 0;
}

bool mr_symbol_name_ok(struct mr_slice name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = mr_lower(name.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return name.n > 0 && name.n <= MR_SYMBOL_NAME_MAX;
}

void mr_symbols_text(const struct mr_scan_result *r, const char *separator, struct mr_buf *out)
{
	for (size_t i = 0; i < r->n_symbols; i++)
		mr_buf_printf(out, "%s%.*s(%.2f)", i ? separator : "", (int)r->symbols[i].name.n, r->symbols[i].name.p,
			      r->symbols[i].score);
}
