import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { readItems, settle } from '../shared/items';
import { Session } from '../shared/session';
import { operations, readRequest } from './operations';
import { byStatus } from './routing';

export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const requests = readItems(context, (item) => readRequest(context, item));
	const session = new Session(context);
	const output = await settle(
		session,
		requests,
		async (request) => await operations[request.operation](session, request),
	);
	session.end();
	const isRouted = requests.some((request) => 'operation' in request && request.isRouted);
	return isRouted ? byStatus(output) : [output];
}
