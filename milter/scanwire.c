/* scanwire: see scanwire.h. */

/* system */
#include <endian.h>
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "scanwire.h"
#include "spool.h"

#define SCORE_MAX 1e6

int mr_scanwire_ready(struct mr_buf *out)
{
	struct mr_wire_out w;

	mr_wire_begin(&w, "status", "ready", 0);
	return mr_wire_end(&w, out);
}

bool mr_scanwire_is_ready(const struct mr_wire *w)
{
	return mr_slice_eq(mr_wire_get(w, "status"), MR_LIT("ready"));
}

int mr_scanwire_request(struct mr_buf *out, uint64_t id, const struct mr_scan_input *in, bool follows)
{
	struct mr_wire_out w;
	char ip[MR_IP_STRLEN];

	mr_wire_begin(&w, "cmd", "scan", id);
	if (in->client.family)
		mr_wire_puts(&w, "client", mr_ip_str(&in->client, ip));
	mr_wire_put(&w, "client-name", in->client_name);
	mr_wire_put(&w, "helo", in->helo);
	mr_wire_put(&w, "sender", in->sender);
	mr_wire_putu(&w, "trusted", in->trusted);
	mr_wire_putu(&w, "now", (uint64_t)in->now);
	if (follows)
		mr_wire_putu(&w, "bytes", in->message.n);
	return mr_wire_end(&w, out);
}

static struct mr_slice keep(const struct mr_wire *w, const char *key, struct mr_arena *arena)
{
	return mr_slice_of(mr_arena_slice(arena, mr_wire_get(w, key)));
}

int mr_scanwire_request_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_scan_input *in, bool *follows)
{
	struct mr_scan_input rq = { 0 };
	struct mr_slice client = mr_wire_get(w, "client");
	uint64_t trusted, now, bytes = 0;
	int r = mr_wire_u64(w, "bytes", MR_SPOOL_SMALL, &bytes);

	if (!mr_slice_eq(mr_wire_get(w, "cmd"), MR_LIT("scan")) || mr_wire_u64(w, "trusted", 1, &trusted) < 0 ||
	    mr_wire_u64(w, "now", INT64_MAX, &now) < 0 || (r < 0 && r != -ENOENT))
		return -EPROTO;
	if (client.p && mr_parse_ip(client, &rq.client) < 0)
		return -EPROTO;
	rq.client_name = keep(w, "client-name", arena);
	rq.helo = keep(w, "helo", arena);
	rq.sender = keep(w, "sender", arena);
	rq.trusted = trusted;
	rq.now = (int64_t)now;
	rq.message.n = (size_t)bytes;
	*follows = r == 0;
	*in = rq;
	return 0;
}

int mr_scanwire_answer(struct mr_buf *out, uint64_t id, const struct mr_dns_answer *a)
{
	struct mr_buf text = MR_BUF(MR_WIRE_MAX);
	struct mr_wire_out w;
	int r = mr_dns_answer_encode(&text, a);

	if (r == 0) {
		mr_wire_begin(&w, "cmd", "answer", id);
		mr_wire_put(&w, "answer", mr_buf_slice(&text));
		r = mr_wire_end(&w, out);
	}
	mr_buf_done(&text);
	return r;
}

int mr_scanwire_answer_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_dns_answer *out)
{
	if (!mr_slice_eq(mr_wire_get(w, "cmd"), MR_LIT("answer")))
		return -EPROTO;
	return mr_dns_answer_decode(mr_wire_get(w, "answer"), arena, out) < 0 ? -EPROTO : 0;
}

static void put_questions(struct mr_wire_out *w, const struct mr_dns_view *view)
{
	struct mr_buf q = MR_BUF(MR_DNS_NAME_MAX + 16);
	enum mr_dns_type type;
	const char *name;

	for (size_t i = 0; mr_dns_view_question(view, i, &name, &type); i++) {
		mr_buf_reset(&q);
		mr_buf_printf(&q, "%s %s", mr_dns_type_str(type), name);
		mr_wire_put(w, "question", mr_buf_slice(&q));
	}
	mr_buf_done(&q);
}

