import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Version } from '@cyclonedx/cyclonedx-library/Spec';
import { Ajv } from 'ajv';
import { beforeAll, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { artifactOf, good, promotionInput } from '../registry/example.fixture.ts';
import { planPromotion } from '../registry/promotion.ts';
import { serialisePointer } from '../registry/pointer.ts';
import { plannedTree } from '../registry/tree.ts';
import type { Decision } from '../registry/audit-record.ts';
import type { LogRecord } from '../registry/decision-log.ts';
import { dossierOf, type Dossier } from './dossier.ts';
import { mlBom } from './ml-bom.ts';

const schemas = join(dirname(createRequire(import.meta.url).resolve('@cyclonedx/cyclonedx-library/package.json')), 'res/schema');
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs'])
  ajv.addSchema(schemaOf(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
const validate = ajv.compile(schemaOf(`bom-${Version.v1dot6}`));

function schemaOf(name: string): object {
  return JSON.parse(readFileSync(join(schemas, `${name}.SNAPSHOT.schema.json`), 'utf8')) as object;
}

let dossier: Dossier;
beforeAll(async () => {
  const { files, pointer } = await planPromotion(promotionInput({ candidate: good, stage: 'staging' }));
  const text = serialisePointer(pointer);
  const served = {
    model: 'intents',
    stage: 'staging' as const,
    artifact: digestOf(artifactOf(good)),
    pointer: digestOf(text),
    commit: 'a'.repeat(40),
    seq: 0,
    since: '2026-11-22T08:00:00.000Z',
  };
  const decision = { at: served.since, approvals: [{ login: 'grace' }], pull: { url: 'https://forge.example/pulls/7' } } as unknown as Decision;
  dossier = await dossierOf(plannedTree(files), served, [{ decision } as LogRecord]);
});

interface Bom {
  readonly serialNumber: string;
  readonly metadata: {
    readonly component: {
      readonly hashes: { readonly content: string }[];
      readonly modelCard: {
        readonly modelParameters: { readonly datasets: unknown[] };
        readonly quantitativeAnalysis: { readonly performanceMetrics: unknown[] };
      };
      readonly externalReferences?: { readonly url: string }[];
    };
  };
  readonly components: { readonly type: string; readonly 'bom-ref': string }[];
}
const bomOf = (of: Dossier): Bom => JSON.parse(mlBom(of, '0.1.0')) as Bom;

test('a bill of materials is one by the official schema of CycloneDX 1.6', () => {
  expect(dossier.findings).toEqual([]);
  const bom = bomOf(dossier);
  validate(bom);
  expect(validate.errors).toBeNull();
  const { component } = bom.metadata;
  expect(component.hashes).toEqual([{ alg: 'SHA-256', content: digestOf(artifactOf(good)).slice(7) }]);
  expect(component.modelCard.modelParameters.datasets).toEqual([{ ref: 'data:intents' }]);
  expect(component.modelCard.quantitativeAnalysis.performanceMetrics[0]).toMatchObject({ type: 'accuracy', value: String(100 / 120) });
  expect(component.externalReferences?.[0]?.url).toBe('https://forge.example/pulls/7');
  expect(bom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('the schema is asked: what is no bill of materials is refused', () => {
  expect(validate({ ...bomOf(dossier), specVersion: 16 })).toBe(false);
  const bom = bomOf(dossier);
  expect(validate({ ...bom, metadata: { ...bom.metadata, component: { ...bom.metadata.component, modelCard: { metrics: [] } } } })).toBe(false);
});

test('what moves with the model is in it; what is no address of the web is not', () => {
  const parts = { tokenizer: { digest: digestOf('tokenizer'), bytes: 9 }, prompt: { digest: digestOf('prompt'), bytes: 6 } };
  const pointer = dossier.pointer === null ? null : { ...dossier.pointer, parts };
  const decision = { ...dossier.decision, pull: { url: 'javascript:alert(1)' } } as Decision;
  const bom = bomOf({ ...dossier, pointer, decision });
  validate(bom);
  expect(validate.errors).toBeNull();
  expect(bom.components.map((one) => one['bom-ref'])).toEqual(['data:intents', 'part:tokenizer', 'part:prompt']);
  expect(bom.metadata.component.externalReferences).toBeUndefined();
});

test('the same model is the same bytes, another pointer another serial number', () => {
  expect(mlBom(dossier, '0.1.0')).toBe(mlBom(dossier, '0.1.0'));
  const other = { ...dossier, served: { ...dossier.served, pointer: digestOf('another') } };
  expect(bomOf(other).serialNumber).not.toBe(bomOf(dossier).serialNumber);
});
