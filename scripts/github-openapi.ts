// Cuts the requests that we make out of GitHub's description of its interface, with all that they refer to and without its prose:
//   npm install --prefix <a folder elsewhere> @octokit/openapi@23.0.2     385 MB, MIT
//   node scripts/github-openapi.ts <that folder>
//   oxfmt tests/github-api
// Run it again when a route is added below; tests/github-api/github-openapi.json is the result.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = '/repos/{owner}/{repo}';
const wanted: Readonly<Record<string, readonly string[]>> = {
  [`${repository}/pulls`]: ['get', 'post'],
  [`${repository}/pulls/{pull_number}`]: ['get', 'patch'],
  [`${repository}/pulls/{pull_number}/files`]: ['get'],
  [`${repository}/pulls/{pull_number}/commits`]: ['get'],
  [`${repository}/pulls/{pull_number}/reviews`]: ['get', 'post'],
  [`${repository}/pulls/{pull_number}/reviews/{review_id}/dismissals`]: ['put'],
  [`${repository}/pulls/{pull_number}/merge`]: ['put'],
  [`${repository}/commits/{commit_sha}/pulls`]: ['get'],
  [`${repository}/commits/{ref}/check-runs`]: ['get'],
  [`${repository}/commits/{ref}/statuses`]: ['get'],
  [`${repository}/statuses/{sha}`]: ['post'],
  [`${repository}/check-runs`]: ['post'],
  [`${repository}/check-runs/{check_run_id}`]: ['patch'],
  [`${repository}/check-runs/{check_run_id}/annotations`]: ['get'],
  [`${repository}/issues/{issue_number}/comments`]: ['get', 'post'],
  [`${repository}/issues/comments/{comment_id}`]: ['get', 'patch'],
  [`${repository}/issues/comments/{comment_id}/reactions`]: ['post'],
  [`${repository}/collaborators/{username}/permission`]: ['get'],
  [`${repository}/actions/workflows/{workflow_id}/dispatches`]: ['post'],
  [`${repository}/actions/workflows/{workflow_id}/runs`]: ['get'],
  [`${repository}/actions/runs/{run_id}`]: ['get'],
  [`${repository}/actions/runs/{run_id}/attempts/{attempt_number}`]: ['get'],
  [`${repository}/activity`]: ['get'],
  [`${repository}/git/ref/{ref}`]: ['get'],
  [`${repository}/git/commits/{commit_sha}`]: ['get'],
  [`${repository}/git/blobs/{file_sha}`]: ['get'],
  [`${repository}/contents/{path}`]: ['get'],
  [`${repository}/issues`]: ['get', 'post'],
  [`${repository}/issues/{issue_number}`]: ['get', 'patch'],
  [`${repository}/issues/{issue_number}/events`]: ['get'],
  [`${repository}/deployments`]: ['get', 'post'],
  [`${repository}/deployments/{deployment_id}/statuses`]: ['get', 'post'],
  '/orgs/{org}/teams/{team_slug}': ['get'],
  '/orgs/{org}/teams/{team_slug}/memberships/{username}': ['get'],
  '/apps/{app_slug}': ['get'],
  '/user': ['get'],
  // what a repository is set to
  [repository]: ['get', 'patch'],
  [`${repository}/rulesets`]: ['get', 'post'],
  [`${repository}/rulesets/{ruleset_id}`]: ['get', 'put'],
  [`${repository}/rules/branches/{branch}`]: ['get'],
  [`${repository}/branches/{branch}/protection`]: ['get', 'put'],
  [`${repository}/environments`]: ['get'],
  [`${repository}/environments/{environment_name}`]: ['get', 'put'],
  [`${repository}/environments/{environment_name}/deployment-branch-policies`]: ['get', 'post'],
  [`${repository}/environments/{environment_name}/deployment-branch-policies/{branch_policy_id}`]: ['put', 'delete'],
  [`${repository}/environments/{environment_name}/secrets`]: ['get'],
  [`${repository}/actions/secrets`]: ['get'],
  [`${repository}/actions/organization-secrets`]: ['get'],
  [`${repository}/actions/permissions`]: ['get', 'put'],
  [`${repository}/actions/permissions/workflow`]: ['get', 'put'],
  [`${repository}/actions/permissions/fork-pr-contributor-approval`]: ['get', 'put'],
  [`${repository}/actions/permissions/fork-pr-workflows-private-repos`]: ['get', 'put'],
  [`${repository}/actions/runners`]: ['get'],
  [`${repository}/actions/oidc/customization/sub`]: ['get', 'put'],
  [`${repository}/codeowners/errors`]: ['get'],
  [`${repository}/collaborators`]: ['get'],
  [`${repository}/keys`]: ['get'],
  [`${repository}/hooks`]: ['get'],
  [`${repository}/hooks/{hook_id}`]: ['get', 'patch'],
  '/orgs/{org}/actions/runner-groups': ['get'],
  '/orgs/{org}/actions/runner-groups/{runner_group_id}': ['patch'],
};

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Node = { readonly [key: string]: Json };

