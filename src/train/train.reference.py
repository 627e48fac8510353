"""Makes train.fixture.json: what scikit-learn 1.9.1 says of a few texts. Run by hand: python train.reference.py > train.fixture.json"""
import json

import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

rows = [
    ("Where is my card?", "arrival"),
    ("where is  my NEW card, please", "arrival"),
    ("my card has not arrived yet", "arrival"),
    ("The new card is late: it has not arrived!", "arrival"),
    ("I lost my card", "lost"),
    ("my card was stolen; I lost it", "lost"),
    ("somebody has stolen my card", "lost"),
    ("Lost card, what now?", "lost"),
    ("What is the exchange rate?", "rate"),
    ("exchange rate of the euro is a bit off", "rate"),
    ("is the rate of exchange late", "rate"),
    ("Bitte den Wechselkurs: rate für Währung, größer", "rate"),
]
texts = [text for text, _ in rows]
labels = [label for _, label in rows]
vectorizers = {
    "words": TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", min_df=2),
    "characters": TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2),
}
blocks = {name: vectorizer.fit_transform(texts) for name, vectorizer in vectorizers.items()}


def named(name):
    grams = vectorizers[name].get_feature_names_out()
    return [{str(grams[column]): float(row[0, column]) for column in row.nonzero()[1]} for row in blocks[name]]


X = hstack(list(blocks.values())).tocsr()
svm = LinearSVC(C=1, tol=1e-10, max_iter=1_000_000).fit(X, labels)
l2 = 0.01
logistic = LogisticRegression(C=1 / (l2 * len(rows)), tol=1e-10, max_iter=100_000).fit(X, labels)
print(
    json.dumps(
        {
            "rows": [{"text": text, "label": label} for text, label in rows],
            "words": named("words"),
            "characters": named("characters"),
            "svm": svm.decision_function(X).tolist(),
            "l2": l2,
            "logistic": logistic.predict_proba(X).tolist(),
        },
        ensure_ascii=False,
        indent=1,
    )
)
