// The special functions that the tests need.

const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012,
  9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln of the gamma function, x > 0; relative error about 1e-15. Source: Lanczos 1964, g = 7, n = 9 */
export function lnGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - lnGamma(1 - x);
  const shifted = x - 1;
  let sum = lanczos[0] as number;
  for (let term = 1; term < lanczos.length; term += 1) sum += (lanczos[term] as number) / (shifted + term);
  const t = shifted + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** ln of n over k */
export function lnChoose(n: number, k: number): number {
  return lnGamma(n + 1) - lnGamma(k + 1) - lnGamma(n - k + 1);
}

/**
 * Regularised upper incomplete gamma function Q(a, x), a > 0, x >= 0: a series below a + 1, a continued fraction above.
 * Source: Abramowitz and Stegun 6.5.29 and 6.5.31, the fraction by Lentz's method
 */
export function gammaQ(a: number, x: number): number {
  if (x <= 0) return 1;
  const scale = Math.exp(a * Math.log(x) - x - lnGamma(a));
  return x < a + 1 ? Math.max(0, 1 - lowerSeries(a, x) * scale) : upperFraction(a, x) * scale;
}

const steps = 100_000;

function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < steps && term > sum * 1e-17; n += 1) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

function upperFraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < steps; n += 1) {
    const numerator = -n * (n - a);
    b += 2;
    d = 1 / nonZero(numerator * d + b, tiny);
    c = nonZero(b + numerator / c, tiny);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return fraction;
}

function nonZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}

/** Chance that a chi-square variable with so many degrees of freedom is at least x. */
export function chiSquareTail(x: number, freedom: number): number {
  return gammaQ(freedom / 2, x / 2);
}

/** Chance that a normal variable is at least as far from 0 as z, on either side. */
export function normalTwoSided(z: number): number {
  return gammaQ(0.5, (z * z) / 2);
}
