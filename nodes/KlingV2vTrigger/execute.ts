import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { deliver } from '../shared/result/deliver';
import { InvalidInput } from '../shared/errors';
import { runItems } from '../shared/n8n/runItems';
import { readFileField } from '../shared/parameters/read';
import { NodeRun } from '../shared/n8n/nodeRun';
import { refOf } from '../shared/task';
import type { KlingTask } from '../shared/task';

/** Fetches the video of each completed task that a callback has reported. */
export async function bringVideos(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const run = new NodeRun(context);
	const reported = context.getInputData().map(({ json }, item) => ({ item, json }));
	const output = await runItems(run, reported, async ({ item, json }) => {
		const task = json as unknown as KlingTask;
		run.tag(task);
		if (task.status !== 'completed') return await deliver(run, task, undefined);
		const { value, problems } = readFileField(context, item);
		if (problems.length > 0) throw new InvalidInput(problems, refOf(task));
		return await deliver(run, task, value);
	});
	run.end();
	return output.map((item, index) => {
		if ('error' in item.json) return item;
		const { dedupeKey, query } = reported[index].json;
		return { ...item, json: { ...item.json, dedupeKey, ...(query ? { query } : {}) } };
	});
}
