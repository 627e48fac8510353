// A thread that looks for patterns; scan-pool.ts starts it and gives it texts.
import { parentPort, workerData } from 'node:worker_threads';
import type { Found } from './found.ts';
import type { ScanQuestion } from './scan-pool.ts';
import { createCellRecogniser, type ScanSettings } from './scan.ts';

const recognise = createCellRecogniser(workerData as ScanSettings);

parentPort?.on('message', (question: ScanQuestion) => {
  const answers: [number, Found[]][] = [];
  for (let at = 0; at < question.length; at += 2) {
    const found = recognise(question[at] ?? '', question[at + 1] ?? '');
    if (found !== null) answers.push([at / 2, found]);
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(answers);
});
