#include "site.h"

/* system */
#include <errno.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "mail/address.h"
#include "rt/file.h"

#define SECRETS_MAX 8192 /* bytes of srs_secret_file */

static int own_hostname(const char *configured, struct mr_arena *arena, struct mr_slice *out, struct mr_diag *diag)
{
	char name[256];

	if (configured[0] == '\0' && gethostname(name, sizeof(name)) != 0)
		return mr_diag_set(diag, -errno, "the name of this host is not known: set hostname");
	name[sizeof(name) - 1] = '\0';
	*out = mr_address_lower(mr_slice_of(configured[0] ? configured : name), arena);
	return 0;
}

static int load_srs(const struct mr_conf_shared *conf, struct mr_site *site, struct mr_diag *diag)
{
	struct mr_buf text = MR_BUF(SECRETS_MAX);
	struct mr_slice rest, line;
	int err = mr_file_secret(conf->srs_secret_file, &text, diag);

	rest = mr_buf_slice(&text);
	while (err == 0 && mr_slice_next(&rest, '\n', &line)) {
		line = mr_slice_trim(line);
		if (line.n == 0)
			continue;
		if (site->srs.n_secrets == MR_SRS_SECRETS_MAX)
			err = mr_diag_set(diag, -E2BIG, "%s: more than %d secrets", conf->srs_secret_file, MR_SRS_SECRETS_MAX);
		else
			site->srs.secrets[site->srs.n_secrets++] = mr_slice_of(mr_arena_slice(site->arena, line));
	}
	if (text.p != NULL)
		mr_wipe(text.p, text.n);
	mr_buf_done(&text);
	return err;
}

/* What a pattern of senders may be: "*" would switch the forwarding pass off, which is done by taking the map out of main.cf. */
static int load_exempt(const struct mr_conf_strings *from, struct mr_site *site, struct mr_diag *diag)
{
	site->exempt = mr_arena_alloc(site->arena, (from->n + 1) * sizeof(*site->exempt));
	for (size_t i = 0; i < from->n; i++) {
		struct mr_slice pattern = mr_address_lower(mr_slice_of(from->v[i]), site->arena), domain = pattern, valid;
		ptrdiff_t at = mr_slice_rchr(pattern, '@');

		domain = mr_slice_from(domain, at >= 0 ? (size_t)at + 1 : pattern.n > 0 && pattern.p[0] == '.');
		if (at == 0 || mr_domain_check(domain, false, site->arena, &valid, NULL) < 0)
			return mr_diag_set(diag, -EINVAL, "forward_exempt: %s is no address, domain or .domain", from->v[i]);
		site->exempt[site->n_exempt++] = pattern;
	}
	return 0;
}

int mr_site_new(const struct mr_lookup_conf *c, struct mr_site *out, struct mr_diag *diag)
{
	const struct mr_conf_shared *conf = &c->shared;
	struct mr_site site = { .arena = mr_arena_new(0), .delimiter = conf->delimiter[0] ? conf->delimiter[0] : '+' };
	int err = own_hostname(conf->hostname, site.arena, &site.hostname, diag);

	site.postmaster = mr_address_lower(mr_slice_of(conf->postmaster), site.arena);
	site.srs.domain = conf->srs_domain[0] ? mr_address_lower(mr_slice_of(conf->srs_domain), site.arena) : site.hostname;
	site.forward = mr_slice_of(mr_arena_printf(site.arena, "smtp:[127.0.0.1]:%lld", (long long)conf->forward_port));
	if (err == 0 && conf->srs_secret_file[0] != '\0')
		err = mr_diag_about(diag, load_srs(conf, &site, diag), "srs_secret_file, made by mailreeve setup keys");
	if (err == 0)
		err = load_exempt(&c->forward_exempt, &site, diag);
	site.refuse_disabled = c->disabled_mailboxes == MR_DISABLED_REFUSE;
	if (err != 0)
		mr_site_done(&site);
	else
		*out = site;
	return err;
}

void mr_site_done(struct mr_site *site)
{
	mr_arena_free(site->arena);
	*site = (struct mr_site){ 0 };
}

bool mr_site_own_name(const struct mr_site *site, struct mr_slice domain)
{
	return mr_slice_ieq(domain, site->hostname) || mr_slice_ieq(domain, site->srs.domain);
}
