"""Newcombe 1998, method 10, restated from the paper with 60 digits (mpmath 1.3): python newcombe.reference.py > newcombe.fixture.json

`published` is what the R package contingencytables expects in its own test for the table of Cavo et al. 2012. Its difference is first row
minus first column, ours is after minus before: after = first row (both, gained), before = first column (both, lost).
"""
import json
from mpmath import mp, mpf, sqrt, erfinv

mp.dps = 60
z = sqrt(2) * erfinv(mpf("0.95"))


def wilson(successes, trials):
    p = mpf(successes) / trials
    middle = (2 * trials * p + z**2) / (2 * (trials + z**2))
    half = z * sqrt(z**2 + 4 * trials * p * (1 - p)) / (2 * (trials + z**2))
    return p, middle - half, middle + half


def newcombe(a, b, c, d):
    n = a + b + c + d
    p1, l1, u1 = wilson(a + b, n)
    p2, l2, u2 = wilson(a + c, n)
    product = (a + b) * (c + d) * (a + c) * (b + d)
    if product == 0:
        phi = mpf(0)
    else:
        numerator = mpf(a * d - b * c)
        if numerator > mpf(n) / 2:
            numerator -= mpf(n) / 2
        elif numerator >= 0:
            numerator = mpf(0)
        phi = numerator / sqrt(mpf(product))
    dl1, du1, dl2, du2 = p1 - l1, u1 - p1, p2 - l2, u2 - p2
    delta = sqrt(dl1**2 - 2 * phi * dl1 * du2 + du2**2)
    epsilon = sqrt(dl2**2 - 2 * phi * dl2 * du1 + du1**2)
    return p1 - p2, p1 - p2 - delta, p1 - p2 + epsilon


tables = [(14, 5, 0, 22), (59, 6, 16, 80), (1, 1, 7, 12), (1, 0, 0, 0), (0, 0, 0, 1), (0, 1, 0, 0), (0, 0, 1, 0), (30, 0, 0, 0), (28, 0, 0, 2), (0, 20, 20, 0),
          (20, 12, 2, 16), (20, 14, 0, 16), (53, 1, 0, 0), (53, 0, 1, 0), (2700, 60, 45, 275), (2700, 20, 150, 210), (2823, 0, 0, 257), (90000, 1200, 1300, 7500)]
cases = []
for both, gained, lost, neither in tables:
    value, low, high = newcombe(both, gained, lost, neither)
    cases.append({"both": both, "gained": gained, "lost": lost, "neither": neither, "value": float(value), "low": float(low), "high": float(high)})
published = [
    {"source": "contingencytables, tests/testthat/test-ch8.R", "both": 59, "gained": 6, "lost": 16, "neither": 80, "low": -0.1186, "high": -0.0046, "digits": 4},
]
print(json.dumps({"source": "Newcombe 1998, method 10, mpmath", "cases": cases, "published": published}, indent=1))
