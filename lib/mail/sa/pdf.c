/* sa/pdf: what stands in attached PDF files, as pseudo-headers. SpamAssassin has none of it: no address in them is one of the message to
 * its rules. */
/* ours */
#include "base/mem.h"
#include "mail/mime.h"
#include "mail/pdf.h"
#include "mail/sa/internal.h"

#define PDFS_MAX 10

static bool is_pdf(const struct mr_sa_part *part)
{
	return part->leaf && (mr_slice_eq(part->type, MR_LIT("application/pdf")) || mr_slice_eq(part->type, MR_LIT("application/x-pdf")) ||
			      mr_slice_iends(part->name, MR_LIT(".pdf")));
}

static void read_pdfs(struct mr_sa *sa)
{
	sa->has_pdfs = true;
	sa_mime_parse(sa);
	for (size_t i = 0; i < sa->n_nodes && sa->n_pdfs < PDFS_MAX; i++) {
		if (!is_pdf(&sa->nodes[i].part) || !mr_pdf_begins(mr_sa_part_decoded(sa, i)))
			continue;
		if (!sa->pdfs)
			sa->pdfs = mr_arena_alloc(sa->arena, PDFS_MAX * sizeof(*sa->pdfs));
		mr_mime_init();
		mr_pdf_read(mr_sa_part_decoded(sa, i), sa->arena, &sa->pdfs[sa->n_pdfs++]);
	}
}

/* "[ pages=1 images=0 files=0 links=2 text=120 script ]", then "link=http://..." on lines of their own. */
static struct mr_slice facts(struct mr_sa *sa, const struct mr_pdf *p)
{
	struct mr_buf text = MR_BUF(MR_PDF_LINKS_MAX * (MR_PDF_STRING_MAX + 10) + 1000);

	mr_buf_printf(&text, "[ pages=%zu images=%zu files=%zu links=%zu text=%zu ", p->n_pages, p->n_images, p->n_files, p->n_links,
		      p->text.n);
	mr_buf_puts(&text, p->encrypted ? "encrypted " : "");
	mr_buf_puts(&text, p->script ? "script " : "");
	mr_buf_puts(&text, p->open_script ? "open-script " : "");
	mr_buf_puts(&text, p->launch ? "launch " : "");
	mr_buf_puts(&text, p->cut ? "cut ]\n" : "]\n");
	for (size_t i = 0; i < p->n_links; i++)
		mr_buf_printf(&text, "link=%.*s\n", (int)p->links[i].n, p->links[i].p);
	return sa_keep_buf(sa->arena, &text);
}

bool sa_pdf_header(struct mr_sa *sa, struct mr_slice name, struct mr_sa_list *out)
{
	bool text = mr_slice_ieq(name, MR_LIT("X-Mailreeve-PDF-Text"));

	if (!text && !mr_slice_ieq(name, MR_LIT("X-Mailreeve-PDF")))
		return false;
	if (!sa->has_pdfs)
		read_pdfs(sa);
	for (size_t i = 0; i < sa->n_pdfs; i++)
		if (!text || sa->pdfs[i].text.n)
			sa_list_add(sa->arena, out, text ? sa->pdfs[i].text : facts(sa, &sa->pdfs[i]), PDFS_MAX);
	return true;
}
