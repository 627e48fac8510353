// `plumb doctor --forge`: reads, judges, prints; changes settings only with --fix and --yes, and then looks again.
import { setTimeout as pause } from 'node:timers/promises';
import { parseYaml } from '../base/config.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import { commandOf, findGaps, planFix, type Gap, type Judging } from '../ci/doctor.ts';
import { gapTable } from '../ci/doctor-gap.ts';
import { decideForge, decideToken, type ForgePlace } from '../ci/forge-place.ts';
import { openSettings } from '../forge/index.ts';
import type { SettingChange, SettingsPort } from '../forge/settings.ts';
import { addressOfRemote } from '../git/publish.ts';
import { files } from '../project/layout.ts';
import { openProject } from '../project/open.ts';
import { policySchema, type Policy } from '../registry/schema.ts';
import type { Cli } from './command.ts';
import { renderGaps, renderPlan } from './doctor-text.ts';

export interface ForgeDoctorOptions {
  /** true: what origin's address tells */
  readonly forge: true | ForgePlace['kind'];
  readonly fix?: boolean;
  readonly yes?: boolean;
  readonly accept?: readonly string[];
}

/** Where the log of decisions is when policy.yaml does not say. */
const usualLog = 'plumb/audit';

/**
 * Ends with 1 where a gap is left that nobody accepted.
 * @throws PlumbError FORGE_UNKNOWN, FORGE_TOKEN, FORGE_DENIED, FORGE_FAILED, USAGE
 */
export async function forgeDoctor(options: ForgeDoctorOptions, cli: Cli): Promise<void> {
  const accept = checkCodes(options.accept ?? []);
  const { place, port, prefix } = await openPlace(options, cli);
  const before = await look(port, prefix);
  const plan = planFix(notAccepted(before.gaps, accept));
  const fixes = options.fix === true && plan.length > 0;
  if (fixes) cli.print(`${renderPlan(plan, cli.paint)}\n`);
  if (!fixes || options.yes !== true) {
    tell(before, { place, port, accept, plan: options.fix === true ? plan : null }, cli);
    if (fixes) cli.print('nothing was changed: plumb doctor --forge --fix --yes makes these requests');
    return;
  }
  await carryOut(plan, port, cli);
  tell(await look(port, prefix), { place, port, accept, plan }, cli);
}

async function openPlace({ forge }: ForgeDoctorOptions, cli: Cli): Promise<{ place: ForgePlace; port: SettingsPort; prefix: string }> {
  const { git, config, prefix } = await openProject(cli);
  const kind = forge === true ? undefined : forge;
  const place = decideForge({ env: cli.env, origin: await addressOfRemote(git, 'origin'), config: config.forge, kind });
  const { apiUrl, owner, repo } = place;
  const port = openSettings(place.kind, {
    apiUrl,
    owner,
    repo,
    token: decideToken(cli.env).secret,
    // it writes no comments
    author: '',
    fetch: globalThis.fetch,
    pause: (ms) => pause(ms, undefined, { signal: cli.signal }),
    nowMs: () => Date.now(),
    random: () => Math.random(),
  });
  return { place, port, prefix };
}

interface Looked extends Judging {
  readonly gaps: readonly Gap[];
}

/** The policy is the main branch's as the forge has it: that is the one that judges. */
async function look(port: SettingsPort, prefix: string): Promise<Looked> {
  const policy = await readPolicy(port, `${prefix}${files.policy}`);
  const settings = await port.read({ auditBranch: policy?.audit?.branch ?? usualLog });
  const judging = { settings, policy, prefix };
  return { ...judging, gaps: findGaps(judging) };
}

/** null is a finding of its own. */
async function readPolicy(port: SettingsPort, path: string): Promise<Policy | null> {
  try {
    const text = await port.readFile(path);
    return text === null ? null : await parseYaml(text, path, policySchema);
  } catch (error) {
    if (isPlumbError(error, 'CONFIG_INVALID') || isPlumbError(error, 'YAML_SYNTAX') || isPlumbError(error, 'FORGE_DENIED')) return null;
    throw error;
  }
}

/** One after the other; what fails ends it, and what was done before is said. */
async function carryOut(plan: readonly SettingChange[], port: SettingsPort, cli: Cli): Promise<void> {
  for (const [at, change] of plan.entries()) {
    await port.change(change).catch((error: unknown) => {
      cli.note(`stopped at [${at + 1}]: ${at} of ${plan.length} requests were made, and hold`);
      throw error;
    });
    cli.print(`${cli.paint.green('done')}  [${at + 1}] ${change.method} ${change.path}`);
  }
  cli.print('');
}

interface Around {
  readonly place: ForgePlace;
  readonly port: SettingsPort;
  readonly accept: ReadonlySet<string>;
  /** null: nobody asked for one */
  readonly plan: readonly SettingChange[] | null;
}

function tell({ settings, gaps }: Looked, { place, port, accept, plan }: Around, cli: Cli): void {
  const open = notAccepted(gaps, accept);
  const accepted = gaps.filter((one) => accept.has(one.code));
  cli.print(renderGaps({ settings, gaps: open, accepted, apiUrl: place.apiUrl, requests: port.requests }, cli.paint));
  const withCommands = (one: Gap): unknown => ({
    ...one,
    ...(one.closing.kind === 'requests' ? { commands: one.closing.requests.map((change) => commandOf(change, place.kind, place.apiUrl)) } : {}),
  });
  cli.emit({ gaps: open.map(withCommands), accepted, settings, ...(plan === null ? {} : { plan }) });
  if (open.length > 0) cli.exitCode = 1;
}

function notAccepted(gaps: readonly Gap[], accept: ReadonlySet<string>): Gap[] {
  return gaps.filter((one) => !accept.has(one.code));
}

function checkCodes(codes: readonly string[]): ReadonlySet<string> {
  const known = Object.keys(gapTable);
  for (const code of codes) {
    if (known.includes(code)) continue;
    const what = `--accept ${code.slice(0, 60)}: there is no such gap.${didYouMean(code, known)}`;
    throw new PlumbError('USAGE', { what, mend: 'docs/doctor.md lists them' });
  }
  return new Set(codes);
}
