// Gaps of what stands in files of the main branch: policy.yaml and CODEOWNERS.
import { gap, onPage, type Gap } from './doctor-gap.ts';
import { closeMain } from './doctor-branch-closing.ts';
import { decidingFiles, isOwned, listed, ownersCover, type Judging } from './doctor-judging.ts';

export function policyGaps(judging: Judging): Gap[] {
  return [...approvalGaps(judging), ...trustGaps(judging)];
}

function policyFile(judging: Judging): string {
  return `${judging.prefix}policy.yaml`;
}

/** A production that nobody need approve, neither by number nor as an owner. */
function approvalGaps(judging: Judging): Gap[] {
  const { settings, policy, prefix } = judging;
  const file = policyFile(judging);
  const closing = onPage(
    `${settings.page}/blob/${encodeURIComponent(settings.main)}/${file}`,
    'write `approvals: { count: 1 }`, or 2, below production',
  );
  const missing = {
    subject: file,
    what: 'it is not on the main branch, or is not understood',
    closing: onPage(settings.page, 'add it, or correct it'),
  };
  if (policy === null) return [gap('POLICY_MISSING', missing)];
  return Object.entries(policy.models).flatMap(([model, { production }]) => {
    if (production === undefined || production.approvals.count > 0) return [];
    if (production.approvals.codeowners && isOwned(judging, `${prefix}models/${model}/production.json`)) return [];
    const what = `a promotion of ${model} into production needs no approval, and its pointer has no owner`;
    return [gap('POLICY_WANTS_NO_APPROVAL', { subject: file, what, closing })];
  });
}

function trustGaps(judging: Judging): Gap[] {
  const { settings, policy } = judging;
  if (policy?.trust?.sigstore === undefined || policy.trust.repositoryId !== undefined) return [];
  const say = `write \`repositoryId\` below \`trust\`: gh api repos/${settings.repository} --jq .id`;
  const closing = onPage(`${settings.page}/blob/${encodeURIComponent(settings.main)}/${policyFile(judging)}`, say);
  return [gap('TRUST_BY_NAME', { subject: policyFile(judging), what: `trust names ${policy.trust.repository} and not its number`, closing })];
}

/** Gitea asks owners and waits for nobody: there is nothing to require. */
export function ownerGaps(judging: Judging): Gap[] {
  const { settings } = judging;
  const { codeowners, page, main } = settings;
  if (codeowners === null || settings.forge === 'gitea') return [];
  const path = codeowners.path ?? '.github/CODEOWNERS';
  const url =
    codeowners.path === null ? `${page}/new/${encodeURIComponent(main)}?filename=${path}` : `${page}/edit/${encodeURIComponent(main)}/${path}`;
  const unowned = decidingFiles(judging).filter((one) => !isOwned(judging, one));
  const found: Gap[] = [];
  if ((codeowners.errors ?? []).length > 0) {
    const what = listed((codeowners.errors ?? []).slice(0, 5));
    found.push(gap('CODEOWNERS_BROKEN', { subject: path, what, closing: onPage(url, 'correct these lines') }));
  }
  if (unowned.length > 0) {
    const what = `${codeowners.path === null ? 'there is no CODEOWNERS: ' : ''}nobody owns ${listed(unowned.slice(0, 3))}${unowned.length > 3 ? ` and ${unowned.length - 3} more` : ''}`;
    const say = `add lines such as \`/.github/ @acme/maintainers\` and \`/${judging.prefix}policy.yaml @acme/maintainers\``;
    found.push(gap('CODEOWNERS_OPEN', { subject: path, what, closing: onPage(url, say) }));
  }
  const pulls = (settings.guards.main ?? []).flatMap((one) => (one.enforcement === 'active' && one.pull !== null ? [one.pull] : []));
  // where nobody need approve at all, that is told
  if (ownersCover(judging) && pulls.some((one) => one.approvals > 0) && !pulls.some((one) => one.codeowners)) {
    found.push(gap('CODEOWNERS_NOT_REQUIRED', { subject: main, what: `no rule of ${main} waits for owners`, closing: closeMain(judging) }));
  }
  return found;
}
