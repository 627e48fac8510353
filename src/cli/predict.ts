import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import type { Command } from 'commander';
import { syncFolder, temporaryBeside } from '../base/atomic.ts';
import { shortDigest } from '../base/digest.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import { checkName } from '../base/names.ts';
import { oneLine } from '../registry/one-line.ts';
import type { Row } from '../datasets/rows.ts';
import type { OpenModel } from '../serve/artifact.ts';
import type { Predictor } from '../train/predictor.ts';
import type { Cli } from './command.ts';
import { stageOption } from './stage-option.ts';

interface Options {
  readonly file?: string;
  readonly out?: string;
  readonly input: string;
  readonly top?: number;
  readonly stage?: 'staging' | 'production';
  readonly ref?: string;
  readonly rev?: string;
  readonly modelFile?: string;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('[model]', 'name of the model; leave it out with --model-file')
    .argument('[text]', 'one text to predict')
    .option('--file <rows>', 'predict each row of a .jsonl, .csv or .parquet file; - reads JSONL from standard input')
    .option('--out <file>', 'write the rows, with a field "predicted", to this JSONL file; standard output unless told')
    .option('--input <column>', 'column that holds the text', 'text')
    .option('--top <k>', 'name the k most probable labels', parseTop)
    .addOption(stageOption('the model of this stage (default: serve.stage of plumbline.yaml, production)'))
    .option('--ref <branch>', 'the pointer of this branch (default: main of plumbline.yaml)')
    .option('--rev <revision>', 'the pointer as it was at this commit, tag or HEAD~2')
    .option('--model-file <path>', 'a model file itself, such as out/train/model.onnx')
    .addHelpText(
      'after',
      `
Example:
  plumb predict intents "where is my card?" --top 3
  plumb predict intents --file data/new.jsonl --out predicted.jsonl`,
    )
    .action((model: string | undefined, text: string | undefined, options: Options) => predict({ model, text, options }, cli));
}

async function predict(given: { model: string | undefined; text: string | undefined; options: Options }, cli: Cli): Promise<void> {
  const { options } = given;
  // with --model-file there is no name to give: the first word is the text
  const shifted = options.modelFile !== undefined && given.text === undefined && options.file === undefined;
  const text = shifted ? given.model : given.text;
  if ((text === undefined) === (options.file === undefined)) {
    throw usage('give either a text or --file', 'plumb predict <model> "a text", or plumb predict <model> --file rows.jsonl');
  }
  if (options.out !== undefined && options.file === undefined)
    throw usage('--out goes with --file', 'redirect the output of a single text: > answer.txt');
  if (options.rev !== undefined && options.ref !== undefined) throw usage('--rev and --ref say the same twice', 'give one of them');
  const opened = await openModel(shifted ? undefined : given.model, options, cli);
  try {
    if (text === undefined) await predictFile(opened, options, cli);
    else await predictText(opened, text, options, cli);
  } finally {
    await opened.predictor.close();
  }
}

interface Opened {
  readonly predictor: Predictor;
  /** what answered, for --json */
  readonly model: { readonly name: string | null; readonly stage: string | null; readonly digest: string; readonly commit: string | null };
}

async function openModel(name: string | undefined, options: Options, cli: Cli): Promise<Opened> {
  const { openPredictor } = await import('../train/predictor.ts');
  const open: OpenModel = (file, { digest }) => openPredictor(file, { digest, encoder: cli.env['PLUMB_ENCODER'] });
  if (options.modelFile !== undefined) {
    const path = resolve(cli.cwd, options.modelFile);
    const { digestOfFile } = await import('../base/digest.ts');
    const { digest } = await digestOfFile(path);
    return { predictor: await open(path, { digest }), model: { name: name ?? null, stage: null, digest, commit: null } };
  }
  if (name === undefined) throw usage('no model is named', 'plumb predict <model> "a text"; `plumb history` lists the models');
  checkName('model', name);
  const [{ openPlace }, { findModel }, { openArtifact }] = await Promise.all([
    import('../serve/place.ts'),
    import('../serve/find-model.ts'),
    import('../serve/artifact.ts'),
  ]);
  const place = await openPlace(cli, options.ref);
  const revision = options.rev ?? options.ref ?? place.config.main;
  const model = await findModel(place, { name, stage: options.stage ?? place.config.serve.stage, revision });
  const predictor = await openArtifact(model, place.store, open);
  return { predictor, model: { name, stage: model.stage, digest: model.digest, commit: model.commit } };
}

