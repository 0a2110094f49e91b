import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { KlingError, MaybeCreated } from '../shared/errors';
import { runItems } from '../shared/n8n/runItems';
import type { FailedItem } from '../shared/n8n/runItems';
import type { Outcome } from '../shared/n8n/output';
import type { Options } from '../shared/parameters/options';
import { expectVideo } from '../shared/wait/look';
import { storedError } from '../shared/wait/record';
import { bringVideo, waitForTask } from '../shared/wait/waitForTask';
import type { Waited } from '../shared/wait/waitForTask';
import { WaitingRun } from '../shared/wait/waitingRun';
import type { Watch } from '../shared/wait/watch';
import { isFinished, refOf } from '../shared/task';
import type { KlingTask, TaskRef } from '../shared/task';
import { timing } from '../shared/timing';
import { ConcurrencyLimit } from '../shared/util/concurrencyLimit';
import { preview } from './preview';
import { hintsFor } from './request/hints';
import type { ItemRequest } from './request/itemRequest';
import { Ledger } from './submit/ledger';
import type { CreatedEntry, LedgerEntry } from './submit/ledger';
import { Submitter } from './submit/submit';

/** An item of which the ledger knows all that this run needs. */
export interface SettledItem {
	item: number;
	entry: LedgerEntry;
}

/** An input item on its way through a run. */
export type RunItem = ItemRequest | SettledItem | FailedItem;

/** The options that hold for a run as a whole. */
type RunOptions = Pick<Options, 'maxConcurrentTasks' | 'whileWaiting'>;

const DEFAULTS: RunOptions = { maxConcurrentTasks: 1, whileWaiting: 'auto' };

/** One run of Generate: its ledger, its room for tasks, its end. */
export class GenerateRun extends WaitingRun<LedgerEntry> {
	readonly ledger: Ledger;

	private limit = new ConcurrencyLimit(1);

	/** The entries whose tasks are under way. */
	private readonly occupying = new Set<LedgerEntry>();

	/** The entries that n8n has stored with a sleep of this run. */
	private readonly stored: LedgerEntry[];

	/** For the next turn to know of this one. */
	private facts: Record<string, unknown> = {};

	private submitter!: Submitter;

	constructor(context: IExecuteFunctions) {
		super(context);
		this.ledger = new Ledger(this.record, {
			isTool: this.isTool,
			isEachTryARun: context.isToolExecution?.() ?? false,
		});
		this.ledger.beginTry();
		this.stored = this.record.isResumed ? this.ledger.own() : [];
	}

	/** Makes room for as many tasks at a time as the user wants, and warns of what may cost money or time. */
	begin(items: RunItem[]): RunItem[] {
		const requests = items.filter((item) => 'request' in item);
		const [first] = requests;
		const options = first?.options ?? this.carriedFact<RunOptions>('options') ?? DEFAULTS;
		const { maxConcurrentTasks, whileWaiting } = options;
		this.limit = new ConcurrencyLimit(maxConcurrentTasks);
		this.setWhileWaiting(whileWaiting);
		this.submitter = new Submitter(this, this.limit, this.carriedFact('overloads'));
		this.facts = { options: { maxConcurrentTasks, whileWaiting } };
		if (!this.record.isResumed) this.warn(requests);
		return items;
	}

	/**
	 * One turn: submits the items that have no task yet and find room, looks at the tasks that are open,
	 * fetches the videos that are there.
	 * @returns what to put out; while the run is to sleep, how far the items are
	 */
	async work(items: RunItem[]): Promise<INodeExecutionData[]> {
		for (const item of items) if ('entry' in item) this.occupy(item.entry);
		this.turn.begin(items.length);
		const work = async (item: RunItem) =>
			await this.inTurn(item.item, async () => await this.advance(item)).catch((error: unknown) => {
				this.keepError(item, error);
				throw error;
			});
		return await runItems(this, items, work, this);
	}

	/** Sleeps until the next turn. @param progress shown meanwhile */
	async rest(progress: INodeExecutionData[]): Promise<INodeExecutionData[]> {
		return await this.sleep(progress, {
			...this.facts,
			overloads: this.submitter.overloads.byProvider,
		});
	}

	/**
	 * Ends the run. It leaves nothing behind, unless the same may be asked for once more: by n8n, which
	 * with Retry On Fail runs the node again when the first item is an error item; by an agent, after any
	 * error; or by a person, after Stop.
	 */
	async close(output: INodeExecutionData[]): Promise<INodeExecutionData[]> {
		const hasFailed = output[0]?.json.error !== undefined;
		const mayComeAgain = hasFailed && (this.isTriedAgain || this.isTool);
		if (!mayComeAgain && this.sinceEnd() < 0) {
			await this.submitter.forgetMarks(this.stored);
			this.ledger.close();
		}
		this.record.close(mayComeAgain);
		return output;
	}

