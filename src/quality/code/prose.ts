// Filters of prose as large web corpora were made with them, thresholds as published.
// Sources: Rae et al., "Scaling Language Models: Methods, Analysis & Insights from Training Gopher", 2021, A.1.1 and table A1; Raffel et al., "Exploring the
// Limits of Transfer Learning with a Unified Text-to-Text Transformer", JMLR 2020, section 2.2. What the papers leave open (how characters of n-grams are
// counted) is as in datatrove, filters/gopher_repetition_filter.py.
import type { Fault, TextColumn } from './config.ts';

/** Longer texts are told as not judged: in a cell of 10 MB there is nothing that a person would read. */
export const longestProse = 1_000_000;

export function proseFaults(text: string, { filters }: TextColumn): Fault[] {
  if (text.length > longestProse) return [{ kind: 'too-long', message: `${text.length} characters: too long for the filters of prose` }];
  const words = text.split(/\s+/).filter((word) => word !== '');
  const lines = text.split('\n');
  return [
    ...(filters.includes('gopher-quality') ? qualityFaults(words, lines) : []),
    ...(filters.includes('gopher-repetition') ? repetitionFaults(text, words, lines) : []),
    ...(filters.includes('c4') ? c4Faults(text, lines) : []),
  ];
}

const stopWords = new Set(['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with']);

function qualityFaults(words: readonly string[], allLines: readonly string[]): Fault[] {
  const lines = allLines.filter((line) => line.trim() !== '');
  const broken: string[] = [];
  const between = (what: string, value: number, least: number, most: number): void => {
    if (value < least || value > most) broken.push(`${what} is ${rounded(value)}, outside ${least} to ${most}`);
  };
  const count = words.length;
  between('the number of words', count, 50, 100_000);
  if (count === 0) return [{ kind: 'gopher-quality', message: 'there are no words' }];
  between('the mean length of words', sum(words.map((word) => word.length)) / count, 3, 10);
  const symbols = sum(words.map((word) => (word.match(/#|\.\.\.|…/g) ?? []).length));
  between('the share of # and ... to words', symbols / count, 0, 0.1);
  between(
    'the share of lines that begin with a bullet',
    shareOf(lines, (line) => /^\s*[•‣●*-]/.test(line)),
    0,
    0.9,
  );
  between(
    'the share of lines that end with an ellipsis',
    shareOf(lines, (line) => /(?:\.\.\.|…)\s*$/.test(line.slice(-10))),
    0,
    0.3,
  );
  between(
    'the share of words with a letter',
    shareOf(words, (word) => /\p{L}/u.test(word)),
    0.8,
    1,
  );
  const stops = new Set(words.map((word) => word.toLowerCase()).filter((word) => stopWords.has(word))).size;
  if (stops < 2) broken.push(`it has ${stops} of the words ${[...stopWords].join(', ')}, fewer than 2`);
  return broken.map((message) => ({ kind: 'gopher-quality', message }));
}

/** [n, greatest share of characters] */
const topGrams: readonly (readonly [number, number])[] = [
  [2, 0.2],
  [3, 0.18],
  [4, 0.16],
];
const repeatedGrams: readonly (readonly [number, number])[] = [
  [5, 0.15],
  [6, 0.14],
  [7, 0.13],
  [8, 0.12],
  [9, 0.11],
  [10, 0.1],
];

function repetitionFaults(text: string, words: readonly string[], allLines: readonly string[]): Fault[] {
  if (text.trim() === '') return [];
  const broken: string[] = [];
  const atMost = (what: string, value: number, most: number): void => {
    if (value > most) broken.push(`${what} is ${rounded(value)}, above ${most}`);
  };
  const paragraphs = text.trim().split(/\n{2,}/);
  const lines = allLines.filter((line) => line !== '');
  for (const [name, parts, length] of [
    ['paragraphs', paragraphs, text.length],
    ['lines', lines, text.length],
  ] as const) {
    const repeated = repeatsOf(parts);
    atMost(`the share of ${name} that stand there again`, repeated.count / Math.max(1, parts.length), 0.3);
    atMost(`the share of characters in ${name} that stand there again`, repeated.characters / length, 0.2);
  }
  for (const [n, most] of topGrams) atMost(`the share of characters in the most frequent run of ${n} words`, topShare(words, n, text.length), most);
  for (const [n, most] of repeatedGrams)
    atMost(`the share of characters in runs of ${n} words that stand there again`, repeatedShare(words, n, text.length), most);
  return broken.map((message) => ({ kind: 'gopher-repetition', message }));
}

function repeatsOf(parts: readonly string[]): { count: number; characters: number } {
  const seen = new Set<string>();
  let [count, characters] = [0, 0];
  for (const part of parts) {
    if (seen.has(part)) [count, characters] = [count + 1, characters + part.length];
    else seen.add(part);
  }
  return { count, characters };
}

function topShare(words: readonly string[], n: number, length: number): number {
  const counts = new Map<string, number>();
  let [top, most] = ['', 0];
  for (let at = 0; at + n <= words.length; at++) {
    const gram = words.slice(at, at + n).join(' ');
    const count = (counts.get(gram) ?? 0) + 1;
    counts.set(gram, count);
    // of equally frequent ones the first
    if (count > most) [top, most] = [gram, count];
  }
  return most < 2 ? 0 : (top.length * most) / length;
}

function repeatedShare(words: readonly string[], n: number, length: number): number {
  const seen = new Set<string>();
  let repeated = 0;
  for (let at = 0; at + n <= words.length; at++) {
    const gram = words.slice(at, at + n).join('');
    if (seen.has(gram)) {
      repeated += gram.length;
      at += n - 1;
    } else seen.add(gram);
  }
  return repeated / length;
}

/** What C4 throws away as a whole, and what is left of the rest when lines that are no sentences go. Its list of bad words is left out. */
function c4Faults(text: string, lines: readonly string[]): Fault[] {
  const broken: string[] = [];
  if (/lorem ipsum/i.test(text)) broken.push('it says "lorem ipsum"');
  if (text.includes('{')) broken.push('it holds a curly bracket');
  const kept = lines.filter((line) => /[.!?"”]$/.test(line.trim()) && line.trim().split(/\s+/).length >= 5 && !/javascript/i.test(line));
  const sentences = sum(kept.map((line) => (line.match(/[.!?]+(?=["”')\]]*(?:\s|$))/g) ?? []).length));
  if (sentences < 3) broken.push(`${sentences} sentences in lines that end as sentences do and have 5 words, fewer than 3`);
  return broken.map((message) => ({ kind: 'c4', message }));
}

function shareOf(parts: readonly string[], holds: (part: string) => boolean): number {
  return parts.length === 0 ? 0 : parts.filter(holds).length / parts.length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
