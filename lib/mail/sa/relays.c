/* sa/relays: the hosts that a message went through, newest first, and which of them can be believed, up to the first that is not: those of
 * the networks that the administrator trusts, or, where none are named, of private ones; and those whose client logged in. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "mail/sa/internal.h"

#define TEXT_MAX 65536 /* bytes of the relays in writing */

/* -- addresses -- */

static size_t v4_length(struct mr_slice s)
{
	size_t i = 0;

	for (int part = 0; part < 4; part++) {
		unsigned v = 0;
		size_t digits = 0;

		while (i < s.n && sa_is_digit(s.p[i]) && digits < 4) {
			v = v * 10 + (unsigned)(s.p[i++] - '0');
			digits++;
		}
		if (!digits || digits > 3 || v > 255 || (digits > 1 && s.p[i - digits] == '0'))
			return 0;
		if (part < 3 && (i >= s.n || s.p[i++] != '.'))
			return 0;
	}
	return i < s.n && sa_is_word(s.p[i]) ? 0 : i;
}

size_t sa_ip_length(struct mr_slice s)
{
	size_t n = v4_length(s), prefix = mr_slice_istarts(s, MR_LIT("IPv6:")) ? 5 : 0;
	struct mr_ip ip;

	if (n)
		return n;
	for (n = prefix; n < s.n && (sa_is_digit(s.p[n]) || sa_one_of(s.p[n], "abcdefABCDEF:."));)
		n++;
	if (n < prefix + 2 || mr_slice_chr((struct mr_slice){ s.p, n }, ':') < 0 || (n < s.n && sa_is_alpha(s.p[n])))
		return 0;
	return mr_parse_ip(sa_sub(s, prefix, n), &ip) == 0 ? n : 0;
}

bool sa_ip_private(struct mr_slice text)
{
	static const struct mr_net nets[] = { { { AF_INET, { 10 } }, 8 },           { { AF_INET, { 127 } }, 8 },
					      { { AF_INET, { 169, 254 } }, 16 },    { { AF_INET, { 172, 16 } }, 12 },
					      { { AF_INET, { 192, 168 } }, 16 },    { { AF_INET, { 100, 64 } }, 10 },
					      { { AF_INET6, { 0xfe, 0x80 } }, 10 }, { { AF_INET6, { [15] = 1 } }, 128 } };
	struct mr_ip ip;

	if (mr_parse_ip(text, &ip) < 0)
		return false;
	for (size_t i = 0; i < MR_COUNT(nets); i++)
		if (mr_net_has(&nets[i], &ip))
			return true;
	return false;
}

/* -- in writing -- */

static void put(struct mr_buf *b, const char *name, struct mr_slice value)
{
	mr_buf_puts(b, name);
	mr_buf_add(b, value);
}

/* All of it, or nothing where there is no room. */
static void write_relay(struct mr_buf *b, const struct mr_sa_relay *r)
{
	size_t start;

	if (b->n)
		mr_buf_putc(b, ' ');
	start = b->n;
	b->full = false;
	put(b, "[ ip=", r->ip);
	put(b, " rdns=", r->rdns);
	put(b, " helo=", r->helo);
	put(b, " by=", r->by);
	put(b, " ident=", r->ident);
	put(b, " envfrom=", r->from);
	put(b, " intl=", r->internal ? MR_LIT("1") : MR_LIT("0"));
	put(b, " id=", r->id);
	put(b, " auth=", r->auth);
	put(b, " msa=", r->msa ? MR_LIT("1 ]") : MR_LIT("0 ]"));
	if (b->full)
		mr_buf_truncate(b, start);
}

static void sort_by_trust(struct mr_sa *sa, const bool *trusted)
{
	for (size_t t = 0; t < 4; t++) {
		struct mr_buf text = MR_BUF(TEXT_MAX);

		sa->by_trust[t] = mr_arena_alloc(sa->arena, (sa->n_relays + 1) * sizeof(*sa->by_trust[t]));
		for (size_t i = 0; i < sa->n_relays; i++) {
			bool in = t == MR_SA_TRUSTED || t == MR_SA_UNTRUSTED ? trusted[i] : sa->relays[i].internal;

			if (in != (t == MR_SA_TRUSTED || t == MR_SA_INTERNAL))
				continue;
			sa->by_trust[t][sa->n_by_trust[t]++] = &sa->relays[i];
			write_relay(&text, &sa->relays[i]);
		}
		sa->trust_text[t] = sa_keep_buf(sa->arena, &text);
	}
}

/* -- all of them -- */

struct reading {
	struct mr_sa *sa;
	struct mr_slice qmail_from; /* what the line before said of the next one's sender */
	bool *trusted;
	bool in_trusted, in_internal, found_msa, fetch_marks;
};

