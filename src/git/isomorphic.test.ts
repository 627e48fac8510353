import { describe } from 'vitest';
import { describeReading } from './git.contract.ts';

describe('isomorphic-git', () => {
  describeReading('isomorphic');
});
