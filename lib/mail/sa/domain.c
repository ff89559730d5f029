/* sa/domain: names of hosts and their registered domains, by the lists that rule files bring. */
/* system */
#include <string.h>

/* libraries */
#include <idn2.h>
#include <libpsl.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "mail/sa/conf-internal.h"
#include "mail/sa/internal.h"

#define LABELS_MAX 20

static const char us_states[] = " ak al ar az ca co ct dc de fl ga gu hi ia id il in ks ky la ma md me mi mn mo ms mt nc nd ne nh nj nm nv "
				"ny oh ok or pa pr ri sc sd tn tx "
				"ut va vi vt wa wi wv wy ";

static bool is_state(struct mr_slice s)
{
	char text[5] = " xx ";

	if (s.n != 2)
		return false;
	memcpy(text + 1, s.p, 2);
	return strstr(us_states, text) != NULL;
}

bool sa_fqdn_valid(struct mr_slice host)
{
	struct mr_slice labels[128], rest;
	size_t n = 0;

	while (host.n && host.p[host.n - 1] == '.')
		host.n--;
	if (!host.n || host.n > 253)
		return false;
	for (rest = host; n < MR_COUNT(labels) && mr_slice_next(&rest, '.', &labels[n]); n++)
		;
	if (n < 2)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct mr_slice l = labels[i];

		if (!l.n || l.n > 63 || l.p[0] == '-' || l.p[l.n - 1] == '-')
			return false;
		for (size_t k = 0; k < l.n; k++)
			if (!sa_is_word(l.p[k]) && l.p[k] != '-')
				return false;
		if (i + 2 >= n && mr_slice_chr(l, '_') >= 0)
			return false;
	}
	return true;
}

/* The rule files say which there are; where they are silent, the public suffix list that is built in does. */
static bool is_tld(const struct mr_sa_conf *c, struct mr_slice label)
{
	char name[64];

	if (c->sets[MR_SA_TLDS] || !label.n || label.n >= sizeof(name))
		return mr_sa_conf_has(c, MR_SA_TLDS, label);
	memcpy(name, label.p, label.n);
	name[label.n] = 0;
	return psl_is_public_suffix2(psl_builtin(), name, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE);
}

bool sa_tld_valid(const struct mr_sa_conf *c, struct mr_arena *a, struct mr_slice host)
{
	ptrdiff_t dot = mr_slice_rchr(host, '.');

	for (size_t i = 0; i < host.n; i++)
		if (sa_is_space(host.p[i]))
			return false;
	return dot >= 0 && is_tld(c, sa_lower(a, mr_slice_from(host, (size_t)dot + 1)));
}

size_t sa_tld_at(const struct mr_sa_conf *c, struct mr_slice s)
{
	char label[64];
	size_t n = 0;

	while (n < s.n && n < sizeof(label) && (sa_is_alpha(s.p[n]) || sa_is_digit(s.p[n]) || s.p[n] == '-')) {
		label[n] = mr_lower(s.p[n]);
		n++;
	}
	if (!n || n == sizeof(label) || (n + 1 < s.n && s.p[n] == '.' && (sa_is_alpha(s.p[n + 1]) || sa_is_digit(s.p[n + 1]))))
		return 0;
	return is_tld(c, (struct mr_slice){ label, n }) ? n : 0;
}

/* How many labels at the end belong to the registry, of those from `i` on: is this all of it? */
static bool is_registry(const struct mr_sa_conf *c, const struct mr_slice *labels, size_t i, size_t n, struct mr_slice host)
{
	struct mr_slice all = { labels[i].p, (size_t)(host.p + host.n - labels[i].p) };
	bool us = mr_slice_eq(labels[n - 1], MR_LIT("us"));

	switch (n - i) {
	case 2:
		return mr_sa_conf_has(c, MR_SA_TLDS2, all);
	case 3:
		return us ? is_state(labels[n - 2]) : mr_sa_conf_has(c, MR_SA_TLDS3, all);
	case 4:
		return us && is_state(labels[n - 2]) &&
		       ((mr_slice_eq(labels[i], MR_LIT("pvt")) && mr_slice_eq(labels[i + 1], MR_LIT("k12"))) ||
			mr_slice_starts(labels[i], MR_LIT("ci")) || mr_slice_starts(labels[i], MR_LIT("co")));
	}
	return false;
}

