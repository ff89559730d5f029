/* fuzzy: hashes by which a message is known again though it is not the same one: of its text 32 numbers, of which two texts share as many
 * parts in 32 as they share of their runs of three words (MinHash, Broder 1997); of each attached file the SHA-256. Stable: other
 * processes, hosts and versions come to the same numbers. Pure; bounded. */
#pragma once
#include "base/hash.h"
#include "mail/view.h"

#define MR_FUZZY_SHINGLES  32
#define MR_FUZZY_FILES_MAX 10    /* further files are left out */
#define MR_FUZZY_FILE_MIN  256   /* bytes; smaller files are too like others */
#define MR_FUZZY_WORDS_MIN 12    /* a text with fewer is too like others */
#define MR_FUZZY_WORDS_MAX 20000 /* further ones are not looked at */
#define MR_FUZZY_WORD_MAX  30    /* bytes; longer ones are made up, or links, and left out */

struct mr_fuzzy {
	bool text; /* there are shingles */
	uint64_t shingles[MR_FUZZY_SHINGLES];
	uint8_t files[MR_FUZZY_FILES_MAX][MR_SHA256_LEN];
	size_t n_files;
};

/* The text is what a reader sees: of the HTML parts where there are some, else of the plain ones. Its words are runs of letters, in lower
 * case where they are ASCII, and single characters of Chinese and Japanese; words with digits are left out, as they differ from copy to
 * copy. Files are what is attached; an image only where it is an attachment and no part of the page, since logos are in everybody's mail.
 */
void mr_fuzzy_read(struct mr_view *v, struct mr_fuzzy *out);
