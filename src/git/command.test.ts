import { describe } from 'vitest';
import { describeReading } from './git.contract.ts';

describe('git command', () => {
  describeReading('command');
});
