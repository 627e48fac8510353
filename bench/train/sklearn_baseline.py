"""scikit-learn on the same features: word 1-2-grams and 3-5-character n-grams within words, min_df 2, 1 + ln tf, idf, L2 a block.

    python sklearn_baseline.py TEST.jsonl TRAIN.jsonl...        # one JSON document on stdout

C was chosen on the training rows (ten-fold by hash of the text): 30 of 10, 30 for LogisticRegression, 1 of 0.3, 1 for LinearSVC.
"""
import json
import sys
import time

from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.svm import LinearSVC


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [(row["text"], row["label"]) for row in map(json.loads, lines)]


test = read(sys.argv[1])
train = [row for path in sys.argv[2:] for row in read(path)]
started = time.perf_counter()
vectorizers = [
    TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", min_df=2),
    TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2),
]
X = hstack([vectorizer.fit_transform([text for text, _ in train]) for vectorizer in vectorizers]).tocsr()
features_seconds = time.perf_counter() - started


def ask(model, texts):
    return model.predict(hstack([vectorizer.transform(texts) for vectorizer in vectorizers]).tocsr())


results = []
for name, model in (("LogisticRegression(C=30)", LogisticRegression(C=30, max_iter=200)), ("LinearSVC(C=1)", LinearSVC(C=1))):
    started = time.perf_counter()
    model.fit(X, [label for _, label in train])
    fit_seconds = time.perf_counter() - started
    texts, labels = [text for text, _ in test], [label for _, label in test]
    started = time.perf_counter()
    predicted = ask(model, texts)
    bulk_seconds = time.perf_counter() - started
    times = []
    for text in texts[:1000]:
        started = time.perf_counter()
        ask(model, [text])
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    results.append(
        {
            "name": "scikit-learn " + name,
            "features": X.shape[1],
            "featuresSeconds": features_seconds,
            "fitSeconds": fit_seconds,
            "accuracy": accuracy_score(labels, predicted),
            "macroF1": f1_score(labels, predicted, average="macro"),
            "bytes": model.coef_.nbytes + model.intercept_.nbytes,
            "rowsPerSecond": len(texts) / bulk_seconds,
            "p50": times[len(times) // 2],
            "p99": times[len(times) * 99 // 100],
        }
    )
print(json.dumps(results))
