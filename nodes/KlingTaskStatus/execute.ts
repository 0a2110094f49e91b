import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { readItems, settle } from '../shared/items';
import { Session } from '../shared/session';
import { operations, readRequest, readRouting } from './operations';
import { byStatus } from './routing';

export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	let isRouted = false;
	const requests = readItems(context, (item) => {
		// Before anything can be found wrong with the item: an error has its output, too.
		isRouted = readRouting(context, item) || isRouted;
		return readRequest(context, item);
	});
	const session = new Session(context);
	const output = await settle(
		session,
		requests,
		async (request) => await operations[request.operation](session, request),
	);
	session.end();
	return isRouted ? byStatus(output) : [output];
}
