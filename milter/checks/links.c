/* links: where a message leads, and where it only says it leads. One symbol of each kind a message.
 *
 * A link whose text names another domain is common in newsletters, which count clicks through a provider's host: alone it weighs little. */

/* ours */
#include "scan.h"

struct found {
	bool other_name, userinfo, address, odd_address, encoded;
};

/* The text of the link is itself an address, under another registered domain than the one that is opened. */
static bool names_another(const struct mr_view_url *u, struct mr_arena *arena)
{
	struct mr_slice rest = u->text;
	struct mr_url said;

	if (!u->link || !mr_url_next(&rest, arena, &said))
		return false;
	/* "see www.example.org for more" is a sentence, not an address that pretends to be the target. */
	return said.raw.n == u->text.n && said.domain.n > 0 && !mr_slice_eq(said.domain, u->url.domain);
}

static void look(const struct mr_view_url *u, struct mr_arena *arena, struct found *f)
{
	f->other_name |= names_another(u, arena);
	f->userinfo |= u->url.userinfo;
	f->address |= u->url.ip && !u->url.odd_ip;
	f->odd_address |= u->url.odd_ip;
	f->encoded |= u->url.encoded_host;
}

static int run(struct mr_scan *scan)
{
	const struct mr_view *v = mr_scan_view(scan);
	struct found f = { 0 };

	for (size_t i = 0; i < v->n_urls; i++)
		look(&v->urls[i], scan->arena, &f);
	if (f.other_name)
		mr_scan_symbol(scan, "LINK_NAMES_ANOTHER", 0.5);
	if (f.userinfo)
		mr_scan_symbol(scan, "LINK_USERINFO", 2);
	if (f.address)
		mr_scan_symbol(scan, "LINK_IP_ADDRESS", 1.5);
	if (f.odd_address)
		mr_scan_symbol(scan, "LINK_ODD_ADDRESS", 3);
	if (f.encoded)
		mr_scan_symbol(scan, "LINK_ENCODED_HOST", 2);
	return 0;
}

const struct mr_check mr_check_links = { .name = "links", .outside_only = true, .run = run };
