/* sa/get: what `header` rules name: fields, pseudo-fields, and what stands behind a colon: "From:addr", "Received:first:raw". */
/* system */
#include <string.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "mail/sa/internal.h"

#define ADDRESSES_MAX 1000 /* of one request */

struct how {
	struct mr_slice name;
	bool addr, display, raw, host, domain, ip, reverse, first, last;
};

static struct how parse_request(struct mr_slice request)
{
	struct how h = { 0 };
	struct mr_slice rest = request, word;

	mr_slice_next(&rest, ':', &h.name);
	while (mr_slice_next(&rest, ':', &word)) {
		h.raw |= mr_slice_eq(word, MR_LIT("raw"));
		h.addr |= mr_slice_eq(word, MR_LIT("addr"));
		h.display |= mr_slice_eq(word, MR_LIT("name"));
		h.domain |= mr_slice_eq(word, MR_LIT("domain"));
		h.host |= h.domain || mr_slice_eq(word, MR_LIT("host"));
		h.reverse |= mr_slice_eq(word, MR_LIT("revip"));
		h.ip |= h.reverse || mr_slice_eq(word, MR_LIT("ip"));
		h.first |= mr_slice_eq(word, MR_LIT("first"));
		h.last |= mr_slice_eq(word, MR_LIT("last"));
	}
	return h;
}

/* -- fields -- */

static struct mr_slice with_break(struct mr_arena *a, struct mr_slice s)
{
	char *p = mr_arena_alloc(a, s.n + 2);

	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\n';
	return (struct mr_slice){ p, s.n + 1 };
}

enum form { DECODED, RAW, RAW_IN_A_LINE };

static void add_fields(struct mr_sa *sa, const char *name, struct mr_slice n, enum form form, struct mr_sa_list *out)
{
	struct sa_header *h = &sa->nodes[0].header;

	if (name)
		n = mr_slice_of(name);
	if (!(h->names & sa_name_bit(n)))
		return;
	for (size_t i = 0; i < h->n; i++) {
		struct sa_field *f = &h->fields[i];

		if (!mr_slice_ieq(f->name, n))
			continue;
		if (form == DECODED)
			sa_list_add(sa->arena, out, with_break(sa->arena, sa_field_decoded(sa->arena, f)), MR_SA_HEADERS_MAX);
		else
			sa_list_add(sa->arena, out, form == RAW ? f->raw : sa_raw_in_a_line(sa->arena, f->raw), MR_SA_HEADERS_MAX);
	}
}

/* The header as it stands, a field with its folded lines in each item. */
static void add_pristine(struct mr_sa *sa, struct mr_sa_list *out)
{
	struct mr_slice s = sa->pristine_header, field = { 0 };

	while (s.n) {
		ptrdiff_t lf = mr_slice_chr(s, '\n');
		struct mr_slice line = { s.p, lf < 0 ? s.n : (size_t)lf + 1 };

		s = mr_slice_from(s, line.n);
		if (line.p[0] == ' ' || line.p[0] == '\t') {
			field.n += field.p ? line.n : 0;
			continue;
		}
		if (field.p)
			sa_list_add(sa->arena, out, field, MR_SA_HEADERS_MAX);
		field = sa_trim(line).n ? line : (struct mr_slice){ 0 };
	}
	if (field.p)
		sa_list_add(sa->arena, out, field, MR_SA_HEADERS_MAX);
}

static void add_lines(struct mr_arena *a, struct mr_slice s, struct mr_sa_list *out)
{
	while (s.n) {
		ptrdiff_t lf = mr_slice_chr(s, '\n');
		struct mr_slice line = { s.p, lf < 0 ? s.n : (size_t)lf + 1 };

		sa_list_add(a, out, line, 2 * MR_SA_HEADERS_MAX);
		s = mr_slice_from(s, line.n);
	}
}

