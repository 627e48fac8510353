// signatures/1, the file: what vouches for which run. Whether anybody believes it is signatures.ts's part.
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import type { Signatures } from './schema.ts';

/** @param notes run -> what vouches for it */
export function signaturesOf(notes: ReadonlyMap<Digest, string>): Signatures {
  const distinct = [...new Set(notes.values())].toSorted(byCodeUnit);
  const runs = [...notes].map(([run, note]) => [run, distinct.indexOf(note)] as const).toSorted(([a], [b]) => byCodeUnit(a, b));
  return { plumbline: 'signatures/1', notes: distinct, runs: Object.fromEntries(runs) };
}

/** What is wrong with the form. @param known the runs that they may be about */
export function signatureFaults({ notes, runs }: Signatures, known: ReadonlySet<Digest>): string[] {
  const used = new Set(Object.values(runs));
  const faults = Object.keys(runs).flatMap((run) =>
    known.has(run as Digest) ? [] : [`its signatures are about ${run}, which is no run of its chain`],
  );
  if (notes.some((note, at) => !used.has(at) || /[\r\n]/.test(note) || (at > 0 && byCodeUnit(notes[at - 1] ?? '', note) >= 0)))
    faults.push('its signatures are not in the canonical form: each in one line, once, sorted, and used');
  if ([...used].some((at) => at >= notes.length)) faults.push('its signatures name a note that is not there');
  return faults;
}
