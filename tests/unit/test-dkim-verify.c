/* dkim-verify: what RFC 6376, RFC 8301 and RFC 8463 say of verifying, section by section. Each signature is a good one for the message as
 * it was sent; the case says what came of it on the way and what its tags and its key make of it. Every case is tried with CRLF and with
 * LF. */
/* system */
#include <errno.h>

/* ours */
#include "mail/dkim.h"
#include "support/dkimmake.h"
#include "support/zone.h"
#include "unit.h"

#define NOW       1700000000
#define NAME      "s._domainkey.example.org"
#define ZONE      NAME " TXT v=DKIM1; k=ed25519; p=" DKIMMAKE_P "\n"
#define KEY(x)    NAME " TXT " x "\n"
#define OTHER_KEY KEY("v=DKIM1; k=ed25519; p=AAAAAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
/* The usual signature with `more` tags. */
#define SIG(more) "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from:subject:to; bh=@H; " more "b=@S\r\n"
#define RR        "c=relaxed/relaxed; "

/* The same label in both spellings, and keys below it. */
#define U "gr\xc3\xbcn"
#define A "xn--grn-ioa"
#define U_ZONE                                                                                                                             \
	"s._domainkey." A ".example TXT v=DKIM1; k=ed25519; p=" DKIMMAKE_P "\n" A "._domainkey." A                                         \
	".example TXT v=DKIM1; k=ed25519; p=" DKIMMAKE_P "\n"                                                                              \
	"strict._domainkey." A ".example TXT v=DKIM1; k=ed25519; t=s; p=" DKIMMAKE_P "\n"

#define HEAD "From: Anna <anna@example.org>\r\nSubject: about\r\n  what we \tsaid\r\nTo: b@example.net\r\n"
#define BODY "Hello,\r\n\r\n  two  words \t\r\nand a third\t\r\n\r\n\r\n"
#define MAIL HEAD "\r\n" BODY

