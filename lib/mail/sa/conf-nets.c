/* sa/conf-nets: whose word about where a message came from is believed: trusted_networks, internal_networks, msa_networks. */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/conf-internal.h"
#include "mail/sa/internal.h"

static const char *const names[MR_SA_NETS] = {
	[MR_SA_NETS_TRUSTED] = "trusted_networks",
	[MR_SA_NETS_INTERNAL] = "internal_networks",
	[MR_SA_NETS_MSA] = "msa_networks",
};

/* "10.1." or "10.1/16" as "10.1.0.0" with the bits that were written, or those of the octets that were. False: not of this form. */
static bool short_v4(struct mr_slice s, struct mr_net *out)
{
	struct mr_slice octet;
	char text[sizeof("255.255.255.255")] = "";
	uint64_t v[4] = { 0 };
	size_t n = 0;
	struct mr_ip ip;

	if (s.n && s.p[s.n - 1] == '.')
		s.n--;
	while (s.n && mr_slice_next(&s, '.', &octet)) {
		if (n == 3 || mr_parse_u64(octet, 0, 255, &v[n++]) < 0)
			return false;
	}
	snprintf(text, sizeof(text), "%d.%d.%d.%d", (int)v[0], (int)v[1], (int)v[2], (int)v[3]);
	if (!n || mr_parse_ip(mr_slice_of(text), &ip) < 0)
		return false;
	*out = (struct mr_net){ .ip = ip, .bits = (unsigned)n * 8 };
	return true;
}

static bool parse(struct mr_slice s, struct mr_net *out)
{
	ptrdiff_t slash = mr_slice_chr(s, '/');
	struct mr_slice address = { s.p, slash < 0 ? s.n : (size_t)slash };
	struct mr_ip ip;
	uint64_t bits;

	if (mr_parse_ip(address, &ip) == 0)
		*out = (struct mr_net){ .ip = ip, .bits = ip.family == AF_INET ? 32 : 128 };
	else if (!short_v4(address, out))
		return false;
	if (slash >= 0) {
		if (mr_parse_u64(mr_slice_from(s, (size_t)slash + 1), 0, out->ip.family == AF_INET ? 32 : 128, &bits) < 0)
			return false;
		out->bits = (unsigned)bits;
	}
	*out = mr_net_of(&out->ip, out->bits);
	return true;
}

bool sa_in_network(struct mr_slice net, const struct mr_ip *ip)
{
	struct mr_net n;

	return parse(net, &n) && mr_net_has(&n, ip);
}

static void clear(struct sa_nets *n)
{
	free(n->v);
	*n = (struct sa_nets){ 0 };
}

void sa_conf_nets_done(struct mr_sa_conf *c)
{
	for (size_t i = 0; i < MR_SA_NETS; i++)
		clear(&c->nets[i]);
}

/* "!" excludes; of several that hold an address the first counts. */
static int add(struct sa_nets *n, struct mr_slice word, struct mr_diag *diag)
{
	bool except = word.n && word.p[0] == '!';
	struct mr_net net;

	if (!parse(mr_slice_from(word, except), &net))
		return mr_diag_set(diag, -EINVAL, "\"%.*s\" is no network", (int)(word.n < 60 ? word.n : 60), word.p);
	if (n->n == SA_NETS_MAX)
		return mr_diag_set(diag, -EINVAL, "more than %d networks", SA_NETS_MAX);
	if (!n->v)
		n->v = mr_new(struct sa_net, SA_NETS_MAX);
	n->v[n->n++] = (struct sa_net){ .net = net, .except = except };
	return 0;
}

int sa_conf_nets_set(struct mr_sa_conf *c, struct mr_slice key, struct mr_slice value, struct mr_diag *diag)
{
	static const struct mr_slice clears = MR_LIT("clear_");
	bool clearing = mr_slice_starts(key, clears);
	struct mr_slice name = clearing ? mr_slice_from(key, clears.n) : key, word;
	size_t i = 0;
	int err = 0;

	while (i < MR_SA_NETS && !mr_slice_eq(name, mr_slice_of(names[i])))
		i++;
	if (i == MR_SA_NETS)
		return 0;
	if (clearing)
		clear(&c->nets[i]);
	while (!clearing && err == 0 && sa_conf_next_word(&value, &word))
		err = add(&c->nets[i], word, diag);
	return err < 0 ? err : 1;
}

bool mr_sa_conf_nets_known(const struct mr_sa_conf *c)
{
	return c->nets[MR_SA_NETS_TRUSTED].n || c->nets[MR_SA_NETS_INTERNAL].n;
}

bool mr_sa_conf_nets_have(const struct mr_sa_conf *c, enum mr_sa_nets which, struct mr_slice text)
{
	const struct sa_nets *n = &c->nets[which];
	struct mr_ip ip, loopback;
	struct mr_net local;

	if (mr_parse_ip(text, &ip) < 0)
		return false;
	if (!n->n && which != MR_SA_NETS_MSA)
		n = &c->nets[which == MR_SA_NETS_TRUSTED ? MR_SA_NETS_INTERNAL : MR_SA_NETS_TRUSTED];
	mr_parse_ip(ip.family == AF_INET ? MR_LIT("127.0.0.1") : MR_LIT("::1"), &loopback);
	local = mr_net_of(&loopback, ip.family == AF_INET ? 8 : 128);
	if (which != MR_SA_NETS_MSA && mr_net_has(&local, &ip))
		return true;
	for (size_t i = 0; i < n->n; i++)
		if (mr_net_has(&n->v[i].net, &ip))
			return !n->v[i].except;
	return false;
}
