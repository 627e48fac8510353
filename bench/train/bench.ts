// Trains on real rows and asks the test rows: time, accuracy, size and speed, beside scikit-learn on the same features. Prints a Markdown table.
// Usage: node bench/train/bench.ts [--test TEST.jsonl] [--python PYTHON] [--encoder FOLDER] [TRAIN.jsonl...]
//   --python: an interpreter with bench/train/requirements.txt installed (python3 -m venv v && v/bin/pip install -r bench/train/requirements.txt)
//   --encoder: a folder with model.onnx and tokenizer.json (bench/train/encoder_to_onnx.py makes one from safetensors)
// The rows of the classifier template are taken unless others are named. Rows have the columns text and label.
import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { silentProgress } from '../../src/base/progress.ts';
import { openPredictor } from '../../src/train/predictor.ts';
import { trainText } from '../../src/train/step.ts';

interface Row {
  readonly text: string;
  readonly label: string;
}

interface Figures {
  readonly name: string;
  readonly features: number;
  readonly featuresSeconds: number;
  readonly fitSeconds: number;
  /** the whole step: reading, held-out training, training, checking */
  readonly stepSeconds?: number;
  readonly accuracy: number;
  readonly macroF1: number;
  readonly bytes: number;
  readonly rowsPerSecond: number;
  /** milliseconds, one text */
  readonly p50: number;
  readonly p99: number;
}

const data = (name: string): string => fileURLToPath(new URL(`../../templates/classifier/data/${name}`, import.meta.url));
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { test: { type: 'string', default: data('intents-test.jsonl') }, python: { type: 'string' }, encoder: { type: 'string' } },
});
const trainFiles = positionals.length > 0 ? positionals : [data('intents.jsonl'), data('held-back.jsonl')];
const test = (await readFile(options.test, 'utf8'))
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Row);

const folder = await mkdtemp(join(tmpdir(), 'plumb-bench-train-'));
try {
  const rows = join(folder, 'train.jsonl');
  for (const file of trainFiles) await appendFile(rows, `${(await readFile(file, 'utf8')).trimEnd()}\n`);
  const results = [
    await measure(rows, 'softmax', {}),
    await measure(rows, 'softmax, validation: 0', { validation: 0 }),
    await measure(rows, 'softmax, int8', { quantize: 'int8' }),
    await measure(rows, 'svm', { model: 'svm' }),
    ...(options.encoder === undefined ? [] : [await measure(rows, 'softmax, encoder', { validation: 0 }, options.encoder)]),
    ...(options.python === undefined ? [] : await measureScikitLearn(options.python)),
  ];
  process.stdout.write(table(results));
} finally {
  await rm(folder, { recursive: true });
}

async function measure(rows: string, name: string, params: object, encoder?: string): Promise<Figures> {
  const outputs = { model: join(folder, 'model.onnx'), curve: join(folder, 'curve.json') };
  const started = performance.now();
  const { metrics, measured } = await trainText.run({
    with: trainText.with.parse({ data: 'train', ...(encoder === undefined ? {} : { encoder }) }),
    params: trainText.params?.parse(params) as never,
    seed: 0,
    origins: {},
    cacheDir: folder,
    memoryDir: null,
    inputs: { data: rows, ...(encoder === undefined ? {} : { encoder }) },
    outputs,
    progress: silentProgress,
    signal: new AbortController().signal,
    log: () => undefined,
  });
  const stepSeconds = (performance.now() - started) / 1000;
  const predictor = await openPredictor(outputs.model, encoder === undefined ? {} : { encoder });
  const texts = test.map((row) => row.text);
  const bulkStarted = performance.now();
  const answers = (await predictor.predict(texts)).map((prediction) => prediction.label);
  const rowsPerSecond = (1000 * texts.length) / (performance.now() - bulkStarted);
  const times: number[] = [];
  for (const text of texts) {
    const began = performance.now();
    await predictor.predict([text]);
    times.push(performance.now() - began);
  }
  await predictor.close();
  times.sort((a, b) => a - b);
  return {
    name: `plumb ${name}`,
    features: metrics['features'] ?? 0,
    featuresSeconds: measured['features_seconds'] ?? 0,
    fitSeconds: measured['fit_seconds'] ?? 0,
    stepSeconds,
    accuracy: answers.filter((label, at) => label === test[at]?.label).length / test.length,
    macroF1: macroF1(answers),
    bytes: (await stat(outputs.model)).size,
    rowsPerSecond,
    p50: times[Math.floor(times.length / 2)] ?? 0,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
  };
}

function macroF1(answers: readonly string[]): number {
  const labels = [...new Set([...answers, ...test.map((row) => row.label)])];
  const scores = labels.map((label) => {
    const right = test.filter((row, at) => row.label === label && answers[at] === label).length;
    const named = answers.filter((answer) => answer === label).length + test.filter((row) => row.label === label).length;
    return (2 * right) / named;
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

async function measureScikitLearn(python: string): Promise<Figures[]> {
  const script = fileURLToPath(new URL('sklearn_baseline.py', import.meta.url));
  const { stdout } = await promisify(execFile)(python, [script, options.test, ...trainFiles]);
  return JSON.parse(stdout) as Figures[];
}

function table(results: readonly Figures[]): string {
  const cells = results.map((result) => [
    result.name,
    result.features.toLocaleString('en-US'),
    `${result.featuresSeconds.toFixed(1)} s`,
    `${result.fitSeconds.toFixed(1)} s`,
    result.stepSeconds === undefined ? '' : `${result.stepSeconds.toFixed(1)} s`,
    (100 * result.accuracy).toFixed(2),
    (100 * result.macroF1).toFixed(2),
    `${(result.bytes / 1e6).toFixed(1)} MB`,
    Math.round(result.rowsPerSecond).toLocaleString('en-US'),
    `${result.p50.toFixed(3)} ms`,
    `${result.p99.toFixed(3)} ms`,
  ]);
  const head = ['', 'features', 'make features', 'fit', 'whole step', 'test accuracy', 'macro-F1', 'model', 'rows/s in bulk', 'one text p50', 'p99'];
  const lines = [head, head.map((name) => (name === '' ? '---' : '---:')), ...cells].map((line) => `| ${line.join(' | ')} |`);
  return `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${test.length} test rows\n\n${lines.join('\n')}\n`;
}
