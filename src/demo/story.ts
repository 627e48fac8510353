// The product's day, told in real commands: a first model, a better one, a bad one that the gate stops, the bad one forced, and the way back.
import { createServer } from 'node:net';
import { formatSeconds } from '../base/progress.ts';
import { untilServed, watchSwap, type Watched } from './client.ts';
import type { DemoStage } from './stage.ts';

export interface Story {
  readonly stage: DemoStage;
  readonly signal: AbortSignal;
  print(text: string): void;
}

export interface StoryEnd {
  /** from the commit to the first answer of the other model */
  readonly swaps: readonly (Watched & { readonly what: string })[];
  readonly report: string;
}

const question = 'When will my new card get here?';
const report = 'report.html';

/** Plays the whole day in the stage's folder, which is empty. */
export async function tellStory(story: Story): Promise<StoryEnd> {
  const server = await firstModel(story);
  const swaps = [{ what: 'promotion', ...(await betterModel(story, server)) }, ...(await badModel(story, server))];
  return { swaps, report };
}

interface Server {
  readonly url: string;
  model: string;
}

async function firstModel({ stage, signal, print }: Story): Promise<Server> {
  stage.act('1. A first model, from rows to production');
  await stage.play('git init --quiet --initial-branch main .');
  await stage.play('plumb init --template classifier', { lines: 12 });
  stage.say('Banking77: customer questions and 77 intents. 1,000 of the 10,003 training rows are held back for later.');
  await stage.play('plumb add data/intents.jsonl --key id --label label');
  await stage.play('plumb add data/intents-test.jsonl --key id --label label');
  await stage.play('git add . && git commit --quiet -m "Intents: data, pipeline, policy"');
  await stage.play('plumb run');
  await stage.play('plumb gate');
  await stage.play('plumb promote intents --to production');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/v1/models/intents/predict`;
  stage.serve(`plumb serve --port ${port}`);
  const model = await untilServed(url, question, signal);
  print(`  serving ${model.slice(7, 19)} on http://127.0.0.1:${port}`);
  await stage.play(`curl -s ${url} -H 'content-type: application/json' -d '{"text": "${question}"}'`, { lines: 5 });
  return { url, model };
}

async function betterModel({ stage, signal, print }: Story, server: Server): Promise<Watched> {
  stage.act('2. A branch with more rows: what changed, what it did to the model, and into production');
  await stage.play('git switch --quiet -c more-rows');
  await stage.play('cat data/held-back.jsonl >> data/intents.jsonl');
  await stage.play(`perl -pi -e 's/waiting on my card/waiting for my card/ if /"train-00001"/' data/intents.jsonl`);
  await stage.play('plumb diff', { lines: 24 });
  await stage.play('plumb add data/intents.jsonl');
  await stage.play('git commit --quiet --all -m "Intents: 1,000 more rows, one mended"');
  stage.say('Only what is touched runs again.');
  await stage.play('plumb run');
  await stage.play(`plumb report --html ${report}`, { lines: 40 });
  await stage.play('plumb gate');
  await stage.play('git switch --quiet main && git merge --quiet --no-ff -m "Merge more-rows" more-rows');
  return swapped('plumb promote intents --to production', server, { stage, signal, print });
}

async function badModel({ stage, signal, print }: Story, server: Server): Promise<(Watched & { what: string })[]> {
  stage.act('3. A bad change: the labels of two intents swapped in two thirds of their rows');
  await stage.play('git switch --quiet -c swapped-labels');
  await stage.play(
    `perl -pi -e 's/"label":"(card_arrival|lost_or_stolen_card)"/sprintf(q("label":"%s"), $1 eq "card_arrival" ? "lost_or_stolen_card" : "card_arrival")/e if /"train-\\d+[0-6]"/' data/intents.jsonl`,
  );
  await stage.play('plumb diff --limit 4', { lines: 24 });
  await stage.play('plumb add data/intents.jsonl');
  await stage.play('git commit --quiet --all -m "Intents: labels swapped"');
  await stage.play('plumb run');
  stage.say('The gate does not hold, and says which intents broke.');
  await stage.play('plumb gate', { expect: 1, lines: 40 });
  await stage.play('plumb promote intents --to production', { expect: 1 });

  stage.act('4. Forced through all the same, and taken back');
  await stage.play('git switch --quiet main && git merge --quiet --no-ff -m "Merge swapped-labels" swapped-labels');
  const forced = await swapped('plumb promote intents --to production --force --reason "demo: to see the way back"', server, {
    stage,
    signal,
    print,
  });
  await stage.play('plumb predict intents "Somebody stole my card"', { lines: 8 });
  stage.say('On call, at night: one command, no build.');
  const back = await swapped('git revert --no-edit HEAD', server, { stage, signal, print });
  await stage.play('plumb history intents', { lines: 14 });
  await stage.play('plumb verify', { lines: 8 });
  return [
    { what: 'forced promotion', ...forced },
    { what: 'git revert', ...back },
  ];
}

/** Plays a command that moves the pointer, while somebody asks the server all the time. */
async function swapped(command: string, server: Server, { stage, signal, print }: Story): Promise<Watched> {
  const watched = await watchSwap({ url: server.url, text: question, before: server.model }, () => stage.play(command, { lines: 6 }), signal);
  server.model = watched.model;
  const when = watched.afterCommand > 0 ? `${formatSeconds(watched.afterCommand)} after the command ended` : 'before the command had ended';
  print(
    `  the server answers with ${watched.model.slice(7, 19)} ${when}, ${formatSeconds(watched.afterStart)} after it began; ${watched.requests} requests meanwhile, ${watched.lost} lost`,
  );
  return watched;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}
