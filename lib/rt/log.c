/* log: an event becomes one line, written by one call, perhaps together with others, so that lines of several threads never mix. */

/* system */
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "rt/log.h"

#define LINE_MAX_BYTES  8192
#define LINE_ORDINARY   512  /* most have room in it */
#define VALUE_MAX_BYTES 1024 /* of one value, before escaping */
#define HELD_MAX_BYTES  4096 /* written at once: a pipe takes that much whole */

enum { TO_STDERR, TO_SYSLOG };

static char program[64] = "mailreeve"; /* set before there are threads, the rest at each reload */
static _Atomic int target = TO_STDERR;
static atomic_bool to_journal; /* stderr is the journal: it takes time and program from us as a field, the level as <N> */
static _Atomic int threshold = MR_LOG_INFO;
static _Thread_local struct mr_buf held; /* lines that are not written yet */

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[MR_LOG_ERROR] = { "error", LOG_ERR }, [MR_LOG_WARNING] = { "warning", LOG_WARNING }, [MR_LOG_NOTICE] = { "notice", LOG_NOTICE },
	[MR_LOG_INFO] = { "info", LOG_INFO },  [MR_LOG_DEBUG] = { "debug", LOG_DEBUG },
};

/* sd_journal(3): JOURNAL_STREAM holds device and inode of the journal's socket; a redirected stderr differs. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char is[64];

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(is, sizeof(is), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return mr_slice_eq(mr_slice_of(stream), mr_slice_of(is));
}

void mr_log_open(const char *name, int to, enum mr_log_level level)
{
	if (!mr_slice_eq(mr_slice_of(program), mr_slice_of(name)))
		snprintf(program, sizeof(program), "%s", name);
	if (to == TO_SYSLOG)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
	to_journal = stderr_is_journal();
	threshold = (int)level;
	target = to;
}

void mr_log_set_level(enum mr_log_level level)
{
	threshold = (int)level;
}

enum mr_log_level mr_log_level(void)
{
	return (enum mr_log_level)threshold;
}

static bool is_plain(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '=')
			return false;
	return s.n > 0 && s.n <= VALUE_MAX_BYTES;
}

static void add_text(struct mr_buf *b, struct mr_slice s)
{
	if (is_plain(s)) {
		mr_buf_add(b, s);
		return;
	}
	mr_buf_putc(b, '"');
	mr_escape_add(b, s, VALUE_MAX_BYTES);
	mr_buf_putc(b, '"');
}

static void add_value(struct mr_buf *b, const struct mr_kv *kv)
{
	char text[128];

	switch (kv->type) {
	case MR_KV_NONE:
		break;
	case MR_KV_STR:
		add_text(b, mr_slice_of(kv->s));
		break;
	case MR_KV_SLICE:
		add_text(b, kv->slice);
		break;
	case MR_KV_I64:
		mr_buf_printf(b, "%jd", (intmax_t)kv->i);
		break;
	case MR_KV_U64:
	case MR_KV_MS:
		mr_buf_putu(b, kv->u);
		break;
	case MR_KV_SCORE:
		mr_buf_printf(b, "%.2f", kv->d);
		break;
	case MR_KV_ERR:
		add_text(b, mr_slice_of(strerror_r((int)(kv->i < 0 ? -kv->i : kv->i), text, sizeof(text))));
		break;
	}
}

static char digit(long n)
{
	return (char)('0' + n % 10);
}

static void add_head(struct mr_buf *b, enum mr_log_level level)
{
	static _Thread_local time_t second; /* that text says */
	static _Thread_local char text[32];
	struct timespec now;
	struct tm tm;

	if (target == TO_SYSLOG)
		return;
	if (to_journal) {
		mr_buf_printf(b, "<%d>", levels[level].priority);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now); /* of the line, not of the work: never the tests' clock */
	if (now.tv_sec != second || !text[0]) {
		gmtime_r(&now.tv_sec, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", &tm);
		second = now.tv_sec;
	}
	mr_buf_puts(b, text);
	mr_buf_add(b, (struct mr_slice){ (const char[]){ digit(now.tv_nsec / 100000000), digit(now.tv_nsec / 10000000),
							 digit(now.tv_nsec / 1000000), 'Z', ' ' },
					 5 });
	mr_buf_puts(b, program);
	mr_buf_putc(b, ' ');
	mr_buf_puts(b, levels[level].name);
	mr_buf_puts(b, ": ");
}

/* One line, its end included; what does not fit into it is left out. */
static void add_line(struct mr_buf *b, enum mr_log_level level, const char *event, const struct mr_kv *kv)
{
	b->max = b->n + LINE_MAX_BYTES;
	(void)mr_buf_reserve(b, LINE_ORDINARY);
	add_head(b, level);
	mr_buf_puts(b, event);
	for (; kv->key; kv++) {
		mr_buf_putc(b, ' ');
		mr_buf_puts(b, kv->key);
		mr_buf_putc(b, '=');
		add_value(b, kv);
	}
	b->max++; /* the line break always fits */
	mr_buf_putc(b, '\n');
}

void mr_log_flush(void)
{
	ssize_t written = held.n ? write(STDERR_FILENO, held.p, held.n) : 0;

	(void)written; /* a log that is gone stops nobody */
	mr_buf_done(&held);
}

static void log_syslog(enum mr_log_level level, const char *event, const struct mr_kv *kv)
{
	struct mr_buf line = { 0 };

	add_line(&line, level, event, kv);
	syslog(levels[level].priority, "%.*s", (int)line.n - 1, line.p);
	mr_buf_done(&line);
}

void mr_log_soon_kv(enum mr_log_level level, const char *event, const struct mr_kv *kv)
{
	if ((int)level > threshold)
		return;
	if (target == TO_SYSLOG) {
		log_syslog(level, event, kv);
		return;
	}
	add_line(&held, level, event, kv);
	if (held.n > HELD_MAX_BYTES - LINE_ORDINARY)
		mr_log_flush();
}

void mr_log_kv(enum mr_log_level level, const char *event, const struct mr_kv *kv)
{
	if ((int)level > threshold)
		return;
	mr_log_soon_kv(level, event, kv);
	mr_log_flush();
}
