import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';
import { readItems, settle } from '../shared/items';
import { Session } from '../shared/session';
import { operations, readRequest } from './operations';
import { properties } from './properties';
import { byStatus } from './routing';

export class KlingTaskStatus implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Kling Task Status',
		name: 'klingTaskStatus',
		icon: { light: 'file:../../icons/kling.svg', dark: 'file:../../icons/kling.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle: '={{ $parameter["operation"] }}',
		description: 'Look up, wait for, list or download Kling videos by task ID',
		defaults: { name: 'Kling Task Status' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs:
			'={{ $parameter["routeByStatus"] && $parameter["operation"] !== "getMany" ? [{ type: "main", displayName: "Completed" }, { type: "main", displayName: "Running" }, { type: "main", displayName: "Failed" }] : [{ type: "main" }] }}',
		credentials: [
			{
				name: 'magnificApi',
				required: true,
				displayOptions: { show: { provider: ['magnific'] } },
			},
			{
				name: 'muleRouterApi',
				required: true,
				displayOptions: { show: { provider: ['muleRouter'] } },
			},
		],
		properties,
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const requests = readItems(this, (item) => readRequest(this, item));
		const session = new Session(this);
		const output = await settle(
			session,
			requests,
			async (request) => await operations[request.operation](session, request),
		);
		session.end();
		const isRouted = requests.some((request) => 'operation' in request && request.isRouted);
		return isRouted ? byStatus(output) : [output];
	}
}
