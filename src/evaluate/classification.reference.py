"""Classification metrics by scikit-learn 1.9.1: python classification.reference.py > classification.fixture.json

ECE is summed from scikit-learn's reliability curve (calibration_curve with 15 uniform bins), weighted by the cases of each bin.
"""
import json
import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support


def suite(seed, cases, labels, right, extra=()):
    generator = np.random.default_rng(seed)
    names = [f"label_{index:02d}" for index in range(labels)]
    rows = []
    for number in range(cases):
        expected = names[int(labels * generator.random() ** 1.5)]
        got = expected if generator.random() < right else (names + list(extra))[generator.integers(labels + len(extra))]
        # some on the edges of bins, where conventions differ
        score = float(generator.choice([0.2, 0.4, 0.6, 0.8, 1.0, 0.0])) if generator.random() < 0.1 else round(float(generator.beta(4, 1.2)), 6)
        rows.append([f"c{number:05d}", expected, got, score])
    return rows


def reference(rows):
    expected, got = [row[1] for row in rows], [row[2] for row in rows]
    scores = np.array([row[3] for row in rows])
    right = np.array([row[1] == row[2] for row in rows])
    labels = sorted(set(expected) | set(got))
    per_class = precision_recall_fscore_support(expected, got, labels=labels, zero_division=0)
    matrix = confusion_matrix(expected, got, labels=labels)
    accuracy, confidence = calibration_curve(right, scores, n_bins=15, strategy="uniform")
    edges = np.linspace(0, 1, 16)
    weights = np.bincount(np.searchsorted(edges[1:-1], scores), minlength=15)
    weights = weights[weights > 0]
    return {
        "accuracy": float(accuracy_score(expected, got)),
        "macro": [float(x) for x in precision_recall_fscore_support(expected, got, average="macro", zero_division=0)[:3]],
        "micro": [float(x) for x in precision_recall_fscore_support(expected, got, average="micro", zero_division=0)[:3]],
        "classes": [[label, int(per_class[3][i]), float(per_class[0][i]), float(per_class[1][i]), float(per_class[2][i])] for i, label in enumerate(labels)],
        "confusion": [[labels[i], labels[j], int(matrix[i, j])] for i in range(len(labels)) for j in range(len(labels)) if matrix[i, j]],
        "ece": float(np.sum(weights * np.abs(accuracy - confidence)) / len(rows)),
        "bins": [[int(w), float(c), float(a)] for w, c, a in zip(weights, confidence, accuracy)],
    }


suites = {"few labels": suite(1, 200, 3, 0.8), "labels that are never expected": suite(2, 150, 6, 0.6, ("zz_other", "aa_other")), "one case": [["only", "a", "b", 0.5]], "77 labels": suite(3, 600, 77, 0.9)}
print(json.dumps({"source": "scikit-learn 1.9.1", "suites": [{"name": name, "cases": rows, **reference(rows)} for name, rows in suites.items()]}))
