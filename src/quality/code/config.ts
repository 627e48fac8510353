// code.yaml: which columns hold code, conversations or prose, and what each is held to.
import { fields, z } from '../../base/schema.ts';
import { severities, type Severity } from '../findings.ts';
import { codeLanguages } from './grammar.ts';

const column = z.string().min(1);

const codeColumn = fields({
  column: z.union([column, z.array(column).min(1)]).describe('of the code; several are joined: [prompt, canonical_solution]'),
  language: z.enum(codeLanguages).optional().describe('of all rows'),
  language_column: column.optional().describe('that names the language: "Python", "py"'),
  min_characters: z.number().int().min(0).default(10).describe('shorter code is too-short'),
  max_characters: z.number().int().min(1).default(100_000).describe('longer code is too-long'),
}).refine((one) => (one.language === undefined) !== (one.language_column === undefined), 'expected either language or language_column');

const chatColumn = fields({
  column: column.describe('of the list of messages: [{role, content}, ...]'),
  roles: z.array(z.string().min(1)).default(['system', 'user', 'assistant', 'tool']).describe('that a message may have'),
  tokenizer: z.string().min(1).optional().describe('a tokenizer.json, relative to the project; without it tokens are not counted'),
  context_length: z.number().int().min(1).optional().describe('tokens that a conversation may have'),
  tokens_per_message: z.number().int().min(0).default(0).describe('what the template of the model adds to each message'),
});

export const filterNames = ['gopher-quality', 'gopher-repetition', 'c4'] as const;

const textColumn = fields({
  column: column.describe('of prose'),
  filters: z
    .array(z.enum(filterNames))
    .min(1)
    .default(['gopher-repetition'])
    .describe('with the thresholds of their papers, which are about web pages: a question of a line breaks gopher-quality'),
});

/** kind -> what it is where nothing else is said */
export const usualSeverities = {
  'syntax-error': 'error',
  'not-parsed': 'warning',
  'unknown-language': 'warning',
  'no-code': 'error',
  'too-short': 'warning',
  'too-long': 'warning',
  'doc-unknown-parameter': 'warning',
  'doc-missing-parameter': 'info',
  'doc-unknown-return': 'warning',
  'doc-missing-return': 'info',
  licence: 'info',
  'licence-copyleft': 'warning',
  generated: 'warning',
  minified: 'warning',
  'chat-form': 'error',
  'chat-role': 'error',
  'chat-order': 'error',
  'chat-empty': 'error',
  'chat-end': 'error',
  'chat-tool-call': 'error',
  'chat-too-long': 'error',
  'gopher-quality': 'warning',
  'gopher-repetition': 'warning',
  c4: 'warning',
} as const satisfies Record<string, Severity>;
export type CodeKind = keyof typeof usualSeverities;

export const codeSchema = fields({
  version: z.literal(1).describe('version of this format'),
  code: z.array(codeColumn).default([]).describe('columns with code'),
  chat: z.array(chatColumn).default([]).describe('columns with conversations'),
  text: z.array(textColumn).default([]).describe('columns with prose'),
  severities: z
    .partialRecord(z.enum(Object.keys(usualSeverities) as [CodeKind, ...CodeKind[]]), z.enum(severities))
    .default({})
    .describe('kind of finding -> severity: {minified: error}'),
}).describe('code.yaml: which columns hold code, conversations or prose, and what each is held to');

export type CodeConfig = z.infer<typeof codeSchema>;
export type CodeColumn = CodeConfig['code'][number];
export type ChatColumn = CodeConfig['chat'][number];
export type TextColumn = CodeConfig['text'][number];

/** What a judge says of a text; its place in code units. */
export interface Fault {
  readonly kind: CodeKind;
  readonly message: string;
  readonly start?: number;
  readonly end?: number;
}