struct mr_slice sa_trim_domain(const struct mr_sa_conf *c, struct mr_arena *a, struct mr_slice host)
{
	struct mr_slice labels[LABELS_MAX], rest, label;
	size_t n = 0, i;

	host = sa_lower(a, host);
	while (host.n && host.p[0] == '.')
		host = mr_slice_from(host, 1);
	while (host.n && host.p[host.n - 1] == '.')
		host.n--;
	for (rest = host; mr_slice_next(&rest, '.', &label);) {
		if (n == LABELS_MAX)
			memmove(labels, labels + 1, --n * sizeof(*labels));
		if (label.n)
			labels[n++] = label;
	}
	if (n < 2)
		return host;
	for (i = 0; i + 1 < n && !is_registry(c, labels, i, n, host);)
		i++;
	if (i > 0)
		i--;
	return (struct mr_slice){ labels[i].p, (size_t)(host.p + host.n - labels[i].p) };
}

struct mr_slice sa_to_ascii(struct mr_arena *a, struct mr_slice host)
{
	bool high = false;
	uint8_t *out = NULL;
	struct mr_slice result = sa_lower(a, host);

	for (size_t i = 0; i < host.n; i++)
		high |= (host.p[i] & 0x80) != 0;
	if (!high || !mr_utf8_valid(host) || memchr(host.p, '\0', host.n))
		return result;
	if (idn2_lookup_u8((const uint8_t *)result.p, &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK)
		result = mr_slice_of(mr_arena_strdup(a, (const char *)out));
	idn2_free(out);
	return result;
}

static int hex(char c)
{
	return sa_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "%41": there is a form with it undone. */
static bool has_encoded(struct mr_slice s)
{
	for (size_t i = 0; i + 2 < s.n; i++) {
		int v = s.p[i] == '%' && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0 ? hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]) : 0;

		if (v > 0x20 && v < 0x7f)
			return true;
	}
	return false;
}

static struct mr_slice after_scheme(struct mr_slice s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] >= 'a' && s.p[i] <= 'z')
		i++;
	if (!i || i >= s.n || s.p[i] != ':')
		return s;
	for (int slashes = 0; slashes < 2 && i + 1 < s.n && s.p[i + 1] == '/'; slashes++)
		i++;
	return mr_slice_from(s, i + 1);
}

bool sa_uri_domain(const struct mr_sa_conf *c, struct mr_arena *a, struct mr_slice uri, struct mr_slice *domain, struct mr_slice *host)
{
	struct mr_slice s = sa_lower(a, uri);
	ptrdiff_t at;

	if (mr_slice_starts(s, MR_LIT("javascript:")) || mr_slice_starts(s, MR_LIT("cid:")) || mr_slice_starts(s, MR_LIT("file:")))
		return false;
	if (mr_slice_starts(s, MR_LIT("mailto:"))) {
		s = mr_slice_from(s, 7);
		if ((at = mr_slice_chr(s, '?')) >= 0)
			s.n = (size_t)at;
		at = mr_slice_rchr(s, '@');
		if (at < 0 || mr_slice_chr(s, '@') != at)
			return false;
		s = mr_slice_from(s, (size_t)at + 1);
	} else {
		size_t end = 0;

		s = after_scheme(s);
		while (end < s.n && s.p[end] != '/' && s.p[end] != '?' && s.p[end] != '#')
			end++;
		s.n = end;
		if ((at = mr_slice_rchr(s, '@')) >= 0)
			s = mr_slice_from(s, (size_t)at + 1);
		for (end = s.n; end && sa_is_digit(s.p[end - 1]);)
			end--;
		if (end && s.p[end - 1] == ':')
			s.n = end - 1;
	}
	if (has_encoded(s))
		return false;
	*host = sa_to_ascii(a, s);
	if (host->n && sa_ip_length(*host) == host->n) {
		*domain = *host;
		return true;
	}
	if (!sa_fqdn_valid(*host) || !sa_tld_valid(c, a, *host))
		return false;
	*domain = sa_trim_domain(c, a, *host);
	return true;
}
