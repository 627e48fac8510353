// The policy of the main branch, and how the required check is called by it.
import { digestOf } from '../base/digest.ts';
import type { Git, Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import { parsePolicyText } from '../registry/chain.ts';
import type { JudgingPolicy } from '../registry/move-input.ts';

/** Where no policy says how the check is called. */
export const defaultContext = 'plumb/promotion';

/** How the check is called by what this clone has of the main branch: for whoever has to say that there is no answer. */
export async function contextHere({ git, prefix, main }: { readonly git: Git; readonly prefix: string; readonly main: string }): Promise<string> {
  const tip = await git.resolve(`refs/remotes/origin/${main}`);
  return (tip === null ? null : await policyAt(git, prefix, tip))?.policy.check.context ?? defaultContext;
}

/** null: there is none, or none that can judge; then nothing holds. */
export async function policyAt(git: Git, prefix: string, commit: Oid): Promise<JudgingPolicy | null> {
  const bytes = await git.readBlob(commit, prefix + files.policy);
  if (bytes === null) return null;
  const text = Buffer.from(bytes).toString('utf8');
  const policy = parsePolicyText(text);
  return typeof policy === 'string' ? null : { text, digest: digestOf(bytes), policy, commit };
}
