"""GPTQ's rounding: its factor is the textbook's, and it beats rounding each weight by itself."""

from __future__ import annotations

import numpy as np

from searchd.encoder.int8 import DAMPING, compensated, factor, nearest


def inputs(size: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    rng = np.random.default_rng(size)
    return np.asarray(rng.normal(size=(700, size)) @ rng.normal(size=(size, size)))


def test_the_factor_is_the_upper_cholesky_factor_of_the_damped_inverse() -> None:
    x = inputs(150)
    covariance = x.T @ x / len(x)
    damped = covariance + np.eye(150) * DAMPING * np.trace(covariance) / 150
    upper = factor(covariance)
    assert np.allclose(upper, np.triu(upper))
    assert np.allclose(upper.T @ upper @ damped, np.eye(150), atol=1e-3)


def test_compensated_weights_err_less_on_real_inputs_than_nearest_ones() -> None:
    x = inputs(96)
    weight = np.random.default_rng(1).normal(size=(96, 40)).astype(np.float32)
    plain, steps = nearest(weight)
    careful, same_steps = compensated(weight, factor(x.T @ x / len(x)))
    assert np.array_equal(steps, same_steps)
    errors = [np.square(x @ (values * steps - weight)).mean() for values in (plain, careful)]
    assert errors[1] < 0.8 * errors[0]
