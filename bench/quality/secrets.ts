// Secrets in the tree that make/plant_secrets.py of shared/bench/quality plants: one JSON line as its entries have it.
//   node bench/quality/secrets.ts FOLDER      FOLDER: holds tree/ and truth.json
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentProgress } from '../../src/base/progress.ts';
import { noMemory } from '../../src/quality/memory.ts';
import { openSecrets } from '../../src/quality/secrets/asked.ts';
import { judgeSecretsInFiles } from '../../src/quality/secrets/judge-files.ts';

const [folder = '.'] = process.argv.slice(2);
const truth = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as { file: string; line: number; kind: string }[];
const cpu = process.cpuUsage();
const start = performance.now();
const asked = await openSecrets({ config: null, columns: null, day: null, env: {}, pathOf: (file) => file, readText: async () => undefined });
const world = { memory: noMemory, progress: silentProgress, signal: new AbortController().signal };
const { report, flagged } = await judgeSecretsInFiles({ path: join(folder, 'tree'), name: 'tree' }, asked, world);
const s = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
const bytes = report.numbers['bytes'] ?? 0;

/** A key is several lines; a finding names the first. */
const isFound = ({ file, line }: (typeof truth)[number]): boolean =>
  flagged.some(({ key, findings }) => key === file && findings.some(({ message }) => Number(/^line (\d+)/.exec(message)?.[1]) === line));
const planted = new Set(truth.map(({ file }) => file));
const show = { found: truth.filter(isFound).length, planted: truth.length, other_files: flagged.filter(({ key }) => !planted.has(key)).length };
const cpuSeconds = (user + system) / 1e6;
console.log(
  JSON.stringify({ s, speed: { MB_s: Math.round(bytes / s / 1e5) / 10, cpu_s: Math.round(cpuSeconds * 100) / 100 }, result: { bytes, show } }),
);
