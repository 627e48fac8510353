# Makes agreement.fixture.json: Cohen's kappa by statsmodels, Krippendorff's alpha by krippendorff.
# pip install statsmodels==0.15.0 krippendorff==0.9.0; python3 agreement.reference.py > agreement.fixture.json
import json

import krippendorff
import numpy as np
from statsmodels.stats.inter_rater import cohens_kappa

rng = np.random.default_rng(20261121)
kappas = []
for size, rows in [(2, 50), (3, 200), (4, 30), (5, 400), (7, 120)]:
    for skill in (0.2, 0.6, 0.9):
        truth = rng.integers(0, size, rows)
        table = np.zeros((size, size), int)
        for t in truth:
            a, b = [t if rng.random() < skill else rng.integers(0, size) for _ in range(2)]
            table[a, b] += 1
        entry = {"table": table.tolist()}
        for name, wt in [("none", None), ("linear", "linear"), ("quadratic", "quadratic")]:
            result = cohens_kappa(table, wt=wt)
            entry[name] = {"kappa": float(result.kappa), "se": float(result.std_kappa)}
        kappas.append(entry)

alphas = []
for raters, rows, size in [(2, 20, 2), (3, 40, 4), (4, 12, 5), (5, 60, 3)]:
    for missing in (0.0, 0.3):
        truth = rng.integers(0, size, rows)
        data = np.array([[t if rng.random() < 0.7 else rng.integers(0, size) for t in truth] for _ in range(raters)], float)
        data[rng.random(data.shape) < missing] = np.nan
        units = [[int(v) for v in data[:, at] if not np.isnan(v)] for at in range(rows)]
        entry = {"units": units, "size": size}
        for scale in ("nominal", "ordinal", "interval"):
            entry[scale] = float(krippendorff.alpha(data, level_of_measurement=scale, value_domain=list(range(size))))
        alphas.append(entry)

print(json.dumps({"kappa": kappas, "alpha": alphas}))
