/* message-files: messages that a verb is shown, in files that are named on its command line or in a list. */
#pragma once
#include "base/buf.h"
#include "base/diag.h"

#define MR_MESSAGE_FILE_MAX (512u << 20) /* bytes of a message as it is read */

/* As it comes through SMTP: lines that end in LF get CRLF. What is wrong is said with the file's name. */
int mr_message_file_read(const char *file, struct mr_buf *out, struct mr_diag *diag);
/* Tells of each name of a list, one a line; "-": standard input. -errno, said with the list's name. */
int mr_message_files_each(const char *list, void (*fn)(void *arg, const char *file), void *arg, struct mr_diag *diag);
