import { closeDeadJournals } from '../review/journal.ts';
import { reviewedData, readReviews, reviewsFolder } from '../review/review-files.ts';
import { openProject, type Project } from '../project/open.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Cli, Define } from './command.ts';

export const define: Define = (command, cli) => {
  command
    .addHelpText('after', '\nOther changes stay as they are, staged or not.\n\nExample:\n  $ plumb review commit')
    .action(async () => commitReviews(await openProject(cli), cli));
};

/** One commit of what is new below reviews/, and of nothing else. */
export async function commitReviews(project: Project, cli: Cli): Promise<void> {
  await closeDeadJournals(project);
  const result = await project
    .mutex(async () => {
      const paths = await project.git.dirtyPaths([project.prefix + reviewsFolder]);
      if (paths.length === 0) return null;
      const message = await messageOf(project, new Set(paths));
      return { commit: await project.git.commit(message, paths), files: paths.length, message };
    })
    .catch((error: unknown) => (isPlumbError(error, 'GIT_NOTHING_TO_COMMIT') ? null : Promise.reject(error)));
  cli.emit(result ?? { commit: null, files: 0 });
  cli.print(result === null ? 'all decisions are committed' : `${result.commit.slice(0, 12)}  ${result.message.split('\n')[0] ?? ''}`);
}

/** "review intents: 12 accepted, 3 edited" and a line a person. */
async function messageOf(project: Project, dirty: ReadonlySet<string>): Promise<string> {
  const lines: string[] = [];
  const subjects: string[] = [];
  for (const data of await reviewedData(project)) {
    const files = (await readReviews(project, data)).filter(({ path }) => dirty.has(project.prefix + path));
    const counts = new Map<string, number>();
    for (const { header, decisions } of files) {
      for (const { action } of decisions) counts.set(action, (counts.get(action) ?? 0) + 1);
      const role = header.role === 'first' ? '' : header.role === 'second' ? ', a second look' : ', adjudicated';
      lines.push(`${data}: ${decisions.length} by ${header.annotator.name.replaceAll(/\s+/g, ' ')}${role}`);
    }
    if (counts.size > 0) subjects.push(`${data}: ${[...counts].map(([action, count]) => `${count} ${done[action] ?? action}`).join(', ')}`);
  }
  return subjects.length === 0 ? 'review: rows that wait\n' : `review ${subjects.join('; ')}\n\n${lines.join('\n')}\n`;
}

const done: Readonly<Record<string, string>> = { accept: 'accepted', edit: 'edited', reject: 'rejected', label: 'labelled' };
