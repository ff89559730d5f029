/* symbols: see symbols.h. tests/unit/symbols.py compares the table with the checks. */

/* system */
#include <stddef.h>

/* ours */
#include "base/mem.h"
#include "symbols.h"

static const struct {
	const char *name, *text;
} table[] = {
	{ "ARC_FAIL", "a chain of ARC seals is broken" },
	{ "ARC_NONE", "no ARC seals" },
	{ "ARC_PASS", "the chain of ARC seals holds" },
	{ "ARC_TEMPERROR", "ARC keys could not be had" },
	{ "ATTACHMENT_CUT", "an attached file is broken, or too much to be looked into" },
	{ "ATTACHMENT_ENCRYPTED", "an archive or a document with a password, or encrypted mail" },
	{ "ATTACHMENT_FORBIDDEN", "a file of a kind that the site does not take" },
	{ "ATTACHMENT_MACROS", "an Office document with programs in it" },
	{ "DKIM_FAIL", "signatures do not fit the message" },
	{ "DKIM_NEUTRAL", "signatures that cannot be judged" },
	{ "DKIM_NONE", "no DKIM signature" },
	{ "DKIM_PASS", "a DKIM signature holds" },
	{ "DKIM_PERMERROR", "signatures that can never be verified" },
	{ "DKIM_POLICY", "signatures that hold but are too weak to count" },
	{ "DKIM_TEMPERROR", "DKIM keys could not be had" },
	{ "DMARC_ARC", "fails DMARC, but passed with a sealer that is trusted" },
	{ "DMARC_FAIL", "fails DMARC; the author's domain asks for nothing" },
	{ "DMARC_NONE", "the author's domain has no DMARC policy" },
	{ "DMARC_PASS", "the author's domain stands behind it" },
	{ "DMARC_PERMERROR", "no author, several From fields, or a broken one" },
	{ "DMARC_QUARANTINE", "fails DMARC; the author's domain wants it in Junk" },
	{ "DMARC_REJECT", "fails DMARC; the author's domain wants it refused" },
	{ "DMARC_TEMPERROR", "the DMARC policy could not be had" },
	{ "FUZZY_FILE", "an attached file is one that mailreeve fuzzy was shown" },
	{ "FUZZY_TEXT", "the text is nearly that of a message that mailreeve fuzzy was shown" },
	{ "FUZZY_TEXT_LIKE", "much of the text is that of a message that mailreeve fuzzy was shown" },
	{ "GTUBE", "the test string that is refused" },
	{ "GTUBE_JUNK", "the test string that goes to Junk" },
	{ "HTML_HIDDEN_TEXT", "much text that nobody can see" },
	{ "HTML_SCRIPT", "a script in HTML" },
	{ "LINK_ENCODED_HOST", "a link whose host is encoded" },
	{ "LINK_IP_ADDRESS", "a link to an IP address" },
	{ "LINK_NAMES_ANOTHER", "a link whose text names another domain than it opens" },
	{ "LINK_ODD_ADDRESS", "a link to an address in a form that only browsers read" },
	{ "LINK_USERINFO", "a link with a name before an @ that hides the host" },
	{ "MIME_BROKEN", "a body whose parts are hidden from who reads by the rules" },
	{ "MIME_CHARSET_UNKNOWN", "text in a charset that nobody knows" },
	{ "MIME_HEADER_CUT", "more header fields than are looked at" },
	{ "MIME_OVERSIZED", "more parts, depth or links than are looked at" },
	{ "MIME_TEXT_CUT", "more text than is looked at" },
	{ "RULES_CUT", "spam rules took too long, and the others were left out" },
	{ "RULES_SLOW", "a spam rule took too long and counts as not hit" },
	{ "SPF_FAIL", "the sender's domain says that this host may not send for it" },
	{ "SPF_NEUTRAL", "the sender's domain does not say whether this host may" },
	{ "SPF_NONE", "the sender's domain has no SPF policy" },
	{ "SPF_PASS", "the sender's domain says that this host may send for it" },
	{ "SPF_PERMERROR", "the SPF policy is broken" },
	{ "SPF_SOFTFAIL", "the sender's domain says that this host probably may not" },
	{ "SPF_TEMPERROR", "the SPF policy could not be had" },
	{ "VIRUS", "clamd found a virus" },
	{ "VIRUS_SUSPECTED", "clamd found what is no proof of a virus" },
	{ "VIRUS_UNCHECKED", "clamd has not looked at it" },
};

const char *mr_symbol_text(struct mr_slice name, const struct mr_rules *rules)
{
	for (size_t i = 0; i < MR_COUNT(table); i++)
		if (mr_slice_eq(name, mr_slice_of(table[i].name)))
			return table[i].text;
	return rules ? mr_rules_description(rules, name) : NULL;
}
