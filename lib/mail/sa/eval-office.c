/* sa/eval-office: functions about attached Office documents, as SpamAssassin's plugin OLEVBMacro reads them. */
/* ours */
#include "mail/sa/eval-internal.h"
#include "mail/sa/office.h"

#define FUNCTION(name, member)                                                                                                             \
	static int name(struct mr_sa *sa, const struct mr_sa_args *args)                                                                   \
	{                                                                                                                                  \
		(void)args;                                                                                                                \
		return sa_office(sa)->member;                                                                                              \
	}

FUNCTION(macro, macro)
FUNCTION(object, object)
FUNCTION(rtf, rtf)
FUNCTION(csv, csv)
FUNCTION(malice, malice)
FUNCTION(renamed, renamed)
FUNCTION(encrypted, encrypted)
FUNCTION(zip_password, zip_password)
FUNCTION(download, download)
FUNCTION(redirect, redirect)
FUNCTION(mhtml, mhtml)

const struct mr_sa_eval sa_evals_office[] = {
	{ "check_olemacro", NULL, macro },
	{ "check_oleobject", NULL, object },
	{ "check_olertfobject", NULL, rtf },
	{ "check_olemacro_csv", NULL, csv },
	{ "check_olemacro_malice", NULL, malice },
	{ "check_olemacro_renamed", NULL, renamed },
	{ "check_olemacro_encrypted", NULL, encrypted },
	{ "check_olemacro_zip_password", NULL, zip_password },
	{ "check_olemacro_download_exe", NULL, download },
	{ "check_olemacro_redirect_uri", NULL, redirect },
	{ "check_olemacro_mhtml_uri", NULL, mhtml },
	{ 0 },
};
