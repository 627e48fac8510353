import { exp, log } from '../../train/arithmetic.ts';

/**
 * Probability of k heads in n tosses of a fair coin.
 * @param k 0 to n (counts, not checked)
 * @returns relative error below 1e-12 up to a million tosses; 0 where it would be below 1e-307
 * Source: Loader 2000, "Fast and accurate computation of binomial probabilities" (saddle point form), as R's dbinom
 */
export function fairCoin(k: number, n: number): number {
  if (k === 0 || k === n) return exp(n * log(0.5));
  const half = n / 2;
  const exponent = stirlingError(n) - stirlingError(k) - stirlingError(n - k) - deviance(k, half) - deviance(n - k, half);
  return exp(exponent) * Math.sqrt(n / (2 * Math.PI * k * (n - k)));
}

/** log(n!) minus Stirling's approximation of it. */
function stirlingError(n: number): number {
  if (n < 16) {
    let factorial = 1;
    for (let factor = 2; factor <= n; factor += 1) factorial *= factor;
    return log(factorial) - 0.5 * log(2 * Math.PI * n) - n * log(n) + n;
  }
  const square = n * n;
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / n;
}

/** x log(x / mean) + mean - x, without the loss of digits where x is near the mean. */
function deviance(x: number, mean: number): number {
  const difference = x - mean;
  if (Math.abs(difference) >= 0.1 * (x + mean)) return x * log(x / mean) + mean - x;
  const ratio = difference / (x + mean);
  let sum = difference * ratio;
  let term = 2 * x * ratio;
  for (let j = 1; ; j += 1) {
    term *= ratio * ratio;
    const next = sum + term / (2 * j + 1);
    if (next === sum) return next;
    sum = next;
  }
}
