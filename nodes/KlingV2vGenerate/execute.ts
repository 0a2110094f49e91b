import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { deliver } from '../shared/result/deliver';
import { runItems } from '../shared/n8n/runItems';
import { readJobs } from './request/itemRequest';
import { checkMedia } from './media/checkMedia';
import { isOwnOutput, isPaused, pause } from '../shared/wait/pause';
import { GenerateRun } from './generateRun';
import { isFinished } from '../shared/task';
import { expectVideo } from '../shared/wait/look';

/** Items -> parameters -> checks (nothing spent yet) -> submit -> wait -> result -> download -> items. */
export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	if (isOwnOutput(context)) return context.getInputData();
	const run = new GenerateRun(context);
	const jobs = await checkMedia(run, run.plan(readJobs(run)));
	const output = await runItems(run, jobs, async (job) => {
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