/* Fields from the Received number `from` on, or up to `to` with it; -1: no bound. */
static void add_range(struct mr_sa *sa, long from, long to, bool raw, struct mr_sa_list *out)
{
	struct mr_sa_list all = { 0 }, lines = { 0 };
	long at = -1;

	if (raw) {
		add_pristine(sa, &lines);
	} else {
		sa_header_all(sa->arena, &sa->nodes[0].header, false, &all, &sa->truncated_header);
		for (size_t i = 0; i < all.n; i++)
			add_lines(sa->arena, all.items[i], &lines);
	}
	for (size_t i = 0; i < lines.n; i++) {
		if (mr_slice_istarts(lines.items[i], MR_LIT("Received:")))
			at++;
		if ((from < 0 || from <= at) && (to < 0 || at < to)) {
			sa_list_add(sa->arena, out, lines.items[i], 2 * MR_SA_HEADERS_MAX);
		} else if (to >= 0 && at == to) {
			sa_list_add(sa->arena, out, lines.items[i], 2 * MR_SA_HEADERS_MAX);
			break;
		}
	}
}

/* -- the envelope's sender -- */

static struct mr_slice first_address(struct mr_sa *sa, const char *request)
{
	const struct mr_sa_list *l = mr_sa_get(sa, mr_slice_of(request));

	return l->n ? l->items[0] : (struct mr_slice){ 0 };
}

/* A field that follows a Received field may be an older hop's. */
static bool after_received(const struct mr_sa *sa, struct mr_slice name)
{
	const struct sa_header *h = &sa->nodes[0].header;
	bool received = false;

	for (size_t i = 0; i < h->n; i++) {
		if (mr_slice_ieq(h->fields[i].name, MR_LIT("received")))
			received = true;
		else if (received && mr_slice_ieq(h->fields[i].name, name))
			return true;
	}
	return false;
}

static bool fetched_by_fetchmail(struct mr_sa *sa)
{
	struct mr_slice sender = first_address(sa, "X-Sender:first:addr");
	const struct mr_sa_list *received;

	if (!sender.p || mr_slice_chr(sender, '@') < 0)
		return false;
	received = mr_sa_get(sa, MR_LIT("Received"));
	for (size_t i = 0; i < received->n; i++)
		if (sa_has(received->items[i], MR_LIT("(fetchmail")))
			return true;
	return false;
}

static struct mr_slice find_envelope(struct mr_sa *sa)
{
	size_t n;
	const struct mr_sa_relay *const *relays = mr_sa_relays(sa, MR_SA_UNTRUSTED, &n);
	const struct mr_sa_relay *hop = n ? relays[0] : NULL;
	struct mr_slice from;

	if (!hop) {
		relays = mr_sa_relays(sa, MR_SA_TRUSTED, &n);
		hop = n ? relays[n - 1] : NULL;
	}
	if (sa->client && sa->client->from.p)
		return sa->client->from;
	if (hop && hop->from.p && (mr_slice_chr(hop->from, '@') > 0 || !hop->from.n))
		return hop->from;
	if (fetched_by_fetchmail(sa))
		return (struct mr_slice){ 0 };
	from = first_address(sa, "X-Envelope-From:first:addr");
	if (from.p)
		return after_received(sa, MR_LIT("X-Envelope-From")) ? (struct mr_slice){ 0 } : from;
	from = first_address(sa, "Envelope-Sender:first:addr");
	if (from.p && !after_received(sa, MR_LIT("Envelope-Sender")))
		return from;
	from = first_address(sa, "Return-Path:first:addr");
	return from.p && !after_received(sa, MR_LIT("Return-Path")) ? from : (struct mr_slice){ 0 };
}

static void add_envelope(struct mr_sa *sa, struct mr_sa_list *out)
{
	if (!sa->has_envelope) {
		sa->has_envelope = true;
		sa->envelope = find_envelope(sa);
	}
	if (sa->envelope.p)
		sa_list_add(sa->arena, out, sa->envelope, 1);
}

