import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { FailedItem } from '../shared/n8n/runItems';
import type { Options } from '../shared/parameters/readOptions';
import { WaitingRun } from '../shared/wait/waitingRun';
import type { Watch } from '../shared/wait/watch';
import { isFinished } from '../shared/task';
import type { KlingTask, TaskRef } from '../shared/task';
import { timing } from '../shared/timing';
import { ConcurrencyLimit } from '../shared/util/concurrencyLimit';
import { Clips } from './media/clips';
import { hintsFor } from './request/hints';
import type { ItemRequest } from './request/itemRequest';
import { HandedOver } from './submit/handedOver';
import { Ledger } from './submit/ledger';
import type { LedgerEntry } from './submit/ledger';
import { Overloads } from './submit/overload';
import { Tally } from './submit/tally';
import { WriteAhead } from './submit/writeAhead';

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

	readonly writeAhead: WriteAhead;

	readonly tally: Tally;

	readonly overloads: Overloads;

	/** When the files of this run's requests were looked at, in milliseconds since 1970: in its first turn. */
	readonly checkedAt: number;

	/** The parts of reference videos that are used. */
	readonly clips = new Clips(this);

	/** Files that are at the provider already. */
	readonly handedOver: HandedOver;

	/** How many tasks may be under way. */
	limit = new ConcurrencyLimit(1);

	/** The entries whose tasks are under way. */
	private readonly occupying = new Set<LedgerEntry>();

	/** The entries that n8n has stored with a sleep of this run. */
	private readonly stored: LedgerEntry[];

	/** For the next turn to know of this one. */
	private facts: Record<string, unknown> = {};

	constructor(context: IExecuteFunctions) {
		super(context);
		const nodeContext = context.getContext('node');
		const isEachTryARun = context.isToolExecution?.();
		this.ledger = new Ledger(this.record, { isTool: this.isTool, isEachTryARun }, nodeContext);
		this.ledger.beginTry();
		this.writeAhead = new WriteAhead(context, this.index, this.isTool);
		this.tally = new Tally(nodeContext);
		this.overloads = new Overloads(this.clock, this.carriedFact('overloads'));
		this.checkedAt = this.carriedFact('checkedAt') ?? this.clock.now();
		this.handedOver = new HandedOver(context, this.index, this.clock);
		this.stored = this.record.isResumed ? this.ledger.own() : [];
	}

	/** Makes room for as many tasks at a time as the user wants, and warns of what may cost money or time. */
	begin(items: RunItem[]): RunItem[] {
		const requests = items.filter((item) => 'request' in item);
		const [first] = requests;
		// The items that are left may be others than in the first turn, and their options, too.
		const options = this.carriedFact<RunOptions>('options') ?? first?.options ?? DEFAULTS;
		const { maxConcurrentTasks, whileWaiting } = options;
		this.limit = new ConcurrencyLimit(maxConcurrentTasks);
		this.setWhileWaiting(whileWaiting);
		this.facts = { options: { maxConcurrentTasks, whileWaiting } };
		if (!this.record.isResumed) this.warn(requests);
		return items;
	}

	/** Sleeps until the next turn. @param progress shown meanwhile */
	async rest(progress: INodeExecutionData[]): Promise<INodeExecutionData[]> {
		const isCalledBack = this.ledger.own().some(({ wishes }) => wishes?.completion === 'callback');
		const facts = {
			...this.facts,
			checkedAt: this.checkedAt,
			overloads: this.overloads.byProvider,
		};
		return await this.sleep(progress, facts, isCalledBack);
	}

	/**
	 * Ends the run. It leaves nothing behind, unless the same may be asked for once more: by n8n, which
	 * with Retry On Fail runs the node again when the first item is an error item; by an agent, after any
	 * error; or by a person, after Stop.
	 */
	async close(output: INodeExecutionData[]): Promise<INodeExecutionData[]> {
		this.warnOfNextRun(output.some(({ binary }) => binary !== undefined));
		const hasFailed = output[0]?.json.error !== undefined;
		const mayComeAgain = hasFailed && (this.isTriedAgain || this.isTool);
		if (!mayComeAgain && this.sinceEnd() < 0) {
			for (const entry of this.stored) await this.writeAhead.close(entry);
			this.ledger.close();
			this.handedOver.clear();
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

	/** @returns whether a task may exist for an item, though the ledger knows of none: a process was killed */
	async wasSent({ request }: ItemRequest): Promise<boolean> {
		const attempt = this.ledger.attempt(request.item);
		const nth = this.ledger.nth(request);
		return await this.writeAhead.wasSent({ ...request, attempt, nth });
	}

	/** The task of an entry takes a place until it has finished. */
	occupy(entry: LedgerEntry): void {
		if (!isOpen(entry) || this.occupying.has(entry)) return;
		this.occupying.add(entry);
		this.limit.take();
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

	/** In the editor, each execution of the step or of the workflow makes new tasks. n8n pins no output with files. */
	private warnOfNextRun(hasFiles: boolean): void {
		if (this.context.getMode() !== 'manual' || this.isTool || this.created().length === 0) return;
		const advice = hasFiles
			? 'To work on the nodes behind it, click Execute step on those: they use this output. n8n cannot pin it, as it holds files; when it is gone, Kling Task Status fetches the video by its task ID and costs nothing'
			: 'To work on the nodes behind it, pin this output first';
		this.hint(`Executing this step again makes new tasks and pays for them. ${advice}`, 'info');
	}

	private warn(requests: ItemRequest[]): void {
		for (const { message, type } of hintsFor(requests)) this.hint(message, type);
		if (this.isTriedAgain && !('getExecutionCancelSignal' in this.context)) {
			this.hint(
				'Retry On Fail is on, and this n8n is older than any that was tried with it: a further try may pay again. Update n8n, or turn Retry On Fail off',
			);
		}
	}

	/** Whether n8n itself runs the node again after an error. */
	get isTriedAgain(): boolean {
		return this.context.getNode().retryOnFail === true;
	}

	/** The task of an entry is no longer under way: its place is free. */
	vacate(entry: LedgerEntry): void {
		if (this.occupying.delete(entry)) this.limit.release();
		this.turn.changed();
	}
}

/** @returns whether the task of an entry is under way, as far as is known */
function isOpen({ state, watch, error }: LedgerEntry): boolean {
	return state === 'created' && !error && watch !== undefined && !isFinished(watch.task);
}
