// A check run with annotations on lines of files. GitHub takes 50 of them a request and appends what comes later, so a run is made unfinished, filled,
// and finished with the last batch: one that was cut short is never taken for the whole, and is filled up by the next job.
// Source: docs.github.com/en/rest/checks/runs
import { createHash } from 'node:crypto';
import type { RestEndpointMethodTypes } from '@octokit/rest';
import type { Annotation, Check, Checks } from './forge.ts';
import type { Session } from './session.ts';
import { cut } from './text.ts';

const atOnce = 50;
/** Of one check: a reader reads no more, and each 50 are a request. */
const mostAnnotations = 200;
const mostCharacters = 65_535;

type Calls = RestEndpointMethodTypes['checks'];

interface Run {
  readonly id: number;
  readonly url: string;
  readonly finished: boolean;
  /** that it holds */
  readonly annotations: number;
}

export function openChecks({ octokit, pauseOrThrow, told }: Session, repository: { readonly owner: string; readonly repo: string }): Checks {
  return { upsert: (commit, check) => told(upsert(commit, check)) };

  async function upsert(commit: string, check: Check): ReturnType<Checks['upsert']> {
    for (const text of [check.summary, check.text ?? '']) {
      if (text.length > mostCharacters) throw new Error(`${text.length} characters in a check run are over GitHub's ${mostCharacters}`);
    }
    const id = `plumbline:${createHash('sha256').update(JSON.stringify(check)).digest('hex').slice(0, 40)}`;
    const annotations = check.annotations.slice(0, mostAnnotations);
    let run = await find(commit, check.name, id);
    if (run?.finished === true) return { url: run.url, state: 'unchanged', annotations: run.annotations };
    for (let attempt = 0; ;) {
      const from = run?.annotations ?? 0;
      const batch = annotations.slice(from, from + atOnce);
      const last = from + batch.length >= annotations.length;
      try {
        const said = bodyOf(check, batch, last);
        const { id: number, url } = await (run === null ? create(commit, id, said) : update(run.id, said));
        if (last) return { url, state: 'made', annotations: annotations.length };
        run = { id: number, url, finished: false, annotations: from + batch.length };
      } catch (error) {
        // this batch may be there although its answer was lost; a second time it would stand there twice
        await pauseOrThrow(error, attempt++);
        run = await find(commit, check.name, id);
        if (run?.finished === true) return { url: run.url, state: 'made', annotations: run.annotations };
      }
    }
  }

  /** The one that says just this. */
  async function find(commit: string, name: string, id: string): Promise<Run | null> {
    const { data } = await octokit.rest.checks.listForRef({ ...repository, ref: commit, check_name: name, filter: 'latest', per_page: 100 });
    const found = data.check_runs.find((one) => one.external_id === id && one.head_sha === commit);
    if (found === undefined) return null;
    return { id: found.id, url: found.html_url ?? found.url, finished: found.status === 'completed', annotations: found.output.annotations_count };
  }

  async function create(commit: string, id: string, said: Body): Promise<{ id: number; url: string }> {
    // octokit's type tells "completed" and the rest apart, which bodyOf did
    const asked = { ...repository, head_sha: commit, external_id: id, ...said, request: { once: true } } as Calls['create']['parameters'];
    const { data } = await octokit.rest.checks.create(asked);
    return { id: data.id, url: data.html_url ?? data.url };
  }

  async function update(run: number, said: Body): Promise<{ id: number; url: string }> {
    const asked = { ...repository, check_run_id: run, ...said, request: { once: true } } as Calls['update']['parameters'];
    const { data } = await octokit.rest.checks.update(asked);
    return { id: data.id, url: data.html_url ?? data.url };
  }
}

type Body = ReturnType<typeof bodyOf>;

function bodyOf(check: Check, batch: readonly Annotation[], last: boolean) {
  const more = check.annotations.length - mostAnnotations;
  return {
    name: check.name,
    ...(last ? { status: 'completed', conclusion: check.conclusion } : { status: 'in_progress' }),
    ...(check.link === null ? {} : { details_url: check.link }),
    output: {
      title: more > 0 ? `${check.title} (${mostAnnotations} annotations, ${more} more in the report)` : check.title,
      summary: check.summary,
      ...(check.text === null ? {} : { text: check.text }),
      annotations: batch.map((one) => ({
        path: one.path,
        start_line: one.startLine,
        end_line: one.endLine,
        annotation_level: one.level,
        title: cut(one.title, 255),
        // the limit is 64 KiB, in bytes; a character of a message takes at most three for each of its UTF-16 units
        message: cut(one.message, 21_000),
      })),
    },
  };
}
