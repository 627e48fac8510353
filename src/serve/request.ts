// What a client may ask, and what it is answered. The schemas are the format: the reference is made from them.
import { PlumbError } from '../base/errors.ts';
import { digestSchema, fields, nameSchema, z } from '../base/schema.ts';
import { stages } from '../registry/schema.ts';
import type { Prediction, Predictor } from '../train/predictor.ts';
import { defaultLimits, type Limits } from './limits.ts';

const oneOf = 'expected either "text" or "texts"';

const requestSchemaFor = (limits: Pick<Limits, 'texts' | 'textLength'>) =>
  fields({
    text: z.string().max(limits.textLength).optional().describe('one text'),
    texts: z.array(z.string().max(limits.textLength)).min(1).max(limits.texts).optional().describe('many texts'),
    top: z.number().int().min(1).max(100).optional().describe('name this many labels for each text, most probable first'),
  }).refine((body) => (body.text === undefined) !== (body.texts === undefined), oneOf);

const ranked = fields({ label: z.string(), score: z.number().describe('probability, 0 to 1, six digits') });
const predictionSchema = ranked.extend({ top: z.array(ranked).optional().describe('where the request says "top"') });
const answeredBy = {
  model: fields({
    name: nameSchema,
    stage: z.enum(stages),
    digest: digestSchema,
    commit: z.string().describe('commit whose pointer names the model'),
  }),
  request: z.string().describe('x-request-id of the request, or one of ours'),
};

/** POST /v1/models/<name>/predict */
export const predictRequestSchema = requestSchemaFor(defaultLimits).describe('a prediction request');
/** Its answer: to {text} and to {texts}. */
export const predictAnswerSchema = z
  .union([predictionSchema.extend(answeredBy), fields({ predictions: z.array(predictionSchema), ...answeredBy })])
  .describe('the answer to a prediction request');
export type PredictAnswer = z.infer<typeof predictAnswerSchema>;

export interface PredictRequest {
  readonly texts: readonly string[];
  /** one text was asked: the answer is one prediction, not a list */
  readonly single: boolean;
  readonly top: number | undefined;
}

/** @returns a reader of parsed bodies, which throws PlumbError REQUEST_INVALID and never echoes a text */
export function requestReader(limits: Limits): (body: unknown) => PredictRequest {
  const schema = requestSchemaFor(limits);
  return (body) => {
    const result = schema.safeParse(body);
    if (!result.success) {
      const issue = result.error.issues[0];
      const place = issue === undefined || issue.path.length === 0 ? 'the body' : `"${issue.path.map(String).join('.')}"`;
      throw requestInvalid(`${place}: ${issue?.message ?? oneOf}`);
    }
    const { text, texts, top } = result.data;
    return { texts: texts ?? [text ?? ''], single: texts === undefined, top };
  };
}

export function requestInvalid(what: string, cause?: unknown): PlumbError {
  return new PlumbError('REQUEST_INVALID', {
    what,
    mend: 'send {"text": "..."} or {"texts": ["...", ...]}, with "top" if you like, as application/json',
    cause,
  });
}

/** Texts that go through the model without letting anything else have its turn: so many, or so many UTF-16 code units; NFKC can make 18 of one. */
const batch = { texts: 32, length: 4000 };

/**
 * Predicts in small batches, so that one request of a thousand texts does not hold up all others.
 * @param goesOn looked at between batches; whoever no longer waits is not worked for
 * @returns null when it stopped early
 */
export async function predictInTurns(predictor: Predictor, request: PredictRequest, goesOn: () => boolean): Promise<Prediction[] | null> {
  const predictions: Prediction[] = [];
  for (let at = 0; at < request.texts.length;) {
    if (at > 0) await new Promise((resolve) => setImmediate(resolve));
    if (!goesOn()) return null;
    const texts = nextBatch(request.texts, at);
    predictions.push(...(await predictor.predict(texts, { top: request.top ?? 1 })));
    at += texts.length;
  }
  return predictions;
}

/** At least one text. */
function nextBatch(texts: readonly string[], from: number): string[] {
  const chosen: string[] = [];
  let length = 0;
  for (const text of texts.slice(from, from + batch.texts)) {
    length += text.length;
    if (chosen.length > 0 && length > batch.length) break;
    chosen.push(text);
  }
  return chosen;
}

/** A prediction as answers show it. */
export function showPrediction(prediction: Prediction, top: number | undefined): z.infer<typeof predictionSchema> {
  const { label, score } = prediction;
  return {
    label,
    score: sixDigits(score),
    ...(top === undefined ? {} : { top: prediction.top.map((entry) => ({ label: entry.label, score: sixDigits(entry.score) })) }),
  };
}

function sixDigits(score: number): number {
  return Math.round(score * 1e6) / 1e6;
}

/** @throws PlumbError REQUEST_INVALID */
export function parseBody(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw requestInvalid(error instanceof SyntaxError ? 'the body is not JSON' : 'the body is not UTF-8', error);
  }
}
