/* access: what an account's switches mean for one login or delivery. Pure: the same in every version of Dovecot. */
#pragma once
#include "proto/directory.h"

/* Login to a Dovecot service ("imap", "pop3", "smtp" as Postfix asks, ...). A send-only account may submit mail and nothing else. */
bool mr_access_login(const struct mr_dir_account *a, const char *service);
/* Whether userdb knows the account: delivery only of what takes mail now; everything else, doveadm too, always. */
bool mr_access_userdb(const struct mr_dir_account *a, const char *service);
