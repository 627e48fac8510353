// The built-in steps, each loaded when a pipeline uses it.
import type { AnyStep, StepRegistry } from '../base/step.ts';

export const steps: StepRegistry = new Map<string, () => Promise<AnyStep>>([
  ['plumb/validate', async () => (await import('../quality/rules/step.ts')).validate],
  ['plumb/drift', async () => (await import('../quality/drift/step.ts')).drift],
  ['plumb/leakage', async () => (await import('../quality/leakage/step.ts')).leakage],
  ['plumb/dups', async () => (await import('../quality/duplicates/step.ts')).dups],
  ['plumb/pii', async () => (await import('../quality/pii/step.ts')).pii],
  ['plumb/provenance', async () => (await import('../quality/provenance/step.ts')).provenance],
  ['plumb/secrets', async () => (await import('../quality/secrets/step.ts')).secrets],
  ['plumb/code', async () => (await import('../quality/code/step.ts')).code],
  ['plumb/split', async () => (await import('../prepare/step.ts')).split],
  ['plumb/train-text', async () => (await import('../train/step.ts')).trainText],
  ['plumb/evaluate', async () => (await import('../evaluate/step.ts')).evaluate],
]);
