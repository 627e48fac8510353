// pii.yaml: what personal data is looked for, how sure a find must be, and what is done with it.
import { fields, z } from '../../base/schema.ts';
import { severities } from '../findings.ts';
import { patternRecognisers } from './recognise.ts';
import { keySchema } from './key-config.ts';

/** flag: it is an error that it is there; keep: it is counted; the others rewrite it. */
export const actions = ['flag', 'redact', 'mask', 'hash', 'surrogate', 'keep'] as const;
export type Action = (typeof actions)[number];

const countries = [...new Set(patternRecognisers.flatMap(({ country }) => (country === null ? [] : [country])))].toSorted();
const entityName = z.string().regex(/^[A-Z][A-Z0-9_]{1,63}$/, 'expected the name of an entity, such as EMAIL_ADDRESS');
const threshold = z.number().min(0).max(1);

const treatment = fields({
  action: z.enum(actions).optional().describe('what is done with it'),
  threshold: threshold.optional().describe('least score'),
  severity: z.enum(severities).optional().describe('of what is flagged'),
  keep_last: z.number().int().min(0).max(8).optional().describe('mask: characters at the end that stay'),
});

const onnxRecogniser = fields({
  kind: z.literal('onnx').describe('a model of yours'),
  model: z.string().min(1).describe('token classifier (.onnx), relative to the project'),
  tokenizer: z.string().min(1).describe('its tokenizer.json'),
  labels: z.array(z.string().min(1)).min(2).describe('in the order of its outputs: [O, B-PER, I-PER]'),
  entities: z.record(z.string(), entityName).describe('label without B- and I- -> entity: {PER: PERSON}'),
}).describe('names, places, organisations by a model of yours');

const presidioRecogniser = fields({
  kind: z.literal('presidio').describe('a server'),
  url: z.url({ protocol: /^https?$/ }).describe('of a presidio-analyzer'),
  language: z.string().min(2).default('en').describe('of the texts'),
  entities: z.array(entityName).min(1).describe('what it is asked for: [PERSON, LOCATION]'),
  threshold: threshold.default(0.4).describe('least score that it is asked for'),
  timeout_ms: z.number().int().min(1).max(600_000).default(30_000).describe('for one text'),
}).describe('Presidio over its HTTP interface. Texts leave this machine if it is not here');

/** @see docs/pii.md */
export const piiSchema = fields({
  version: z.literal(1).describe('version of this format'),
  entities: z
    .record(entityName, z.union([z.enum(actions), treatment]))
    .default({})
    .describe('entity -> action, or {action, threshold, severity}. One that is named is looked for'),
  countries: z.array(z.enum(countries)).default([]).describe('looked for besides the usual ones: the numbers of these countries'),
  only: z.boolean().default(false).describe('true: only the entities that are named are looked for'),
  action: z.enum(actions).default('flag').describe('of entities without one of their own; DATE_TIME and URL: keep'),
  threshold: threshold.default(0.4).describe('least score of entities without one of their own'),
  columns: z.array(z.string().min(1)).min(1).optional().describe('default: all'),
  regions: z
    .array(z.string().regex(/^[A-Z]{2}$/, 'expected a country such as US'))
    .min(1)
    .optional()
    .describe('whose telephone numbers are known without +; default: US, GB, DE, FR, IL, IN, CA, BR'),
  allow: z
    .record(entityName, z.array(z.string().min(1)))
    .default({})
    .describe('entity -> values that are no finding, compared in small letters; "*.example.org" and "*@example.org" allow what ends so'),
  recognisers: z
    .array(z.discriminatedUnion('kind', [onnxRecogniser, presidioRecogniser]))
    .default([])
    .describe('what finds names, places, organisations'),
  key: keySchema.optional().describe('the key of hash, surrogate and of the hashes in findings. It stands in the environment, never in a file'),
  waivers: z.string().min(1).optional().describe('file of waivers, relative to the project'),
}).describe('pii.yaml: which personal data is looked for in rows, and what is done with it');

export type PiiConfig = z.infer<typeof piiSchema>;
export type RecogniserConfig = PiiConfig['recognisers'][number];

export const usualConfig: PiiConfig = piiSchema.parse({ version: 1 });
/** What stands for the name of the file where there is none. */
export const usualFile = 'the usual settings';
