"""Exact McNemar by statsmodels 0.15.0, and by whole numbers where doubles underflow: python mcnemar.reference.py > mcnemar.fixture.json"""
import json
from fractions import Fraction
from math import comb
from statsmodels.stats.contingency_tables import mcnemar

pairs = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (5, 0), (6, 0), (0, 8), (0, 12), (3, 13), (13, 3), (9, 1), (20, 20), (21, 20), (45, 60), (60, 45), (20, 150),
         (0, 40), (1, 40), (100, 140), (500, 430), (1200, 1300), (3000, 3300)]
cases = []
for gained, lost in pairs:
    if gained + lost == 0:
        p = 1.0  # statsmodels divides by zero here; no case tells the two apart
    else:
        p = float(mcnemar([[7, gained], [lost, 5]], exact=True).pvalue)
        n, m = gained + lost, min(gained, lost)
        whole = min(Fraction(1), 2 * Fraction(sum(comb(n, k) for k in range(m + 1)), 2**n))
        assert abs(p - float(whole)) <= 1e-9 * float(whole), (gained, lost, p, float(whole))
        p = float(whole)
    cases.append({"gained": gained, "lost": lost, "p": p})
print(json.dumps({"source": "statsmodels 0.15.0 mcnemar(exact=True), digits by fractions", "cases": cases}, indent=1))
