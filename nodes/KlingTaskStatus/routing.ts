import type { INodeExecutionData } from 'n8n-workflow';
import type { TaskStatus } from '../shared/task';

/** The outputs in their order: Completed, Running, Failed. An error item is a failed one. */
const OUTPUTS: Record<TaskStatus, number> = { completed: 0, pending: 1, running: 1, failed: 2 };

export function byStatus(items: INodeExecutionData[]): INodeExecutionData[][] {
	const outputs: INodeExecutionData[][] = [[], [], []];
	for (const item of items) {
		outputs[OUTPUTS[item.json.status as TaskStatus] ?? OUTPUTS.failed].push(item);
	}
	return outputs;
}
