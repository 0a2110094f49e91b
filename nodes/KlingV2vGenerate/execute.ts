import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { GenerateRun } from './generateRun';
import { checkMedia } from './media/checkMedia';
import { readRequests } from './request/readRequest';

/**
 * Items -> requests -> checks (nothing spent yet) -> turn: submit what is missing and has room, look at
 * what is open -> all done? -> video -> items; else sleep, and another turn.
 */
export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const run = new GenerateRun(context);
	try {
		const items = await checkMedia(run, run.begin(readRequests(run)));
		const output = await run.work(items);
		return run.asleepUntil === undefined ? await run.close(output) : await run.rest(output);
	} finally {
		// However it ends: a retry of the execution in this process takes up what it leaves.
		run.ledger.end();
	}
}
