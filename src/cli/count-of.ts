import { counted } from '../evaluate/words.ts';

/** '1 pack', '2,000 packs' */
export function countOf(number: number, noun: string): string {
  return counted(number, noun);
}