/* -- by name -- */

static bool relays_of(struct mr_slice name, enum mr_sa_trust *which)
{
	static const struct mr_slice names[] = { MR_LIT("x-spam-relays-trusted"), MR_LIT("x-spam-relays-untrusted"),
						 MR_LIT("x-spam-relays-internal"), MR_LIT("x-spam-relays-external") };

	for (size_t i = 0; i < MR_COUNT(names); i++)
		if (mr_slice_ieq(name, names[i])) {
			*which = (enum mr_sa_trust)i;
			return true;
		}
	return false;
}

static bool add_pseudo(struct mr_sa *sa, const struct how *h, struct mr_sa_list *out)
{
	enum form line = h->raw ? RAW_IN_A_LINE : DECODED;
	enum mr_sa_trust which;

	if (mr_slice_eq(h->name, MR_LIT("ALL"))) {
		if (h->raw)
			add_pristine(sa, out);
		else
			sa_header_all(sa->arena, &sa->nodes[0].header, false, out, &sa->truncated_header);
	} else if (mr_slice_starts(h->name, MR_LIT("ALL-"))) {
		struct mr_slice of = mr_slice_from(h->name, 4);

		sa_relays_read(sa);
		if (mr_slice_eq(of, MR_LIT("TRUSTED")))
			add_range(sa, -1, sa->last_trusted + 1, h->raw, out);
		else if (mr_slice_eq(of, MR_LIT("INTERNAL")))
			add_range(sa, -1, sa->last_internal + 1, h->raw, out);
		else if (mr_slice_eq(of, MR_LIT("UNTRUSTED")))
			add_range(sa, sa->last_trusted + 1, -1, h->raw, out);
		else if (mr_slice_eq(of, MR_LIT("EXTERNAL")))
			add_range(sa, sa->last_internal + 1, -1, h->raw, out);
	} else if (mr_slice_ieq(h->name, MR_LIT("EnvelopeFrom"))) {
		add_envelope(sa, out);
	} else if (relays_of(h->name, &which)) {
		sa_relays_read(sa);
		sa_list_add(sa->arena, out, sa->trust_text[which], 1);
	} else if (mr_slice_ieq(h->name, MR_LIT("ToCc"))) {
		add_fields(sa, "To", (struct mr_slice){ 0 }, line, out);
		add_fields(sa, "Cc", (struct mr_slice){ 0 }, line, out);
	} else if (mr_slice_eq(h->name, MR_LIT("MESSAGEID"))) {
		add_fields(sa, "X-Message-Id", (struct mr_slice){ 0 }, line, out);
		add_fields(sa, "Resent-Message-Id", (struct mr_slice){ 0 }, line, out);
		add_fields(sa, "X-Original-Message-ID", (struct mr_slice){ 0 }, line, out);
		add_fields(sa, "Message-Id", (struct mr_slice){ 0 }, line, out);
	} else {
		return sa_pdf_header(sa, h->name, out) || sa_svg_header(sa, h->name, out);
	}
	return true;
}

/* -- parts of values -- */

/* A display name: words decoded, white space folded, one pair of quotes gone. */
static struct mr_slice shown_name(struct mr_arena *a, struct mr_slice s)
{
	char *out;
	size_t n = 0;

	s = sa_decode_words(a, s, MR_LIT(""));
	if (!sa_trim(s).n)
		return s;
	s = sa_trim(s);
	out = mr_arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++)
		if (!sa_is_space(s.p[i]))
			out[n++] = s.p[i];
		else if (!sa_is_space(s.p[i - 1]))
			out[n++] = ' ';
	if (n >= 2 && out[0] == '\'' && out[n - 1] == '\'')
		return (struct mr_slice){ out + 1, n - 2 };
	return (struct mr_slice){ out, n };
}

