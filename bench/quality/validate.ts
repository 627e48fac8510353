// plumb validate beside the same 25 checks by hand: adult, N rows against its previous version. One JSON line as the entries of shared/bench/quality have it.
//   node bench/quality/validate.ts FOLDER parquet|csv      FOLDER: with cur.* and prev.*, as make/adult.py 1000000 writes them
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Validation } from '../../src/quality/rules/report.ts';
import { node, plumbFile } from '../../tests/project.ts';

const [data = '.', format = 'parquet'] = process.argv.slice(2);
const rules = fileURLToPath(new URL('validate.rules.yaml', import.meta.url));
const file = (name: string): string => resolve(data, `${name}.${format}`);
const folder = mkdtempSync(join(tmpdir(), 'plumb-validate-'));
try {
  writeFileSync(join(folder, 'plumbline.yaml'), 'version: 1\n');
  spawnSync('git', ['init', '-q', folder]);
  const words = ['validate', file('cur'), '--rules', rules, '--reference', `prev=${file('prev')}`, '--json'];
  const start = performance.now();
  const ended = spawnSync(node, [plumbFile, ...words], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });
  const s = (performance.now() - start) / 1000;
  // the rules do not hold: rows were planted that break them
  if (ended.status !== 1) throw new Error(ended.stderr);
  const [judged] = (JSON.parse(ended.stdout) as { validations: [{ engine: string; validation: Validation }] }).validations;
  const { results } = judged.validation;
  const found = Object.fromEntries(results.map(({ name = '', failing, observed }) => [name, observed ?? failing]));
  const show = {
    checks: new Set(results.map(({ rule }) => rule)).size,
    broken_rows: results.reduce((sum, { failing }) => sum + failing, 0),
    engine: judged.engine,
  };
  const { hours_psi: psi, age_ks: ks, education_chi2: cramersV } = found;
  console.log(JSON.stringify({ s, result: { show, psi, ks, cramersV } }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
