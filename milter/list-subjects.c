/* list-subjects: see list-subjects.h */

/* ours */
#include "list-subjects.h"
#include "mail/address.h"
#include "mail/url.h"

#define RECEIVED_MAX  10          /* fields that are looked at */
#define RECEIVED_FROM 1024        /* bytes of one in which its address must stand */
#define ADDRESSES_MAX 50          /* of one header field, and of the text */
#define HEADER_MAX    (16u << 10) /* bytes of a header field with addresses */
#define ADDRESS_MIN   6           /* a@b.cd */
#define ADDRESS_MAX   254

struct gathering {
	struct mr_scan *scan;
	uint32_t wanted;
	const struct mr_list_seer *seer;
};

static bool wants(const struct gathering *g, enum mr_dnslist_subject what)
{
	return g->wanted & 1u << what;
}

struct mr_slice mr_list_domain(struct mr_slice host, struct mr_arena *arena)
{
	struct mr_url url;

	if (host.n == 0 || mr_url_parse(host, arena, &url) < 0 || url.ip || url.rest.n)
		return (struct mr_slice){ 0 };
	return url.domain;
}

bool mr_list_skips(struct mr_slice skip, struct mr_slice name)
{
	struct mr_slice one;

	while (mr_slice_next(&skip, ' ', &one)) {
		if (one.n && mr_slice_iends(name, one) && (name.n == one.n || name.p[name.n - one.n - 1] == '.'))
			return true;
	}
	return false;
}

/* What stands before the word "by". */
static struct mr_slice from_part(struct mr_slice value)
{
	size_t n = value.n < RECEIVED_FROM ? value.n : RECEIVED_FROM;

	for (size_t i = 1; i + 2 < n; i++) {
		const char *p = value.p + i;

		if (strchr(" \t\n", p[-1]) && p[0] == 'b' && p[1] == 'y' && strchr(" \t\r\n", p[2]))
			n = i;
	}
	return (struct mr_slice){ value.p, n };
}

bool mr_list_received(struct mr_slice value, struct mr_ip *out)
{
	struct mr_slice from = from_part(value);
	ptrdiff_t open, close;

	if (!mr_slice_istarts(mr_slice_trim(from), MR_LIT("from")))
		return false;
	while ((open = mr_slice_chr(from, '[')) >= 0) {
		from = mr_slice_from(from, (size_t)open + 1);
		close = mr_slice_chr(from, ']');
		if (close < 0)
			return false;
		if (mr_parse_ip((struct mr_slice){ from.p, (size_t)close }, out) == 0)
			return true;
	}
	return false;
}

/* -- the envelope and the header -- */

static void see_host(const struct gathering *g, enum mr_dnslist_subject what, struct mr_slice host)
{
	struct mr_slice domain = wants(g, what) ? mr_list_domain(host, g->scan->arena) : (struct mr_slice){ 0 };

	if (domain.n)
		g->seer->name(what, domain, g->seer->arg);
}

/* "IPv6:..." and "[...]" are taken, too. */
static struct mr_slice host_of(struct mr_slice address)
{
	ptrdiff_t at = mr_slice_rchr(address, '@');

	return at < 0 ? (struct mr_slice){ 0 } : mr_slice_from(address, (size_t)at + 1);
}

static void see_address(const struct gathering *g, struct mr_slice address)
{
	struct mr_slice bare = mr_dnslist_address(address, g->scan->arena);

	if (bare.n >= ADDRESS_MIN && bare.n <= ADDRESS_MAX)
		g->seer->hashed(MR_DNSLIST_ADDRESS, bare, g->seer->arg);
}

static void see_field(const struct gathering *g, enum mr_dnslist_subject what, struct mr_slice value)
{
	struct mr_slice addresses[ADDRESSES_MAX];
	int n = value.n <= HEADER_MAX ? mr_address_header(value, g->scan->arena, addresses, ADDRESSES_MAX) : 0;

	for (int i = 0; i < n && i < ADDRESSES_MAX; i++) {
		see_host(g, what, host_of(addresses[i]));
		if (wants(g, MR_DNSLIST_ADDRESS))
			see_address(g, addresses[i]);
	}
}

static void see_received(const struct gathering *g)
{
	const struct mr_message *m = &g->scan->message;
	unsigned seen = 0;
	struct mr_ip ip;

	for (size_t i = 0; i < m->n_headers && seen < RECEIVED_MAX; i++) {
		if (!mr_slice_ieq(m->headers[i].name, MR_LIT("Received")))
			continue;
		seen++;
		if (mr_list_received(m->headers[i].value, &ip) && !g->seer->ip(MR_DNSLIST_RECEIVED, &ip, g->seer->arg))
			return;
	}
}

static void see_header(const struct gathering *g)
{
	static const struct {
		const char *name;
		enum mr_dnslist_subject what;
	} fields[] = { { "From", MR_DNSLIST_FROM }, { "Reply-To", MR_DNSLIST_REPLY_TO } };
	const struct mr_message *m = &g->scan->message;

	for (size_t f = 0; f < 2; f++) {
		if (!wants(g, fields[f].what) && !wants(g, MR_DNSLIST_ADDRESS))
			continue;
		for (size_t i = 0; i < m->n_headers; i++) {
			if (!mr_slice_ieq(m->headers[i].name, mr_slice_of(fields[f].name)))
				continue;
			see_field(g, fields[f].what, m->headers[i].value);
			break;
		}
	}
}

