// Who is of a team, where GitHub hides what it has.
import { expect, test } from 'vitest';
import { openWorld } from './github.fixture.ts';

test('members, those of teams below it, invitations that nobody accepted, strangers', async () => {
  await using world = await openWorld();
  Object.assign(world.github.teams, {
    'o/ml': { members: { Ann: 'active', ivo: 'pending' } },
    'o/ml-senior': { members: { sue: 'active' }, parent: 'o/ml' },
    'o/ml-senior-eu': { members: { eva: 'active' }, parent: 'o/ml-senior' },
    'acme/risk': { members: { ann: 'active' } },
  });
  const asked = ['ann', 'ANN', 'sue', 'eva', 'ivo', 'max'];
  expect(await Promise.all(asked.map((login) => world.forge.isMember(login, 'ml')))).toEqual(['yes', 'yes', 'yes', 'yes', 'no', 'no']);
  expect(await world.forge.isMember('ann', 'ml-senior')).toBe('no');
  expect([await world.forge.isMember('ann', 'acme/risk'), await world.forge.isMember('sue', 'acme/risk')]).toEqual(['yes', 'no']);
});

test('a team that is hidden, one that is not there, a token that may not read members: not known, never no', async () => {
  await using world = await openWorld();
  Object.assign(world.github.teams, { 'o/secret': { members: { ann: 'active' }, hidden: true }, 'o/ml': { members: {} } });
  expect(await world.forge.isMember('ann', 'secret')).toBe('unknown');
  expect(await world.forge.isMember('ann', 'none')).toBe('unknown');
  expect(await world.forge.isMember('../../../user', 'ml')).toBe('no');
  for (const team of ['../ml', 'o/..']) await expect(world.forge.isMember('ann', team)).rejects.toMatchObject({ code: 'FORGE_FAILED' });
  await expect(world.forge.permissionOf('..')).rejects.toMatchObject({ code: 'FORGE_FAILED' });
  world.github.permission = { contents: 'write', 'pull-requests': 'write' };
  expect(await world.forge.isMember('ann', 'ml')).toBe('unknown');
});

test('a forge in trouble is no answer', async () => {
  await using world = await openWorld();
  world.github.faults.push({ method: 'GET', path: /memberships/, status: 502, times: 9 });
  await expect(world.forge.isMember('ann', 'ml')).rejects.toMatchObject({ code: 'FORGE_FAILED' });
  world.github.limit.used = 1000;
  await expect(world.forge.isMember('ann', 'ml')).rejects.toMatchObject({ code: 'FORGE_BUSY' });
});
