import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';
import { credentials } from '../shared/providers/credentials';
import { properties } from './properties';

export class KlingTaskStatus implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Kling Task Status',
		name: 'klingTaskStatus',
		icon: { light: 'file:../../icons/kling.svg', dark: 'file:../../icons/kling.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle:
			'={{ { get: "Get", wait: "Wait", getMany: "Get Many", download: "Download" }[$parameter["operation"]] }}',
		description: 'Look up, wait for, list or download Kling videos by task ID',
		defaults: { name: 'Kling Task Status' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs:
			'={{ $parameter["routeByStatus"] && $parameter["operation"] !== "getMany" ? [{ type: "main", displayName: "Completed" }, { type: "main", displayName: "Running" }, { type: "main", displayName: "Failed" }] : [{ type: "main" }] }}',
		credentials,
		builderHint: {
			searchHint:
				'Looks up, waits for, lists or downloads Kling video tasks by task ID. Items of the other Kling nodes can be passed in as they are; Route by Status gives three outputs: Completed, Running, Failed.',
			relatedNodes: [
				{ nodeType: 'n8n-nodes-kling-v2v.klingV2vGenerate', relationHint: 'Creates the tasks' },
				{
					nodeType: 'n8n-nodes-base.wait',
					relationHint: 'Between two looks at a task that is still running',
				},
			],
		},
		properties,
	};

	/** The code is loaded at the first run: n8n loads the description of every node at its start. */
	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const { execute } = await import('./execute');
		return await execute(this);
	}
}
