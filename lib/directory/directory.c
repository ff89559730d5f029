/* directory: questions and answers typed, over a channel to each socket. */

/* ours */
#include "base/mem.h"
#include "directory/channel.h"
#include "directory/directory.h"
#include "directory/kept.h"

typedef void resolve_cb(const struct mr_dir_resolve *a, void *arg);
typedef void account_cb(enum mr_dir_status status, const struct mr_dir_account *a, void *arg);
typedef void sender_cb(const struct mr_dir_sender *a, void *arg);
typedef void dkim_key_cb(enum mr_dir_status status, struct mr_slice sealed, void *arg);

struct mr_directory {
	struct channel *directory;
	struct channel *keys; /* NULL for who asks for no keys */
	struct kept *kept;    /* NULL for who keeps nothing */
};

static void on_connected(bool up, void *arg)
{
	struct mr_directory *d = arg;

	kept_connected(d->kept, up);
}

struct mr_directory *mr_directory_new(struct mr_loop *l, const struct mr_directory_config *c)
{
	struct mr_directory *d = mr_alloc(sizeof(*d));

	if (c->generation)
		d->kept = kept_new(c->generation);
	d->directory = channel_new(l, c->socket, d->kept, d->kept ? on_connected : NULL, d);
	if (c->keys_socket)
		d->keys = channel_new(l, c->keys_socket, d->kept, NULL, NULL);
	return d;
}

void mr_directory_free(struct mr_directory *d)
{
	if (!d)
		return;
	channel_free(d->directory);
	channel_free(d->keys);
	kept_free(d->kept);
	free(d);
}

void mr_directory_give_up(struct mr_directory *d)
{
	channel_give_up(d->directory);
	channel_give_up(d->keys);
}

bool mr_directory_up(const struct mr_directory *d)
{
	return channel_up(d->directory);
}

/* In the deliver functions an answer that cannot be read counts as none: ask again later. */
static void deliver_resolve(const struct mr_wire *w, struct mr_arena *arena, const struct channel_asker *asker)
{
	struct mr_dir_resolve a = { 0 };

	if (!w || mr_dir_resolve_decode(w, arena, &a) < 0)
		a = (struct mr_dir_resolve){ .status = MR_DIR_TEMP };
	((resolve_cb *)asker->fn)(&a, asker->arg);
}

void mr_directory_resolve(struct mr_directory *d, struct mr_slice address, uint64_t deadline,
			  void (*cb)(const struct mr_dir_resolve *a, void *arg), void *arg)
{
	channel_ask(d->directory, "resolve", (struct channel_field[]){ { "address", address }, { 0 } }, deadline,
		    (struct channel_asker){ deliver_resolve, (void (*)(void))cb, arg, .keep = true });
}

static void deliver_account(const struct mr_wire *w, struct mr_arena *arena, const struct channel_asker *asker)
{
	enum mr_dir_status status = MR_DIR_TEMP;
	struct mr_dir_account a = { 0 };

	if (!w || mr_dir_account_decode(w, arena, &status, &a) < 0) {
		status = MR_DIR_TEMP;
		a = (struct mr_dir_account){ 0 };
	}
	if (asker->own && status == MR_DIR_OK && a.generation)
		kept_add_account(asker->own, &a, asker->asked);
	((account_cb *)asker->fn)(status, &a, asker->arg);
}

void mr_directory_account(struct mr_directory *d, struct mr_slice address, uint64_t deadline,
			  void (*cb)(enum mr_dir_status status, const struct mr_dir_account *a, void *arg), void *arg)
{
	channel_ask(d->directory, "account", (struct channel_field[]){ { "address", address }, { 0 } }, deadline,
		    (struct channel_asker){ deliver_account, (void (*)(void))cb, arg, d->kept });
}

const struct mr_dir_account *mr_directory_kept_account(struct mr_directory *d, struct mr_slice address)
{
	return d->kept ? kept_find_account(d->kept, address) : NULL;
}

static void deliver_sender(const struct mr_wire *w, struct mr_arena *arena, const struct channel_asker *asker)
{
	struct mr_dir_sender a = { 0 };

	if (!w || mr_dir_sender_decode(w, arena, &a) < 0)
		a = (struct mr_dir_sender){ .status = MR_DIR_TEMP };
	((sender_cb *)asker->fn)(&a, asker->arg);
}

void mr_directory_sender(struct mr_directory *d, struct mr_slice address, uint64_t deadline,
			 void (*cb)(const struct mr_dir_sender *a, void *arg), void *arg)
{
	channel_ask(d->directory, "sender", (struct channel_field[]){ { "address", address }, { 0 } }, deadline,
		    (struct channel_asker){ deliver_sender, (void (*)(void))cb, arg, .keep = true });
}

static void deliver_dkim_key(const struct mr_wire *w, struct mr_arena *arena, const struct channel_asker *asker)
{
	enum mr_dir_status status = MR_DIR_TEMP;
	struct mr_slice sealed = { 0 };

	if (w && mr_dir_status_decode(w, &status) < 0)
		status = MR_DIR_TEMP;
	if (w && status == MR_DIR_OK) {
		sealed = mr_wire_get(w, "sealed");
		status = sealed.n > 0 ? MR_DIR_OK : MR_DIR_TEMP;
	}
	((dkim_key_cb *)asker->fn)(status, sealed, asker->arg);
}

void mr_directory_dkim_key(struct mr_directory *d, struct mr_slice domain, struct mr_slice selector, uint64_t deadline,
			   void (*cb)(enum mr_dir_status status, struct mr_slice sealed, void *arg), void *arg)
{
	channel_ask(d->keys, "dkim-key", (struct channel_field[]){ { "domain", domain }, { "selector", selector }, { 0 } }, deadline,
		    (struct channel_asker){ deliver_dkim_key, (void (*)(void))cb, arg, .keep = true });
}
