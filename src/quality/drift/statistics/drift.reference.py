"""Reference values of the statistics of drift: python drift.reference.py > drift.fixture.json   (scipy 1.17, statsmodels 0.15, numpy 2)

Evidently's definitions (its package is not needed for them): numbers are compared by wasserstein_distance / max(std(reference), 0.001), categories by
scipy's jensenshannon of the shares. PSI as the deciles of the reference with equal edges merged, and a floor of 1e-4 for a share.
"""
import json
import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon
from scipy.stats.contingency import association
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

rng = np.random.default_rng(20261121)


def numbers(before, after):
    b, a = np.asarray(before, float), np.asarray(after, float)
    edges = np.unique(np.quantile(b, np.arange(1, 10) / 10))
    share = lambda x: np.maximum(np.bincount(np.searchsorted(edges, x, side="left"), minlength=len(edges) + 1) / len(x), 1e-4)
    p, q = share(b), share(a)
    exact = len(b) * len(a) <= 4_000_000
    ks = stats.ks_2samp(b, a, method="exact" if exact else "asymp")
    return {"wasserstein": stats.wasserstein_distance(b, a), "normed": stats.wasserstein_distance(b, a) / max(float(np.std(b)), 0.001),
            "ks": ks.statistic, "ksP": ks.pvalue, "ksExact": exact, "psi": float(((q - p) * np.log(q / p)).sum()),
            "mean": float(b.mean()), "deviation": float(b.std()), "quantiles": [float(x) for x in np.quantile(b, [0.05, 0.25, 0.5, 0.75, 0.95])]}


def rle(x):
    v, c = np.unique(np.asarray(x, float), return_counts=True)
    return [[float(a), int(b)] for a, b in zip(v, c)]


pairs = [([1, 2, 3], [1, 2, 3]), ([1], [2]), ([1, 1, 1, 2], [2, 2, 3, 3, 3]), (list(range(10)), list(range(5, 15))), ([0.1, 0.2, 0.30000000000000004], [0.3]),
         (rng.normal(0, 1, 40).round(3), rng.normal(0.5, 1, 60).round(3)), (rng.integers(0, 9, 200), rng.integers(0, 9, 150)), (rng.integers(0, 9, 300), rng.integers(0, 9, 300)),
         (rng.integers(17, 90, 1500), rng.integers(18, 92, 2000)), (rng.integers(0, 60, 6000), rng.integers(0, 60, 7000)), (rng.integers(0, 60, 9000), rng.integers(1, 61, 9500)),
         (np.repeat([0.0, 5000.0], [9500, 500]), np.repeat([0.0, 5000.0], [9400, 620])), (rng.integers(0, 200, 60000), rng.integers(0, 201, 50000)),
         (rng.integers(-5, 5, 4000) * 1e9, rng.integers(-5, 5, 3000) * 1e9), ([7] * 50, [7] * 60), ([7] * 50, [8] * 60)]
cases = [{"before": rle(b), "after": rle(a), **numbers(b, a)} for b, a in pairs]

tables = [([10, 20, 30], [10, 20, 30]), ([10, 20, 0], [0, 20, 30]), ([5, 0], [0, 7]), ([9000, 500, 400, 100], [9100, 380, 390, 130]), ([1, 1, 1, 1], [2, 1, 0, 1]),
          (list(rng.integers(1, 400, 42)), list(rng.integers(1, 400, 42))), (list(rng.integers(20, 60, 300)), list(rng.integers(20, 60, 300))), ([3], [9])]
categories = []
for b, a in tables:
    b, a = np.array(b, float), np.array(a, float)
    both = np.array([b, a])
    if len(b) > 1:
        chi = stats.chi2_contingency(both, correction=False)
        statistic, p, freedom, v = chi.statistic, chi.pvalue, chi.dof, association(both.astype(int), method="cramer", correction=False)
    else:
        statistic, p, freedom, v = 0.0, 1.0, 0, 0.0
    P, Q = np.maximum(b / b.sum(), 1e-4), np.maximum(a / a.sum(), 1e-4)
    categories.append({"before": b.astype(int).tolist(), "after": a.astype(int).tolist(), "jensenShannon": float(jensenshannon(b / b.sum(), a / a.sum())),
                       "totalVariation": float(np.abs(b / b.sum() - a / a.sum()).sum() / 2), "psi": float(((Q - P) * np.log(Q / P)).sum()),
                       "statistic": float(statistic), "p": float(p), "freedom": int(freedom), "cramersV": float(v)})

shares = []
for h1, n1, h2, n2 in [(0, 10, 0, 12), (0, 10, 5, 12), (1, 100, 9, 90), (3, 5000, 0, 400), (200, 1000, 260, 1000), (0, 90000, 211, 100000), (90, 100, 99, 100), (10, 10, 10, 10), (5, 10, 0, 10), (998, 1000, 700, 900)]:
    least = min(h1 + h2, n1 + n2 - h1 - h2) * min(n1, n2) / (n1 + n2)
    if least < 5:
        shares.append({"before": [h1, n1], "after": [h2, n2], "test": "fisher", "p": float(stats.fisher_exact([[h1, n1 - h1], [h2, n2 - h2]]).pvalue)})
    else:
        z, p = proportions_ztest([h2, h1], [n2, n1])
        shares.append({"before": [h1, n1], "after": [h2, n2], "test": "z", "statistic": float(z), "p": float(p)})

tails = [{"x": x, "freedom": k, "p": float(stats.chi2.sf(x, k))} for k in (1, 2, 3, 10, 57, 400, 3000) for x in (0.001, 0.5, 1, 3.84, 20, 90, 450, 2900, 3300)]
kstwo = [{"d": d, "n": n, "p": float(stats.kstwo.sf(d, n))} for n in (3, 10, 100, 500, 5000, 20000, 100000, 400000) for d in (0.0005, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 0.6)]

many = []
for ps in [[0.01], [0.04, 0.001, 0.03, 0.5], list(rng.random(20) ** 3), [0.05, 0.05, 0.05], [1, 1, 0]]:
    ps = [float(p) for p in ps]
    many.append({"ps": ps, "benjaminiHochberg": [float(x) for x in multipletests(ps, method="fdr_bh")[1]], "holm": [float(x) for x in multipletests(ps, method="holm")[1]]})

print(json.dumps({"source": "scipy, statsmodels, numpy", "numbers": cases, "categories": categories, "shares": shares, "chiSquareTails": tails, "kolmogorov": kstwo, "multiplicity": many}, indent=1))
