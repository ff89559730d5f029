#include "site.h"

/* system */
#include <errno.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "mail/address.h"
#include "map.h"
#include "rt/file.h"

#define SECRETS_MAX  8192 /* bytes of srs_secret_file */
#define MAP_NAME_MAX 40

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

/* A site without relay hosts needs no file; what one that has some gets of it: maps/relay-password.c. */
static int load_relay_ring(const struct mr_conf_shared *conf, struct mr_site *site, struct mr_diag *diag)
{
	site->relay_ring = mr_arena_alloc(site->arena, sizeof(*site->relay_ring));
	if (conf->relay_keyring_file[0] == '\0' || (access(conf->relay_keyring_file, F_OK) < 0 && errno == ENOENT))
		return 0;
	return mr_keyring_load(conf->relay_keyring_file, site->relay_ring, diag);
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

int mr_site_view_parse(const char *text, struct mr_site_view *out, struct mr_diag *diag)
{
	struct mr_slice rest = mr_slice_of(text), name = { "", 0 };
	bool good = true;

	(void)mr_slice_next(&rest, ' ', &name);
	for (size_t i = 0; i < name.n; i++)
		good &= (name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= '0' && name.p[i] <= '9') || name.p[i] == '-';
	if (name.n == 0 || name.n > MAP_NAME_MAX || !good || rest.p == NULL || !mr_view_name_valid(rest.p))
		return mr_diag_set(
		    diag, -EINVAL,
		    "lookup.map_views: '%s': the name of a map (a-z 0-9 -), a space, and that of a view (letters, digits, _)", text);
	for (size_t i = 0; mr_maps[i] != NULL; i++)
		if (mr_slice_eq(mr_slice_of(mr_maps[i]->name), name))
			return mr_diag_set(diag, -EINVAL, "lookup.map_views: '%s' is a map already", mr_maps[i]->name);
	*out = (struct mr_site_view){ name, rest };
	return 0;
}

static int load_views(const struct mr_conf_strings *from, struct mr_site *site, struct mr_diag *diag)
{
	if (from->n > MR_VIEWS_MAX / 2) /* a reload may bring others */
		return mr_diag_set(diag, -EINVAL, "lookup.map_views: at most %d", MR_VIEWS_MAX / 2);
	site->views = mr_arena_alloc(site->arena, (from->n + 1) * sizeof(*site->views));
	for (; site->n_views < from->n; site->n_views++) {
		const char *text = mr_arena_strdup(site->arena, from->v[site->n_views]);
		struct mr_site_view *v = &site->views[site->n_views];
		int err = mr_site_view_parse(text, v, diag);
		for (size_t k = 0; k < site->n_views && err == 0; k++)
			if (mr_slice_eq(site->views[k].map, v->map))
				err = mr_diag_set(diag, -EINVAL, "lookup.map_views: two maps of the name of '%s'", text);
		if (err < 0)
			return err;
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
	if (err == 0)
		err = load_views(&c->map_views, &site, diag);
	if (err == 0)
		err = mr_diag_about(diag, load_relay_ring(conf, &site, diag), "relay_keyring_file");
	site.refuse_disabled = c->disabled_mailboxes == MR_DISABLED_REFUSE;
	if (err != 0)
		mr_site_done(&site);
	else
		*out = site;
	return err;
}

void mr_site_done(struct mr_site *site)
{
	if (site->relay_ring != NULL)
		mr_keyring_wipe(site->relay_ring);
	mr_arena_free(site->arena);
	*site = (struct mr_site){ 0 };
}

bool mr_site_own_name(const struct mr_site *site, struct mr_slice domain)
{
	return mr_slice_ieq(domain, site->hostname) || mr_slice_ieq(domain, site->srs.domain);
}
