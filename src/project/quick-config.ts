// Most plumbline.yaml say version, remote, main and where to serve. Those are read without zod, whose loading costs a light command more than all else
// that it does; a property test holds the two readings together.
import type { ProjectConfig } from './config.ts';

/** @returns null where the schema has to decide: other keys, other types, anything wrong */
export function quickConfig(value: unknown): ProjectConfig | null {
  if (!isMapping(value)) return null;
  const { version, remote, repository, main = 'main', serve = {}, ...rest } = value;
  if (version !== 1 || Object.keys(rest).length > 0) return null;
  if (!isText(main) || (remote !== undefined && !isText(remote))) return null;
  if (repository !== undefined && (typeof repository !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(repository))) return null;
  const serving = quickServe(serve);
  if (serving === null) return null;
  const named = { ...(remote === undefined ? {} : { remote }), ...(repository === undefined ? {} : { repository }) };
  return { version, main, cache: {}, serve: serving, ...named };
}

function quickServe(value: unknown): ProjectConfig['serve'] | null {
  if (!isMapping(value)) return null;
  const { host = '127.0.0.1', port = 8080, stage = 'production', ...rest } = value;
  if (Object.keys(rest).length > 0 || typeof host !== 'string' || (stage !== 'production' && stage !== 'staging')) return null;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535) return null;
  return { host, hosts: [], port, stage };
}

function isMapping(value: unknown): value is Partial<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
