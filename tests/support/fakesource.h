/* fakesource: a source of rows in the hands of a test: a read begins, looks into the rows when the test says so, and arrives when the test
 * says so. */
#pragma once
#include "source.h"
#include "support/rowtext.h"

#define FAKE_READS_MAX 256
#define FAKE_NEAR_MAX  8

struct fake_read {
	struct mr_source_row ask;
	char key[MR_ROW_KEY_MAX];
	bool looked, over;
	struct mr_row *row; /* what it saw */
};

struct fakesource {
	struct mr_source source; /* first */
	struct rowtext *rows;
	struct fake_read reads[FAKE_READS_MAX];
	size_t n_reads;
	bool refuse;                      /* nothing can be started */
	struct mr_source_changes changes; /* the one that is waiting, if changes_open */
	bool changes_open;
	unsigned n_changes_asked;
	struct mr_db_origin origin; /* of the lists given */
	struct mr_db_expect expected;
	unsigned n_expected;
	struct mr_source_mailboxes page;
	bool page_open;
	struct mr_source_near near; /* the one that is waiting, if near_open */
	bool near_open;
	size_t n_near; /* addresses that it gives; what it sees of them once it has looked */
	const char *near_addresses[FAKE_NEAR_MAX];
	struct mr_row *near_rows[2 * FAKE_NEAR_MAX];
	bool near_looked;
	struct mr_source_owners owners; /* the one that is waiting, if owners_open */
	bool owners_open, owners_looked;
	unsigned n_owners_asked;
	size_t n_owners; /* addresses that it looks at */
	char *owner_addresses[FAKE_NEAR_MAX];
	struct mr_owner_set owner_sets[MR_OWNED]; /* what it saw */
};

void fakesource_init(struct fakesource *f, struct rowtext *rows);
void fakesource_done(struct fakesource *f);
void fake_look(struct fakesource *f, size_t i);            /* the read sees the rows as they are now */
void fake_arrive(struct fakesource *f, size_t i, int err); /* looks, if it has not yet */
size_t fake_arrive_all(struct fakesource *f, int err);     /* also those begun meanwhile; how many */
void fake_near_look(struct fakesource *f);
void fake_near_arrive(struct fakesource *f, int err); /* looks, if it has not yet */
void fake_owners_look(struct fakesource *f);
void fake_owners_arrive(struct fakesource *f, int err); /* looks, if it has not yet */
void fake_changes(struct fakesource *f, int err, const struct mr_change *v, size_t n, uint64_t newest);
