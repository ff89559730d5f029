/* pdf-text: what content streams show (ISO 32000-1 section 9.4); see pdf-internal.h. */
/* ours */
#include "base/mem.h"
#include "mail/pdf-internal.h"

#define GAP          (-180) /* of a thousand: what moves text on by more is a space */
#define OPERANDS_MAX 8192   /* bytes of the strings of one operator */
#define FONTS_MAX    10000  /* changes of the font in a stream */

enum text_operator { TEXT_OTHER, TEXT_SHOW, TEXT_NEXT_SHOW, TEXT_MOVE, TEXT_NEXT, TEXT_FONT, TEXT_DATA };

static enum text_operator operator_of(struct mr_slice word)
{
	static const struct {
		struct mr_slice word;
		enum text_operator is;
	} all[] = {
		{ MR_LIT("Tj"), TEXT_SHOW }, { MR_LIT("TJ"), TEXT_SHOW }, { MR_LIT("'"), TEXT_NEXT_SHOW }, { MR_LIT("\""), TEXT_NEXT_SHOW },
		{ MR_LIT("Td"), TEXT_MOVE }, { MR_LIT("TD"), TEXT_MOVE }, { MR_LIT("T*"), TEXT_NEXT },     { MR_LIT("Tm"), TEXT_NEXT },
		{ MR_LIT("ET"), TEXT_NEXT }, { MR_LIT("Tf"), TEXT_FONT }, { MR_LIT("ID"), TEXT_DATA },
	};

	for (size_t i = 0; i < MR_COUNT(all); i++)
		if (mr_slice_eq(word, all[i].word))
			return all[i].is;
	return TEXT_OTHER;
}

static void separate(struct mr_buf *out, char c)
{
	if (!out->n || out->p[out->n - 1] == '\n')
		return;
	if (out->p[out->n - 1] == ' ')
		mr_buf_truncate(out, out->n - 1);
	mr_buf_putc(out, c);
}

/* Behind the data of a picture. */
static void skip_data(struct pdf_lexer *l)
{
	for (const char *at = l->at; l->at < l->end; at = l->at) {
		l->at = memmem(at, (size_t)(l->end - at), "EI", 2);
		if (!l->at) {
			l->at = l->end;
			return;
		}
		l->at += 2;
		if (l->at - 2 > at && pdf_is_space(l->at[-3]) && (l->at == l->end || pdf_is_space(*l->at)))
			return;
	}
}

struct showing {
	struct pdf_reading *r;
	struct pdf_lexer l;
	struct pdf_owners owners;
	uint32_t name; /* the one read last */
	const struct pdf_font *font;
	size_t n_fonts;
	struct mr_buf operands, *out;
};

static void set_font(struct showing *s)
{
	if (s->n_fonts++ < FONTS_MAX)
		s->font = pdf_font(s->r, &s->owners, s->name);
}

static void run(struct showing *s)
{
	switch (operator_of(s->l.word)) {
	case TEXT_NEXT_SHOW:
		separate(s->out, '\n');
		mr_buf_add(s->out, mr_buf_slice(&s->operands));
		break;
	case TEXT_SHOW:
		mr_buf_add(s->out, mr_buf_slice(&s->operands));
		break;
	case TEXT_MOVE:
		separate(s->out, s->l.number == 0 ? ' ' : '\n');
		break;
	case TEXT_NEXT:
		separate(s->out, '\n');
		break;
	case TEXT_FONT:
		set_font(s);
		break;
	case TEXT_DATA:
		skip_data(&s->l);
		break;
	case TEXT_OTHER:
		break;
	}
	mr_buf_reset(&s->operands);
}

void pdf_text(struct pdf_reading *r, unsigned long number, struct mr_slice content, struct mr_buf *out)
{
	struct showing s = { .r = r, .l = { .at = content.p, .end = content.p + content.n }, .operands = MR_BUF(OPERANDS_MAX), .out = out };
	struct mr_buf scratch = MR_BUF(MR_PDF_STRING_MAX);
	enum pdf_token t;

	s.l.text = &scratch;
	s.owners = pdf_owners(r, number);
	while (!out->full && (t = pdf_next(&s.l)) != PDF_END) {
		/* In hexadecimal are codes of a font; what they are without it nobody knows. */
		if (t == PDF_STRING || (t == PDF_HEX && s.font))
			pdf_add_codes(s.font, mr_buf_slice(&scratch), &s.operands);
		else if (t == PDF_NUMBER && s.operands.n && s.l.number < GAP)
			mr_buf_putc(&s.operands, ' ');
		else if (t == PDF_NAME)
			s.name = pdf_name(mr_buf_slice(&scratch));
		else if (t == PDF_WORD)
			run(&s);
	}
	separate(out, '\n');
	mr_buf_done(&s.operands);
	mr_buf_done(&scratch);
}
