/* site: what of the configuration the pure functions need, in the form they need it. */
#pragma once
#include "base/arena.h"
#include "base/seal.h"
#include "settings.h"
#include "mail/srs.h"

/* A map that is fed from a view of the site. */
struct mr_site_view {
	struct mr_slice map, view;
};

struct mr_site {
	struct mr_arena *arena;     /* holds all of it */
	char delimiter;             /* of extensions in addresses; '+' always is one, too */
	bool refuse_disabled;       /* disabled mailboxes take no mail */
	struct mr_slice hostname;   /* lower case */
	struct mr_slice postmaster; /* lower case; empty = nobody */
	struct mr_slice forward;    /* transport of the forwarding pass: "smtp:[127.0.0.1]:10027" */
	struct mr_slice *exempt;    /* patterns of senders that are forwarded under their own address */
	size_t n_exempt;
	struct mr_site_view *views;
	size_t n_views;
	struct mr_keyring *relay_ring; /* opens passwords at relay hosts; without keys where there is no such file */
	struct mr_srs srs;             /* no secrets: nothing is rewritten; `now` is set for each question */
};

/* An item of map_views: "MAP VIEW". -EINVAL with the reason. The slices are in the text. */
int mr_site_view_parse(const char *text, struct mr_site_view *out, struct mr_diag *diag);
/* -errno with one line; reads srs_secret_file, which holds one secret a line, the first one signs, and
 * relay_keyring_file. */
int mr_site_new(const struct mr_lookup_conf *conf, struct mr_site *out, struct mr_diag *diag);
void mr_site_done(struct mr_site *site);
/* The names that are ours without a row: the host's and that of rewritten senders. */
bool mr_site_own_name(const struct mr_site *site, struct mr_slice domain);