static void put_fuzzy(struct mr_wire_out *w, const struct mr_fuzzy *f)
{
	struct mr_buf hex = MR_BUF(2 * sizeof(f->shingles) + 1);

	for (size_t i = 0; i < MR_FUZZY_SHINGLES && f->text; i++)
		mr_buf_printf(&hex, "%016llx", (unsigned long long)f->shingles[i]);
	if (f->text)
		mr_wire_put(w, "shingles", mr_buf_slice(&hex));
	for (size_t i = 0; i < f->n_files; i++) {
		mr_buf_reset(&hex);
		mr_hex_add(&hex, (struct mr_slice){ (const char *)f->files[i], sizeof(f->files[i]) });
		mr_wire_put(w, "file", mr_buf_slice(&hex));
	}
	mr_buf_done(&hex);
}

int mr_scanwire_report(struct mr_buf *out, uint64_t id, const struct mr_scan_result *r, const struct mr_dns_view *view, bool last)
{
	struct mr_buf line = MR_BUF(MR_SYMBOL_NAME_MAX + 64);
	struct mr_wire_out w;

	mr_wire_begin(&w, "status", view ? "questions" : "result", id);
	for (size_t i = 0; i < r->n_symbols; i++) {
		mr_buf_reset(&line);
		mr_buf_printf(&line, "%.*s %.4f %.*s", (int)r->symbols[i].name.n, r->symbols[i].name.p, r->symbols[i].score,
			      (int)r->symbols[i].group.n, r->symbols[i].group.p);
		mr_wire_put(&w, "symbol", mr_buf_slice(&line));
	}
	mr_wire_putu(&w, "refuse", r->refuse);
	mr_wire_putu(&w, "sender", r->sender);
	mr_wire_putu(&w, "author", r->author);
	mr_wire_put(&w, "authres", r->authres);
	mr_wire_put(&w, "identity", r->identity);
	if (r->dmarc.row.n) {
		mr_buf_reset(&line);
		mr_buf_printf(&line, "%d %d %d %d", r->dmarc.passed, r->dmarc.overridden, r->dmarc.published, r->dmarc.policy);
		mr_wire_put(&w, "dmarc", mr_buf_slice(&line));
		mr_wire_put(&w, "dmarc-row", r->dmarc.row);
	}
	put_fuzzy(&w, &r->fuzzy);
	if (last)
		mr_wire_put(&w, "last", MR_LIT("yes"));
	if (view)
		put_questions(&w, view);
	mr_buf_done(&line);
	return mr_wire_end(&w, out);
}

static bool group_ok(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-'))
			return false;
	return s.n > 0 && s.n <= MR_SYMBOL_NAME_MAX;
}

static int decode_symbol(struct mr_slice line, struct mr_arena *arena, struct mr_scan_result *r)
{
	struct mr_slice score = { 0 };
	struct mr_symbol s;

	if (!mr_slice_next(&line, ' ', &s.name) || !mr_slice_next(&line, ' ', &score) || r->n_symbols == MR_SYMBOLS_MAX)
		return -EPROTO;
	s.group = line;
	if (!mr_symbol_name_ok(s.name) || mr_parse_double(score, -SCORE_MAX, SCORE_MAX, &s.score) < 0 || !group_ok(s.group))
		return -EPROTO;
	s.name = mr_slice_of(mr_arena_slice(arena, s.name));
	s.group = mr_slice_of(mr_arena_slice(arena, s.group));
	r->symbols[r->n_symbols++] = s;
	r->score += s.score;
	return 0;
}

static int decode_question(struct mr_slice line, struct mr_arena *arena, struct mr_scan_report *out)
{
	struct mr_scan_question q;
	struct mr_slice name;
	ptrdiff_t at = mr_slice_chr(line, ' ');

	if (at < 0 || out->n_questions == MR_DNS_QUESTIONS_MAX)
		return -EPROTO;
	name = mr_slice_from(line, (size_t)at + 1);
	if (name.n == 0 || name.n > MR_DNS_NAME_MAX || mr_slice_chr(name, '\0') >= 0)
		return -EPROTO;
	if (mr_dns_type_parse((struct mr_slice){ line.p, (size_t)at }, &q.type) < 0)
		return -EPROTO;
	q.name = mr_arena_slice(arena, name);
	out->questions[out->n_questions++] = q;
	return 0;
}

