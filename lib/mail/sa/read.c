/* sa/read: a message taken up; what rules ask of its parts. See sa.h. */
/* ours */
#include "base/mem.h"
#include "mail/sa/internal.h"

static struct mr_slice first_line(struct mr_slice s)
{
	ptrdiff_t lf = mr_slice_chr(s, '\n');

	return (struct mr_slice){ s.p, lf < 0 ? s.n : (size_t)lf + 1 };
}

/* The first or the last line ends in CRLF. */
static bool ends_in_crlf(struct mr_slice s)
{
	struct mr_slice first = first_line(s);

	return sa_has(first, MR_LIT("\r\n")) || (s.n > 1 && s.p[s.n - 2] == '\r' && s.p[s.n - 1] == '\n');
}

/* "From somebody Mon ..." of a mailbox file, no field "From :". */
static bool is_mailbox_line(struct mr_slice s)
{
	size_t i = 4;

	if (!mr_slice_starts(s, MR_LIT("From")) || s.n < 6 || !sa_is_space(s.p[4]))
		return false;
	while (i < s.n && sa_is_space(s.p[i]))
		i++;
	return i < s.n && (s.p[i] != ':' || i > 5);
}

struct mr_sa *mr_sa_read(struct mr_slice message, const struct mr_sa_conf *conf, const struct mr_sa_client *client, struct mr_arena *arena)
{
	struct mr_sa *sa = mr_arena_alloc(arena, sizeof(*sa));
	struct mr_slice s = message;

	if (s.n > MR_SA_BYTES_MAX)
		s.n = MR_SA_BYTES_MAX;
	if (!s.n)
		s = MR_LIT("\n");
	*sa =
	    (struct mr_sa){ .arena = arena, .conf = conf, .client = client, .uri_room = MR_SA_URI_BYTES, .redirect_room = MR_SA_URI_BYTES };
	sa->nodes = mr_arena_alloc(arena, 8 * sizeof(*sa->nodes));
	sa->room = 8;
	sa->n_nodes = 1;
	sa->nodes[0].part.leaf = true;
	if (is_mailbox_line(s))
		s = mr_slice_from(s, first_line(s).n);
	sa->full = s;
	sa_header_read(arena, &s, ends_in_crlf(s), sa, &sa->nodes[0].header);
	sa->pristine_body = s;
	return sa;
}

void mr_sa_prove(struct mr_sa *sa, const struct mr_sa_proofs *proofs)
{
	sa->proofs = proofs;
}

struct mr_slice mr_sa_full(struct mr_sa *sa)
{
	return sa->full;
}

size_t mr_sa_n_parts(struct mr_sa *sa)
{
	sa_mime_parse(sa);
	return sa->n_nodes;
}

const struct mr_sa_part *mr_sa_part(struct mr_sa *sa, size_t i)
{
	return &sa->nodes[i].part;
}

static struct mr_slice whole_header(struct mr_sa *sa, struct sa_node *n, bool raw)
{
	struct mr_slice *kept = raw ? &n->all_raw : &n->all;
	struct mr_buf b = MR_BUF(MR_SA_BYTES_MAX);
	struct mr_sa_list all = { 0 };
	bool cut = false;

	if (kept->p)
		return *kept;
	sa_header_all(sa->arena, &n->header, raw, &all, &cut);
	for (size_t k = 0; k < all.n; k++)
		mr_buf_add(&b, all.items[k]);
	*kept = sa_keep_buf(sa->arena, &b);
	return *kept;
}

bool mr_sa_part_header(struct mr_sa *sa, size_t i, struct mr_slice request, struct mr_slice *out)
{
	struct sa_node *n = &sa->nodes[i];
	bool raw = mr_slice_iends(request, MR_LIT(":raw"));
	struct sa_field *f;

	if (raw)
		request.n -= 4;
	if (mr_slice_eq(request, MR_LIT("ALL"))) {
		*out = whole_header(sa, n, raw);
		return true;
	}
	f = sa_header_last(&n->header, request);
	if (!f)
		return false;
	*out = raw ? f->raw : sa_field_line(sa->arena, f);
	return true;
}