	/** The call is over, however it has ended. */
	leave(): void {
		this.ledger.end();
		this.end();
	}

	/** @returns the tasks that this run has created, or has taken up */
	created(): TaskRef[] {
		return this.ledger.tasks();
	}

	/** @returns the task of an item, as far as this run knows it */
	taskOf(item: number): KlingTask | undefined {
		return this.ledger.taskOf(item);
	}

	/** The task of an entry takes a place until it has finished. */
	occupy(entry: LedgerEntry): void {
		if (!isOpen(entry) || this.occupying.has(entry)) return;
		this.occupying.add(entry);
		this.limit.take();
	}

	/** @returns an error of the ledger, as it was thrown */
	restored({ state, error, watch }: LedgerEntry): KlingError {
		const { message, advice, details } = error ?? {
			message: 'The item has failed',
			advice: '',
			details: watch ? refOf(watch.task) : {},
		};
		const Kind = state === 'uncertain' ? MaybeCreated : KlingError;
		return new Kind(message, advice, details);
	}

	/** @returns what is looked at of a task that was just created */
	watchOf({ request, options }: ItemRequest, task: KlingTask): Watch {
		const since = this.clock.now();
		const { waitLimit, pollInterval } = options;
		const kind = request.path;
		const pause = this.isSleepy
			? this.schedule.nextAsleep(kind, 0, pollInterval)
			: this.schedule.next(kind, 0, pollInterval);
		return {
			task,
			since,
			deadline: since + waitLimit,
			...(pollInterval === undefined ? {} : { pollInterval }),
			kind,
			isNew: true,
			unknownFor: timing.wait.unknownAtFirst,
			nextLook: since + pause,
		};
	}

	private warn(requests: ItemRequest[]): void {
		for (const { message, type } of hintsFor(requests)) this.hint(message, type);
		if (this.isTriedAgain && !('getExecutionCancelSignal' in this.context)) {
			this.hint(
				'Retry On Fail is on, and this n8n is older than any that was tried with it: a further try may pay again. Update n8n, or turn Retry On Fail off',
			);
		}
	}

	private get isTriedAgain(): boolean {
		return this.context.getNode().retryOnFail === true;
	}

	private async advance(item: RunItem): Promise<Outcome> {
		if ('fault' in item) throw item.fault;
		if ('request' in item && item.options.validateOnly) return await preview(this, item.request);
		const entry = await this.taskFor(item);
		const { watch, wishes } = entry;
		if (wishes.completion === 'submitOnly') {
			this.vacate(entry);
			this.letAgentAskAgain(entry);
			expectVideo(watch.task);
			return { task: watch.task };
		}
		const { task, timedOut } = await this.finish(entry);
		if (timedOut) return { task, timedOut };
		this.letAgentAskAgain(entry);
		expectVideo(task);
		return await bringVideo(this, watch, wishes.binaryField);
	}

	/** @returns the entry of the item's task, which is created unless there is one */
	private async taskFor(item: ItemRequest | SettledItem): Promise<CreatedEntry> {
		if ('entry' in item) {
			if (item.entry.state !== 'created' || item.entry.error) throw this.restored(item.entry);
			return item.entry as CreatedEntry;
		}
		return await this.submitter.submit(item);
	}

	private async finish(entry: CreatedEntry): Promise<Waited> {
		const waited = await waitForTask(this, entry.watch);
		if (waited.task.status === 'completed') this.limit.restore();
		this.vacate(entry);
		return waited;
	}

	private vacate(entry: LedgerEntry): void {
		if (this.occupying.delete(entry)) this.limit.release();
		this.turn.changed();
	}

	/** An item that fails has failed for this run: no other turn of it tries again. */
	private keepError(item: RunItem, error: unknown): void {
		if (this.isTool || !(error instanceof KlingError)) return;
		const entry = this.record.of(item.item);
		if (entry?.state === 'uncertain') return;
		if (entry && !entry.error && entry.watch) {
			// While an execution sleeps, n8n shows no error item: its log does.
			this.context.logger.warn(`Item ${item.item}: ${error.message}. ${error.advice}`);
		}
		if (entry) entry.error = storedError(error);
		else if ('request' in item) this.ledger.setFailed(item.request, storedError(error));
		else if ('fault' in item) {
			const key = { item: item.item, requestHash: '', sourceHash: '' };
			this.ledger.setFailed(key, storedError(error));
		}
	}

	/** An agent that asks again after the provider gave its task up wants a new one; a try of n8n does not. */
	private letAgentAskAgain(entry: CreatedEntry): void {
		const isGivenUp = entry.watch.task.status === 'failed';
		if (isGivenUp && this.isTool && !this.isTriedAgain) this.ledger.strike(entry);
	}
}

/** @returns whether the task of an entry is under way, as far as is known */
function isOpen({ state, watch, error }: LedgerEntry): boolean {
	return state === 'created' && !error && watch !== undefined && !isFinished(watch.task);
}
