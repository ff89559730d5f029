/* history: see history.h. */

/* system */
#include <pthread.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "history.h"

#define SPARE 16 /* bytes for what the answer ends with */

struct line {
	char *id, *text;
	size_t n;
	struct line *prev, *next;
};

/* Guarded by `lock`; the newest line is the last. */
static struct {
	pthread_mutex_t lock;
	struct line *lines;
	size_t n, max, bytes;
} history = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void drop_oldest(void)
{
	struct line *l = history.lines;

	DL_DELETE(history.lines, l);
	history.n--;
	history.bytes -= l->n;
	free(l->id);
	free(l->text);
	free(l);
}

static void trim(void)
{
	while (history.n > history.max || history.bytes > MR_HISTORY_BYTES_MAX)
		drop_oldest();
}

void mr_history_configure(size_t max)
{
	pthread_mutex_lock(&history.lock);
	history.max = max;
	trim();
	pthread_mutex_unlock(&history.lock);
}

void mr_history_add(struct mr_slice id, struct mr_slice line)
{
	struct line *l;

	if (line.n > MR_HISTORY_LINE_MAX)
		return;
	l = mr_new(struct line, 1);
	*l = (struct line){ .id = mr_slice_dup(id), .text = mr_slice_dup(line), .n = line.n };
	pthread_mutex_lock(&history.lock);
	DL_APPEND(history.lines, l);
	history.n++;
	history.bytes += l->n;
	trim();
	pthread_mutex_unlock(&history.lock);
}

static bool wanted(const struct line *l, struct mr_slice id)
{
	return !id.n || mr_slice_eq(mr_slice_of(l->id), id);
}

void mr_history_print(size_t n, struct mr_slice id, struct mr_buf *out)
{
	struct line *first = NULL;
	size_t room = out->max - out->n > SPARE ? out->max - out->n - SPARE : 0, found = 0;

	pthread_mutex_lock(&history.lock);
	for (struct line *l = history.lines ? history.lines->prev : NULL; l && found < n; l = l == history.lines ? NULL : l->prev) {
		if (!wanted(l, id))
			continue;
		if (l->n + 1 >= room)
			break;
		room -= l->n + 1;
		first = l;
		found++;
	}
	for (struct line *l = first; l; l = l->next) {
		if (!wanted(l, id))
			continue;
		mr_buf_add(out, (struct mr_slice){ l->text, l->n });
		mr_buf_putc(out, '\n');
	}
	pthread_mutex_unlock(&history.lock);
}
