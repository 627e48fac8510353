// What the objects of the interface are made with.
import { createHash } from 'node:crypto';
import type { State } from './state.ts';

export type Json = Record<string, unknown>;

export interface Frame {
  readonly state: State;
  /** http://127.0.0.1:<port>/api/v3 */
  readonly api: string;
  /** address of the repository in the interface, and of its page */
  readonly here: string;
  readonly page: string;
  user(login: string): Json;
  repository(name?: string): Json;
}

/** A number and a name that are always the same for the same thing. */
export function named(kind: string, name: string): { id: number; node_id: string } {
  const digest = createHash('sha256').update(`${kind} ${name}`).digest();
  return { id: digest.readUInt32BE(), node_id: digest.toString('base64url', 0, 12) };
}