static void see_envelope(const struct gathering *g)
{
	const struct mr_scan_input *in = g->scan->in;

	if (wants(g, MR_DNSLIST_CLIENT) && in->client.family)
		g->seer->ip(MR_DNSLIST_CLIENT, &in->client, g->seer->arg);
	see_host(g, MR_DNSLIST_HELO, in->helo);
	see_host(g, MR_DNSLIST_SENDER, host_of(in->sender));
	if (wants(g, MR_DNSLIST_ADDRESS) && in->sender.n)
		see_address(g, in->sender);
}

/* -- the body -- */

static bool in_local(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr(".!#$%&'*+/=?^_`{|}~-", c));
}

static bool in_domain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/* Mail addresses as they stand in sentences. */
static void see_text(const struct gathering *g, struct mr_slice text, unsigned *left)
{
	const char *at, *from = text.p, *end = text.n ? text.p + text.n : text.p /* which may be NULL */;

	while (*left && from < end && (at = memchr(from, '@', (size_t)(end - from))) != NULL) {
		const char *first = at, *last = at + 1;

		while (first > from && at - first < ADDRESS_MAX && in_local(first[-1]))
			first--;
		while (last < end && last - at < ADDRESS_MAX && in_domain(*last))
			last++;
		while (last > at + 1 && (last[-1] == '.' || last[-1] == '-'))
			last--;
		from = last;
		if (first < at && memchr(at, '.', (size_t)(last - at))) {
			see_address(g, (struct mr_slice){ first, (size_t)(last - first) });
			(*left)--;
		}
	}
}

static void see_mailto(const struct gathering *g, const struct mr_html *h, unsigned *left)
{
	for (size_t i = 0; i < h->n_links && *left; i++) {
		struct mr_slice target = mr_slice_trim(h->links[i].target);
		ptrdiff_t query = mr_slice_chr(target, '?');

		if (!mr_slice_istarts(target, MR_LIT("mailto:")))
			continue;
		if (query >= 0)
			target.n = (size_t)query;
		see_text(g, mr_slice_from(target, 7), left);
	}
}

static void see_addresses(const struct gathering *g)
{
	unsigned left = ADDRESSES_MAX;

	for (const struct mr_view *v = mr_scan_view(g->scan); v; v = v->within) {
		for (size_t i = 0; i < v->mime.n_parts && left; i++) {
			if (v->html[i]) {
				see_text(g, v->html[i]->text, &left);
				see_mailto(g, v->html[i], &left);
			} else {
				see_text(g, v->mime.parts[i].text, &left);
			}
		}
	}
}

/* An address in place of a name is asked about as one, and is that of its host: lists of links have them, too. */
static void see_link(const struct gathering *g, const struct mr_url *u)
{
	static const enum mr_dnslist_subject of_address[] = { MR_DNSLIST_LINK, MR_DNSLIST_LINK_ADDRESS };
	struct mr_buf whole = MR_BUF(8192);
	ptrdiff_t fragment = mr_slice_chr(u->rest, '#');
	struct mr_ip ip;

	if (u->ip) {
		for (size_t i = 0; i < 2 && mr_parse_ip(u->host, &ip) == 0; i++)
			if (wants(g, of_address[i]))
				g->seer->ip(of_address[i], &ip, g->seer->arg);
	} else {
		if (wants(g, MR_DNSLIST_LINK) && u->domain.n)
			g->seer->name(MR_DNSLIST_LINK, u->domain, g->seer->arg);
		if (wants(g, MR_DNSLIST_LINK_HOST))
			g->seer->name(MR_DNSLIST_LINK_HOST, u->host, g->seer->arg);
	}
	if (wants(g, MR_DNSLIST_URL)) {
		mr_buf_add(&whole, u->host);
		mr_buf_add(&whole, fragment < 0 ? u->rest : (struct mr_slice){ u->rest.p, (size_t)fragment });
		if (!whole.full)
			g->seer->hashed(MR_DNSLIST_URL, mr_buf_slice(&whole), g->seer->arg);
	}
	mr_buf_done(&whole);
}

static void see_files(const struct gathering *g)
{
	for (struct mr_view *v = mr_scan_view(g->scan); v; v = v->within) {
		for (size_t i = 0; i < v->mime.n_parts; i++) {
			struct mr_slice bytes = { 0 };

			if (v->mime.parts[i].kind == MR_MIME_FILE)
				bytes = mr_mime_bytes(&v->mime, &v->mime.parts[i]);
			if (bytes.n && !g->seer->hashed(MR_DNSLIST_FILE, bytes, g->seer->arg))
				return;
		}
	}
}

void mr_list_subjects(struct mr_scan *scan, uint32_t wanted, const struct mr_list_seer *seer)
{
	struct gathering g = { .scan = scan, .wanted = wanted, .seer = seer };
	const struct mr_view *v;

	see_envelope(&g);
	if (wants(&g, MR_DNSLIST_RECEIVED))
		see_received(&g);
	see_header(&g);
	if (wanted & (1u << MR_DNSLIST_LINK | 1u << MR_DNSLIST_LINK_HOST | 1u << MR_DNSLIST_URL)) {
		v = mr_scan_view(scan);
		for (size_t i = 0; i < v->n_urls; i++)
			see_link(&g, &v->urls[i].url);
	}
	if (wants(&g, MR_DNSLIST_ADDRESS))
		see_addresses(&g);
	if (wants(&g, MR_DNSLIST_FILE))
		see_files(&g);
}
