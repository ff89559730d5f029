/* sa/office: what SpamAssassin's plugin OLEVBMacro finds in attached Office documents, as it looks for it: by names and marks. mail/ole.h
 * reads the documents themselves. */
#pragma once
#include "mail/sa/internal.h"

/* Of all of them together. */
struct sa_office {
	bool macro, object, rtf, csv, malice, encrypted, zip_password, download, redirect, mhtml;
	bool renamed; /* one whose name is none of a document; only with olemacro_extended_scan */
};

const struct sa_office *sa_office(struct mr_sa *sa);
