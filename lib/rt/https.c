/* A thread with a libcurl multi handle. What is asked for goes to it in one list, what came of it comes back in another, with an eventfd to
 * wake the loop. */
#include "rt/https.h"

/* system */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* libraries */
#include <curl/curl.h>
#include <utlist.h>

/* ours */
#include "base/mem.h"

#define AT_ONCE    8   /* transfers */
#define WAITING    500 /* that wait for a place, too */
#define POLL_MS    1000
#define CONNECT_MS 5000L

struct transfer {
	struct transfer *prev, *next;
	char *url, *connect_to;
	uint64_t timeout_ms;
	struct mr_buf body;
	CURL *easy;
	struct curl_slist *to;
	CURLcode code;
	long status;
	char *type;
	void (*done)(const struct mr_https_answer *a, void *arg);
	void *arg;
};

struct mr_https {
	struct mr_loop *loop;
	char *ca_file;
	CURLM *multi;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the three below */
	struct transfer *asked, *finished;
	bool stop;
	size_t open; /* of the loop */
	int wake;
	struct mr_io *io;
	struct transfer *active; /* of the thread */
	size_t n_active;
};

static void transfer_free(struct transfer *t)
{
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->to);
	mr_buf_done(&t->body);
	free(t->url);
	free(t->connect_to);
	free(t->type);
	free(t);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	return mr_buf_add(&t->body, (struct mr_slice){ bytes, size * n }) == 0 ? size * n : 0;
}

static void begin(struct mr_https *h, struct transfer *t)
{
	CURL *e = t->easy = curl_easy_init();

	if (e == NULL)
		return;
	t->to = curl_slist_append(NULL, t->connect_to);
	curl_easy_setopt(e, CURLOPT_URL, t->url);
	curl_easy_setopt(e, CURLOPT_CONNECT_TO, t->to);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_CAINFO, h->ca_file);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)t->timeout_ms);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	if (curl_multi_add_handle(h->multi, e) != CURLM_OK) {
		curl_easy_cleanup(e);
		t->easy = NULL;
	}
}

/* To the loop. */
static void hand_back(struct mr_https *h, struct transfer *t)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&h->lock);
	DL_APPEND(h->finished, t);
	pthread_mutex_unlock(&h->lock);
	if (write(h->wake, &one, sizeof(one)) < 0)
		return; /* it is at its maximum: the loop wakes up anyway */
}

static void take_asked(struct mr_https *h)
{
	struct transfer *t;

	while (h->n_active < AT_ONCE) {
		pthread_mutex_lock(&h->lock);
		t = h->asked;
		if (t != NULL)
			DL_DELETE(h->asked, t);
		pthread_mutex_unlock(&h->lock);
		if (t == NULL)
			return;
		begin(h, t);
		if (t->easy == NULL) {
			t->code = CURLE_FAILED_INIT;
			hand_back(h, t);
			continue;
		}
		DL_APPEND(h->active, t);
		h->n_active++;
	}
}

static void take_finished(struct mr_https *h)
{
	const struct CURLMsg *m;
	const char *type = NULL;
	struct transfer *t;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		CURLcode code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &t->status);
		curl_easy_getinfo(m->easy_handle, CURLINFO_CONTENT_TYPE, &type);
		t->type = mr_strdup(type ? type : "");
		t->code = code;
		curl_multi_remove_handle(h->multi, t->easy);
		DL_DELETE(h->active, t);
		h->n_active--;
		hand_back(h, t);
	}
}

static bool stopping(struct mr_https *h)
{
	pthread_mutex_lock(&h->lock);
	bool stop = h->stop;
	pthread_mutex_unlock(&h->lock);
	return stop;
}

static void *thread_main(void *arg)
{
	struct mr_https *h = arg;
	int running;

	while (!stopping(h)) {
		take_asked(h);
		curl_multi_perform(h->multi, &running);
		take_finished(h);
		take_asked(h);
		curl_multi_poll(h->multi, NULL, 0, POLL_MS, NULL);
	}
	return NULL;
}

static void tell(struct transfer *t)
{
	struct mr_https_answer a = { .status = t->status, .type = t->type ? t->type : "", .body = mr_buf_slice(&t->body) };

	if (t->code != CURLE_OK)
		a.error = t->body.full ? "the answer is too long" : curl_easy_strerror(t->code);
	t->done(&a, t->arg);
}

static void on_wake(int fd, int what, void *arg)
{
	struct mr_https *h = arg;
	struct transfer *all, *t, *next;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	pthread_mutex_lock(&h->lock);
	all = h->finished;
	h->finished = NULL;
	pthread_mutex_unlock(&h->lock);
	DL_FOREACH_SAFE (all, t, next) {
		h->open--;
		tell(t);
		transfer_free(t);
	}
}

struct mr_https *mr_https_new(struct mr_loop *l, const char *ca_file)
{
	struct mr_https *h = mr_new(struct mr_https, 1);

	curl_global_init(CURL_GLOBAL_DEFAULT);
	*h = (struct mr_https){
		.loop = l, .ca_file = mr_strdup(ca_file), .multi = curl_multi_init(), .wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
	};
	pthread_mutex_init(&h->lock, NULL);
	h->io = mr_io_start(l, h->wake, MR_READ, on_wake, h);
	if (h->multi == NULL || pthread_create(&h->thread, NULL, thread_main, h) != 0)
		h->stop = true; /* each question is answered with -EAGAIN */
	return h;
}

static void free_all(struct transfer *list)
{
	struct transfer *t, *next;

	DL_FOREACH_SAFE (list, t, next)
		transfer_free(t);
}

void mr_https_free(struct mr_https *h)
{
	struct transfer *t;

	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	bool runs = !h->stop;
	h->stop = true;
	pthread_mutex_unlock(&h->lock);
	if (runs) {
		curl_multi_wakeup(h->multi);
		pthread_join(h->thread, NULL);
	}
	DL_FOREACH (h->active, t)
		curl_multi_remove_handle(h->multi, t->easy);
	free_all(h->active);
	free_all(h->asked);
	free_all(h->finished);
	curl_multi_cleanup(h->multi);
	mr_io_cancel(&h->io);
	close(h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h->ca_file);
	free(h);
}

int mr_https_start(struct mr_https *h, const struct mr_https_get *get)
{
	struct mr_buf text = MR_BUF(4096);
	struct transfer *t;

	if (h->stop || h->open >= WAITING)
		return -EAGAIN;
	t = mr_new(struct transfer, 1);
	*t = (struct transfer){ .timeout_ms = get->timeout_ms, .body = MR_BUF(get->max), .done = get->done, .arg = get->arg };
	mr_buf_printf(&text, "https://%s%s", get->host, get->path);
	t->url = mr_slice_dup(mr_buf_slice(&text));
	mr_buf_reset(&text);
	mr_buf_printf(&text, "%s:443:%s:%u", get->host, get->address, get->port);
	t->connect_to = mr_slice_dup(mr_buf_slice(&text));
	mr_buf_done(&text);
	h->open++;
	pthread_mutex_lock(&h->lock);
	DL_APPEND(h->asked, t);
	pthread_mutex_unlock(&h->lock);
	curl_multi_wakeup(h->multi);
	return 0;
}
