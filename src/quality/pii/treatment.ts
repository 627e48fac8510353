// What pii.yaml says of each entity, with what it leaves unsaid filled in.
import { PlumbError } from '../../base/errors.ts';
import { didYouMean } from '../../base/names.ts';
import type { Severity } from '../findings.ts';
import type { Action, PiiConfig } from './config.ts';
import { entitiesOfCountry, patternEntities, usualEntities } from './recognise.ts';

export interface Treatment {
  readonly action: Action;
  readonly threshold: number;
  readonly severity: Severity;
  readonly keepLast: number;
}

export interface Treatments {
  /** entities that patterns find, sorted */
  readonly byPattern: readonly string[];
  /** entities that a model is asked for, sorted */
  readonly byModel: readonly string[];
  of(entity: string): Treatment;
}

/** What no pattern finds: said to be not looked for, where no recogniser is configured. */
export const modelEntities = ['PERSON', 'LOCATION', 'ORGANIZATION', 'NRP'] as const;

/** Of everyday texts, hardly ever of a person. */
const harmless = new Set(['DATE_TIME', 'URL']);

/** @throws PlumbError CONFIG_INVALID: an entity that nothing finds */
export function treatmentsOf(config: PiiConfig, file: string): Treatments {
  const named = Object.keys(config.entities);
  const byModel = [...new Set(config.recognisers.flatMap((one) => (one.kind === 'onnx' ? Object.values(one.entities) : one.entities)))].toSorted();
  const known = new Set([...patternEntities, ...byModel]);
  const unknown = [...named, ...Object.keys(config.allow)].find((entity) => !known.has(entity));
  if (unknown !== undefined) throw unknownEntity(unknown, known, file);
  const wanted = config.only ? named : [...usualEntities, ...config.countries.flatMap(entitiesOfCountry), ...named];
  const treatments = new Map([...known].map((entity) => [entity, treatmentOf(config, entity)]));
  return {
    byPattern: [...new Set(wanted)].filter((entity) => patternEntities.includes(entity)).toSorted(),
    byModel: byModel.filter((entity) => !config.only || named.includes(entity)),
    of: (entity) => treatments.get(entity) ?? treatmentOf(config, entity),
  };
}

function treatmentOf(config: PiiConfig, entity: string): Treatment {
  const said = config.entities[entity];
  const own = typeof said === 'string' ? { action: said } : (said ?? {});
  const action = own.action ?? (harmless.has(entity) && said === undefined ? 'keep' : config.action);
  return {
    action,
    threshold: own.threshold ?? config.threshold,
    severity: action === 'flag' ? (own.severity ?? 'error') : 'info',
    keepLast: own.keep_last ?? 0,
  };
}

function unknownEntity(entity: string, known: ReadonlySet<string>, file: string): PlumbError {
  const needsModel = (modelEntities as readonly string[]).includes(entity);
  return new PlumbError('CONFIG_INVALID', {
    what: needsModel
      ? `no pattern finds ${entity}, and no recogniser with a model is configured`
      : `nothing finds "${entity}".${didYouMean(entity, known)}`,
    where: { file, path: `entities.${entity}` },
    mend: needsModel ? 'add one under `recognisers` (docs/pii.md), or take the entity out' : 'docs/pii.md lists the entities',
  });
}

export function isRewriting(action: Action): boolean {
  return action !== 'flag' && action !== 'keep';
}
