"""Wilson score intervals by statsmodels 0.15.0: python wilson.reference.py > wilson.fixture.json"""
import json
from statsmodels.stats.proportion import proportion_confint

shares = [(0, 1), (1, 1), (0, 10), (10, 10), (1, 10), (5, 10), (9, 10), (38, 40), (39, 40), (40, 40), (81, 263), (2823, 3080), (3079, 3080), (91234, 100000), (1, 1000000)]
cases = []
for successes, trials in shares:
    low, high = proportion_confint(successes, trials, alpha=0.05, method="wilson")
    cases.append({"successes": successes, "trials": trials, "low": float(low), "high": float(high)})
print(json.dumps({"source": "statsmodels 0.15.0 proportion_confint(method='wilson')", "cases": cases}, indent=1))
