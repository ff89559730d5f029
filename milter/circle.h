/* circle: does forwarded mail go in a circle? The second pass of forwarded mail leaves a field with a hash of each recipient in the
 * message; who is named there gets it no second time. Where others take such fields out, or mail of our own users goes round, which needs
 * no second pass, the Received fields with our name tell: of those there may be a few only. */
#pragma once
#include "base/buf.h"
#include "mail/message.h"

#define MR_CIRCLE_FIELD        "X-Mailreeve-Forwarded"
#define MR_CIRCLE_VALUE_MAX    32768
#define MR_CIRCLE_RECEIVED_MAX 6  /* fields that a host of this name wrote: two for each time that it forwards a message */
#define MR_CIRCLE_HASH_LEN     16 /* hexadecimal digits */

/* Some such field names this recipient. */
bool mr_circle_has(const struct mr_message *m, struct mr_slice recipient);
/* A field Received that a host of this name wrote. */
bool mr_circle_received_by(struct mr_slice name, struct mr_slice value, struct mr_slice hostname);
/* The recipient for the value of the field of this pass. -ENOBUFS: no room, and then it counts on Received alone. */
int mr_circle_add(struct mr_buf *value, struct mr_slice recipient);
