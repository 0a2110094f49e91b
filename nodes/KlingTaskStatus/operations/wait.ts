import { KlingError } from '../../shared/errors';
import type { Outcome } from '../../shared/n8n/output';
import { newTask } from '../../shared/task';
import type { TaskRef } from '../../shared/task';
import { timing } from '../../shared/timing';
import { expectVideo } from '../../shared/wait/look';
import { restoredError, storedError } from '../../shared/wait/record';
import { bringVideo, waitForTask } from '../../shared/wait/waitForTask';
import type { WaitingRun } from '../../shared/wait/waitingRun';
import type { Watch } from '../../shared/wait/watch';
import type { Request } from '../readRequest';
import type { Perform } from './perform';

/** Waits for the end of a task, through any number of turns. */
export const wait: Perform = async (run, request) => {
	const { item } = request;
	const { execution } = run.record;
	const entry =
		run.record.of(item) ??
		run.record.add({ execution, run: run.index, item, watch: watchOf(run, request) });
	if (entry.error) throw restoredError(entry.error);
	const watch = entry.watch as Watch;
	return await toItsEnd(run, watch, request).catch((error: Error) => {
		if (error instanceof KlingError) entry.error = storedError(error);
		throw error;
	});
};

async function toItsEnd(
	run: WaitingRun,
	watch: Watch,
	{ binaryField, isRouted }: Request,
): Promise<Outcome> {
	const { task, timedOut } = await waitForTask(run, watch);
	if (timedOut) return { task, timedOut };
	if (!isRouted) expectVideo(task);
	return await bringVideo(run, watch, binaryField);
}

function watchOf(run: WaitingRun, { ref, options }: Request): Watch {
	const now = run.clock.now();
	const { waitLimit, pollInterval } = options;
	return {
		task: newTask(ref as TaskRef, 'UNKNOWN'),
		since: now,
		deadline: now + waitLimit,
		...(pollInterval === undefined ? {} : { pollInterval }),
		kind: 'wait',
		isNew: false,
		unknownFor: timing.wait.unknownAge,
		nextLook: now,
	};
}
