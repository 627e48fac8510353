// Check runs: docs.github.com/en/rest/checks/runs
import type { Objects } from './objects.ts';
import { paged } from './paged.ts';
import { invalid, missing, type Answer, type ApiAnnotation, type ApiCheckRun, type Asked, type Routes, type State } from './state.ts';

export function checkRoutes(state: State, objects: Objects): Routes {
  const repository = '/repos/{owner}/{repo}';
  const runOf = ({ parameters }: Asked): ApiCheckRun | undefined => state.checkRuns.find((one) => one.id === Number(parameters['check_run_id']));
  return {
    [`POST ${repository}/check-runs`]: { needs: ['checks=write'], answer: create },
    [`PATCH ${repository}/check-runs/{check_run_id}`]: { needs: ['checks=write'], answer: update },
    [`GET ${repository}/check-runs/{check_run_id}/annotations`]: {
      needs: ['checks=read'],
      answer: (asked) =>
        paged(asked, runOf(asked)?.annotations ?? [], (one) => ({
          start_column: null,
          end_column: null,
          title: null,
          raw_details: null,
          blob_href: 'https://github.test/blob',
          ...one,
        })),
    },
    [`GET ${repository}/commits/{ref}/check-runs`]: { needs: ['checks=read'], answer: list },
  };

  function create(asked: Asked): Answer {
    const { name, head_sha: sha } = asked.body as { name: string; head_sha: string };
    if (!/^[0-9a-f]{40}$/.test(sha)) return invalid(state, `No commit found for SHA: ${sha}`);
    const run: ApiCheckRun = {
      id: 9000 + state.checkRuns.length,
      name,
      sha,
      ...(asked.actor.app === undefined ? {} : { app: asked.actor.app }),
      externalId: '',
      status: 'queued',
      conclusion: null,
      link: null,
      title: null,
      summary: null,
      text: null,
      annotations: [],
    };
    const refused = fill(run, asked.body);
    if (refused !== null) return refused;
    state.checkRuns.push(run);
    return { status: 201, body: objects.checkRun(run) };
  }

  function update(asked: Asked): Answer {
    const run = runOf(asked);
    return run === undefined ? missing : (fill(run, asked.body) ?? { status: 200, body: objects.checkRun(run) });
  }

  /** "Each time you update the check run, annotations are appended to the list of annotations that already exist for the check run." */
  function fill(run: ApiCheckRun, body: Asked['body']): Answer | null {
    const { status, conclusion, details_url: link, external_id: externalId } = body as Record<string, string | undefined>;
    const output = body['output'] as { title?: string; summary?: string; text?: string; annotations?: ApiAnnotation[] } | undefined;
    const annotations = output?.annotations ?? [];
    // "conclusion: Required if you provide completed_at or a status of completed"
    if (status === 'completed' && conclusion === undefined) return invalid(state, 'status is completed, and there is no conclusion');
    const wrong = annotations.map(wrongWith).find((one) => one !== null);
    if (wrong !== undefined) return invalid(state, wrong);
    if (link !== undefined && !/^https?:\/\//.test(link)) return invalid(state, 'details_url must use http(s) scheme');
    run.annotations.push(...annotations);
    Object.assign(run, {
      externalId: externalId ?? run.externalId,
      // "Providing conclusion will automatically set the status parameter to completed"
      status: conclusion === undefined ? (status ?? run.status) : 'completed',
      conclusion: conclusion ?? run.conclusion,
      link: link ?? run.link,
      title: output?.title ?? run.title,
      summary: output?.summary ?? run.summary,
      text: output?.text ?? run.text,
    });
    return null;
  }

  // "filter: latest (the most recent one of each name)"
  function list(asked: Asked): Answer {
    const name = asked.query.get('check_name');
    const all = state.checkRuns.filter((one) => one.sha === asked.parameters['ref'] && (name === null || one.name === name)).toReversed();
    const latest =
      asked.query.get('filter') === 'all' ? all : all.filter((one, index) => all.findIndex((other) => other.name === one.name) === index);
    const { status, body, headers } = paged(asked, latest, objects.checkRun);
    return { status, body: { total_count: latest.length, check_runs: body }, ...(headers === undefined ? {} : { headers }) };
  }
}

/** As the tables of the page say of each key. */
function wrongWith(one: ApiAnnotation): string | null {
  if (one.path.startsWith('/') || one.path.split('/').includes('..')) return `path of an annotation is ${one.path}`;
  if (one.start_line < 1 || one.end_line < one.start_line) return `lines of an annotation are ${one.start_line} to ${one.end_line}`;
  if (one.start_column !== undefined && one.start_line !== one.end_line) return 'start_column may only be used on one line';
  if (Buffer.byteLength(one.message) > 64 * 1024) return 'message: "The maximum size is 64 KB"';
  if ((one.title ?? '').length > 255) return 'title: "The maximum size is 255 characters"';
  return null;
}
