import { randomUUID } from 'node:crypto';
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { canRunAgain, isAwaitedByCaller, sleepAndRunAgain } from '../n8n/internals';
import { NodeRun, runIndexOf } from '../n8n/nodeRun';
import type { Outcome } from '../n8n/output';
import type { WhileWaiting } from '../parameters/readOptions';
import { timing } from '../timing';
import { RunRecord } from './record';
import type { ItemEntry } from './record';
import { PollSchedule } from './schedule';
import { Asleep, Turn } from './turn';
import { progressOf } from './watch';

/** A run of a node that waits for tasks: awake, or asleep in n8n's database between its turns. */
export class WaitingRun<E extends ItemEntry = ItemEntry> extends NodeRun<IExecuteFunctions> {
	/** Which run of the node, as in a loop; the same when a retry does it again. */
	readonly index: number;

	readonly record: RunRecord<E>;

	readonly turn: Turn;

	readonly schedule: PollSchedule;

	private readonly begunAt: number;

	private readonly canSleep: boolean;

	private whileWaiting: WhileWaiting = 'auto';

	constructor(context: IExecuteFunctions) {
		super(context);
		this.record = RunRecord.open<E>(context, runIndexOf(context), this.isTool);
		this.index = this.record.run;
		this.turn = new Turn(this.clock, this.signal, (until) => this.isWorthSleeping(until));
		this.schedule = new PollSchedule(this.clock, this.record.durations);
		this.begunAt = this.clock.now();
		// The answer of an agent's call is the call's own: it cannot come later.
		this.canSleep = !this.isTool && canRunAgain(context) && !this.record.isTriedAfterSleep;
		for (const { message, type } of this.record.carried?.hints ?? []) this.hint(message, type);
	}

	/** @param choice the user's; it holds for the whole run */
	setWhileWaiting(choice: WhileWaiting): void {
		this.whileWaiting = choice;
	}

	/** Whether the run may sleep, now or later. */
	get maySleep(): boolean {
		if (!this.canSleep || this.whileWaiting === 'run') return false;
		return this.whileWaiting === 'sleep' || !isAwaitedByCaller(this.context);
	}

	/** Whether the next rest that is long enough will be a sleep. */
	get isSleepy(): boolean {
		return this.maySleep && this.clock.now() >= this.watchedUntil;
	}

	/** When the next turn is due, in milliseconds since 1970; undefined where all items are done. */
	get asleepUntil(): number | undefined {
		return this.turn.asleepUntil;
	}

	/**
	 * Sleeps until the next turn.
	 * @param progress shown meanwhile as what the node puts out
	 * @param facts about the run that the next turn finds in `record.carried`
	 * @param isCalledBack calls, too, wake the execution, and not only n8n's clock
	 */
	async sleep(
		progress: INodeExecutionData[],
		facts: Record<string, unknown> = {},
		isCalledBack = false,
	): Promise<INodeExecutionData[]> {
		const { clock, context, begunAt } = this;
		// Of executions that only the clock wakes, many may share a worker: each leaves it at once.
		if (isCalledBack || this.record.isCalledBack) {
			await clock.pause(begunAt + timing.sleep.shortestTurn - clock.now());
		}
		const until = Math.max(this.asleepUntil ?? 0, clock.now() + timing.sleep.shortest);
		this.record.sleep(randomUUID(), until, { hints: this.hints, facts }, isCalledBack);
		await sleepAndRunAgain(context, new Date(until));
		this.end();
		// With Retry On Fail, n8n would take an error in the first place for a failed try.
		return progress.filter(({ json }) => json.error === undefined);
	}

	/** @returns a fact that the turn before has handed over to `sleep` */
	carriedFact<T>(name: string): T | undefined {
		return this.record.carried?.facts[name] as T | undefined;
	}

	/**
	 * Works on one item within the turn.
	 * @returns the outcome; where the item has to be gone on with by the next turn, how far it is
	 */
	async inTurn<T>(item: number, work: () => Promise<T>): Promise<T | Outcome> {
		return await this.turn.item<T | Outcome>(
			async () =>
				await work().catch((error: Error) => {
					if (!(error instanceof Asleep)) throw error;
					return { ready: this.progress(item, error.until) };
				}),
		);
	}

	/** @returns how far an item is, for the eye: n8n shows it while the execution sleeps */
	private progress(item: number, until: number): INodeExecutionData {
		const watch = this.record.of(item)?.watch;
		const json = watch ? progressOf(watch) : { status: 'waiting', waitingFor: 'its turn' };
		// The limit of the wait may come before the user's own interval is over.
		const { nextLook = 0, deadline = 0 } = watch ?? {};
		const isDue = new Date(Math.max(until, Math.min(nextLook, deadline)));
		return { json: { ...json, nextLook: isDue.toISOString() }, pairedItem: { item } };
	}

	private isWorthSleeping(until: number): boolean {
		if (!this.isSleepy) return false;
		const now = this.clock.now();
		const { awakeUpTo, longestAwake } = timing.sleep;
		return until - now > awakeUpTo || now - this.begunAt > longestAwake;
	}

	/** A person who watches the run in the editor sees it live at first. */
	private get watchedUntil(): number {
		const isWatched = this.context.getMode() === 'manual' && this.whileWaiting === 'auto';
		return isWatched && !this.record.isResumed ? this.begunAt + timing.sleep.watchedAwake : 0;
	}
}
