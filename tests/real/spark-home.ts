// Spark for tests: its PyPI package in a cache folder outside the work tree, installed once; and a cluster of one master and one worker on this machine.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
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

export interface Cluster extends AsyncDisposable {
  /** spark://127.0.0.1:port */
  readonly master: string;
}

/** A standalone master and a worker of two cores. @param folder of its own, for what they write */
export async function startCluster({ home, env }: SparkHome, folder: string): Promise<Cluster> {
  const [port, masterUi, workerUi] = [await freePort(), await freePort(), await freePort()];
  const master = `spark://127.0.0.1:${port}`;
  const processes: ChildProcess[] = [];
  const start = (...args: string[]): void => {
    const settings = { ...env, SPARK_DAEMON_MEMORY: '256m', SPARK_LOG_DIR: folder, SPARK_WORKER_DIR: folder, SPARK_LOCAL_DIRS: folder };
    processes.push(spawn(join(home, 'bin', 'spark-class'), args, { env: settings, stdio: 'ignore', cwd: folder }));
  };
  start('org.apache.spark.deploy.master.Master', '--host', '127.0.0.1', '--port', String(port), '--webui-port', String(masterUi));
  start(
    'org.apache.spark.deploy.worker.Worker',
    '--host',
    '127.0.0.1',
    '--webui-port',
    String(workerUi),
    '-c',
    '2',
    '-m',
    '1g',
    '-d',
    folder,
    master,
  );
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${masterUi}/json/`).catch(() => null);
    const state = (await answer?.json().catch(() => null)) as { aliveworkers?: number } | null;
    if (state?.aliveworkers === 1) break;
    if (processes.some((one) => one.exitCode !== null)) throw new Error('the Spark cluster ended before it began');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return {
    master,
    async [Symbol.asyncDispose]() {
      const ended = processes.map((one) => (one.exitCode !== null ? null : new Promise((resolve) => one.once('exit', resolve))));
      for (const one of processes) one.kill('SIGKILL');
      await Promise.all(ended);
    },
  };
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
