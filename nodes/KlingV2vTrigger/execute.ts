import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { deliver } from '../shared/result/deliver';
import { InvalidInput } from '../shared/errors';
import { runItems } from '../shared/n8n/runItems';
import { readFileField } from '../shared/parameters/read';
import { NodeRun } from '../shared/n8n/nodeRun';
import { refOf } from '../shared/task';
import type { KlingTask } from '../shared/task';

/** Fetches the file of each finished task that a callback has told of. */
export async function bringVideos(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const session = new NodeRun(context);
	const told = context.getInputData().map(({ json }, item) => ({ item, json }));
	const output = await runItems(session, told, async ({ item, json }) => {
		const task = json as unknown as KlingTask;
		if (task.status !== 'completed') return await deliver(session, task, undefined);
		const { value, problems } = readFileField(context, item);
		if (problems.length > 0) throw new InvalidInput(problems, refOf(task));
		return await deliver(session, task, value);
	});
	session.end();
	return output.map((item, index) => {
		const { dedupeKey } = told[index].json;
		return 'error' in item.json ? item : { ...item, json: { ...item.json, dedupeKey } };
	});
}
