import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { readItems, settle } from '../shared/items';
import { Session } from '../shared/session';
import { operations, readPurpose, readRequest } from './operations';
import { byStatus } from './routing';

export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	let isRouted = false;
	const requests = readItems(context, (item) => {
		const purpose = readPurpose(context, item);
		isRouted ||= purpose.isRouted;
		return readRequest(context, item, purpose);
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
