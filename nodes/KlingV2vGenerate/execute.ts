import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { deliver } from '../shared/result/deliver';
import { settle } from '../shared/n8n/runItems';
import { readJobs } from './request/itemRequest';
import { inspect } from './media/checkMedia';
import { isOwnOutput, isPaused, pause } from '../shared/wait/pause';
import { Run } from './generateRun';
import { isFinished } from '../shared/task';
import { expectVideo } from '../shared/wait/look';

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
