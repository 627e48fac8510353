// A model that is trained in milliseconds, for tests.
import { type LabelledText } from './rows.ts';
import { type TrainTextParams, trainTextParams } from './schema.ts';
import { type Trained, trainText, type TrainingInput } from './training.ts';

/** Forty short texts of three labels, some of them not in Latin letters. */
export const tinyRows: readonly LabelledText[] = ['my card', 'the new card', 'a card', 'deine Karte', 'カード'].flatMap((thing) => [
  { text: `Where is ${thing}?`, label: 'arrival' },
  { text: `${thing} has not arrived yet, where is it`, label: 'arrival' },
  { text: `still waiting for ${thing} 💳`, label: 'arrival' },
  { text: `I lost ${thing}`, label: 'lost' },
  { text: `Somebody has stolen ${thing}!`, label: 'lost' },
  { text: `${thing} was stolen; it is lost`, label: 'lost' },
  { text: `what rate does ${thing} give`, label: 'rate' },
  { text: `Is the exchange rate of ${thing} a bit off today?`, label: 'rate' },
]);

export async function trainTiny(
  params: Partial<TrainTextParams> = {},
  input: Partial<Pick<TrainingInput, 'rows' | 'encoder' | 'seed'>> = {},
): Promise<Trained> {
  return trainText(
    { rows: tinyRows, data: 'tiny', seed: 7, encoder: null, ...input, params: trainTextParams.parse({ epochs: 6, ...params }) },
    { pause: () => Promise.resolve(), onEpoch: () => undefined, now: () => 0 },
  );
}
