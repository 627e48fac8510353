// pipeline.yaml says `foreach` and `matrix`; everything after this file sees plain stages.
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import type { JsonValue } from '../base/schema.ts';
import { files } from '../project/layout.ts';
import { lookUp } from './params.ts';
import type { PipelineConfig, StageBody } from './schema.ts';

/** One stage, all templates filled in. */
export interface StageSpec {
  /** 'train' or 'train@a' */
  readonly name: string;
  readonly desc: string | undefined;
  readonly action:
    | { readonly kind: 'cmd'; readonly cmd: string | readonly string[] }
    | { readonly kind: 'step'; readonly uses: string; readonly with: { [key: string]: JsonValue } };
  readonly needs: readonly string[];
  readonly deps: readonly string[];
  readonly params: readonly string[];
  readonly outs: readonly string[];
  readonly metrics: readonly string[];
  readonly plots: readonly string[];
  /** folder in the project that is kept until the stage ends well */
  readonly checkpoint: string | undefined;
  readonly seed: number;
  readonly env: Readonly<Record<string, string>>;
  readonly resources: {
    readonly gpus: number;
    readonly labels: readonly string[];
    readonly image?: string | undefined;
    readonly minutes?: number | undefined;
  };
  readonly frozen: boolean | Digest;
  readonly always: boolean;
}

/**
 * @param params the whole of params.yaml, for ${params.x}
 * @returns stages in the order of the file, items in the order given
 * @throws PlumbError CONFIG_INVALID for a template that names nothing
 */
export function expandStages(config: PipelineConfig, params: JsonValue): StageSpec[] {
  return Object.entries(config.stages).flatMap(([name, stage]) => {
    if (stage.foreach !== undefined && stage.do !== undefined) {
      const inner = stage.do;
      return itemsOf(stage.foreach).map(({ key, item }) => fill(`${name}@${itemName(key)}`, inner, { item, key, params }));
    }
    if (stage.matrix !== undefined) {
      checkSize(name, stage.matrix);
      return combinations(stage.matrix).map((item) =>
        fill(
          `${name}@${Object.values(item)
            .map((value) => itemName(plainText(value)))
            .join('-')}`,
          stage,
          { item, key: '', params },
        ),
      );
    }
    return [fill(name, stage, { item: null, key: '', params })];
  });
}

function itemsOf(foreach: JsonValue[] | { [key: string]: JsonValue }): { key: string; item: JsonValue }[] {
  if (!Array.isArray(foreach)) return Object.entries(foreach).map(([key, item]) => ({ key, item }));
  return foreach.map((item, at) => ({ key: item !== null && typeof item === 'object' ? String(at) : plainText(item), item }));
}

/** A pipeline of this many stages still binds in seconds. */
const mostCombinations = 10_000;

/** Counted before they are made: nine axes of ten values are a thousand million stages. */
function checkSize(name: string, matrix: { [key: string]: JsonValue[] }): void {
  const count = Object.values(matrix).reduce((product, values) => product * values.length, 1);
  if (count <= mostCombinations) return;
  throw new PlumbError('CONFIG_INVALID', {
    what: `the matrix of stage "${name}" has ${count} combinations, at most ${mostCombinations} are taken`,
    where: { file: files.pipeline, path: `stages.${name}.matrix` },
    mend: 'take values or axes out, or write the combinations that you want under foreach',
  });
}

function combinations(matrix: { [key: string]: JsonValue[] }): { [key: string]: JsonValue }[] {
  return Object.entries(matrix).reduce<{ [key: string]: JsonValue }[]>(
    (done, [axis, values]) => done.flatMap((sofar) => values.map((value) => ({ ...sofar, [axis]: value }))),
    [{}],
  );
}

/** What may stand behind the @ of a stage name. */
function itemName(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}_.-]+/gu, '_').slice(0, 60) || '_';
}

interface Scope {
  readonly item: JsonValue;
  readonly key: string;
  readonly params: JsonValue;
}

function fill(name: string, body: StageBody, scope: Scope): StageSpec {
  const one = (text: string): string => substitute(name, text, scope, (value) => value);
  const list = (texts: readonly string[] | undefined): string[] => (texts ?? []).map(one);
  const { cmd } = body;
  return {
    name,
    desc: body.desc,
    action:
      body.uses !== undefined
        ? { kind: 'step', uses: body.uses, with: deep(body.with ?? {}, one) as { [key: string]: JsonValue } }
        : { kind: 'cmd', cmd: typeof cmd === 'string' ? substitute(name, cmd, scope, shellWord) : list(cmd) },
    needs: list(body.needs),
    deps: list(body.deps),
    params: list(body.params),
    outs: list(body.outs),
    metrics: list(body.metrics),
    plots: list(body.plots),
    checkpoint: body.checkpoint === undefined ? undefined : one(body.checkpoint),
    seed: body.seed ?? 0,
    env: Object.fromEntries(Object.entries(body.env ?? {}).map(([key, value]) => [key, one(value)])),
    resources: body.resources ?? { gpus: 0, labels: [] },
    frozen: body.frozen ?? false,
    always: body.always ?? false,
  };
}

function deep(value: JsonValue, one: (text: string) => string): JsonValue {
  if (typeof value === 'string') return one(value);
  if (Array.isArray(value)) return value.map((item) => deep(item, one));
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, deep(item, one)]));
  return value;
}

function substitute(stage: string, text: string, scope: Scope, quote: (value: string) => string): string {
  return text.replaceAll(/\$\{\s*([^}]*?)\s*\}/g, (whole, expression: string) => {
    const [head, ...rest] = expression.split('.');
    // ${HOME} and the like belong to the shell
    if (head !== 'item' && head !== 'key' && head !== 'params') return whole;
    const root: JsonValue = head === 'key' ? scope.key : head === 'item' ? scope.item : scope.params;
    const value = rest.length === 0 ? root : lookUp(root, rest.join('.'));
    if (value === undefined || value === null || typeof value === 'object') throw noSuchValue(stage, whole, root);
    return quote(plainText(value));
  });
}

function noSuchValue(stage: string, template: string, root: JsonValue): PlumbError {
  const keys = root !== null && typeof root === 'object' && !Array.isArray(root) ? Object.keys(root).toSorted(byCodeUnit) : [];
  return new PlumbError('CONFIG_INVALID', {
    what: `stage "${stage}": ${template} names no single value.${didYouMean(template.slice(2, -1).split('.').slice(1).join('.'), keys)}`,
    where: { file: files.pipeline },
    mend: keys.length > 0 ? `valid names here: ${keys.join(', ')}` : 'use ${item}, ${item.name}, ${key} or ${params.name}',
  });
}

function plainText(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** One word for the shell, whatever it holds. */
function shellWord(value: string): string {
  return /^[\w./:=@%+,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
