// Most plumbline.yaml say version, remote and main. Those are read without zod, whose loading costs a light command more than all else that it does;
// a property test holds the two readings together.
import type { ProjectConfig } from './config.ts';

/** @returns null where the schema has to decide: other keys, other types, anything wrong */
export function quickConfig(value: unknown): ProjectConfig | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
  const { version, remote, main = 'main', ...rest } = value as Partial<Record<string, unknown>>;
  if (version !== 1 || Object.keys(rest).length > 0) return null;
  if (typeof main !== 'string' || main === '' || (remote !== undefined && (typeof remote !== 'string' || remote === ''))) return null;
  const serve = { host: '127.0.0.1', hosts: [], port: 8080, stage: 'production' as const };
  return { version, main, serve, ...(remote === undefined ? {} : { remote }) };
}
