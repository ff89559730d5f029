/* sa/svg: the text of attached SVG drawings, as a pseudo-header. A browser runs the programs in them; SpamAssassin sees nothing of them. */
/* ours */
#include "mail/sa/internal.h"

#define SVGS_MAX 4
#define SVG_MAX  65536

static bool is_svg(const struct mr_sa_part *part)
{
	return part->leaf && (mr_slice_eq(part->type, MR_LIT("image/svg+xml")) || mr_slice_iends(part->name, MR_LIT(".svg")));
}

bool sa_svg_header(struct mr_sa *sa, struct mr_slice name, struct mr_sa_list *out)
{
	if (!mr_slice_ieq(name, MR_LIT("X-Mailreeve-SVG")))
		return false;
	sa_mime_parse(sa);
	for (size_t i = 0; i < sa->n_nodes; i++) {
		struct mr_slice text;

		if (!is_svg(&sa->nodes[i].part))
			continue;
		text = mr_sa_part_decoded(sa, i);
		if (text.n > SVG_MAX)
			text.n = SVG_MAX;
		if (text.n)
			sa_list_add(sa->arena, out, text, SVGS_MAX);
	}
	return true;
}