static void pick_addresses(struct mr_sa *sa, const struct how *h, const struct mr_sa_list *in, struct mr_sa_list *out)
{
	struct sa_address found[256]; /* of one field */

	for (size_t i = 0; i < in->n && out->n < ADDRESSES_MAX; i++) {
		size_t n = sa_addresses(sa->arena, in->items[i], found, MR_COUNT(found));

		for (size_t k = 0; k < n; k++) {
			if (h->addr && found[k].address.p)
				sa_list_add(sa->arena, out, found[k].address, ADDRESSES_MAX);
			else if (!h->addr && found[k].phrase.p)
				sa_list_add(sa->arena, out, h->raw ? found[k].phrase : shown_name(sa->arena, found[k].phrase),
					    ADDRESSES_MAX);
		}
	}
}

static bool may_join(char c)
{
	return c == '.' || c == '_' || c == '-';
}

/* The last name with a known top-level domain in s[from, to): what stands before it reaches back to white space. */
static bool host_in(struct mr_sa *sa, struct mr_slice s, size_t from, struct mr_slice *out)
{
	for (size_t end = s.n; end > from; end--) {
		size_t begin = end, n;

		if (end == s.n || s.p[end] != '.' || !(n = sa_tld_at(sa->conf, mr_slice_from(s, end + 1))))
			continue;
		if (end + 1 + n < s.n && may_join(s.p[end + 1 + n]))
			continue;
		while (begin > from && !sa_is_space(s.p[begin - 1]))
			begin--;
		if (begin == end || (begin && may_join(s.p[begin - 1])))
			continue;
		*out = sa_sub(s, begin, end + 1 + n);
		if (sa_fqdn_valid(*out))
			return true;
	}
	return false;
}

static struct mr_slice host_of(struct mr_sa *sa, const struct how *h, struct mr_slice line)
{
	ptrdiff_t at = mr_slice_rchr(line, '@');
	struct mr_slice host = { 0 };

	if (h->addr) {
		if (at >= 0) {
			size_t end = (size_t)at + 1;

			while (end < line.n && !sa_is_space(line.p[end]))
				end++;
			host = sa_sub(line, (size_t)at + 1, end);
		}
	} else if (at < 0 || !host_in(sa, line, (size_t)at + 1, &host)) {
		if (!host_in(sa, line, 0, &host))
			host = (struct mr_slice){ 0 };
	}
	if (host.n && h->domain)
		host = sa_trim_domain(sa->conf, sa->arena, host);
	return host;
}

static struct mr_slice ip_of(struct mr_slice line)
{
	for (size_t i = 0; i < line.n; i++) {
		size_t n = i && (sa_is_word(line.p[i - 1]) || line.p[i - 1] == '.' || line.p[i - 1] == ':')
			       ? 0
			       : sa_ip_length(mr_slice_from(line, i));

		if (n && (i + n == line.n || line.p[i + n] != '.'))
			return sa_sub(line, i, i + n);
	}
	return (struct mr_slice){ 0 };
}

static struct mr_slice reversed_ip(struct mr_arena *a, struct mr_slice ip)
{
	struct mr_slice part[4], rest = ip;
	size_t n = 0;

	while (n < 4 && mr_slice_next(&rest, '.', &part[n]))
		n++;
	if (n != 4)
		return ip;
	return mr_slice_of(mr_arena_printf(a, "%.*s.%.*s.%.*s.%.*s", (int)part[3].n, part[3].p, (int)part[2].n, part[2].p, (int)part[1].n,
					   part[1].p, (int)part[0].n, part[0].p));
}

static void pick_hosts(struct mr_sa *sa, const struct how *h, const struct mr_sa_list *in, struct mr_sa_list *out)
{
	for (size_t i = 0; i < in->n; i++) {
		struct mr_slice s = h->host ? host_of(sa, h, in->items[i]) : ip_of(in->items[i]);

		if (s.n)
			sa_list_add(sa->arena, out, h->reverse && !h->host ? reversed_ip(sa->arena, s) : s, ADDRESSES_MAX);
	}
}

