import { Stopped } from '../n8n/clock';
import type { Clock } from '../n8n/clock';
import { smallest } from '../util/smallest';

/** The execution goes to sleep: this item has to be gone on with by the next turn. */
export class Asleep extends Error {
	/** @param until when the next turn is due, in milliseconds since 1970 */
	constructor(readonly until: number) {
		super('The execution sleeps');
		this.name = 'Asleep';
	}
}

/** An item that rests until a time has come, or until something holds. */
interface Rester {
	/** Milliseconds since 1970. */
	until: number;
	isReady?: () => boolean;
	goOn(): void;
	giveUp(reason: Error): void;
}

/** Says whether to sleep until a time, which no item has anything to do before. */
export type SleepPolicy = (until: number) => boolean;

/**
 * One turn of a run: all items are worked on at once, each by ordinary code that rests where it has to
 * wait. While one of them works, the others rest awake. As soon as all of them rest, the policy decides
 * whether the run stays awake until the first of them goes on, or sleeps in n8n's database; then every
 * rest ends with `Asleep`, and the next turn begins the items again, from what is recorded of them.
 */
export class Turn {
	private working = 0;

	private readonly resters = new Set<Rester>();

	/** Set once the run goes to sleep, in milliseconds since 1970. */
	private sleepUntil?: number;

	/**
	 * @param signal is aborted when the run is over: every rest ends with Stopped
	 * @param sleeps the policy
	 */
	constructor(
		private readonly clock: Clock,
		signal: AbortSignal,
		private readonly sleeps: SleepPolicy,
	) {
		signal.addEventListener('abort', () => this.endAll(new Stopped()), { once: true });
	}

	/** @returns when the next turn is due, in milliseconds since 1970; undefined unless the run goes to sleep */
	get asleepUntil(): number | undefined {
		return this.sleepUntil;
	}

	/** @param count items are about to be worked on; each by `item` */
	begin(count: number): void {
		this.working += count;
	}

	/** Works on one item, to its end or to its next rest in another turn. */
	async item<T>(work: () => Promise<T>): Promise<T> {
		try {
			return await work();
		} finally {
			this.working--;
			this.decide();
		}
	}

	/**
	 * Lets an item rest.
	 * @param until milliseconds since 1970; Infinity where only `isReady` ends the rest
	 * @param isReady is asked whenever something has changed
	 * @throws Asleep when the run goes to sleep meanwhile, Stopped when it is over
	 */
	async rest(until: number, isReady?: () => boolean): Promise<void> {
		this.clock.check();
		if (this.sleepUntil !== undefined) throw new Asleep(this.sleepUntil);
		if (isReady?.()) return;
		await new Promise<void>((resolve, reject) => {
			const leave = (end: () => void) => () => {
				if (!this.resters.delete(rester)) return;
				this.working++;
				end();
			};
			const rester: Rester = {
				until,
				isReady,
				goOn: leave(resolve),
				giveUp: (reason) => leave(() => reject(reason))(),
			};
			this.resters.add(rester);
			this.working--;
			this.watch(rester);
			this.decide();
		});
	}

	/** Something has changed that others may rest for. */
	changed(): void {
		for (const rester of [...this.resters]) if (rester.isReady?.()) rester.goOn();
	}

	private get isAtRest(): boolean {
		return this.working === 0 && this.resters.size > 0 && this.sleepUntil === undefined;
	}

	/** Ends a rest when its time has come. */
	private watch(rester: Rester): void {
		if (rester.until === Infinity) return;
		this.clock.pause(Math.max(0, rester.until - this.clock.now())).then(
			() => rester.goOn(),
			(reason: Error) => rester.giveUp(reason),
		);
	}

	private endAll(reason: Error): void {
		for (const rester of [...this.resters]) rester.giveUp(reason);
	}

	private decide(): void {
		if (!this.isAtRest) return;
		this.changed();
		if (!this.isAtRest) return;
		const until = smallest([...this.resters].map((rester) => rester.until));
		if (until <= this.clock.now() || !this.sleeps(until)) return;
		this.sleepUntil = until;
		this.endAll(new Asleep(until));
	}
}
