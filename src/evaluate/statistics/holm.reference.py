"""Holm's correction: python holm.reference.py > holm.fixture.json

Continuous tests by statsmodels 0.15.0. Exact tests (Westfall and Wolfinger 1997) by fractions, straight from the definition: a test of n changed
cases with `lost` of them lost has p = 2 P(X <= min(lost, n - lost)), and the sum runs over the probability that each test left gives a p as small.
"""
import json
from fractions import Fraction
from math import comb
import numpy as np
from statsmodels.stats.multitest import multipletests

generator = np.random.default_rng(7)
lists = [[0.03], [0.01, 0.04, 0.03, 0.005], [0.05, 0.05, 0.05], [1.0, 1.0, 0.2], [0.0004, 0.9, 0.0005, 0.0004, 0.3]]
lists += [np.round(generator.beta(0.4, 3, size), 6).tolist() for size in (7, 20, 77)]
cases = [{"ps": ps, "adjusted": [float(x) for x in multipletests(ps, method="holm")[1]]} for ps in lists]


def p_of(n, k):
    return min(Fraction(1), 2 * Fraction(sum(comb(n, i) for i in range(min(k, n - k) + 1)), 2**n)) if n else Fraction(1)


def probability_of_at_most(n, level):
    """of a p <= level, when each changed case is a fair coin"""
    return sum((Fraction(comb(n, k), 2**n) for k in range(n + 1) if p_of(n, k) <= level), Fraction(0))


def discrete_holm(tests):
    ps = [p_of(n, lost) for n, lost in tests]
    adjusted, largest, left = [None] * len(tests), Fraction(0), list(range(len(tests)))
    for index in sorted(range(len(tests)), key=lambda i: ps[i]):
        largest = min(Fraction(1), max(largest, sum(probability_of_at_most(tests[j][0], ps[index]) for j in left)))
        adjusted[index] = float(largest)
        left.remove(index)
    return adjusted


families = [[(10, 9), (7, 7), (1, 1), (1, 0)], [(6, 6)], [(6, 6)] * 5, [(0, 0)] * 70 + [(9, 9), (12, 10), (3, 3)], [(40, 28), (25, 5), (8, 8), (8, 7), (2, 2), (15, 8)]]
families.append([(int(n), int(generator.binomial(n, 0.6))) for n in generator.integers(0, 30, 40)])
exact = [{"tests": [list(test) for test in tests], "adjusted": discrete_holm(tests)} for tests in families]
print(json.dumps({"source": "statsmodels 0.15.0 multipletests(method='holm'); exact: fractions", "cases": cases, "exact": exact}, indent=1))
