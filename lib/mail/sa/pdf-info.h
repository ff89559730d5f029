/* sa/pdf-info: what SpamAssassin's plugin PDFInfo finds in attached PDF files: it reads lines, and nothing that is packed. mail/pdf.h reads
 * the files themselves. */
#pragma once
#include "mail/sa/internal.h"

enum sa_pdf_detail { SA_PDF_AUTHOR, SA_PDF_CREATOR, SA_PDF_CREATED, SA_PDF_MODIFIED, SA_PDF_PRODUCER, SA_PDF_TITLE, SA_PDF_DETAILS };

struct sa_pdf_size {
	struct mr_slice height, width; /* as written */
};
struct sa_pdf_info {
	double count, images;
	double area; /* of the last file that has pictures */
	bool has_area, encrypted;
	struct mr_sa_list names, details[SA_PDF_DETAILS];
	struct mr_sa_list sums, fuzzy_sums; /* MD5, in hexadecimal with capitals */
	struct sa_pdf_size *sizes;
	size_t n_sizes, room;
};

const struct sa_pdf_info *sa_pdf_info(struct mr_sa *sa);
