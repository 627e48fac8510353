// Spark for tests: its PyPI package in a cache folder outside the work tree, installed once; and a cluster of one master and one worker on this machine.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { cacheFolder } from './servers/install.ts';

const pins = ['pyspark==4.3.0', 'grpcio', 'grpcio-status', 'googleapis-common-protos', 'pandas<3', 'pyarrow', 'zstandard'];

export interface SparkHome {
  readonly python: string;
  readonly submit: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Needs Java 17 and Python 3. @throws with pip's words */
export async function installSpark(): Promise<SparkHome> {
  const folder = join(cacheFolder(), 'spark-4.3.0');
  const python = join(folder, 'bin', 'python');
  const finished = join(folder, 'finished');
  if (!existsSync(finished)) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(cacheFolder(), { recursive: true });
    process.stderr.write(`installing Spark into ${folder}: 2 to 5 minutes, this once\n`);
    await toEnd('python3', ['-m', 'venv', folder]);
    await toEnd(python, ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check', ...pins]);
    await writeFile(finished, '');
  }
  const home = (await toEnd(python, ['-c', 'import os, pyspark; print(os.path.dirname(pyspark.__file__))'])).trim();
  const env = {
    ...process.env,
    SPARK_HOME: home,
    PYSPARK_PYTHON: python,
    SPARK_LOCAL_IP: '127.0.0.1',
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
  };
  return { python, submit: join(folder, 'bin', 'spark-submit'), home, env };
}

export interface Server extends AsyncDisposable {
  /** spark://127.0.0.1:port of a cluster, sc://127.0.0.1:port of Spark Connect */
  readonly url: string;
}

/** A standalone master and a worker of two cores. @param folder of its own, for what they write */
export async function startCluster({ home, env }: SparkHome, folder: string): Promise<Server> {
  const [port, masterUi, workerUi] = [await freePort(), await freePort(), await freePort()];
  const url = `spark://127.0.0.1:${port}`;
  const settings = { ...env, SPARK_DAEMON_MEMORY: '256m', SPARK_LOG_DIR: folder, SPARK_WORKER_DIR: folder, SPARK_LOCAL_DIRS: folder };
  const start = (name: string, ...args: string[]): ChildProcess =>
    spawn(join(home, 'bin', 'spark-class'), [`org.apache.spark.deploy.${name}`, '--host', '127.0.0.1', ...args], {
      env: settings,
      stdio: 'ignore',
      cwd: folder,
    });
  const processes = [
    start('master.Master', '--port', String(port), '--webui-port', String(masterUi)),
    start('worker.Worker', '--webui-port', String(workerUi), '-c', '2', '-m', '2g', '-d', folder, url),
  ];
  const ready = async (): Promise<boolean> => {
    const answer = await fetch(`http://127.0.0.1:${masterUi}/json/`).catch(() => null);
    const state = (await answer?.json().catch(() => null)) as { aliveworkers?: number } | null;
    return state?.aliveworkers === 1;
  };
  await untilReady(processes, ready);
  return { url, [Symbol.asyncDispose]: () => endAll(processes) };
}

/** Settings of a job of a test. */
export const jobAt = (master: string): string[] =>
  ['--master', master, '--driver-memory', '1g', '--executor-memory', '1g'].concat(
    ['ui.enabled=false', 'sql.shuffle.partitions=2', 'driver.host=127.0.0.1'].flatMap((setting) => ['--conf', `spark.${setting}`]),
  );

/** Spark Connect, whose jobs run in its own process. */
export async function startConnect({ submit, env }: SparkHome, folder: string): Promise<Server> {
  const port = await freePort();
  const binding = ['address=127.0.0.1', `port=${port}`].flatMap((setting) => ['--conf', `spark.connect.grpc.binding.${setting}`]);
  const words = [...jobAt('local[2]'), ...binding, '--class', 'org.apache.spark.sql.connect.service.SparkConnectServer', 'spark-internal'];
  const server = spawn(submit, words, { env: { ...env, SPARK_LOCAL_DIRS: folder }, stdio: 'ignore', cwd: folder });
  const ready = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)));
      socket.once('error', () => resolve(false));
    });
  await untilReady([server], ready);
  return { url: `sc://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => endAll([server]) };
}

async function untilReady(processes: readonly ChildProcess[], ready: () => Promise<boolean>): Promise<void> {
  while (!(await ready())) {
    if (processes.some((one) => one.exitCode !== null)) {
      await endAll(processes);
      throw new Error('Spark ended before it began');
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function endAll(processes: readonly ChildProcess[]): Promise<void> {
  const ended = processes.filter((one) => one.exitCode === null).map((one) => new Promise((resolve) => one.once('exit', resolve)));
  for (const one of processes) one.kill('SIGKILL');
  await Promise.all(ended);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function toEnd(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [printed, said] = ['', ''];
    child.stdout.on('data', (piece: Buffer) => (printed += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-2000)));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(printed) : reject(new Error(`${program} ended with ${String(code)}: ${said}`))));
  });
}
