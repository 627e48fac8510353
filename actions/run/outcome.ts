// What `plumb ci run` and `plumb ci publish` answered, as outputs and summary, from values alone.
import { PlumbError, errorTable, type ErrorCode } from '../../src/base/errors.ts';
import { formatSeconds } from '../../src/base/progress.ts';
import { fields, z } from '../../src/base/schema.ts';
import { code, prose } from '../../src/report/markdown-text.ts';

const stageSchema = z.object({
  stage: z.string(),
  state: z.enum(['ran', 'cached', 'frozen', 'failed', 'skipped']),
  run: z.string().optional(),
  why: z.array(z.string()).default([]),
  seconds: z.number().default(0),
});

const ranSchema = z.object({ seconds: z.number(), stages: z.array(stageSchema) });

const failureSchema = z.object({
  error: z.object({
    code: z.string(),
    what: z.string(),
    mend: z.string(),
    where: fields({
      file: z.string().optional(),
      line: z.number().optional(),
      column: z.number().optional(),
      row: z.number().optional(),
      path: z.string().optional(),
    })
      .partial()
      .optional(),
    details: z.object({ stages: z.array(stageSchema).default([]) }).default({ stages: [] }),
  }),
});

const publishedSchema = z.object({
  domain: z.string(),
  signed: z.string().nullable(),
  published: z.array(z.object({ stage: z.string() })),
  checkpoints: z.array(z.object({ stage: z.string(), attempt: z.number() })).default([]),
});

type Stage = z.infer<typeof stageSchema>;

export interface RunOutcome {
  readonly outputs: Readonly<Record<'ran' | 'cached' | 'seconds' | 'runs', string>>;
  /** Markdown */
  readonly summary: string;
  readonly error: PlumbError | null;
}

/** What the outputs are until there is an answer. */
export const nothingRan: RunOutcome['outputs'] = { ran: '[]', cached: '[]', seconds: '0', runs: '{}' };

export function describeRun({ json, code: exit }: { readonly json: unknown; readonly code: number }): RunOutcome {
  const ran = ranSchema.safeParse(json);
  if (exit === 0 && ran.success) return outcomeOf(ran.data.stages, ran.data.seconds, null);
  const error = failureOf(json, `plumb ci run ended with ${exit}, and without an answer`);
  return outcomeOf(failureSchema.safeParse(json).data?.error.details.stages ?? [], 0, error);
}

/** @returns how many runs were published, and lines for the log. @throws PlumbError of plumb's */
export function describePublished({ json, code: exit }: { readonly json: unknown; readonly code: number }): {
  readonly runs: number;
  readonly lines: string[];
} {
  const { data } = publishedSchema.safeParse(json);
  if (exit !== 0 || data === undefined) throw failureOf(json, `plumb ci publish ended with ${exit}, and without an answer`);
  const { published, checkpoints, domain, signed } = data;
  const how = `for ${domain}, ${signed === null ? 'not signed' : `signed by ${signed}`}`;
  const runs = published.map(({ stage }) => `published ${how}: ${stage}`);
  return {
    runs: published.length,
    lines: [...runs, ...checkpoints.map(({ stage, attempt }) => `published ${how}: checkpoint of ${stage}, attempt ${attempt}`)],
  };
}

function failureOf(json: unknown, otherwise: string): PlumbError {
  const failure = failureSchema.safeParse(json).data?.error;
  if (failure === undefined) return new PlumbError('ACTION_PLUMB', { what: otherwise, mend: 'see the log above' });
  const { code: name, what, mend, where } = failure;
  const known = Object.hasOwn(errorTable, name) ? (name as ErrorCode) : 'ACTION_PLUMB';
  const place = Object.fromEntries(Object.entries(where ?? {}).filter(([, value]) => value !== undefined));
  return new PlumbError(known, { what, mend, ...(where === undefined ? {} : { where: place }) });
}

function outcomeOf(stages: readonly Stage[], seconds: number, error: PlumbError | null): RunOutcome {
  const named = (state: Stage['state']): string => JSON.stringify(stages.filter((stage) => stage.state === state).map(({ stage }) => stage));
  const runs = stages.flatMap(({ stage, run }) => (run === undefined ? [] : [[stage, run] as const]));
  return {
    outputs: { ran: named('ran'), cached: named('cached'), seconds: String(Math.round(seconds)), runs: JSON.stringify(Object.fromEntries(runs)) },
    summary: summaryOf(stages, error),
    error,
  };
}

/** Rows of the table; the log has all. */
const mostRows = 200;
const words: Readonly<Record<Stage['state'], string>> = {
  failed: '❌ failed',
  ran: '✅ ran',
  skipped: '⏭️ skipped',
  cached: 'from the store',
  frozen: 'frozen',
};

function summaryOf(stages: readonly Stage[], error: PlumbError | null): string {
  // a stage that was there already is no news
  const news = stages.filter(({ state }) => state !== 'cached' && state !== 'frozen');
  const old = stages.length - news.length;
  const rows = news
    .toSorted((a, b) => Number(b.state === 'failed') - Number(a.state === 'failed'))
    .slice(0, mostRows)
    .map(
      ({ stage, state, seconds, why }) =>
        `| ${code(stage)} | ${words[state]} | ${state === 'ran' ? formatSeconds(seconds) : ''} | ${prose(why.join('; '), 300)} |`,
    );
  const more = news.length > mostRows ? [`| | | | *${news.length - mostRows} more* |`] : [];
  const table = rows.length === 0 ? [] : ['| Stage | | Time | Why |', '| --- | --- | --- | --- |', ...rows, ...more, ''];
  const failure = error === null ? [] : [`❌ ${prose(error.message.split('\n')[0] ?? '', 500)}`, ''];
  const cached = old === 0 ? [] : [`${old} ${old === 1 ? 'stage' : 'stages'} from the store.`, ''];
  return [...failure, ...table, ...cached, ''].join('\n');
}
