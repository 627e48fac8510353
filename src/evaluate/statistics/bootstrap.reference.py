"""Paired percentile bootstrap by scipy 1.17.1, 200,000 resamples: python bootstrap.reference.py > bootstrap.fixture.json"""
import json
import numpy as np
from scipy.stats import bootstrap
from sklearn.metrics import f1_score

cases = []
for both, gained, lost, neither in [(30, 6, 2, 2), (270, 12, 9, 17), (900, 10, 40, 50)]:
    before = np.repeat([1, 0, 1, 0], [both, gained, lost, neither])
    after = np.repeat([1, 1, 0, 0], [both, gained, lost, neither])
    found = bootstrap((before, after), lambda b, a, axis=-1: a.mean(axis=axis) - b.mean(axis=axis), paired=True, vectorized=True,
                      method="percentile", n_resamples=200_000, batch=2000, rng=np.random.default_rng(1))
    cases.append({"counts": [both, gained, lost, neither], "low": float(found.confidence_interval.low), "high": float(found.confidence_interval.high)})

# macro F1, after minus before: kinds of case as (expected, before, after), how many of each
kinds = [("a", "a", "a", 40), ("a", "b", "a", 6), ("a", "a", "b", 3), ("b", "b", "b", 30), ("b", "a", "b", 8), ("b", "b", "c", 2), ("c", "c", "c", 12), ("c", "a", "c", 5), ("c", "c", "b", 1), ("c", "b", "b", 3)]
rows = [kind[:3] for kind in kinds for _ in range(kind[3])]
expected, before, after = (np.array(column) for column in zip(*rows))


def difference(index):
    pick = lambda got: f1_score(expected[index], got[index], average="macro", zero_division=0)
    return pick(after) - pick(before)


everything = np.arange(len(rows))
found = bootstrap((everything,), lambda index: difference(index.astype(int)), vectorized=False, method="percentile", n_resamples=10_000, rng=np.random.default_rng(2))
macro = {"kinds": [list(kind) for kind in kinds], "value": float(difference(everything)), "low": float(found.confidence_interval.low), "high": float(found.confidence_interval.high)}
print(json.dumps({"source": "scipy 1.17.1 bootstrap(method='percentile'), scikit-learn 1.9.1 f1_score", "cases": cases, "macroF1": macro}, indent=1))
