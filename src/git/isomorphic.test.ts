import { describe } from 'vitest';
import { describeReading } from './git.contract.ts';
import { describeWriting } from './git-writing.contract.ts';

describe('isomorphic-git', () => {
  describeReading('isomorphic');
  describeWriting('isomorphic');
});
