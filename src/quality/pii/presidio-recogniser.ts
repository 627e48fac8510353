// A presidio-analyzer over its HTTP interface: POST /analyze. Its places are code points; ours, within the process, UTF-16 units.
import { PlumbError } from '../../base/errors.ts';
import { z } from '../../base/schema.ts';
import type { RecogniserConfig } from './config.ts';
import { fromCodePoints, type Found } from './found.ts';
import type { RecogniserWorld, TextRecogniser } from './model-recogniser.ts';

type PresidioConfig = Extract<RecogniserConfig, { kind: 'presidio' }>;

/** What more its answers say is not read. */
const answerSchema = z.array(
  z.object({
    entity_type: z.string(),
    start: z.number().int().nonnegative(),
    end: z.number().int().nonnegative(),
    score: z.number().min(0).max(1),
  }),
);

const atOnce = 4;
const mostBytes = 16 << 20;

export async function openPresidioRecogniser(config: PresidioConfig, { signal }: Pick<RecogniserWorld, 'signal'>): Promise<TextRecogniser> {
  const { language, entities, threshold, timeout_ms: timeoutMs } = config;
  const url = new URL(config.url);
  if (url.username !== '' || url.password !== '')
    throw failed(new URL(url.origin), 'is written with a password in its address', 'take it out: pii.yaml is a file that everybody reads');
  const asked = new URL(`${url.pathname.replace(/\/$/, '')}/analyze`, url);

  const find = async (text: string): Promise<Found[]> => {
    signal.throwIfAborted();
    const body = JSON.stringify({ text, language, entities, score_threshold: threshold });
    const answer = await post(asked, body, { signal, timeoutMs });
    const parsed = answerSchema.safeParse(parseJson(answer));
    if (!parsed.success) throw failed(asked, 'answers something that is no list of finds');
    return parsed.data.map(({ entity_type: entity, start, end, score }) => {
      const span = fromCodePoints(text, [start, end]);
      if (span === null) throw failed(asked, `names a place from ${start} to ${end}, which its text does not have`);
      if (!entities.includes(entity)) throw failed(asked, `answers ${JSON.stringify(entity.slice(0, 60))}, which it was not asked for`);
      return { entity, start: span[0], end: span[1], score };
    });
  };

  return {
    identity: { kind: 'presidio', url: asked.href, language, entities, threshold },
    async find(texts) {
      const answers: Found[][] = texts.map(() => []);
      let next = 0;
      const work = async (): Promise<void> => {
        for (let at = next++; at < texts.length; at = next++) {
          const text = texts[at] ?? '';
          if (text.trim() !== '') answers[at] = await find(text);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, work));
      return answers;
    },
    close: async () => undefined,
  };
}

async function post(url: URL, body: string, { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number }): Promise<string> {
  const ends = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'error',
      signal: AbortSignal.any([signal, ends]),
    });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw failed(url, `answers ${answer.status}`);
    }
    return await readBounded(answer, url);
  } catch (error) {
    if (signal.aborted || error instanceof PlumbError) throw error;
    // neither the text nor what a library says of it
    throw failed(url, ends.aborted ? `did not answer within ${timeoutMs / 1000} seconds` : 'cannot be reached');
  }
}

async function readBounded(answer: Response, url: URL): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    bytes += part.length;
    if (bytes > mostBytes) throw failed(url, `answers more than ${mostBytes >> 20} MiB`);
    parts.push(part as Uint8Array);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function failed(
  url: URL,
  what: string,
  mend = 'see that it runs, speaks the language and knows the entities: docs/pii.md; nothing was judged',
): PlumbError {
  return new PlumbError('RECOGNISER_FAILED', { what: `the recogniser ${url.origin}${url.pathname} ${what}`, mend });
}
