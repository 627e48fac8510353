// Conversations as chat models learn them: who speaks when, nothing empty, calls of tools that parse, no more tokens than the model reads.
import type { ChatColumn, Fault } from './config.ts';
import type { CountTokens } from './tokenizer.ts';

interface Turn {
  readonly role: string;
  readonly content: string;
  readonly calls: readonly unknown[] | null;
}

/** Of one conversation no more are told. */
const mostTold = 20;

/** @param value of the column: a list of messages, or JSON text of one, as CSV holds it */
export function chatFaults(value: unknown, column: ChatColumn, count: CountTokens | null): Fault[] {
  const messages = typeof value === 'string' ? parseJson(value) : value;
  if (!Array.isArray(messages)) return [{ kind: 'chat-form', message: 'this is no list of messages' }];
  if (messages.length === 0) return [{ kind: 'chat-empty', message: 'there is no message' }];
  const turns: Turn[] = [];
  for (const [at, message] of messages.entries()) {
    const turn = turnOf(message);
    if (typeof turn === 'string') return [{ kind: 'chat-form', message: `message ${at + 1}: ${turn}` }];
    turns.push(turn);
  }
  return [...turns.flatMap((turn, at) => turnFaults(turn, at, column)), ...orderFaults(turns), ...lengthFaults(turns, column, count)].slice(
    0,
    mostTold,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function turnOf(message: unknown): Turn | string {
  if (message === null || typeof message !== 'object' || Array.isArray(message)) return 'it is no object';
  const { role, content, tool_calls: calls } = inOpenForm(message as Record<string, unknown>);
  if (typeof role !== 'string') return 'it has neither a role ({role, content}) nor a speaker ({from, value})';
  if (calls !== undefined && calls !== null && !Array.isArray(calls)) return 'tool_calls is no list';
  const text = textOf(content);
  return text === null ? 'its content is no text' : { role, content: text, calls: Array.isArray(calls) ? calls : null };
}

/** Speakers of ShareGPT's form, as the tools that train on it know them -> role. Others stay what they are, and are told. */
const speakers: ReadonlyMap<unknown, string> = new Map([
  ['human', 'user'],
  ['gpt', 'assistant'],
  ['observation', 'tool'],
]);

/** ShareGPT's {from, value} says the same as {role, content}; a call of a tool is a message of its own there, whose text is the call. */
function inOpenForm(message: Record<string, unknown>): Record<string, unknown> {
  if (message['role'] !== undefined || message['from'] === undefined) return message;
  const { from, value } = message;
  if (from !== 'function_call') return { role: speakers.get(from) ?? from, content: value };
  return { role: 'assistant', content: null, tool_calls: [typeof value === 'string' ? parseJson(value) : value] };
}

/** A text, nothing, or a list of parts of which some are texts. */
function textOf(content: unknown): string | null {
  if (content === undefined || content === null) return '';
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return null;
  return content
    .map((part: unknown) => (part !== null && typeof part === 'object' && 'text' in part && typeof part.text === 'string' ? part.text : ''))
    .join('\n');
}

function turnFaults({ role, content, calls }: Turn, at: number, { roles }: ChatColumn): Fault[] {
  const where = `message ${at + 1}`;
  const faults: Fault[] = [];
  if (!roles.includes(role))
    faults.push({ kind: 'chat-role', message: `${where}: the role ${JSON.stringify(role.slice(0, 40))} is none of ${roles.join(', ')}` });
  if (content.trim() === '' && (calls === null || calls.length === 0)) faults.push({ kind: 'chat-empty', message: `${where} is empty` });
  if (calls !== null && role !== 'assistant') faults.push({ kind: 'chat-tool-call', message: `${where}: only the assistant calls tools` });
  calls?.forEach((call, index) => {
    const wrong = callFault(call);
    if (wrong !== null) faults.push({ kind: 'chat-tool-call', message: `${where}, call ${index + 1}: ${wrong}` });
  });
  return faults;
}

/** OpenAI's form: {id, type: function, function: {name, arguments: JSON text}}; arguments as an object do as well. */
function callFault(call: unknown): string | null {
  const inner = call !== null && typeof call === 'object' && 'function' in call ? call.function : call;
  if (inner === null || typeof inner !== 'object') return 'it is no object';
  const { name, arguments: args } = inner as Record<string, unknown>;
  if (typeof name !== 'string' || name === '') return 'it names no function';
  const parsed = typeof args === 'string' ? parseJson(args) : (args ?? null);
  return parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed) ? null : 'its arguments are no JSON object';
}

/** system, then user and assistant in turn; what tools answer stands between two turns of the assistant. */
function orderFaults(turns: readonly Turn[]): Fault[] {
  const faults: Fault[] = [];
  const told = (at: number, message: string): void => void faults.push({ kind: 'chat-order', message: `message ${at + 1}: ${message}` });
  turns.forEach(({ role }, at) => {
    const before = turns[at - 1];
    if (role === 'system' && at > 0) told(at, 'system speaks first or not at all');
    if (role === 'tool' && !(before?.role === 'tool' || (before?.role === 'assistant' && (before.calls?.length ?? 0) > 0)))
      told(at, 'a tool answers that nobody called');
    if (role === 'user' && before?.role === 'user') told(at, 'user speaks twice in a row');
    if (role === 'assistant' && before?.role === 'assistant') told(at, 'assistant speaks twice in a row');
    if (role === 'assistant' && (before === undefined || before.role === 'system')) told(at, 'assistant speaks before the user');
  });
  const last = turns.at(-1);
  if (last !== undefined && (last.role !== 'assistant' || (last.calls?.length ?? 0) > 0))
    faults.push({
      kind: 'chat-end',
      message: `it ends with ${last.role === 'assistant' ? 'a call of a tool' : last.role.slice(0, 40)}, not with an answer of the assistant`,
    });
  return faults;
}

function lengthFaults(turns: readonly Turn[], { context_length: most, tokens_per_message: extra }: ChatColumn, count: CountTokens | null): Fault[] {
  if (most === undefined || count === null) return [];
  let tokens = 0;
  for (const { content, calls } of turns) tokens += extra + count(content) + (calls === null ? 0 : count(JSON.stringify(calls)));
  return tokens > most ? [{ kind: 'chat-too-long', message: `${tokens} tokens, and the model reads ${most}` }] : [];
}
