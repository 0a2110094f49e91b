import { deliver } from '../../shared/result/deliver';
import type { TaskRef } from '../../shared/task';
import { lookUp } from '../../shared/wait/look';
import type { Perform } from './perform';

/** Looks a task up once. */
export const get: Perform = async (run, { ref, binaryField }) => {
	const task = await lookUp(run, ref as TaskRef);
	const isDone = task.status === 'completed';
	return await deliver(run, task, isDone ? binaryField : undefined);
};
