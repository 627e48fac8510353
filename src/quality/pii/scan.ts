// What stands in the cells of rows: patterns here or in threads, models where they are; then thresholds, allowed values and overlaps.
import type { CountryCode } from 'libphonenumber-js/max';
import type { PiiConfig } from './config.ts';
import { contextTerms, isSupported, contextBefore } from './context.ts';
import { fold, isFoldable } from './fold.ts';
import { withoutDuplicates, withoutOverlaps, type Found } from './found.ts';
import type { TextRecogniser } from './model-recogniser.ts';
import { contextOf, createRecogniser, type Recognise } from './recognise.ts';
import type { Treatments } from './treatment.ts';

/** A text, and the name of the column or key that it is the value of; 'name': it is a name itself, in which models have nothing to find. */
export type NamedText = readonly [text: string, name: string, is?: 'name'];

/** Signs of which every pattern needs one. */
const anySign = /[0-9@.:-]/;

/** false: no pattern can be in it, and it need not be sent to a thread */
export function mayHold(text: string): boolean {
  return anySign.test(text) || isFoldable(text);
}

/** Who looks for patterns: this thread, or a pool. Answers are in the order of the texts; null: nothing. */
export interface PatternScanner {
  scan(texts: readonly NamedText[]): Promise<(Found[] | null)[]>;
  close(): Promise<void>;
}

export interface ScanSettings {
  readonly entities: readonly string[];
  readonly regions: readonly CountryCode[] | null;
}

export function settingsOf(config: PiiConfig, treatments: Treatments): ScanSettings {
  return { entities: treatments.byPattern, regions: (config.regions as CountryCode[] | undefined) ?? null };
}

/**
 * Of a text as it is written, and as it is read (fold.ts). A cell that is only a number has no words around it: but for cards, the name of its column must
 * speak for what is found.
 */
export function createCellRecogniser({ entities, regions }: ScanSettings): (text: string, name: string) => Found[] | null {
  const recognise: Recognise = regions === null ? createRecogniser(entities) : createRecogniser(entities, regions);
  const find = (text: string, name: string): Found[] | null => {
    const found = anySign.test(text) ? recognise(text, name) : [];
    if (found.length === 0) return null;
    if (!/^-?\d+$/.test(text)) return found;
    const named = contextBefore('', 0, name);
    const spokenOf = found.filter(({ entity }) => entity === 'CREDIT_CARD' || isSupported(contextTerms(contextOf(entity)), named));
    return spokenOf.length === 0 ? null : spokenOf;
  };
  return (text, name) => {
    const asWritten = find(text, name);
    const folded = fold(text);
    const asRead = folded === null ? null : find(folded.text, name);
    if (folded === null || asRead === null) return asWritten;
    const placed = asRead.map((one) => {
      const [start, end] = folded.place(one.start, one.end);
      return { ...one, start, end };
    });
    return withoutDuplicates([...(asWritten ?? []), ...placed]);
  };
}

export function createLocalScanner(settings: ScanSettings): PatternScanner {
  const recognise = createCellRecogniser(settings);
  return { scan: async (texts) => texts.map(([text, name]) => recognise(text, name)), close: async () => undefined };
}

/** All that counts in a text, in its order, apart from each other. */
export type ScanTexts = (texts: readonly NamedText[]) => Promise<(Found[] | null)[]>;

export function createScan(config: PiiConfig, treatments: Treatments, patterns: PatternScanner, models: readonly TextRecogniser[]): ScanTexts {
  const isAllowed = allowedValues(config);
  const isKept = (entity: string): boolean => treatments.of(entity).action === 'keep';
  return async (texts) => {
    const answers: (Found[] | null)[] = await patterns.scan(texts);
    for (const model of models) {
      const places = [...texts.keys()].filter((at) => texts[at]?.[2] === undefined);
      const found = await model.find(places.map((at) => texts[at]?.[0] ?? ''));
      for (const [nth, more] of found.entries()) {
        const at = places[nth] ?? 0;
        if (more.length > 0) answers[at] = [...(answers[at] ?? []), ...more];
      }
    }
    return answers.map((found, at) => {
      if (found === null) return null;
      const text = texts[at]?.[0] ?? '';
      const counting = found.filter(
        ({ entity, score, start, end }) => score >= treatments.of(entity).threshold && !isAllowed(entity, text.slice(start, end)),
      );
      return counting.length === 0 ? null : withoutOverlaps(counting, isKept);
    });
  };
}

function allowedValues({ allow }: PiiConfig): (entity: string, value: string) => boolean {
  const lists = new Map(
    Object.entries(allow).map(([entity, values]) => {
      const small = values.map((value) => value.toLowerCase());
      return [entity, { exact: new Set(small), ends: small.filter((value) => value.startsWith('*')).map((value) => value.slice(1)) }];
    }),
  );
  if (lists.size === 0) return () => false;
  return (entity, value) => {
    const list = lists.get(entity);
    if (list === undefined) return false;
    const small = value.toLowerCase();
    return list.exact.has(small) || list.ends.some((end) => small.endsWith(end));
  };
}
