// What our comment on a pull request says to programs: one hidden line that finds it again, and one that names the commit that it is about.
import { createHash } from 'node:crypto';

/** Several reports on one pull request (projects, models, stages) have a comment each. */
export interface ReportSubject {
  /** folder of the project in the repository: '.' or 'teams/a' */
  readonly place: string;
  /** null: the only one of pipeline.yaml */
  readonly model: string | null;
  readonly stage: 'staging' | 'production';
}

/** One HTML comment. It holds a digest, since a folder may be called `-->`. */
export function reportMarker({ place, model, stage }: ReportSubject): string {
  const digest = createHash('sha256').update(JSON.stringify([place, model, stage]));
  return `<!-- plumbline report ${digest.digest('hex').slice(0, 16)} -->`;
}

/** What every such marker begins with, whatever it is about. */
const reportMarkerStart = '<!-- plumbline report ';

/** The line behind the marker: the head of the pull request when the report was made. @param head commit in full */
export function headLine(head: string): string {
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(head)) throw new Error(`${head.slice(0, 80)} is no commit`);
  return `<!-- plumbline head ${head} -->`;
}

/** The commit that a report of ours is about; null: the text is no report of ours, or one without a commit. @param body of a comment by our own author */
export function headOfReport(body: string): string | null {
  const [first = '', second = ''] = body.split(/\r?\n/, 2);
  if (!first.startsWith(reportMarkerStart)) return null;
  return /^<!-- plumbline head ([0-9a-f]{40}(?:[0-9a-f]{24})?) -->$/.exec(second)?.[1] ?? null;
}