const folder = process.argv[2];
if (folder === undefined) throw new Error('which folder has @octokit/openapi installed?');
const at = (path: string): string => join(folder, 'node_modules/@octokit/openapi', path);
const whole = JSON.parse(readFileSync(at('generated/api.github.com.json'), 'utf8')) as {
  paths: Record<string, Record<string, Json>>;
  components: Node;
};
const version = (JSON.parse(readFileSync(at('package.json'), 'utf8')) as { version: string }).version;

const prose = new Set(['description', 'summary', 'example', 'examples', 'externalDocs', 'tags', 'title', 'x-github', 'x-octokit', 'deprecated']);
const components: Record<string, Record<string, Json>> = {};

/** Without its prose. A key below `properties` is a name, not a word of the description. */
function strip(value: Json, isNames = false): Json {
  if (Array.isArray(value)) return value.map((one) => strip(one as Json));
  if (value === null || typeof value !== 'object') return value;
  const node = value as Node;
  if (typeof node['$ref'] === 'string') keep(node['$ref']);
  const entries = Object.entries(node).filter(([key]) => isNames || !prose.has(key));
  const stripped = Object.fromEntries(entries.map(([key, one]) => [key, strip(one, !isNames && key === 'properties')]));
  return stripped['nullable'] === true && !isNames ? orNull(stripped) : stripped;
}

/** A word of OpenAPI 3.0 that JSON Schema does not have. */
function orNull({ nullable: _, ...schema }: Node): Json {
  const { type, enum: values } = schema;
  if (typeof type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  return { ...schema, type: [type, 'null'], ...(Array.isArray(values) ? { enum: [...(values as Json[]), null] } : {}) };
}

function keep(reference: string): void {
  const [, , kind = '', name = ''] = reference.split('/');
  const kept = (components[kind] ??= {});
  if (name in kept) return;
  kept[name] = null; // a schema may refer to itself
  kept[name] = strip((whole.components[kind] as Node)[name] ?? null);
}

// what the description forgets: the repository of a fork that is gone is null
for (const name of ['pull-request', 'pull-request-simple']) {
  keep(`#/components/schemas/${name}`);
  const head = components['schemas']?.[name] as { properties: { head: { properties: Record<string, Json> } } };
  const { repo = null } = head.properties.head.properties;
  head.properties.head.properties['repo'] = { anyOf: [repo, { type: 'null' }] };
}
const paths: Record<string, Record<string, Json>> = {};
for (const [path, methods] of Object.entries(wanted)) {
  paths[path] = {};
  for (const method of methods) {
    const operation = whole.paths[path]?.[method];
    if (operation === undefined) throw new Error(`${method} ${path} is not described`);
    paths[path][method] = strip(operation);
  }
}
const sorted = Object.fromEntries(
  Object.entries(components).map(([kind, all]) => [kind, Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)))]),
);
const source = `@octokit/openapi ${version}, generated/api.github.com.json; licence: github-openapi.LICENSE; cut out by scripts/github-openapi.ts`;
const place = (name: string): string => fileURLToPath(new URL(`../tests/github-api/${name}`, import.meta.url));
writeFileSync(place('github-openapi.json'), `${JSON.stringify({ source, paths, components: sorted }, null, 2)}\n`);
writeFileSync(place('github-openapi.LICENSE'), readFileSync(at('LICENSE')));
