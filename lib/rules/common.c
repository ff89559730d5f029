/* common: how common bytes and what begins with some are in ordinary mail; see opening.h. */

/* system */
#include <pthread.h>

/* ours */
#include "base/mem.h"
#include "opening.h"

/* Bytes, of 1,000: headers and text. */
#define LETTER(small, large, n) [small] = (n), [large] = (n) / 8.0F
#define OTHERS                  2
#define MARK                    12
#define NOT_ASCII               0.3
static const float weights[128] = {
	[0x00 ... 0x09] = OTHERS, ['\n'] = MARK,        [0x0b ... 0x1f] = OTHERS, [' '] = 160,
	['!' ... '+'] = OTHERS,   [',' ... '/'] = MARK, ['0' ... '9'] = 8,        [':'] = MARK,
	[';' ... '<'] = OTHERS,   ['='] = MARK,         ['>' ... '@'] = OTHERS,   ['[' ... '`'] = OTHERS,
	['{' ... 0x7f] = OTHERS,  LETTER('a', 'A', 54), LETTER('b', 'B', 10),     LETTER('c', 'C', 25),
	LETTER('d', 'D', 26),     LETTER('e', 'E', 84), LETTER('f', 'F', 14),     LETTER('g', 'G', 14),
	LETTER('h', 'H', 30),     LETTER('i', 'I', 52), LETTER('j', 'J', 2),      LETTER('k', 'K', 6),
	LETTER('l', 'L', 30),     LETTER('m', 'M', 20), LETTER('n', 'N', 50),     LETTER('o', 'O', 55),
	LETTER('p', 'P', 16),     LETTER('q', 'Q', 1),  LETTER('r', 'R', 48),     LETTER('s', 'S', 46),
	LETTER('t', 'T', 62),     LETTER('u', 'U', 20), LETTER('v', 'V', 8),      LETTER('w', 'W', 13),
	LETTER('x', 'X', 3),      LETTER('y', 'Y', 14), LETTER('z', 'Z', 2),
};

double mr_rules_class_share(const struct mr_rules_class *c)
{
	double share = 0;

	if (c->bits[2] | c->bits[3])
		share = NOT_ASCII * (__builtin_popcountll(c->bits[2]) + __builtin_popcountll(c->bits[3]));
	for (unsigned i = 0; i < 2; i++)
		for (uint64_t left = c->bits[i]; left; left &= left - 1)
			share += weights[64 * i + (unsigned)__builtin_ctzll(left)];
	return share < 1000 ? share / 1000 : 1;
}

#define ASCII     128
#define PAIRS_MAX 300
#define RARE      1e-5
#define TEXT_MAX  4096 /* bytes of all of the following */

/* Letters by themselves do not tell that there are words: so many in a byte of text, each of a line. */
static const struct {
	double share;
	const char *text;
} words[] = {
	{ 2e-3, "      ------ ====== ______ ****** ...... the to a and of in you is for your this that it on with http://www. https://www. "
		".com/ .com .net .org"
		"\n[ ip=1 rdns=mail. helo=mail. by=mail. ident= envfrom= intl=0 id= auth= msa=0 ] [ ip=2 " },
	{ 8e-4, " be from or are have as not by if at will we all can an but my our email e-mail was no do get one out free so has mail"
		" <a href=\"http <a href=\"https </a> <br> <br /> <p> </p> <td </td> <tr> </tr> <font </font> <b> </b> <img src=\"http "
		"<div </div>"
		" width=\" height=\" size= style=\" border=0 color=\" color:# align= class= <span </span> <table </table> &nbsp; = \n--" },
	{ 2e-4,
	  " they just now new about up here only click time use what any there which information like would please their people some"
	  " how me us when been other than who make also address then them business money over web want may name work because its into"
	  " these need send way he first most home i'm am know see could don't go had it's account service contact list message"
	  " receive received unsubscribe link below today company bank payment order invoice update security password access"
	  " <body> <html> <head> <title> <meta <style <strong> <center> <ul> <li> <h1> <h2> target=\"_blank\" alt=\" bgcolor= cellpadding="
	  " cellspacing= valign= colspan= font-size: font-family: text-align: padding: margin: background- charset= content=" },
	{ 8e-5,
	  " system his using should subject does many much well very group date said find think site those world line after report good"
	  " public were years take help right back check through remove best phone where day each available program same before own"
	  " still online two every while life file sent number change set server read year being used such million data form too"
	  " really within computer off last why without state something per long real credit better anyone made few services problem"
	  " sure call down offer high say great easy next never old end since found future text price again messages another companies"
	  " start days access reply info product content based page give once look month full did going support version case looking"
	  " search top week special card contact got try must family visit different might legal buy however under products ever around"
	  " following user open both original low less market save type things thanks show part least come little keep pay cost issue"
	  " yes website value point website place let able already simply dear customer hello regards sincerely team personal office"
	  " box limited expire verify confirm login sign document attached number amount transfer fund delivery package shipping" },
};

