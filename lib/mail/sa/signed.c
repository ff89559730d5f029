/* sa/signed: the message as its reader sees it whose program unwraps what S/MIME has signed in one file. See sa.h. */
/* ours */
#include "base/mem.h"
#include "mail/cms.h"
#include "mail/sa/internal.h"

/* The fields that say what the body is are the content's own. */
static bool tells_of_body(struct mr_slice line)
{
	return mr_slice_istarts(line, MR_LIT("Content-")) || mr_slice_istarts(line, MR_LIT("MIME-Version"));
}

static struct mr_slice unwrap(struct mr_sa *sa, struct mr_slice content)
{
	struct mr_slice rest = sa_without_cr(sa->arena, sa->pristine_header), line;
	struct mr_buf b = MR_BUF(2u * MR_SA_BYTES_MAX);
	bool skip = false;

	while (rest.n && mr_slice_next(&rest, '\n', &line) && line.n) {
		if (line.p[0] != ' ' && line.p[0] != '\t')
			skip = tells_of_body(line);
		if (skip)
			continue;
		mr_buf_add(&b, line);
		mr_buf_putc(&b, '\n');
	}
	mr_buf_add(&b, sa_without_cr(sa->arena, content));
	return sa_keep_buf(sa->arena, &b);
}

struct mr_sa *mr_sa_signed(struct mr_sa *sa)
{
	struct mr_sa *inner = NULL;
	struct mr_buf content = MR_BUF(MR_SA_BYTES_MAX);

	sa_mime_parse(sa);
	for (size_t i = 0; i < sa->n_nodes && !content.n; i++) {
		const struct mr_sa_part *part = &sa->nodes[i].part;

		if (part->leaf && mr_cms_is_named(part->type, part->name) && mr_cms_kind(mr_sa_part_decoded(sa, i)) == MR_CMS_SIGNED)
			mr_cms_content(mr_sa_part_decoded(sa, i), &content);
	}
	if (content.n) {
		inner = mr_sa_read(unwrap(sa, mr_buf_slice(&content)), sa->conf, sa->client, sa->arena);
		mr_sa_prove(inner, sa->proofs);
	}
	mr_buf_done(&content);
	return inner;
}
