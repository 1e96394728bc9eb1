"""Train a classifier on scikit-learn's handwritten digits and save a figure of what it confuses.

python -m <%= package_name %>.digits [--output outputs/digits.png]
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

matplotlib.use("agg")  # Draws into files; no screen is needed.
import matplotlib.pyplot as plt  # noqa: E402


def train(seed: int = 0) -> tuple[float, np.ndarray]:
    """The accuracy on digits that the classifier has not seen, and its confusion matrix."""
    digits = load_digits()
    seen, unseen, seen_labels, unseen_labels = train_test_split(
        digits.data, digits.target, test_size=0.5, random_state=seed
    )
    predicted = SVC(gamma=0.001).fit(seen, seen_labels).predict(unseen)
    return float(np.mean(predicted == unseen_labels)), confusion_matrix(unseen_labels, predicted)


def draw(accuracy: float, confusion: np.ndarray, output: Path) -> None:
    figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
    axes.imshow(np.log1p(confusion), cmap="Blues")
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            axes.text(column, row, count, ha="center", va="center")
    axes.set(
        title=f"Digits: {accuracy:.1%} right",
        xlabel="predicted",
        ylabel="true",
        xticks=range(10),
        yticks=range(10),
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("outputs/digits.png"))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    accuracy, confusion = train(arguments.seed)
    draw(accuracy, confusion, arguments.output)
    print(f"accuracy {accuracy:.3f}, figure in {arguments.output}")


if __name__ == "__main__":
    main()
