// Numbers of an evaluation in the words of a gate. No locale: the same numbers are the same text on every machine.

/** 3080 -> '3,080' */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** counted(1, 'class', 'classes') -> '1 class', counted(3080, 'case') -> '3,080 cases' */
export function counted(value: number, one: string, many: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** 0.9166 -> '91.66 %' */
export function percent(share: number, digits = 2): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** Two shares with as many digits as it takes to tell them apart: never '90.00 % is less than 90.00 %'. */
export function percentApart(a: number, b: number): [string, string] {
  if (a === b) return [percent(a), percent(b)];
  for (let digits = 2; digits < 10; digits += 1) {
    const [textA, textB] = [percent(a, digits), percent(b, digits)];
    if (textA !== textB) return [textA, textB];
  }
  return [percent(a, 10), percent(b, 10)];
}

/** A difference of shares in percentage points with its sign: 0.0045 -> '+0.45', -0.1 -> '−10.00', 0 -> '±0.00' */
export function points(difference: number): string {
  const text = Math.abs(difference * 100).toFixed(2);
  return Number(text) === 0 ? `±${text}` : `${difference < 0 ? '−' : '+'}${text}`;
}

/** 'p = 0.027', 'p < 0.001' */
export function probability(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`;
}

/** A label for a sentence: on one line, without control characters, at most 60 characters. Labels come from data and may hold anything. */
export function labelWord(label: string): string {
  const plain = label.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  const characters = [...plain];
  return characters.length > 60 ? `${characters.slice(0, 59).join('')}…` : plain === '' ? '(blank)' : plain;
}