async function predictText(opened: Opened, text: string, options: Options, cli: Cli): Promise<void> {
  const { showPrediction } = await import('../serve/request.ts');
  const [prediction] = await opened.predictor.predict([text], { top: options.top ?? 1 });
  if (prediction === undefined) throw new Error('the model gave no prediction');
  const shown = showPrediction(prediction, options.top);
  cli.emit({ ...shown, model: opened.model });
  for (const { label, score } of shown.top ?? [shown]) cli.print(`${score.toFixed(4)}  ${cli.paint.bold(oneLine(label))}`);
}

async function predictFile(opened: Opened, options: Options, cli: Cli): Promise<void> {
  const { predictRows } = await import('../serve/bulk.ts');
  const file = options.file ?? '-';
  const bar = cli.progress.start(`predict ${file === '-' ? 'standard input' : basename(file)}`, undefined, 'rows');
  const started = performance.now();
  let rows = 0;
  try {
    const source = await readRowsOf(file, cli);
    const answers = predictRows(source, opened.predictor, {
      input: options.input,
      file: file === '-' ? 'standard input' : file,
      signal: cli.signal,
      ...(options.top === undefined ? {} : { top: options.top }),
    });
    await withOutput(options.out === undefined ? undefined : resolve(cli.cwd, options.out), async (out) => {
      for await (const piece of answers) {
        rows += piece.rows;
        bar.advance(piece.rows);
        if (!out.write(piece.lines)) await once(out, 'drain');
      }
    });
  } finally {
    bar.end();
  }
  const seconds = (performance.now() - started) / 1000;
  const rate = Math.round(rows / seconds);
  if (options.out === undefined) return;
  cli.print(
    `${rows} rows predicted by ${opened.model.name ?? 'the model file'} ${shortDigest(opened.model.digest as `sha256:${string}`)}, ${rate} rows/s: ${options.out}`,
  );
  cli.emit({ rows, seconds, out: options.out, model: opened.model });
}

async function readRowsOf(file: string, cli: Cli): Promise<AsyncIterable<readonly Row[]>> {
  const { readRowBatches, requireFormatOfName } = await import('../datasets/rows.ts');
  if (file === '-') {
    const { stdin } = process;
    cli.signal.addEventListener('abort', () => stdin.destroy(), { once: true });
    return readRowBatches('-', 'jsonl', { name: 'standard input', source: stdin as AsyncIterable<Buffer> });
  }
  return readRowBatches(resolve(cli.cwd, file), requireFormatOfName(file), { signal: cli.signal, name: file });
}

/** Runs work with standard output, or with a file that is there whole or not at all. */
async function withOutput(path: string | undefined, work: (out: Writable) => Promise<void>): Promise<void> {
  if (path === undefined) return work(process.stdout);
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryBeside(path);
  const out = createWriteStream(temporary, { flags: 'wx', flush: true });
  const written = finished(out);
  // looked at below; an error that comes first shall not be an unhandled one
  written.catch(() => undefined);
  try {
    await work(out);
    out.end();
    await written;
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    out.destroy();
    await rm(temporary, { force: true });
    throw systemError(error, 'write', path);
  }
}

function parseTop(text: string): number {
  const top = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (top >= 1 && top <= 100) return top;
  throw usage(`"${text}" is no number of labels`, 'give --top a number from 1 to 100');
}

function usage(what: string, mend: string): PlumbError {
  return new PlumbError('USAGE', { what, mend });
}
