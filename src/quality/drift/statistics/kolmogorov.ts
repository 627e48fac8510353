// How likely a Kolmogorov-Smirnov distance at least this large is, when both samples are from one distribution.
import { lnGamma } from './special.ts';

/** Cells of the exact method's table: a few milliseconds of work. */
const mostCells = 4_000_000;

/**
 * Two-sided p of the two-sample test: exact for small samples, else by the one-sample distribution at n * m / (n + m) rounded, as scipy does. With equal values in
 * the samples both are conservative.
 * @param distance 0 to 1
 * @param n, m sizes, above 0
 * Source: Hodges 1958; Simard and L'Ecuyer 2011. Equal to scipy.stats.ks_2samp, see drift.reference.py
 */
export function kolmogorovP(distance: number, n: number, m: number): number {
  return n * m <= mostCells ? kolmogorovExact(distance, n, m) : kolmogorovAsymptotic(distance, n, m);
}

/**
 * A path of n steps up and m to the right, all orders alike, strays as far from the diagonal as the distance says. Column by column: the chance that a path
 * through this point has strayed by then.
 */
export function kolmogorovExact(distance: number, n: number, m: number): number {
  const [columns, rows] = n >= m ? [n, m] : [m, n];
  const divisor = greatestDivisor(columns, rows);
  const [stepRight, stepUp] = [rows / divisor, columns / divisor];
  // distances are whole multiples of 1 / (columns * stepRight)
  const far = Math.round(distance * columns * stepRight);
  if (far === 0) return 1;
  // the band of what has not strayed only moves up: above it stands 1 from the beginning, below it nobody looks any more
  const strayed = new Float64Array(rows + 1).fill(1);
  for (let column = 0; column <= columns; column += 1) {
    const low = Math.max(0, Math.floor((stepRight * column - far) / stepUp) + 1);
    const high = Math.min(rows, Math.ceil((stepRight * column + far) / stepUp) - 1);
    if (high < low) return 1;
    let below = low === 0 ? 0 : 1;
    for (let row = low; row <= high; row += 1) {
      const left = column === 0 ? 0 : (strayed[row] as number);
      below = column + row === 0 ? 0 : (left * column + below * row) / (column + row);
      strayed[row] = below;
    }
  }
  return Math.min(1, strayed[rows] as number);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

export function kolmogorovAsymptotic(distance: number, n: number, m: number): number {
  return kolmogorovTail(distance, Math.max(1, Math.round((n * m) / (n + m))));
}

/** Chance that the largest deviation of n uniform numbers from the diagonal is at least d. */
function kolmogorovTail(d: number, n: number): number {
  if (d <= 0) return 1;
  if (d >= 1) return 0;
  // twice the one-sided chance: of straying on both sides so far there is hardly any
  if (n * d * d >= 2.2 || d >= 0.5) return Math.min(1, 2 * smirnovTail(d, n));
  return 1 - (n < 1000 ? marsaglia(d, n) : pelzGood(d, n));
}

/** Exactly, as a power of a matrix of 2 * ceil(n * d) - 1 rows. Source: Marsaglia, Tsang and Wang 2003 */
function marsaglia(d: number, n: number): number {
  const k = Math.ceil(n * d);
  const h = k - n * d;
  const size = 2 * k - 1;
  const steps = new Float64Array(size * size);
  const set = (row: number, column: number, value: number): void => {
    steps[row * size + column] = value;
  };
  for (let row = 0; row < size; row += 1) for (let column = 0; column <= Math.min(size - 1, row + 1); column += 1) set(row, column, 1);
  for (let at = 0; at < size; at += 1) {
    set(at, 0, (steps[at * size] as number) - h ** (at + 1));
    set(size - 1, at, (steps[(size - 1) * size + at] as number) - h ** (size - at));
  }
  if (h > 0.5) set(size - 1, 0, (steps[(size - 1) * size] as number) + (2 * h - 1) ** size);
  for (let row = 0; row < size; row += 1)
    for (let column = 0; column <= row; column += 1)
      for (let factor = 1; factor <= row - column + 1; factor += 1) set(row, column, (steps[row * size + column] as number) / factor);
  const { matrix, exponent } = powerOf(steps, size, n);
  let probability = matrix[(k - 1) * size + k - 1] as number;
  // n! / n^n, factor by factor: the whole of it is too small for a number
  let power = exponent;
  for (let at = 1; at <= n; at += 1) {
    probability *= at / n;
    if (probability > 1e-140) continue;
    probability *= 1e140;
    power -= 140;
  }
  return probability * 10 ** power;
}

/** A power of a matrix as matrix * 10^exponent. */
function powerOf(matrix: Float64Array, size: number, n: number): { matrix: Float64Array; exponent: number } {
  if (n === 1) return { matrix, exponent: 0 };
  const half = powerOf(matrix, size, Math.floor(n / 2));
  const square = product(half.matrix, half.matrix, size);
  const whole = n % 2 === 0 ? square : product(matrix, square, size);
  const middle = whole[Math.floor(size / 2) * (size + 1)] as number;
  if (middle <= 1e140) return { matrix: whole, exponent: 2 * half.exponent };
  return { matrix: whole.map((value) => value * 1e-140), exponent: 2 * half.exponent + 140 };
}

function product(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const result = new Float64Array(size * size);
  for (let row = 0; row < size; row += 1)
    for (let inner = 0; inner < size; inner += 1) {
      const factor = a[row * size + inner] as number;
      if (factor === 0) continue;
      for (let column = 0; column < size; column += 1)
        result[row * size + column] = (result[row * size + column] as number) + factor * (b[inner * size + column] as number);
    }
  return result;
}

/** One-sided: d * sum of C(n, k) (d + k/n)^(k-1) (1 - d - k/n)^(n-k). Source: Birnbaum and Tingey 1951; above a million Maag and Dicaire 1971 */
function smirnovTail(d: number, n: number): number {
  if (n > 1_000_000) {
    const t = 6 * n * d + 1;
    const z = (t * t) / (18 * n);
    return Math.exp(-z) * (1 - (2 * z * z - 4 * z - 1) / (18 * n));
  }
  const lnAll = lnGamma(n + 1);
  let sum = 0;
  for (let k = 0; k <= Math.floor(n * (1 - d)); k += 1) {
    const rest = 1 - d - k / n;
    if (rest <= 0 && n > k) continue;
    const ln = lnAll - lnGamma(k + 1) - lnGamma(n - k + 1) + (k - 1) * Math.log(d + k / n) + (n === k ? 0 : (n - k) * Math.log(rest));
    sum += Math.exp(ln);
  }
  return Math.min(1, d * sum);
}

/** The limit with three terms of correction. Source: Pelz and Good 1976, as Simard and L'Ecuyer 2011 give it */
function pelzGood(d: number, n: number): number {
  const z = Math.sqrt(n) * d;
  const [z2, z4, z6] = [z ** 2, z ** 4, z ** 6];
  const pi2 = Math.PI ** 2;
  const [pi4, pi6] = [pi2 ** 2, pi2 ** 3];
  const half = Math.sqrt(Math.PI / 2);
  let [k0, k1, k2, k3] = [0, 0, 0, 0];
  for (let k = 0; k < 200; k += 1) {
    const odd = (k + 0.5) ** 2;
    const weight = Math.exp((-odd * pi2) / (2 * z2));
    k0 += weight;
    k1 += (pi2 * odd - z2) * weight;
    k2 += (6 * z6 + 2 * z4 + pi2 * (2 * z4 - 5 * z2) * odd + pi4 * (1 - 2 * z2) * odd * odd) * weight;
    k3 +=
      (-30 * z6 - 90 * z ** 8 + pi2 * (135 * z4 - 96 * z6) * odd + pi4 * (212 * z4 - 60 * z2) * odd * odd + pi6 * odd ** 3 * (5 - 30 * z2)) * weight;
  }
  let [whole2, whole3] = [0, 0];
  for (let k = 1; k < 200; k += 1) {
    const weight = Math.exp((-k * k * pi2) / (2 * z2));
    whole2 += pi2 * k * k * weight;
    whole3 += (3 * pi2 * k * k * z2 - pi4 * k ** 4) * weight;
  }
  const first = (2 * half * k0) / z;
  const second = (2 * half * k1) / (6 * z4);
  const third = (2 * half * k2) / (72 * z ** 7) - (2 * half * whole2) / (36 * z ** 3);
  const fourth = (2 * half * k3) / (6480 * z ** 10) + (2 * half * whole3) / (216 * z6);
  const probability = first + second / Math.sqrt(n) + third / n + fourth / n ** 1.5;
  return Math.min(1, Math.max(0, probability));
}
