import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { deliver } from '../shared/deliver';
import { settle } from '../shared/items';
import { readJobs } from '../shared/jobs';
import { inspect } from '../shared/media/inspect';
import { isOwnOutput, isPaused, pause } from '../shared/pause';
import { Run } from '../shared/run';
import { isFinished } from '../shared/task';
import { expectVideo } from '../shared/wait';

/** Items -> parameters -> checks (nothing spent yet) -> submit -> wait -> result -> download -> items. */
export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	if (isOwnOutput(context)) return context.getInputData();
	const run = new Run(context);
	const jobs = await inspect(run, run.plan(readJobs(run)));
	const output = await settle(run, jobs, async (job) => {
		if (job.options.validateOnly) return await run.preview(job);
		if (job.completion !== 'poll' && !run.isInherited(job)) {
			const { task } = await run.submit(job);
			expectVideo(task);
			return { task };
		}
		const { task, timedOut } = await run.make(job);
		if (timedOut || !isFinished(task)) return { task, timedOut };
		expectVideo(task);
		return await deliver(run, task, job.binaryField);
	});
	if (isPaused(jobs)) return await pause(run, jobs, output);
	run.close(output);
	return output;
}
