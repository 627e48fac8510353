// Loaded before plumb by `node --import`: counts the steps by which it changes the world (files written, renamed, linked and removed, processes
// started) and dies by kill -9 at the step that PLUMB_TEST_DIE_AT names: before it, or, where bytes are written, when half of them are there.
import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const last = Number(process.env['PLUMB_TEST_DIE_AT']);
// children shall live
delete process.env['PLUMB_TEST_DIE_AT'];
delete process.env['NODE_OPTIONS'];

let step = 0;
const isLast = (): boolean => ++step === last;
const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable');
};

type Method = (...args: unknown[]) => unknown;
type Methods = Record<string, Method>;

function beforeEach(object: object, names: readonly string[], when: (name: string, args: unknown[]) => boolean = () => true): void {
  const methods = object as Methods;
  for (const name of names) {
    const original = methods[name];
    if (original === undefined) throw new Error(`no ${name} to wait for`);
    methods[name] = function (this: unknown, ...args: unknown[]): unknown {
      if (when(name, args) && isLast()) die();
      return original.apply(this, args);
    };
  }
}

/** Half of the bytes, then the end. */
function inTheMiddle(handle: { fd: number }, data: unknown, place: { from?: unknown; length?: unknown; at?: unknown } = {}): void {
  if (!isLast()) return;
  const whole = typeof data === 'string' ? Buffer.from(data) : (data as Uint8Array);
  const bytes = whole.subarray(Number(place.from ?? 0), Number(place.from ?? 0) + Number(place.length ?? whole.length));
  fs.writeSync(handle.fd, bytes, 0, bytes.length >> 1, typeof place.at === 'number' ? place.at : null);
  die();
}

const isWriting = (name: string, args: unknown[]): boolean =>
  name !== 'open' ||
  (typeof args[1] === 'number'
    ? (args[1] & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0
    : typeof args[1] === 'string' && /[wax+]/.test(args[1]));

const probe = await fs.promises.open(process.execPath);
const handles = Object.getPrototypeOf(probe) as Methods;
await probe.close();
const { write, writeFile } = handles;
if (write === undefined || writeFile === undefined) throw new Error('no FileHandle to wait for');
handles['write'] = function (this: { fd: number }, data: unknown, from: unknown, length: unknown, at: unknown): unknown {
  inTheMiddle(this, data, { from, length, at });
  return write.call(this, data, from, length, at);
};
handles['writeFile'] = function (this: { fd: number }, data: unknown, ...rest: unknown[]): unknown {
  inTheMiddle(this, data);
  return writeFile.call(this, data, ...rest);
};
beforeEach(handles, ['sync', 'chmod', 'truncate']);

const append = fs.promises.appendFile as Method;
(fs.promises as unknown as Methods)['appendFile'] = (path: unknown, data: unknown, ...rest: unknown[]): unknown => {
  if (isLast()) {
    fs.appendFileSync(String(path), String(data).slice(0, String(data).length >> 1));
    die();
  }
  return append(path, data, ...rest);
};
beforeEach(fs.promises, ['open', 'rename', 'link', 'rm', 'rmdir', 'unlink', 'mkdir', 'symlink', 'chmod', 'copyFile', 'writeFile'], isWriting);
beforeEach(fs, ['mkdirSync', 'rmSync', 'writeFileSync', 'renameSync']);

const { spawn } = childProcess;
(childProcess as unknown as Methods)['spawn'] = (...args: unknown[]): unknown => {
  if (isLast()) die();
  const child = (spawn as Method)(...args);
  if (isLast()) die();
  return child;
};
syncBuiltinESMExports();
