/* explain: see explain.h. Written as text at once: there is one for each message, and a tree of values takes four times as long. */

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "explain.h"
#include "history.h"
#include "rt/clock.h"

#define SHOWN_MAX 1000 /* bytes of a text that is not UTF-8 */

/* RFC 8259 section 7. */
static void put_escaped(struct mr_buf *out, struct mr_slice s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		mr_buf_add(out, (struct mr_slice){ s.p + from, i - from });
		mr_buf_printf(out, c < ' ' ? "\\u%04X" : "\\%c", c);
		from = i + 1;
	}
	mr_buf_add(out, mr_slice_from(s, from));
}

/* What is not UTF-8 is shown as in logs. */
static void put_text(struct mr_buf *out, struct mr_slice s)
{
	struct mr_buf shown = MR_BUF(4 * SHOWN_MAX + 16);

	if (!mr_utf8_valid(s)) {
		mr_escape_add(&shown, s, SHOWN_MAX);
		s = mr_buf_slice(&shown);
	}
	mr_buf_putc(out, '"');
	put_escaped(out, s);
	mr_buf_putc(out, '"');
	mr_buf_done(&shown);
}

/* Nothing stands before the first of an object or an array. */
static void put_comma(struct mr_buf *out)
{
	if (out->p[out->n - 1] != '{' && out->p[out->n - 1] != '[')
		mr_buf_putc(out, ',');
}

static void put_key(struct mr_buf *out, struct mr_slice key)
{
	put_comma(out);
	put_text(out, key);
	mr_buf_putc(out, ':');
}

static void put_string(struct mr_buf *out, const char *key, const char *s)
{
	put_key(out, mr_slice_of(key));
	if (s)
		put_text(out, mr_slice_of(s));
	else
		mr_buf_puts(out, "null");
}

static void put_number(struct mr_buf *out, const char *key, uint64_t n)
{
	put_key(out, mr_slice_of(key));
	mr_buf_putu(out, n);
}

/* A real number stays one for those who read it. */
static void put_score(struct mr_buf *out, struct mr_slice key, double score)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%.6g", score);
	put_key(out, key);
	mr_buf_puts(out, digits);
	if (!strpbrk(digits, ".e"))
		mr_buf_puts(out, ".0");
}

static void put_recipients(struct mr_buf *out, const struct mr_job *j)
{
	put_number(out, "n_recipients", j->n_recipients);
	put_key(out, MR_LIT("recipients"));
	mr_buf_putc(out, '[');
	for (size_t i = 0; i < j->n_recipients && i < MR_EXPLAIN_RECIPIENTS_MAX; i++) {
		put_comma(out);
		put_text(out, mr_slice_of(j->recipients[i]->address));
	}
	mr_buf_putc(out, ']');
}

static void put_withheld(struct mr_buf *out, const struct mr_verdict *v)
{
	put_key(out, MR_LIT("withheld"));
	mr_buf_putc(out, '[');
	for (size_t i = 0; i < v->n_withheld && i < MR_EXPLAIN_RECIPIENTS_MAX; i++) {
		put_comma(out);
		put_text(out, v->withheld[i].address);
	}
	mr_buf_putc(out, ']');
}

static void put_times(struct mr_buf *out, const struct explain *x)
{
	const struct mr_job *j = x->job;

	put_key(out, MR_LIT("ms"));
	mr_buf_putc(out, '{');
	put_number(out, "receive", x->receive_ms);
	put_number(out, "recipients", x->known ? j->recipients_ms : 0);
	put_number(out, "scan", x->known ? j->scan_ms : 0);
	put_number(out, "dns", x->known ? j->dns_ms : 0);
	put_number(out, "clamd", x->known ? j->clamd_ms : 0);
	put_number(out, "fuzzy", x->known ? j->fuzzy_ms : 0);
	put_number(out, "greylist", x->greylist_ms);
	put_number(out, "total", x->total_ms);
	mr_buf_putc(out, '}');
}

static void put_scan(struct mr_buf *out, const struct mr_job *j)
{
	struct mr_score_group groups[MR_SYMBOLS_MAX];
	size_t n = mr_scores_groups(&j->settings->scores, &j->scan, groups);

	put_score(out, MR_LIT("score"), j->scan.score);
	put_key(out, MR_LIT("symbols"));
	mr_buf_putc(out, '{');
	for (size_t i = 0; i < j->scan.n_symbols; i++)
		put_score(out, j->scan.symbols[i].name, j->scan.symbols[i].score);
	mr_buf_putc(out, '}');
	put_key(out, MR_LIT("groups"));
	mr_buf_putc(out, '{');
	for (size_t i = 0; i < n; i++)
		put_score(out, groups[i].name, groups[i].counted);
	mr_buf_putc(out, '}');
	put_key(out, MR_LIT("complete"));
	mr_buf_puts(out, j->scan.complete ? "true" : "false");
}

void explain_keep(const struct explain *x)
{
	struct mr_buf line = MR_BUF(MR_HISTORY_LINE_MAX);
	const struct mr_job *j = x->job;
	char client[MR_IP_STRLEN] = "";

	mr_buf_putc(&line, '{');
	put_number(&line, "time", (uint64_t)mr_wall());
	put_string(&line, "id", x->queue_id);
	put_string(&line, "role", mr_role_str(j->role));
	put_string(&line, "client", j->client.family ? mr_ip_str(&j->client, client) : "");
	put_string(&line, "login", j->login);
	put_string(&line, "sender", j->sender);
	put_string(&line, "from", j->from);
	put_recipients(&line, j);
	put_number(&line, "size", j->message.n);
	put_string(&line, "action", mr_action_str(x->verdict->action));
	put_string(&line, "reason", x->verdict->reason);
	put_number(&line, "signed", x->n_signatures);
	put_string(&line, "quarantine", x->quarantine_id[0] ? x->quarantine_id : NULL);
	put_withheld(&line, x->verdict);
	put_times(&line, x);
	if (x->verdict->n_unproven)
		put_number(&line, "allowed_unproven", x->verdict->n_unproven);
	if (x->known && j->virus_name[0])
		put_string(&line, "virus", j->virus_name);
	if (x->known && j->scanned)
		put_scan(&line, j);
	mr_buf_putc(&line, '}');
	if (!line.full)
		mr_history_add(mr_slice_of(x->queue_id), mr_buf_slice(&line));
	mr_buf_done(&line);
}
