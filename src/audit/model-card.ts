// A model card as Hugging Face reads it: facts in YAML in front, Markdown for people below. It says what the log and the evidence say, and nothing that
// only people know (for what it is meant, whom it may harm): those headings ask for it.
// Source: huggingface.co/docs/hub/model-cards; github.com/huggingface/hub-docs, modelcard.md
import { shortDigest } from '../base/digest.ts';
import { code, prose } from '../report/markdown-text.ts';
import { visible } from '../report/visible.ts';
import type { Evaluation } from '../evaluate/schema.ts';
import { flatten } from '../pipeline/why.ts';
import { dataUses, type Dossier } from './dossier.ts';
import { approversOf, objectionsOf, timeInWords } from './words.ts';

/** @returns a README.md; the same dossier gives the same bytes */
export function modelCard(dossier: Dossier): string {
  const { served } = dossier;
  const sections = [
    `---\n${frontMatter(dossier)}---\n`,
    `# ${prose(served.model, 100)}\n\nIn ${served.stage} since ${timeInWords(served.since)} UTC, as ${code(shortDigest(served.artifact))}.`,
    decisionSection(dossier),
    dataSection(dossier),
    trainingSection(dossier),
    evaluationSection(dossier),
    '## Intended use, limits, risks\n\nNot in the log: who owns this model writes it here.',
    evidenceSection(dossier),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** YAML whose every value is JSON: no name and no label means anything in it. */
function frontMatter(dossier: Dossier): string {
  const { served, evaluation } = dossier;
  const text = (value: string): string => JSON.stringify(visible(value));
  const trained = dataUses(dossier).filter(({ use }) => use === 'trained');
  const lines = [
    `model_name: ${text(served.model)}`,
    'tags: ["plumbline"]',
    `datasets: [${trained.map(({ name }) => text(name)).join(', ')}]`,
    ...(evaluation === null ? [] : ['metrics: ["accuracy", "f1"]', ...modelIndex(served.model, evaluation, text)]),
  ];
  return `${lines.join('\n')}\n`;
}

function modelIndex(model: string, { suite, suiteDigest, accuracy, macro }: Evaluation, text: (value: string) => string): string[] {
  return [
    'model-index:',
    `  - name: ${text(model)}`,
    '    results:',
    '      - task: { type: "text-classification" }',
    `        dataset: { name: ${text(suite)}, type: ${text(suite)}, revision: ${text(suiteDigest)} }`,
    '        metrics:',
    `          - { type: "accuracy", value: ${accuracy.value} }`,
    `          - { type: "f1", value: ${macro.f1}, name: "macro F1" }`,
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function decisionSection({ decision, promotion, served }: Dossier): string {
  const { pull, reason } = decision;
  const rows: [string, string][] = [
    ['record', `${served.seq}, ${timeInWords(decision.at)} UTC`],
    ['commit', code(served.commit)],
    [
      'pull request',
      pull === null ? 'none' : `${pull.number}, by ${code(pull.author ?? 'nobody known')}, merged by ${code(pull.mergedBy ?? 'nobody known')}`,
    ],
    ['approved by', decision.approvals.length === 0 ? 'nobody' : code(approversOf(decision))],
    ['gate', promotion === null ? 'not known' : `${code(promotion.gate.gate)} ${promotion.gate.holds ? 'holds' : 'does not hold'}`],
    ...(promotion?.forced ? [['forced, because', prose(promotion.forced.reason)] as [string, string]] : []),
    ...(reason === null ? [] : [['reason', prose(reason)] as [string, string]]),
    ...objectionsOf(decision).map((text): [string, string] => ['did not hold', prose(text)]),
  ];
  return `## Why it is there\n\n${table(['', ''], rows)}`;
}

function dataSection(dossier: Dossier): string {
  const rows = dataUses(dossier).map(({ name, manifest, use }) => [code(name), use, code(manifest)]);
  return rows.length === 0 ? '' : `## Data\n\n${table(['data set', 'use', 'manifest'], rows)}`;
}

function trainingSection({ pointer, runs }: Dossier): string {
  const run = pointer === null ? undefined : runs.get(pointer.run);
  if (run === undefined) return '';
  const rows = [...flatten(run.params)].map(([key, value]) => [code(key), code(JSON.stringify(value))]);
  const facts = `Stage ${code(run.stage)}, seed ${run.seed}, ${timeInWords(run.started)} to ${timeInWords(run.finished)} UTC, code ${run.code.commit === null ? 'not committed' : code(run.code.commit)}.`;
  return `## Training\n\n${facts}${rows.length === 0 ? '' : `\n\n${table(['hyperparameter', 'value'], rows)}`}`;
}

function evaluationSection({ evaluation }: Dossier): string {
  if (evaluation === null) return '';
  const { accuracy, cases, correct, macro, calibration, suite } = evaluation;
  const share = (value: number): string => `${(100 * value).toFixed(2)} %`;
  const rows = [
    ['accuracy', `${share(accuracy.value)} (95 %: ${share(accuracy.low)} to ${share(accuracy.high)})`],
    ['right answers', `${correct} of ${cases}`],
    ['macro F1', share(macro.f1)],
    ['calibration error (ECE)', calibration.ece.toFixed(4)],
  ];
  return `## Evaluation\n\nOn ${code(suite)}.\n\n${table(['metric', 'value'], rows)}`;
}

function evidenceSection({ served, pointer, findings }: Dossier): string {
  const rows = [
    ['model file', served.artifact],
    ['pointer', served.pointer],
    ...(pointer === null
      ? []
      : [
          ['training run', pointer.run],
          ['evaluation run', pointer.evaluation],
          ['report', pointer.report],
          ['promotion', pointer.promotion],
          ['policy', pointer.policy],
        ]),
  ].map(([name = '', digest = '']) => [name, code(digest)]);
  const faults = findings.map(({ what }) => `\n\nDoes not hold: ${prose(what)}`).join('');
  return `## Evidence\n\n${table(['what', 'SHA-256'], rows)}${faults}`;
}
