// Texts of a known form, as tests.
import type { RowTest } from './checks.ts';
import type { TextFormat } from './check-names.ts';

const clock = '(?:[01]\\d|2[0-3]):[0-5]\\d(?::(?:[0-5]\\d|60)(?:[.,]\\d{1,9})?)?';
const zone = '(?:Z|[+-](?:[01]\\d|2[0-3])(?::?[0-5]\\d)?)';
const octet = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';

/** RFC 9562, 5321 (the part that is in use), 791, 3986 */
const regexes = {
  time: `^${clock}${zone}?$`,
  uuid: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$',
  email: `^[A-Za-z0-9.!#$%&'*+/=?^_\`{|}~-]{1,64}@${label}(?:\\.${label})+$`,
  ipv4: `^${octet}(?:\\.${octet}){3}$`,
  uri: '^[A-Za-z][A-Za-z0-9+.-]*:[^\\s<>"{}|\\\\^`]+$',
} as const;

/** What behind the day of an ISO date and time may stand. */
export const dateTimeRest = `(?:[Tt ]${clock}${zone}?)?`;

export function formatTest(format: TextFormat): RowTest {
  switch (format) {
    case 'date':
      return { kind: 'date', format: '%F' };
    case 'datetime':
      return { kind: 'date', format: isoDateTime };
    case 'json':
      return { kind: 'json', schema: true };
    default:
      return { kind: 'regex', sources: [regexes[format]], mode: 'all' };
  }
}

/** Named, for no strftime format says it: a day, and a time of day where there is one. */
export const isoDateTime = 'ISO 8601';
