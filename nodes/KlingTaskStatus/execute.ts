import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { readItems, runItems } from '../shared/n8n/runItems';
import type { FailedItem } from '../shared/n8n/runItems';
import { WaitingRun } from '../shared/wait/waitingRun';
import { operations } from './operations';
import { readRequest, readRouting } from './readRequest';
import type { Request } from './readRequest';
import { byStatus } from './routing';

export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const run = new WaitingRun(context);
	// A new try of Retry On Fail asks anew.
	if (!run.record.isResumed) run.record.remove((entry) => run.record.isOwn(entry));
	let isRouted = false;
	const requests = readItems<Request | FailedItem>(context, (item) => {
		const routing = readRouting(context, item);
		isRouted ||= routing.isRouted;
		return readRequest(context, item, routing);
	});
	const [first] = requests.filter((request) => 'options' in request);
	run.setWhileWaiting(first?.options.whileWaiting ?? 'auto');
	run.turn.begin(requests.length);
	const output = await runItems(
		run,
		requests,
		async (request) =>
			await run.inTurn(request.item, async () => {
				if ('fault' in request) throw request.fault;
				return await operations[request.operation](run, request);
			}),
	);
	const routed = (items: INodeExecutionData[]) => (isRouted ? byStatus(items) : [items]);
	if (run.asleepUntil !== undefined) return routed(await run.sleep(output));
	run.record.remove((entry) => run.record.isOwn(entry));
	run.record.close();
	run.end();
	return routed(output);
}