/* Behind a host that users hand their mail to, all is as it is there. */
static void judge(struct reading *r, struct mr_sa_relay *relay)
{
	const struct mr_sa_conf *c = r->sa->conf;
	bool known = mr_sa_conf_nets_known(c);

	if (!r->in_trusted || r->found_msa)
		return;
	if (!relay->auth.n && !(known ? mr_sa_conf_nets_have(c, MR_SA_NETS_TRUSTED, relay->ip) : relay->private_ip)) {
		r->in_trusted = r->in_internal = false;
		return;
	}
	if (known && !relay->auth.n && !mr_sa_conf_nets_have(c, MR_SA_NETS_INTERNAL, relay->ip))
		r->in_internal = false;
	relay->msa = r->found_msa = known && mr_sa_conf_nets_have(c, MR_SA_NETS_MSA, relay->ip);
}

static void take(struct reading *r, const struct mr_sa_relay *relay)
{
	struct mr_sa *sa = r->sa;
	struct mr_sa_relay *to = &sa->relays[sa->n_relays];

	*to = *relay;
	to->private_ip = sa_ip_private(to->ip);
	judge(r, to);
	to->internal = r->in_internal;
	r->trusted[sa->n_relays++] = r->in_trusted;
	r->fetch_marks = r->in_trusted;
	sa->last_trusted += r->in_trusted;
	sa->last_internal += r->in_internal;
}

static void take_line(struct reading *r, struct mr_slice line)
{
	struct mr_sa *sa = r->sa;
	struct mr_sa_relay relay = { 0 };
	struct mr_slice qmail_from = r->qmail_from;
	enum sa_received what;

	r->qmail_from = (struct mr_slice){ 0 };
	what = sa_received_parse(sa->arena, line, &relay, &r->qmail_from);
	if (what == SA_RECEIVED_RELAY) {
		if (qmail_from.n)
			relay.from = qmail_from;
		take(r, &relay);
		return;
	}
	sa->n_unparseable += what == SA_RECEIVED_UNKNOWN;
	if (what == SA_RECEIVED_FETCHED && r->fetch_marks) {
		/* Fetched from another mailbox: what was before is nobody's path. */
		for (size_t i = 0; i < sa->n_relays; i++)
			r->trusted[i] = false;
		sa->n_relays = 0;
	}
	sa->last_trusted += r->in_trusted;
	sa->last_internal += r->in_internal;
}

/* The address of who wrote the message counts as the oldest host. */
static void take_originating(struct reading *r, struct mr_slice value)
{
	for (size_t i = 0; i < value.n; i++) {
		size_t n = i && (sa_is_word(value.p[i - 1]) || value.p[i - 1] == ':') ? 0 : sa_ip_length(mr_slice_from(value, i));

		if (!n || r->sa->n_relays >= MR_SA_RELAYS_MAX + 2)
			continue;
		take(r, &(struct mr_sa_relay){ .ip = sa_sub(value, i, i + n),
					       .rdns = MR_LIT(""),
					       .helo = MR_LIT(""),
					       .by = MR_LIT(""),
					       .ident = MR_LIT(""),
					       .id = MR_LIT(""),
					       .auth = MR_LIT("") });
		return;
	}
}

void sa_relays_read(struct mr_sa *sa)
{
	struct reading r = { .sa = sa, .in_trusted = true, .in_internal = true, .fetch_marks = true };
	struct sa_header *h = &sa->nodes[0].header;
	const char *field;
	size_t n = 0;

	if (sa->has_relays)
		return;
	sa->has_relays = true;
	sa->last_trusted = sa->last_internal = -1;
	sa->relays = mr_arena_alloc(sa->arena, ((h->n < MR_SA_RELAYS_MAX ? h->n : MR_SA_RELAYS_MAX) + 2) * sizeof(*sa->relays));
	r.trusted = mr_arena_alloc(sa->arena, MR_SA_RELAYS_MAX + 2);
	if (sa->client)
		take(&r, &(struct mr_sa_relay){ .ip = sa->client->ip,
						.rdns = sa->client->rdns,
						.helo = sa->client->helo,
						.by = sa->client->by,
						.from = sa->client->from,
						.ident = MR_LIT(""),
						.id = MR_LIT(""),
						.auth = sa->client->authenticated ? MR_LIT("ESMTPA") : MR_LIT(""),
						.no_rdns = !sa->client->rdns.n });
	sa->last_trusted = sa->last_internal = -1; /* counts fields */
	for (size_t i = 0; i < h->n && n < MR_SA_RELAYS_MAX; i++)
		if (mr_slice_ieq(h->fields[i].name, MR_LIT("received"))) {
			take_line(&r, sa_field_decoded(sa->arena, &h->fields[i]));
			n++;
		}
	for (size_t i = 0; (field = mr_sa_conf_originating(sa->conf, i)); i++)
		take_originating(&r, sa_header_value(sa->arena, h, mr_slice_of(field)));
	sort_by_trust(sa, r.trusted);
}

const struct mr_sa_relay *const *mr_sa_relays(struct mr_sa *sa, enum mr_sa_trust which, size_t *n)
{
	sa_relays_read(sa);
	*n = sa->n_by_trust[which];
	return sa->by_trust[which];
}

size_t mr_sa_relays_unparseable(struct mr_sa *sa)
{
	sa_relays_read(sa);
	return sa->n_unparseable;
}