static struct mr_sa_list compute(struct mr_sa *sa, struct mr_slice request)
{
	struct how h = parse_request(request);
	struct mr_sa_list values = { 0 }, picked = { 0 };
	bool all = mr_slice_starts(h.name, MR_LIT("ALL"));

	if (!add_pseudo(sa, &h, &values))
		add_fields(sa, NULL, h.name, h.raw || h.addr || h.display ? RAW : DECODED, &values);
	if (all || !values.n)
		return values;
	if (h.first || h.last)
		values = (struct mr_sa_list){ &values.items[h.first ? 0 : values.n - 1], 1 };
	if (h.addr || h.display) {
		pick_addresses(sa, &h, &values, &picked);
		values = picked;
		picked = (struct mr_sa_list){ 0 };
	}
	if (h.host || h.ip) {
		pick_hosts(sa, &h, &values, &picked);
		values = picked;
	}
	return values;
}

/* -- kept answers -- */

static struct sa_got *got(struct mr_sa *sa, struct mr_slice request)
{
	struct sa_got **bucket = &sa->got[mr_hash(request.p, request.n) % SA_GOT_BUCKETS], *g;
	struct mr_sa_list values;

	for (g = *bucket; g; g = g->next)
		if (mr_slice_eq(g->request, request))
			return g;
	values = compute(sa, request); /* may keep others on its way */
	g = mr_arena_alloc(sa->arena, sizeof(*g));
	*g = (struct sa_got){ .next = *bucket, .request = request, .values = values };
	if (sa->n_got < SA_GOT_MAX) {
		*bucket = g;
		sa->n_got++;
	}
	return g;
}

const struct mr_sa_list *mr_sa_get(struct mr_sa *sa, struct mr_slice request)
{
	return &got(sa, request)->values;
}

static struct mr_slice join(struct mr_arena *a, const struct mr_sa_list *l, struct mr_slice between)
{
	size_t n = 0;
	char *p;

	if (l->n == 1)
		return l->items[0];
	for (size_t i = 0; i < l->n; i++)
		n += l->items[i].n + between.n;
	p = mr_arena_alloc(a, n + 1);
	n = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (i && between.n)
			p[n++] = between.p[0];
		if (l->items[i].n)
			memcpy(p + n, l->items[i].p, l->items[i].n);
		n += l->items[i].n;
	}
	return (struct mr_slice){ p, n };
}

bool mr_sa_header(struct mr_sa *sa, struct mr_slice request, struct mr_slice *out)
{
	struct sa_got *g = got(sa, request);
	struct mr_slice first;

	if (!g->values.n)
		return false;
	first = g->values.items[0];
	if (!g->is_joined)
		g->joined = join(sa->arena, &g->values, first.n && first.p[first.n - 1] == '\n' ? MR_LIT("") : MR_LIT("\n"));
	g->is_joined = true;
	*out = g->joined;
	return true;
}

static struct mr_slice first_or_all(struct mr_arena *a, const struct sa_got *g)
{
	static const char *const single[] = { ":addr", ":name", ":host", ":domain", ":ip", ":revip" };
	const struct mr_sa_list *l = &g->values;
	bool one = mr_slice_eq(g->request, MR_LIT("EnvelopeFrom"));
	struct mr_slice s;

	if (!l->n)
		return MR_LIT("");
	for (size_t i = 0; i < MR_COUNT(single); i++)
		one |= sa_has(g->request, mr_slice_of(single[i]));
	if (!one)
		return join(a, l, MR_LIT(""));
	s = l->items[0];
	if (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	return s;
}

struct mr_slice mr_sa_scalar(struct mr_sa *sa, struct mr_slice request)
{
	struct sa_got *g = got(sa, request);

	if (!g->is_scalar)
		g->scalar = first_or_all(sa->arena, g);
	g->is_scalar = true;
	return g->scalar;
}
