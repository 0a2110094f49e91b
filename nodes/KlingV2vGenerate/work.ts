import type { INodeExecutionData } from 'n8n-workflow';
import { KlingError } from '../shared/errors';
import { runItems } from '../shared/n8n/runItems';
import type { Outcome } from '../shared/n8n/output';
import { expectVideo } from '../shared/wait/look';
import { storedError } from '../shared/wait/record';
import { Asleep } from '../shared/wait/turn';
import { bringVideo, waitForTask } from '../shared/wait/waitForTask';
import type { Waited } from '../shared/wait/waitForTask';
import type { GenerateRun, RunItem, SettledItem } from './generateRun';
import { preview } from './preview';
import { errorOf, isCreated } from './submit/ledger';
import type { CreatedEntry } from './submit/ledger';
import { Submitter } from './submit/submit';

/**
 * One turn: submits the items that have no task yet and find room, looks at the tasks that are open,
 * fetches the videos that are there.
 * @returns what to put out; while the run is to sleep, how far the items are
 */
export async function work(run: GenerateRun, items: RunItem[]): Promise<INodeExecutionData[]> {
	const submitter = new Submitter(run);
	for (const item of items) if ('entry' in item) run.occupy(item.entry);
	run.turn.begin(items.length);
	return await runItems(
		run,
		items,
		async (item: RunItem) =>
			await run
				.inTurn(item.item, async () => await complete(run, submitter, item))
				.catch((error: unknown) => {
					keepError(run, item, error);
					throw error;
				}),
		run,
	);
}

/** @returns the outcome of an item, with what the user wants beside it */
async function complete(run: GenerateRun, submitter: Submitter, item: RunItem): Promise<Outcome> {
	const outcome = await advance(run, submitter, item);
	const wishes = 'entry' in item ? item.entry.wishes : 'fault' in item ? undefined : item;
	const { json } = run.context.getInputData()[item.item];
	return {
		...outcome,
		...(wishes?.includeInput ? { input: json } : {}),
		estimatedCost: wishes?.estimatedCost,
		clip: wishes?.clip,
	};
}

/** Takes one item as far as it comes in this turn. */
async function advance(run: GenerateRun, submitter: Submitter, item: RunItem): Promise<Outcome> {
	if ('fault' in item) throw item.fault;
	if ('request' in item && item.options.validateOnly) return await preview(run, item.request);
	const entry = 'entry' in item ? taskOf(item) : await submitter.submit(item);
	const { watch, wishes } = entry;
	if (wishes.completion === 'submitOnly') {
		run.vacate(entry);
		letAgentAskAgain(run, entry);
		expectVideo(watch.task);
		return { task: watch.task };
	}
	const { task, timedOut } = await finish(run, entry);
	if (timedOut) return { task, timedOut };
	letAgentAskAgain(run, entry);
	expectVideo(task);
	return await bringVideo(run, watch, wishes.binaryField);
}

/** @returns the entry of an item whose task the ledger knows */
function taskOf({ entry }: SettledItem): CreatedEntry {
	if (!isCreated(entry) || entry.error) throw errorOf(entry);
	return entry;
}

async function finish(run: GenerateRun, entry: CreatedEntry): Promise<Waited> {
	const waited = await waitForTask(run, entry.watch).catch((error: unknown) => {
		// A task that is given up holds no place; that of a run that sleeps is under way all the same.
		if (!(error instanceof Asleep)) run.vacate(entry);
		throw error;
	});
	if (waited.task.status === 'completed') run.limit.restore();
	run.vacate(entry);
	return waited;
}

/** An item that fails has failed for this run: no other turn of it tries again. */
function keepError(run: GenerateRun, item: RunItem, error: unknown): void {
	if (run.isTool || !(error instanceof KlingError)) return;
	const entry = run.record.of(item.item);
	if (entry?.state === 'uncertain') return;
	if (entry && !entry.error && entry.watch) {
		// While an execution sleeps, n8n shows no error item: its log does.
		run.context.logger.warn(`Item ${item.item}: ${error.message}. ${error.advice}`);
	}
	if (entry) entry.error = storedError(error);
	else if ('request' in item) run.ledger.setFailed(item.request, storedError(error));
	else if ('fault' in item) {
		const key = { item: item.item, requestHash: '', sourceHash: '' };
		run.ledger.setFailed(key, storedError(error));
	}
}

/** An agent that asks again after the provider gave its task up wants a new one; a try of n8n does not. */
function letAgentAskAgain(run: GenerateRun, entry: CreatedEntry): void {
	const isGivenUp = entry.watch.task.status === 'failed';
	if (isGivenUp && run.isTool && !run.isTriedAgain) run.ledger.strike(entry);
}
