/* directory: client of lookup's directory and key sockets, for policyd and the milter. No cache: lookup has one; but an answer that says
 * so may be had again as long as lookup has changed nothing, for a second at the most (kept.h). One connection, pipelined, reconnecting;
 * loop thread only. */
#pragma once
#include "proto/directory.h"
#include "rt/loop.h"

struct mr_directory;
struct mr_directory_config {
	const char *socket;      /* RUN_DIR/lookup/directory.sock */
	const char *keys_socket; /* RUN_DIR/keys/keys.sock, or NULL */
	const char *generation;  /* RUN_DIR/lookup/generation, or NULL: nothing is kept */
};
struct mr_directory *mr_directory_new(struct mr_loop *l, const struct mr_directory_config *c);
void mr_directory_free(struct mr_directory *d); /* open questions are dropped without a callback */
/* Every open question is answered MR_DIR_TEMP, inside this call: for who holds something for each of them. */
void mr_directory_give_up(struct mr_directory *d);
bool mr_directory_up(const struct mr_directory *d);

/* Each callback comes later, never from inside, exactly once, at the deadline (absolute, mr_now_ms()) with MR_DIR_TEMP. Answers live during
 * the call. */
void mr_directory_resolve(struct mr_directory *d, struct mr_slice address, uint64_t deadline,
			  void (*cb)(const struct mr_dir_resolve *a, void *arg), void *arg);
void mr_directory_account(struct mr_directory *d, struct mr_slice address, uint64_t deadline,
			  void (*cb)(enum mr_dir_status status, const struct mr_dir_account *a, void *arg), void *arg);
/* What lookup said of it less than a second ago and would say again, but for used_bytes, which is not known here; NULL: ask. Only of an
 * address that is spelled as lookup spells it. It lives until something else is asked or the callback's turn ends. */
const struct mr_dir_account *mr_directory_kept_account(struct mr_directory *d, struct mr_slice address);
void mr_directory_sender(struct mr_directory *d, struct mr_slice address, uint64_t deadline,
			 void (*cb)(const struct mr_dir_sender *a, void *arg), void *arg);
void mr_directory_dkim_key(struct mr_directory *d, struct mr_slice domain, struct mr_slice selector, uint64_t deadline,
			   void (*cb)(enum mr_dir_status status, struct mr_slice sealed, void *arg), void *arg);
