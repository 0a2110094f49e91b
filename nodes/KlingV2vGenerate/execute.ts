import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { GenerateRun } from './generateRun';
import { checkMedia } from './media/checkMedia';
import { readRequests } from './request/readRequest';
import { work } from './work';

/**
 * Items -> requests -> checks (nothing spent yet) -> turn: submit what is missing and has room, look at
 * what is open -> all done? -> video -> items; else sleep, and another turn.
 */
export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const run = new GenerateRun(context);
	try {
		const items = await checkMedia(run, run.begin(readRequests(run)));
		const output = await work(run, items);
		return run.asleepUntil === undefined ? await run.close(output) : await run.rest(output);
	} finally {
		run.leave();
	}
}
