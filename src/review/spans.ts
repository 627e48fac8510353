// The flagged places of a text, as a view draws them.
import type { AskedFinding } from './schema.ts';

export interface TextPart {
  readonly text: string;
  /** kinds of findings that lie here; empty: none */
  readonly kinds: readonly string[];
}

/**
 * The text in parts: those that some finding points at, and those between. Together they are the text.
 * @param findings of this text; spans are code points, as findings/1 has them; one without a span points at no part
 */
export function partsOf(text: string, findings: readonly Pick<AskedFinding, 'kind' | 'span'>[]): TextPart[] {
  const spans = findings.flatMap(({ kind, span }) => (span === undefined ? [] : [{ kind, start: span[0], end: span[1] }]));
  if (spans.length === 0 || text === '') return text === '' ? [] : [{ text, kinds: [] }];
  const cuts = [...new Set(spans.flatMap(({ start, end }) => [start, end]))].toSorted((a, b) => a - b);
  const units = unitsOf(text, cuts);
  const edges = [...new Set([0, ...units.values(), text.length])].toSorted((a, b) => a - b);
  const parts = edges.slice(1).map((end, at) => {
    const start = edges[at] as number;
    const here = spans.filter((span) => (units.get(span.start) ?? 0) <= start && (units.get(span.end) ?? 0) >= end);
    return { text: text.slice(start, end), kinds: [...new Set(here.map(({ kind }) => kind))] };
  });
  return parts.filter((part) => part.text !== '');
}

/** Where code points begin, in UTF-16 units: one walk, to the last that is asked for. */
function unitsOf(text: string, points: readonly number[]): Map<number, number> {
  const units = new Map<number, number>();
  let unit = 0;
  let point = 0;
  for (const wanted of points) {
    for (; point < wanted && unit < text.length; point += 1) unit += (text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1;
    units.set(wanted, unit);
  }
  return units;
}