static const struct {
	const char *signature, *sent, *received, *zone;
	enum mr_dkim_result result;
	const char *problem; /* NULL: it passes */
	bool unaligned;      /* though it passes */
} cases[] = {
	/* section 3.4: canonical forms */
	{ SIG(RR), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("c=simple/simple; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("c=simple/relaxed; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("c=relaxed/simple; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("c=relaxed; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("c=Relaxed/SIMPLE; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG(""), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("c=nofws; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "canonical form is unknown" },
	{ SIG("c=relaxed/; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "canonical form is unknown" },
	{ SIG("c=simple/simple/simple; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "canonical form is unknown" },
	{ SIG(RR), MAIL, "FROM:Anna <anna@example.org> \r\nsubject \t:about what we said\r\nTo: \r\n\tb@example.net\r\n\r\n" BODY, ZONE,
	  MR_DKIM_PASS, NULL },
	{ SIG(RR), MAIL, HEAD "\r\nHello, \r\n\r\n two words\r\nand a third\r\n", ZONE, MR_DKIM_PASS, NULL },
	{ SIG(RR), MAIL, HEAD "\r\nHello, \r\n\r\ntwo words\r\nand a third\r\n", ZONE, MR_DKIM_FAIL, "body has been altered" },
	{ SIG("c=simple/relaxed; "), MAIL,
	  "FROM:Anna <anna@example.org>\r\nSubject: about\r\n  what we \tsaid\r\nTo: b@example.net\r\n\r\n" BODY, ZONE, MR_DKIM_FAIL,
	  "signature does not hold" },
	{ SIG("c=simple/relaxed; "), MAIL,
	  "From: Anna <anna@example.org>\r\nSubject: about what we \tsaid\r\nTo: b@example.net\r\n\r\n" BODY, ZONE, MR_DKIM_FAIL,
	  "signature does not hold" },
	{ SIG("c=relaxed/simple; "), MAIL, HEAD "\r\nHello,\r\n\r\n  two  words \t\r\nand a third\t\r\n", ZONE, MR_DKIM_PASS, NULL },
	{ SIG("c=relaxed/simple; "), MAIL, HEAD "\r\nHello,\r\n\r\n  two  words\r\nand a third\t\r\n", ZONE, MR_DKIM_FAIL,
	  "body has been altered" },
	{ SIG("c=simple/simple; "), HEAD "\r\n", HEAD "\r\n", ZONE, MR_DKIM_PASS, NULL },
	{ SIG("c=simple/simple; "), HEAD "\r\n", HEAD "\r\n\r\n\r\n", ZONE, MR_DKIM_PASS, NULL },
	{ SIG("c=simple/simple; "), HEAD "\r\n", HEAD, ZONE, MR_DKIM_PASS, NULL },
	{ SIG(RR), HEAD "\r\n", HEAD "\r\n \r\n\t\r\n", ZONE, MR_DKIM_PASS, NULL },
	{ SIG(RR), HEAD "\r\nno line end", HEAD "\r\nno line end\r\n", ZONE, MR_DKIM_PASS, NULL },
	{ SIG(RR), HEAD "\r\n\r\nx\r\n", HEAD "\r\nx\r\n", ZONE, MR_DKIM_FAIL, "body has been altered" },
	/* section 3.5, v= and a= */
	{ "DKIM-Signature: v=2; a=ed25519-sha256; d=example.org; s=s; h=from; bh=@H; b=@S\r\n", MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL,
	  "signature has another version" },
	{ "DKIM-Signature: v=01; a=ed25519-sha256; d=example.org; s=s; h=from; bh=@H; b=@S\r\n", MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL,
	  "signature has another version" },
	{ "DKIM-Signature: v=1; a=Ed25519-SHA256; d=example.org; s=s; h=from; bh=@H; b=@S\r\n", MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ "DKIM-Signature: v=1; a=ed25519-sha512; d=example.org; s=s; h=from; bh=@H; b=@S\r\n", MAIL, MAIL, ZONE, MR_DKIM_PERMERROR,
	  "algorithm is unknown" },
	{ "DKIM-Signature: v=1; a=rsa-sha1; d=example.org; s=s; h=from; bh=@H; b=@S\r\n", MAIL, MAIL, ZONE, MR_DKIM_POLICY,
	  "rsa-sha1 is not accepted" },
	{ "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from; bh=@H; b=@S\r\n", MAIL, MAIL, ZONE, MR_DKIM_PERMERROR,
	  "key is of another type" },
	/* b= and bh= wherever they stand and however they are folded, and tags that look like them */
	{ "DKIM-Signature: b=@S; bh=@H; v=1; a=ed25519-sha256; d=example.org; s=s; h=from\r\n", MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ "DKIM-Signature: v=1; bb=b=1; a=ed25519-sha256; d=example.org; s=s; h=from; bh=@H; b=@F; z=b=x\r\n", MAIL, MAIL, ZONE,
	  MR_DKIM_PASS, NULL },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed; d=example.org; s=s;\r\n h=from; bh=@H;\r\n b \t=\r\n\t @F\r\n ;\r\n", MAIL,
	  MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ "dkim-signature:v=1;a=ed25519-sha256;d=example.org;s=s;h=from;bh=@H;b=@F\r\n  ; t=1699999999\r\n", MAIL, MAIL, ZONE, MR_DKIM_PASS,
	  NULL },
	{ "DKIM-Signature : v = 1 ; a = ed25519-sha256 ; c = relaxed / relaxed ; d = example.org ; s = s ; h = from ; bh = @H ; b = @S\r\n",
	  MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from; bh=@H; b=@S; b=@S\r\n", MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL,
	  "a tag stands twice" },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from; bh=@H; b=@S;; t=1\r\n", MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL,
	  "tag list is broken" },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from; bh=@H; b=@S*\r\n", MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL,
	  "b= is not base64, or too long" },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from; bh=@H*; b=@S\r\n", MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL,
	  "bh= is not base64, or too long" },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from; bh=AAAA; b=@S\r\n", MAIL, MAIL, ZONE, MR_DKIM_FAIL,
	  "body has been altered" },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from; b=@S\r\n", MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL,
	  "a required tag is missing or empty" },
	/* h=, section 5.4.2: from the bottom, and fields that are not there */
	{ SIG(RR), "X: 1\r\n" MAIL, "X: 2\r\nY: 3\r\n" MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG(RR), MAIL, "Subject: another\r\n" MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG(RR), MAIL, HEAD "Subject: another\r\n\r\n" BODY, ZONE, MR_DKIM_FAIL, "signature does not hold" },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from:subject:subject:from; bh=@H; b=@S\r\n", MAIL,
	  "Subject: another\r\n" MAIL, ZONE, MR_DKIM_FAIL, "signature does not hold" },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from:subject:subject:from; bh=@H; b=@S\r\n", MAIL,
	  "From: x@evil.example\r\n" MAIL, ZONE, MR_DKIM_FAIL, "signature does not hold" },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from:received:received; bh=@H; b=@S\r\n",
	  "Received: 2\r\nReceived: 1\r\n" MAIL, "Received: 3\r\nReceived: 2\r\nX: y\r\nReceived: 1\r\n" MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from:received:received; bh=@H; b=@S\r\n",
	  "Received: 2\r\nReceived: 1\r\n" MAIL, "Received: 1\r\nReceived: 2\r\n" MAIL, ZONE, MR_DKIM_FAIL, "signature does not hold" },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s;\r\n h= From \r\n : Subject:To :\r\n\tcc:; bh=@H; b=@S\r\n", MAIL,
	  MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from:dkim-signature; bh=@H; b=@S\r\n", MAIL, MAIL, ZONE,
	  MR_DKIM_PASS, NULL },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=subject:to; bh=@H; b=@S\r\n", MAIL, MAIL, ZONE, MR_DKIM_PERMERROR,
	  "From is not signed" },
	{ SIG(RR), "To: b@example.net\r\n\r\n" BODY, "To: b@example.net\r\n\r\n" BODY, ZONE, MR_DKIM_PASS, NULL },
	/* d= and i= */
	{ SIG("i=@example.org; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("i=anna@EXAMPLE.org; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("i=anna@a.b.example.org; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("i=\"a@b\"@example.org; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("i=anna=2Bx=40example.org; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("i=@=65xample.=6F=72g; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("i=@example.org=40example.net; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "i= is not within d=" },
	{ SIG("i=@example.or=6g; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "i= is not within d=" },
	{ SIG("i=@example.org=; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "i= is not within d=" },
	{ SIG("i=anna@xexample.org; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "i= is not within d=" },
	{ SIG("i=anna@org; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "i= is not within d=" },
	{ SIG("i=example.org; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "i= is not within d=" },
	{ SIG("i=@example.org@example.net; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "i= is not within d=" },
	{ SIG("i=; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "i= is not within d=" },
	/* RFC 8616 section 5: U-labels in d=, i= and s=; what is signed is the field as it stands */
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=" U ".example; s=s; h=from; bh=@H; b=@S\r\n", MAIL, MAIL, U_ZONE, MR_DKIM_PASS, NULL },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=" A ".example; s=s; i=j\xc3\xb6rg@mail." U ".example; h=from; bh=@H; b=@S\r\n", MAIL,
	  MAIL, U_ZONE, MR_DKIM_PASS, NULL },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=" U ".example; s=" U "; i=@" A ".example; h=from; bh=@H; b=@S\r\n", MAIL, MAIL, U_ZONE,
	  MR_DKIM_PASS, NULL },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=" U ".example; s=strict; i=@" A ".example; h=from; bh=@H; b=@S\r\n", MAIL, MAIL, U_ZONE,
	  MR_DKIM_PASS, NULL },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=" U ".example; s=strict; i=@x." A ".example; h=from; bh=@H; b=@S\r\n", MAIL, MAIL,
	  U_ZONE, MR_DKIM_PERMERROR, "key forbids a domain below d= in i=" },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=" U ".example; s=s; i=@x" U ".example; h=from; bh=@H; b=@S\r\n", MAIL, MAIL, U_ZONE,
	  MR_DKIM_NEUTRAL, "i= is not within d=" },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=gr\xfcn.example; s=s; h=from; bh=@H; b=@S\r\n", MAIL, MAIL, U_ZONE, MR_DKIM_NEUTRAL,
	  "tag list is broken" },
	{ "DKIM-Signature: v=1; a=ed25519-sha256; d=\xe2\x80\x8e.example; s=s; h=from; bh=@H; b=@S\r\n", MAIL, MAIL, U_ZONE,
	  MR_DKIM_NEUTRAL, "domain has odd characters" },
	{ SIG("z=Subject:caf\xc3\xa9; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	/* l=, section 3.5: it passes, and counts for nobody */
	{ SIG(RR "l=10; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL, true },
	{ SIG(RR "l=35; "), MAIL, MAIL "more\r\n", ZONE, MR_DKIM_PASS, NULL, true },
	{ SIG(RR "l=0; "), MAIL, HEAD "\r\nanything\r\n", ZONE, MR_DKIM_PASS, NULL, true },
	{ SIG(RR "l=10; "), MAIL, HEAD "\r\nHello\r\n", ZONE, MR_DKIM_FAIL, "body has been altered" },
	{ SIG(RR "l=1000; "), MAIL, MAIL, ZONE, MR_DKIM_FAIL, "body is shorter than l=" },
	{ SIG(RR "l=; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "length is no number" },
	{ SIG(RR "l=1x; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "length is no number" },
	{ SIG(RR "l=99999999999999999999999; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "length is no number" },
	/* q= */
	{ SIG("q=dns/txt; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("q=other : DNS/TXT; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("q=other; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "key is not in DNS" },
	/* t= and x= */
	{ SIG("t=1699990000; x=1700000001; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("t=1700000299; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("t=1700000301; "), MAIL, MAIL, ZONE, MR_DKIM_FAIL, "signature is from the future" },
	{ SIG("x=1699999701; "), MAIL, MAIL, ZONE, MR_DKIM_PASS, NULL },
	{ SIG("x=1699999700; "), MAIL, MAIL, ZONE, MR_DKIM_FAIL, "signature has expired" },
	{ SIG("t=1700000100; x=1700000100; "), MAIL, MAIL, ZONE, MR_DKIM_FAIL, "signature has expired before it was made" },
	{ SIG("t=now; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "time is no number" },
	{ SIG("x=-1; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "time is no number" },
	{ SIG("t=; "), MAIL, MAIL, ZONE, MR_DKIM_NEUTRAL, "time is no number" },
	/* section 3.6.1: the record of the key */
	{ SIG(RR), MAIL, MAIL, KEY("k=ed25519; p=" DKIMMAKE_P "; v=DKIM1"), MR_DKIM_PASS, NULL },
	{ SIG(RR), MAIL, MAIL, KEY("v=DKIM1; k=Ed25519; g=nobody; h=sha1:SHA256; s=Email; t=y:x; n=a note; foo=bar; p=" DKIMMAKE_P),
	  MR_DKIM_PASS, NULL },
	{ SIG(RR), MAIL, MAIL, KEY("v=DKIM1; k=ed25519; s=other:*; p=11qYAYKxCrfVS/7TyWQHOg7hcvPap iMlrwIaaPcHURo="), MR_DKIM_PASS, NULL },
	{ SIG(RR), MAIL, MAIL, KEY("v=DKIM1; k=ed25519; h=sha1; p=" DKIMMAKE_P), MR_DKIM_PERMERROR, "key is not for sha256" },
	{ SIG(RR), MAIL, MAIL, KEY("v=DKIM1; k=ed25519; s=other; p=" DKIMMAKE_P), MR_DKIM_PERMERROR, "key is not for e-mail" },
	{ SIG(RR), MAIL, MAIL, KEY("v=dkim1; k=ed25519; p=" DKIMMAKE_P), MR_DKIM_PERMERROR, "key record has another version" },
	{ SIG(RR), MAIL, MAIL, KEY("v=DKIM1; p=" DKIMMAKE_P), MR_DKIM_PERMERROR, "key is of another type" },
	{ SIG(RR), MAIL, MAIL, KEY("v=DKIM1; k=ed25519; p="), MR_DKIM_PERMERROR, "key is revoked" },
	{ SIG(RR), MAIL, MAIL, KEY("v=DKIM1; p="), MR_DKIM_PERMERROR, "key is revoked" },
	{ SIG(RR), MAIL, MAIL, KEY("v=DKIM1; k=ed25519; p=!"), MR_DKIM_PERMERROR, "key is not base64, or too long" },
	{ SIG("i=@example.org; "), MAIL, MAIL, KEY("v=DKIM1; k=ed25519; t=y:s; p=" DKIMMAKE_P), MR_DKIM_PASS, NULL },
	{ SIG(""), MAIL, MAIL, KEY("v=DKIM1; k=ed25519; t=s; p=" DKIMMAKE_P), MR_DKIM_PASS, NULL },
	{ SIG("i=@a.example.org; "), MAIL, MAIL, KEY("v=DKIM1; k=ed25519; t=y:S; p=" DKIMMAKE_P), MR_DKIM_PERMERROR,
	  "key forbids a domain below d= in i=" },
	{ SIG(RR), MAIL, MAIL, KEY("v=spf1 -all") ZONE, MR_DKIM_PASS, NULL },
	{ SIG(RR), MAIL, MAIL, NAME " CNAME keys.example.net\nkeys.example.net TXT v=DKIM1; k=ed25519; p=" DKIMMAKE_P "\n", MR_DKIM_PASS,
	  NULL },
	/* section 6.1.2: several keys, in no order */
	{ SIG(RR), MAIL, MAIL, OTHER_KEY ZONE, MR_DKIM_PASS, NULL },
	{ SIG(RR), MAIL, MAIL, ZONE OTHER_KEY, MR_DKIM_PASS, NULL },
	{ SIG(RR), MAIL, MAIL, KEY("v=DKIM1; p=AAAA") KEY("v=DKIM1; k=ed25519; p=") KEY("p=;;") ZONE, MR_DKIM_PASS, NULL },
	{ SIG(RR), MAIL, MAIL, KEY("v=DKIM1; k=ed25519; p=") OTHER_KEY, MR_DKIM_FAIL, "signature does not hold" },
	{ SIG(RR), MAIL, MAIL, KEY("v=DKIM1; k=ed25519; p=") KEY("v=DKIM1; k=ed25519; s=other; p=AAAA"), MR_DKIM_PERMERROR,
	  "key is revoked" },
	{ SIG(RR), MAIL, MAIL, OTHER_KEY OTHER_KEY OTHER_KEY OTHER_KEY ZONE, MR_DKIM_FAIL, "signature does not hold" },
	{ SIG(RR), MAIL, MAIL, KEY("nothing of use"), MR_DKIM_PERMERROR, "key record is broken" },
	{ SIG(RR), MAIL, MAIL, "x.example.org A 192.0.2.1\n", MR_DKIM_PERMERROR, "there is no key" },
	{ SIG(RR), MAIL, MAIL, NAME " A 192.0.2.1\n", MR_DKIM_PERMERROR, "there is no key" },
	{ SIG(RR), MAIL, MAIL, NAME " TIMEOUT\n", MR_DKIM_TEMPERROR, "key could not be fetched" },
};

static struct mr_sign_key *key;

static int set_up(void **state)
{
	return mr_sign_key_new(MR_LIT(DKIMMAKE_PRIVATE), &key, NULL);
}

static int tear_down(void **state)
{
	mr_sign_key_unref(key);
	return 0;
}

static void verify(struct mr_slice text, const char *zone, struct mr_arena *arena, struct mr_dkim_answer *out)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_message m;
	int rounds = 0;

	mr_message_parse(text, arena, &m);
	while (mr_dkim_verify(&m, NOW, view, arena, out) == -EAGAIN) {
		assert_int_equal(rounds++, 0);
		zone_answer(zone, view);
	}
	mr_dns_view_free(view);
}

static void try(size_t i, struct mr_slice text, const char *line_ends)
{
	mr_autoarena arena = mr_arena_new(0);
	const struct mr_dkim_signature *s;
	struct mr_dkim_answer a;

	verify(text, cases[i].zone, arena, &a);
	s = &a.signatures[0];
	if (a.n != 1 || s->result != cases[i].result || !mr_slice_eq(s->problem, mr_slice_of(cases[i].problem)) ||
	    s->aligns != (s->result == MR_DKIM_PASS && !cases[i].unaligned))
		fail_msg("case %zu (%s), %s: %s, %.*s, aligns %d", i, cases[i].signature, line_ends, mr_dkim_str(s->result),
			 (int)s->problem.n, s->problem.p, s->aligns);
}

static void test_cases(void **state)
{
	struct mr_buf text = MR_BUF(1 << 20), lf = MR_BUF(1 << 20);

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		mr_buf_reset(&text);
		mr_buf_reset(&lf);
		/* what is broken on purpose cannot be made to hold, and need not */
		dkimmake_sign(cases[i].signature, key, mr_slice_of(cases[i].sent), &text);
		if (!text.n)
			mr_buf_puts(&text, cases[i].signature);
		mr_buf_puts(&text, cases[i].received);
		for (size_t at = 0; at < text.n; at++) {
			if (text.p[at] != '\r')
				mr_buf_putc(&lf, text.p[at]);
		}
		try(i, mr_buf_slice(&text), "CRLF");
		try(i, mr_buf_slice(&lf), "LF");
	}
	mr_buf_done(&text);
	mr_buf_done(&lf);
}

/* What is not looked at could hold a second From. */
static void test_cut(void **state)
{
	struct mr_buf text = MR_BUF(1 << 24);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dkim_answer a;

	assert_true(dkimmake_sign(SIG(RR), key, MR_LIT(MAIL), &text));
	for (int i = 0; i < MR_HEADERS_MAX; i++)
		mr_buf_puts(&text, "X: y\r\n");
	mr_buf_puts(&text, MAIL);
	verify(mr_buf_slice(&text), ZONE, arena, &a);
	assert_int_equal(a.signatures[0].result, MR_DKIM_NEUTRAL);
	assert_slice(a.signatures[0].problem, "header is too long");
	mr_buf_done(&text);
}

/* Several of them, each with a body of its own length: no one disturbs another. */
static void test_several(void **state)
{
	static const char *const more[] = { RR, RR "l=5; ", "c=simple/simple; ", "c=simple/relaxed; l=5; ", RR "l=5; ", RR };
	struct mr_buf text = MR_BUF(1 << 20);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dkim_answer a;

	for (size_t i = 0; i < MR_COUNT(more); i++) {
		char *field = mr_arena_printf(arena, SIG("%s"), more[i]);

		assert_true(dkimmake_sign(field, key, MR_LIT(MAIL), &text));
	}
	mr_buf_puts(&text, "DKIM-Signature: broken\r\n" MAIL);
	verify(mr_buf_slice(&text), ZONE, arena, &a);
	assert_int_equal(a.n, MR_COUNT(more) + 1);
	for (size_t i = 0; i < MR_COUNT(more); i++) {
		assert_int_equal(a.signatures[i].result, MR_DKIM_PASS);
		assert_int_equal(a.signatures[i].aligns, !strstr(more[i], "l="));
	}
	assert_int_equal(a.signatures[a.n - 1].result, MR_DKIM_NEUTRAL);
	mr_buf_done(&text);
}

/* Who asks for alignment and who writes results gets A-labels. */
static void test_other_scripts(void **state)
{
	struct mr_buf text = MR_BUF(1 << 20);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dkim_answer a;

	assert_true(dkimmake_sign("DKIM-Signature: v=1; a=ed25519-sha256; d=GR\xc3\x9cN.example; s=" U "; h=from; bh=@H; b=@S\r\n", key,
				  MR_LIT(MAIL), &text));
	mr_buf_puts(&text, MAIL);
	verify(mr_buf_slice(&text), U_ZONE, arena, &a);
	assert_int_equal(a.signatures[0].result, MR_DKIM_PASS);
	assert_slice(a.signatures[0].domain, A ".example");
	assert_slice(a.signatures[0].selector, A);
	mr_buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_cut), cmocka_unit_test(test_several),
					    cmocka_unit_test(test_other_scripts) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
