import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { readItems, runItems } from '../shared/n8n/runItems';
import { NodeRun } from '../shared/n8n/nodeRun';
import { operations, readPurpose, readRequest } from './operations';
import { byStatus } from './routing';

export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const session = new NodeRun(context);
	let isRouted = false;
	const requests = readItems(session, (item) => {
		const purpose = readPurpose(context, item);
		isRouted ||= purpose.isRouted;
		return readRequest(context, item, purpose);
	});
	const output = await runItems(
		session,
		requests,
		async (request) => await operations[request.operation](session, request),
	);
	session.end();
	return isRouted ? byStatus(output) : [output];
}
