// `plumb doctor --forge`: each way by which the settings of a forge let somebody promote, deploy or sign without approval. Decides from values;
// src/forge/settings.ts says which.
import { byCodeUnit } from '../base/canonical.ts';
import type { SettingChange, Unread } from '../forge/settings.ts';
import { accessGaps } from './doctor-access.ts';
import { actionsGaps } from './doctor-actions.ts';
import { branchGaps } from './doctor-branches.ts';
import { gap, onPage, severities, type Gap } from './doctor-gap.ts';
import type { Judging } from './doctor-judging.ts';
import { ownerGaps, policyGaps } from './doctor-policy.ts';
import { workflowGaps } from './doctor-workflows.ts';

export type { Gap, GapCode, Severity } from './doctor-gap.ts';
export type { Judging } from './doctor-judging.ts';

/** The most severe first; what could not be read last, and never left out. */
export function findGaps(judging: Judging): Gap[] {
  const found = [
    ...branchGaps(judging),
    ...ownerGaps(judging),
    ...policyGaps(judging),
    ...actionsGaps(judging),
    ...accessGaps(judging),
    ...workflowGaps(judging),
    ...judging.settings.unread.map((one) => unreadGap(judging, one)),
  ];
  const rank = (one: Gap): number => severities.indexOf(one.severity);
  return found.toSorted((a, b) => rank(a) - rank(b) || byCodeUnit(a.code, b.code) || byCodeUnit(a.subject, b.subject));
}

function unreadGap({ settings }: Judging, { what, needs, said }: Unread): Gap {
  const closing = onPage(`${settings.page}/settings`, `it takes ${needs}`);
  return gap('UNREADABLE', { subject: what, what: `not told to this token (${said})`, closing });
}

/** The requests that close what requests can close, each once, in an order in which they can be made. */
export function planFix(gaps: readonly Gap[]): SettingChange[] {
  const requests = gaps.flatMap(({ closing }) => (closing.kind === 'requests' ? closing.requests : []));
  const byText = new Map(requests.map((one) => [JSON.stringify([one.method, one.path, one.body]), one]));
  return [...byText.values()];
}

/** The request as a command for a shell. */
export function commandOf({ method, path, body }: SettingChange, forge: 'github' | 'gitea', apiUrl: string): string {
  const data = body === null ? null : quoted(JSON.stringify(body));
  if (forge === 'github') return `gh api --method ${method} ${quoted(path.slice(1))}${data === null ? '' : ` --input - <<< ${data}`}`;
  const sent = data === null ? '' : ` -H 'Content-Type: application/json' -d ${data}`;
  return `curl -fX ${method} -H "Authorization: token $GITEA_TOKEN"${sent} ${quoted(`${apiUrl}${path}`)}`;
}

/** Nothing in it is anything to a shell. */
function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
