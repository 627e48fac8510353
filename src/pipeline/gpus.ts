// Which graphics processors a stage had, for its run record: told, and no part of the fingerprint.
import { execFile } from 'node:child_process';

type Environment = Readonly<Record<string, string | undefined>>;

/** One that hangs, as a broken driver makes it, must not keep a stage from its record. */
const waitMs = 10_000;

/**
 * What the stage's processes could see, by CUDA_VISIBLE_DEVICES as it is.
 * @returns 'NVIDIA H200, 143771 MiB, driver 570.86.15' each; none where there is no nvidia-smi, or where it does not answer
 */
export async function describeGpus(env: Environment): Promise<string[]> {
  const query = ['--query-gpu=index,uuid,name,memory.total,driver_version', '--format=csv,noheader'];
  const text = await new Promise<string>((resolve) => {
    execFile('nvidia-smi', query, { env, timeout: waitMs }, (error, stdout) => resolve(error === null ? stdout : ''));
  });
  return visibleGpus(text, env['CUDA_VISIBLE_DEVICES']);
}

/**
 * @param text a line each: index, uuid, name, memory, driver
 * @param visible indices or beginnings of uuids, separated by commas; what stands behind one that is none does not count. Undefined: all
 * Source: CUDA C++ Programming Guide, "CUDA Environment Variables"
 */
export function visibleGpus(text: string, visible: string | undefined): string[] {
  const all = text.split('\n').flatMap((line) => {
    const [index, uuid, name, memory, driver] = line.split(',').map((part) => part.trim());
    return driver === undefined ? [] : [{ index, uuid: uuid ?? '', told: `${name}, ${memory}, driver ${driver}` }];
  });
  if (visible === undefined) return all.map(({ told }) => told);
  const chosen: string[] = [];
  for (const word of visible.split(',').map((part) => part.trim())) {
    const found = all.find(({ index, uuid }) => index === word || (/^GPU-./.test(word) && uuid.startsWith(word)));
    if (found === undefined) break;
    chosen.push(found.told);
  }
  return chosen;
}
