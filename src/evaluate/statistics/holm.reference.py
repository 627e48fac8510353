"""Holm's correction by statsmodels 0.15.0: python holm.reference.py > holm.fixture.json"""
import json
import numpy as np
from statsmodels.stats.multitest import multipletests

generator = np.random.default_rng(7)
lists = [[0.03], [0.01, 0.04, 0.03, 0.005], [0.05, 0.05, 0.05], [1.0, 1.0, 0.2], [0.0004, 0.9, 0.0005, 0.0004, 0.3]]
lists += [np.round(generator.beta(0.4, 3, size), 6).tolist() for size in (7, 20, 77)]
cases = [{"ps": ps, "adjusted": [float(x) for x in multipletests(ps, method="holm")[1]]} for ps in lists]
print(json.dumps({"source": "statsmodels 0.15.0 multipletests(method='holm')", "cases": cases}, indent=1))
