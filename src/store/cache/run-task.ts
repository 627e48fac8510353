import { addFiles } from './add-task.ts';
import { hashFiles } from './hash-task.ts';
import { landObjects } from './land-task.ts';
import { placeFiles } from './place-task.ts';
import type { Control, ResultOf, Task } from './task.ts';

/** Does a task, here and now, wherever that is. @throws PlumbError, AbortError */
export async function runTask<T extends Task>(task: T, control: Control): Promise<ResultOf<T>> {
  return (await resultOf(task, control)) as ResultOf<T>;
}

function resultOf(task: Task, control: Control): Promise<ResultOf<Task>> {
  if (task.kind === 'hash') return hashFiles(task, control);
  if (task.kind === 'land') return landObjects(task, control);
  return task.kind === 'add' ? addFiles(task, control) : placeFiles(task, control);
}