/* The places of all words' texts, by the two bytes there. */
struct place {
	uint16_t line, at; /* of words */
	uint16_t next;     /* of places, with the same two bytes; 0: none */
};
static struct place places[TEXT_MAX];
static uint16_t first[ASCII][ASCII];

static void list_places(void)
{
	uint16_t n = 1;

	for (uint16_t line = 0; line < MR_COUNT(words); line++)
		for (uint16_t at = 0; words[line].text[at] && n < TEXT_MAX; at++) {
			uint16_t *list = &first[(unsigned char)words[line].text[at]][(unsigned char)words[line].text[at + 1]];

			places[n] = (struct place){ .line = line, .at = at, .next = *list };
			*list = n++;
		}
}

/* Does the text of that place go on so, if the opening begins `before` bytes before it? */
static bool stands(const struct mr_rules_opening *o, const struct place *p, unsigned before)
{
	const char *text = words[p->line].text + p->at - before;

	if (before > p->at)
		return false;
	for (unsigned i = 0; i < o->n; i++)
		if (!text[i] || !mr_rules_class_has(&o->bytes[i], (unsigned char)text[i]))
			return false;
	return true;
}

static double by_letters(const struct mr_rules_opening *o)
{
	double share = 1;

	for (unsigned i = 0; i < o->n; i++)
		share *= mr_rules_class_share(&o->bytes[i]);
	return share;
}

static unsigned ascii_in(const struct mr_rules_class *c)
{
	return (unsigned)(__builtin_popcountll(c->bits[0]) + __builtin_popcountll(c->bits[1]));
}

/* The two neighbouring bytes of which there are the fewest; how many pairs. */
static unsigned fewest(const struct mr_rules_opening *o, unsigned *at)
{
	unsigned least = ASCII * ASCII;

	for (unsigned i = 0; i + 1 < o->n; i++) {
		unsigned n = ascii_in(&o->bytes[i]) * ascii_in(&o->bytes[i + 1]);

		if (n < least) {
			least = n;
			*at = i;
		}
	}
	return least;
}

/* With that byte, and one of the class behind it, `before` bytes behind the beginning. */
static double with(const struct mr_rules_opening *o, unsigned before, unsigned byte, const struct mr_rules_class *next)
{
	double share = 0;

	for (unsigned w = 0; w < ASCII / 64; w++)
		for (uint64_t left = next->bits[w]; left; left &= left - 1)
			for (uint16_t i = first[byte][64 * w + (unsigned)__builtin_ctzll(left)]; i; i = places[i].next)
				share += stands(o, &places[i], before) ? words[places[i].line].share : 0;
	return share;
}

/* Up to `enough`. What may be almost anything is no word. */
static double by_words(const struct mr_rules_opening *o, double enough)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct mr_rules_class *c;
	double share = 0;
	unsigned at = 0;

	pthread_once(&once, list_places);
	if (fewest(o, &at) > PAIRS_MAX)
		return 0;
	c = &o->bytes[at];
	for (unsigned w = 0; w < ASCII / 64; w++)
		for (uint64_t left = c[0].bits[w]; left && share < enough; left &= left - 1)
			share += with(o, at, 64 * w + (unsigned)__builtin_ctzll(left), &c[1]);
	return share;
}

double mr_rules_openings_share(const struct mr_rules_opening *v, size_t n)
{
	double all = 0;

	for (size_t i = 0; i < n && all < 1; i++)
		all += by_letters(&v[i]) + by_words(&v[i], 1);
	return all < 1 ? all : 1;
}

bool mr_rules_opening_is_rare(const struct mr_rules_opening *o)
{
	return by_letters(o) <= RARE && !(by_words(o, RARE) > RARE);
}
