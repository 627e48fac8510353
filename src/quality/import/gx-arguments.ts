// The arguments of an expectation: read by name, checked for their form, and none passed over without a word.
import { isMapping, literalText, refuse, type Mapping } from './imported.ts';

/** They say how a result is told, or whose it is; the rule is the same. */
const ofTelling = new Set([
  'batch_id',
  'catch_exceptions',
  'description',
  'id',
  'include_config',
  'meta',
  'metadata',
  'notes',
  'rendered_content',
  'result_format',
  'windows',
  'output_strftime_format',
  'library_metadata',
]);
/** read for all expectations alike */
const ofAll = ['mostly', 'row_condition', 'condition_parser', 'severity'];

export class Arguments {
  readonly #of: Mapping;
  readonly #read = new Set<string>(ofAll);

  constructor(of: Mapping) {
    this.#of = of;
  }

  /** undefined: not there, or null. @throws Refused for a value that is given at run time */
  get(name: string): unknown {
    this.#read.add(name);
    const value = this.#of[name];
    if (isMapping(value) && '$PARAMETER' in value)
      return refuse(`${name} is a parameter of the suite (${JSON.stringify(value['$PARAMETER'])}), known at run time only`);
    return value ?? undefined;
  }

  text(name: string): string {
    const value = this.get(name);
    return typeof value === 'string' && value !== '' ? value : refuse(`${name} is no text`);
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.get(name) ?? otherwise;
    return typeof value === 'boolean' ? value : refuse(`${name} is neither true nor false`);
  }

  number(name: string): number {
    const value = this.get(name);
    return typeof value === 'number' && Number.isFinite(value) ? value : refuse(`${name} is no number`);
  }

  texts(name: string): string[] {
    const value = this.get(name);
    if (!Array.isArray(value) || value.length === 0 || !value.every((item) => typeof item === 'string' && item !== ''))
      return refuse(`${name} is no list of texts`);
    return value as string[];
  }

  /** Scalars; a null among them is no value. */
  values(name: string): (string | number | boolean)[] {
    const value = this.get(name);
    if (!Array.isArray(value)) return refuse(`${name} is no list`);
    const scalars = value.filter((item) => item !== null);
    for (const item of scalars) literalText(item);
    return scalars.length > 0 ? (scalars as (string | number | boolean)[]) : refuse(`${name} is empty`);
  }

  /** min_value and max_value, strict or not, as ends of a range. */
  ends(): { min?: number | string; max?: number | string; above?: number | string; below?: number | string } {
    const [low, high] = [this.#end('min_value'), this.#end('max_value')];
    const [strictLow, strictHigh] = [this.flag('strict_min', false), this.flag('strict_max', false)];
    if (low === undefined && high === undefined) return refuse('it has neither min_value nor max_value, and always holds');
    return {
      ...(low === undefined ? {} : strictLow ? { above: low } : { min: low }),
      ...(high === undefined ? {} : strictHigh ? { below: high } : { max: high }),
    };
  }

  numberEnds(): { min?: number; max?: number; above?: number; below?: number } {
    const ends = this.ends();
    if (Object.values(ends).some((end) => typeof end !== 'number'))
      return refuse('its ends are no numbers: bounds of such a measure are numbers here');
    return ends as Record<string, number>;
  }

  /** Of counts: strict ends are the next whole numbers. */
  countEnds(): { min?: number; max?: number } {
    const { min, max, above, below } = this.numberEnds();
    const low = above === undefined ? min : Math.floor(above) + 1;
    const high = below === undefined ? max : Math.ceil(below) - 1;
    if (high !== undefined && high < 0) return refuse('no count is below zero: it never holds');
    return { ...(low === undefined ? {} : { min: Math.max(0, Math.ceil(low)) }), ...(high === undefined ? {} : { max: Math.floor(high) }) };
  }

  #end(name: string): number | string | undefined {
    const value = this.get(name);
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value)) || (typeof value === 'string' && value !== '')) return value;
    return refuse(`${name} is neither a number nor a text`);
  }

  /** @throws Refused for an argument that nobody asked for */
  finish(): void {
    const unread = Object.keys(this.#of).find(
      (name) => !this.#read.has(name) && !ofTelling.has(name) && this.#of[name] !== null && this.#of[name] !== false,
    );
    if (unread !== undefined) refuse(`its argument ${JSON.stringify(unread)} has no meaning here`);
  }
}
