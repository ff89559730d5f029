"""Which filter tells spam from ham better: ours, and SpamAssassin, rspamd and bogofilter where they are installed; without network, each resident.

Rules only for ours, SpamAssassin and rspamd; bogofilter, and rspamd a second time with its Bayes, learn from the other half of the mail. MR_MESSAGES bounds how
many are judged."""

import os
import pathlib
import tempfile

import corpus
import filters


def auc(spam, ham):
    """Area under the ROC curve: how often a spam's score is above a ham's; ties count half."""
    ranked = sorted([(score, True) for score in spam] + [(score, False) for score in ham])
    total, below, at = 0.0, 0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        tied_spam = sum(is_spam for _, is_spam in ranked[at:end])
        tied_ham = end - at - tied_spam
        total += tied_spam * (below + tied_ham / 2)
        below += tied_ham
        at = end
    return total / (len(spam) * len(ham))


def catch(spam, ham, wrong):
    """Share of spam above the lowest threshold that at most this share of ham reaches."""
    allowed = int(wrong * len(ham))
    limit = sorted(ham, reverse=True)[allowed]
    return sum(score > limit for score in spam) / len(spam)


class Result:
    def __init__(self, name, running, judged):
        scores = running.score([path for path, _ in judged])
        spam, ham = ([scores[path] for path, is_spam in judged if is_spam == which] for which in (True, False))
        self.name, self.miss = name, 1 - auc(spam, ham)
        self.strict, self.usual = catch(spam, ham, 0.001), catch(spam, ham, 0.005)
        self.caught = sum(score >= running.threshold for score in spam) / len(spam)
        self.wrong = sum(score >= running.threshold for score in ham) / len(ham)

    def __str__(self):
        return (f"{self.name:22} 1-AUC {self.miss:.5f}  catch at 0.1 % {self.strict:6.1%}  at 0.5 % {self.usual:6.1%}  "
                f"by default: catch {self.caught:6.1%}, false positives {self.wrong:.2%}")


# name -> (folder of its own, {path to learn from: is spam}) -> a filter
CONTENDERS = {"ours, rules": lambda folder, _: filters.Ours(folder, pathlib.Path(os.environ["MR_BUILD"])),
              "spamassassin, rules": lambda folder, _: filters.SpamAssassin(folder),
              "rspamd, rules": lambda folder, _: filters.Rspamd(folder),
              "rspamd, bayes": filters.Rspamd,
              "bogofilter": filters.Bogofilter}


def main():
    results = {}
    with tempfile.TemporaryDirectory(prefix="mr-accuracy-") as work:
        try:
            learn, judged = corpus.labelled(pathlib.Path(work))
        except corpus.Absent as absent:
            print(f"not measured: {absent}")
            return
        judged = judged[:int(os.environ.get("MR_MESSAGES", len(judged)))]
        print(f"{sum(is_spam for _, is_spam in judged)} spam, {sum(not is_spam for _, is_spam in judged)} ham")
        for number, (name, make) in enumerate(CONTENDERS.items()):
            folder = pathlib.Path(work) / str(number)
            folder.mkdir(mode=0o755)
            try:
                running = make(folder, dict(learn))
            except filters.Absent as absent:
                print(f"{name}: not installed ({absent})")
                continue
            try:
                results[name] = Result(name, running, judged)
                print(results[name], flush=True)
            finally:
                running.stop()
    ours = results["ours, rules"]
    for name, each in results.items():
        if each is not ours:
            print(f"ratio accuracy.miss/{name.replace(', ', '-')} {each.miss / ours.miss if ours.miss else float('inf'):.2f}")


if __name__ == "__main__":
    main()
