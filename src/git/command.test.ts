import { describe } from 'vitest';
import { describeReading } from './git.contract.ts';
import { describeWriting } from './git-writing.contract.ts';

describe('git command', () => {
  describeReading('command');
  describeWriting('command');
});
