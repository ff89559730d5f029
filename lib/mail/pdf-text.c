/* pdf-text: what content streams show (ISO 32000-1 section 9.4), as far as codes are characters; see pdf-internal.h. */
/* ours */
#include "base/mem.h"
#include "mail/pdf-internal.h"

#define GAP          (-180) /* of a thousand: what moves text on by more is a space */
#define OPERANDS_MAX 8192   /* bytes of the strings of one operator */

enum text_operator { TEXT_OTHER, TEXT_SHOW, TEXT_NEXT_SHOW, TEXT_MOVE, TEXT_NEXT, TEXT_DATA };

static enum text_operator operator_of(struct mr_slice word)
{
	static const struct {
		struct mr_slice word;
		enum text_operator is;
	} all[] = {
		{ MR_LIT("Tj"), TEXT_SHOW }, { MR_LIT("TJ"), TEXT_SHOW }, { MR_LIT("'"), TEXT_NEXT_SHOW }, { MR_LIT("\""), TEXT_NEXT_SHOW },
		{ MR_LIT("Td"), TEXT_MOVE }, { MR_LIT("TD"), TEXT_MOVE }, { MR_LIT("T*"), TEXT_NEXT },     { MR_LIT("Tm"), TEXT_NEXT },
		{ MR_LIT("ET"), TEXT_NEXT }, { MR_LIT("ID"), TEXT_DATA },
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

/* Codes below the space are no characters of any usual encoding. */
static void add_string(struct mr_slice s, struct mr_buf *out)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= ' ' && s.p[i] != 127)
			mr_buf_putc(out, s.p[i]);
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

static void run(enum text_operator what, struct pdf_lexer *l, struct mr_buf *operands, struct mr_buf *out)
{
	switch (what) {
	case TEXT_NEXT_SHOW:
		separate(out, '\n');
		mr_buf_add(out, mr_buf_slice(operands));
		break;
	case TEXT_SHOW:
		mr_buf_add(out, mr_buf_slice(operands));
		break;
	case TEXT_MOVE:
		separate(out, l->number == 0 ? ' ' : '\n');
		break;
	case TEXT_NEXT:
		separate(out, '\n');
		break;
	case TEXT_DATA:
		skip_data(l);
		break;
	case TEXT_OTHER:
		break;
	}
	mr_buf_reset(operands);
}

void pdf_text(struct mr_slice content, struct mr_buf *scratch, struct mr_buf *out)
{
	struct pdf_lexer l = { .at = content.p, .end = content.p + content.n, .text = scratch };
	struct mr_buf operands = MR_BUF(OPERANDS_MAX);
	enum pdf_token t;

	while (!out->full && (t = pdf_next(&l)) != PDF_END) {
		if (t == PDF_STRING)
			add_string(mr_buf_slice(scratch), &operands);
		else if (t == PDF_NUMBER && operands.n && l.number < GAP)
			mr_buf_putc(&operands, ' ');
		else if (t == PDF_WORD)
			run(operator_of(l.word), &l, &operands, out);
	}
	separate(out, '\n');
	mr_buf_done(&operands);
}