/* One line, whatever a scanner writes. */
static int decode_dmarc(const struct mr_wire *w, struct mr_arena *arena, struct mr_scan_dmarc *out)
{
	static const uint64_t max[] = { 1, 1, MR_DMARC_REJECT, MR_DMARC_REJECT };
	struct mr_slice line = mr_wire_get(w, "dmarc"), row = mr_wire_get(w, "dmarc-row"), word;
	uint64_t v[MR_COUNT(max)];

	if (!line.p && !row.p)
		return 0;
	for (size_t i = 0; i < MR_COUNT(max); i++) {
		if (!line.p || !mr_slice_next(&line, ' ', &word) || mr_parse_u64(word, 0, max[i], &v[i]) < 0)
			return -EPROTO;
	}
	if (line.p || row.n == 0 || row.n > MR_DMARC_ROW_MAX)
		return -EPROTO;
	for (size_t i = 0; i < row.n; i++) {
		if ((unsigned char)row.p[i] < ' ')
			return -EPROTO;
	}
	*out = (struct mr_scan_dmarc){ .passed = v[0],
				       .overridden = v[1],
				       .published = (enum mr_dmarc_policy)v[2],
				       .policy = (enum mr_dmarc_policy)v[3],
				       .row = mr_slice_of(mr_arena_slice(arena, row)) };
	return 0;
}

static int decode_fuzzy(const struct mr_wire *w, struct mr_fuzzy *out)
{
	struct mr_slice shingles = mr_wire_get(w, "shingles"), value;
	size_t at = 0;

	if (shingles.p) {
		if (mr_hex_decode(shingles, out->shingles, sizeof(out->shingles)) != sizeof(out->shingles))
			return -EPROTO;
		for (size_t i = 0; i < MR_FUZZY_SHINGLES; i++)
			out->shingles[i] = be64toh(out->shingles[i]);
		out->text = true;
	}
	for (; mr_wire_each(w, "file", &at, &value); out->n_files++)
		if (out->n_files == MR_FUZZY_FILES_MAX || mr_hex_decode(value, out->files[out->n_files], MR_SHA256_LEN) != MR_SHA256_LEN)
			return -EPROTO;
	return 0;
}

static bool identity_ok(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ')
			return false;
	return s.n <= MR_IDENTITY_MAX;
}

int mr_scanwire_report_decode(const struct mr_wire *w, uint64_t id, struct mr_arena *arena, struct mr_scan_report *out)
{
	struct mr_slice status = mr_wire_get(w, "status"), value;
	uint64_t got, refuse, sender, author;
	size_t at = 0;

	*out = (struct mr_scan_report){ .final = mr_slice_eq(status, MR_LIT("result")) };
	if (!out->final && !mr_slice_eq(status, MR_LIT("questions")))
		return -EPROTO;
	if (mr_wire_u64(w, "id", UINT64_MAX, &got) < 0 || got != id || mr_wire_u64(w, "refuse", MR_REFUSES - 1, &refuse) < 0)
		return -EPROTO;
	if (mr_wire_u64(w, "sender", MR_STANDINGS - 1, &sender) < 0 || mr_wire_u64(w, "author", MR_STANDINGS - 1, &author) < 0)
		return -EPROTO;
	while (mr_wire_each(w, "symbol", &at, &value))
		if (decode_symbol(value, arena, &out->result) < 0)
			return -EPROTO;
	for (at = 0; mr_wire_each(w, "question", &at, &value);)
		if (decode_question(value, arena, out) < 0)
			return -EPROTO;
	if (!identity_ok(mr_wire_get(w, "identity")))
		return -EPROTO;
	if (decode_dmarc(w, arena, &out->result.dmarc) < 0 || decode_fuzzy(w, &out->result.fuzzy) < 0)
		return -EPROTO;
	/* A scanner that waits for nothing would wait for ever. */
	if (out->final != (out->n_questions == 0))
		return -EPROTO;
	out->result.refuse = (enum mr_refuse)refuse;
	out->result.sender = (enum mr_standing)sender;
	out->result.author = (enum mr_standing)author;
	out->result.complete = out->final;
	out->last = mr_wire_get(w, "last").n > 0;
	out->result.authres = keep(w, "authres", arena);
	out->result.identity = keep(w, "identity", arena);
	return 0;
}
