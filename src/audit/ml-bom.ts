// A bill of materials of a model, for tools that read those: CycloneDX 1.6, with the model as the one component that it is about, and data sets, parts and
// training as what it is made of. Source: cyclonedx.org/docs/1.6/json; the schema itself is checked by ml-bom.test.ts
import { canonicalJsonFile, type Json } from '../base/canonical.ts';
import { digestOf, hexOf, shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Evaluation, Interval } from '../evaluate/schema.ts';
import { flatten } from '../pipeline/why.ts';
import { dataUses, type Dossier } from './dossier.ts';

/** @returns one JSON file; the same dossier gives the same bytes. @throws PlumbError EVIDENCE_INVALID where there is no pointer */
export function mlBom(dossier: Dossier, version: string): string {
  const { pointer, served, decision } = dossier;
  if (pointer === null) {
    throw new PlumbError('EVIDENCE_INVALID', {
      what: `the pointer of ${served.model} in ${served.stage} is not there`,
      mend: 'run `plumb audit verify`',
    });
  }
  const model = `model:${served.model}`;
  const data = dataUses(dossier);
  const parts = Object.entries(pointer.parts ?? {});
  const dataRefs = data.map(({ name }) => `data:${name}`);
  const partRefs = parts.map(([name]) => `part:${name}`);
  return canonicalJsonFile({
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(served.pointer)}`,
    version: 1,
    metadata: {
      timestamp: decision.at,
      tools: { components: [{ type: 'application', name: 'plumbline', version }] },
      component: {
        type: 'machine-learning-model',
        'bom-ref': model,
        name: served.model,
        version: shortDigest(pointer.artifact.digest),
        hashes: [sha256(pointer.artifact.digest)],
        modelCard: modelCardOf(
          dossier,
          data.filter(({ use }) => use === 'trained').map(({ name }) => `data:${name}`),
        ),
        ...referencesOf(decision.pull?.url ?? null),
        properties: propertiesOf(dossier),
      },
    },
    components: [
      ...data.map(({ name, manifest, use }) => ({
        type: 'data',
        'bom-ref': `data:${name}`,
        name,
        version: shortDigest(manifest),
        hashes: [sha256(manifest)],
        data: [{ type: 'dataset', name }],
        properties: [{ name: 'plumbline:use', value: use }],
      })),
      ...parts.map(([name, { digest, bytes }]) => ({
        type: 'file',
        'bom-ref': `part:${name}`,
        name,
        version: shortDigest(digest),
        hashes: [sha256(digest)],
        properties: [{ name: 'plumbline:bytes', value: String(bytes) }],
      })),
    ],
    dependencies: [{ ref: model, dependsOn: [...dataRefs, ...partRefs] }, ...[...dataRefs, ...partRefs].map((ref) => ({ ref }))],
  });
}

function sha256(digest: Digest): { alg: string; content: string } {
  return { alg: 'SHA-256', content: hexOf(digest) };
}

/** Not random, so that an export is the same bytes each time: version 8, "vendor specific". Source: RFC 9562, section 5.8 */
function uuidOf(pointer: Digest): string {
  const hex = hexOf(digestOf(`plumbline ml-bom ${pointer}`));
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}

function modelCardOf({ evaluation, pointer }: Dossier, trainedOn: readonly string[]): Json {
  return {
    modelParameters: { datasets: trainedOn.map((ref) => ({ ref })), inputs: [], outputs: [{ format: pointer?.artifact.format ?? 'unknown' }] },
    quantitativeAnalysis: { performanceMetrics: evaluation === null ? [] : metricsOf(evaluation) },
  };
}

function metricsOf(evaluation: Evaluation): Json[] {
  const { accuracy, macro, calibration, classes } = evaluation;
  const bounds = ({ low, high }: Interval): Json => ({ lowerBound: String(low), upperBound: String(high) });
  return [
    { type: 'accuracy', value: String(accuracy.value), confidenceInterval: bounds(accuracy) },
    { type: 'macro F1', value: String(macro.f1) },
    { type: 'macro precision', value: String(macro.precision) },
    { type: 'macro recall', value: String(macro.recall) },
    { type: 'expected calibration error', value: String(calibration.ece) },
    ...classes.map(({ label, recall }) => ({ type: 'recall', value: String(recall), slice: label })),
  ];
}

/** Addresses come from a forge; a bill of materials takes those of the web. */
function referencesOf(url: string | null): { externalReferences?: Json } {
  if (url === null || !/^https?:\/\/[^\s<>"{}|\\^`]+$/.test(url)) return {};
  return { externalReferences: [{ type: 'evidence', url, comment: 'the pull request that was approved' }] };
}

function propertiesOf({ served, decision, pointer, runs, promotion }: Dossier): Json[] {
  const train = pointer === null ? undefined : runs.get(pointer.run);
  const facts: [string, string | null | undefined][] = [
    ['stage', served.stage],
    ['servedSince', served.since],
    ['record', String(served.seq)],
    ['commit', served.commit],
    ['pointer', served.pointer],
    ['run', pointer?.run],
    ['evaluation', pointer?.evaluation],
    ['report', pointer?.report],
    ['policy', pointer?.policy],
    ['code', pointer?.code],
    ['gate', promotion === null ? null : `${promotion.gate.gate}: ${promotion.gate.holds ? 'holds' : 'does not hold'}`],
    ['forced', promotion?.forced?.reason],
    ['approvedBy', decision.approvals.length === 0 ? null : decision.approvals.map(({ login }) => login).join(', ')],
    ['seed', train === undefined ? null : String(train.seed)],
    ...(train === undefined ? [] : [...flatten(train.params)].map(([key, value]): [string, string] => [`param:${key}`, JSON.stringify(value)])),
  ];
  return facts.flatMap(([name, value]) => (value === null || value === undefined ? [] : [{ name: `plumbline:${name}`, value }]));
}
