"""Probabilities of a fair coin in whole numbers: python binomial.reference.py > binomial.fixture.json"""
import json
from fractions import Fraction
from math import comb

pairs = [(0, 1), (1, 1), (0, 30), (30, 30), (1, 2), (3, 10), (5, 10), (1, 15), (7, 16), (16, 33), (2, 100), (50, 100), (49, 99), (499, 1000), (300, 1000), (20000, 40000), (19500, 40000)]
cases = [{"k": k, "n": n, "p": float(Fraction(comb(n, k), 2**n))} for k, n in pairs]
print(json.dumps({"source": "math.comb and fractions", "cases": cases}, indent=1))
