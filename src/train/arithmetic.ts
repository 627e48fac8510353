// exp and log in plain arithmetic. ECMAScript fixes + - * / and sqrt to the last bit, but leaves Math.exp and Math.log to the engine, whose C++ may be
// compiled with or without fused multiply-add. A trained model has to be the same bytes on every machine, so the two functions are ours.
// Source: fdlibm 5.3, e_exp.c and e_log.c (Sun Microsystems 1993), as restated in musl 1.2; errors below 1 ulp.

const ln2High = 6.9314718036912381649e-1;
const ln2Low = 1.90821492927058770002e-10;

/** 2^k for k from -1022 to 1023, at index k + 1022; made by exact halving and doubling. */
const powersOfTwo = ((): Float64Array => {
  const powers = new Float64Array(2046);
  powers[1022] = 1;
  for (let at = 1023; at < 2046; at += 1) powers[at] = (powers[at - 1] as number) * 2;
  for (let at = 1021; at >= 0; at -= 1) powers[at] = (powers[at + 1] as number) / 2;
  return powers;
})();

/**
 * e^x, the same bits everywhere.
 * @param x any number up to 709; below -708 the answer is 0 (no subnormal results)
 */
export function exp(x: number): number {
  if (x < -708) return 0;
  if (x > 709) throw new Error(`exp(${x}) is out of range`);
  const k = Math.trunc(1.442695040888963387 * x + (x < 0 ? -0.5 : 0.5));
  const high = x - k * ln2High;
  const low = k * ln2Low;
  const r = high - low;
  const t = r * r;
  const c =
    r -
    t *
      (1.66666666666666019037e-1 +
        t * (-2.77777777770155933842e-3 + t * (6.61375632143793436117e-5 + t * (-1.6533902205465251539e-6 + t * 4.13813679705723846039e-8))));
  return (1 + ((r * c) / (2 - c) - low + high)) * (powersOfTwo[k + 1022] as number);
}

const bits = new DataView(new ArrayBuffer(8));

/**
 * Natural logarithm, the same bits everywhere.
 * @param x a positive normal number
 */
export function log(x: number): number {
  if (!(x >= 2.2250738585072014e-308 && x < Infinity)) throw new Error(`log(${x}) is out of range`);
  bits.setFloat64(0, x);
  // scaled into sqrt(2)/2 .. sqrt(2): the magic number makes the exponent step there
  const high = bits.getUint32(0) + (0x3ff00000 - 0x3fe6a09e);
  const k = (high >>> 20) - 0x3ff;
  bits.setUint32(0, (high & 0x000fffff) + 0x3fe6a09e);
  const f = bits.getFloat64(0) - 1;
  const halfSquare = 0.5 * f * f;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
  const odd = z * (6.66666666666673513e-1 + w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)));
  return s * (halfSquare + (odd + even)) + k * ln2Low - halfSquare + f + k * ln2High;
}
