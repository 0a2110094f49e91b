import { createRequire } from 'node:module';
import path from 'node:path';
import { simulateSignals } from './signals.mts';

const require = createRequire(path.join(process.cwd(), 'package.json'));
const crypto = require('node:crypto') as { randomUUID(): string };

/** When every simulated history begins. */
export const START = Date.UTC(2026, 0, 1);

/** Timers that a history may take: one that takes more does not end. */
const MOST_STEPS = 60_000;

const realImmediate = setImmediate;
const RealDate = Date;

let now = START;

class SimulatedDate extends RealDate {
	constructor(...given: unknown[]) {
		super(...((given.length === 0 ? [now] : given) as [number]));
	}

	static override now(): number {
		return now;
	}
}

/** A timer that is to come. */
class Timer {
	isOver = false;

	constructor(
		readonly at: number,
		readonly order: number,
		readonly work: () => void,
	) {}

	/** As in Node.js, where these say whether a timer keeps the process alive. */
	ref(): this {
		return this;
	}

	unref(): this {
		return this;
	}

	isBefore(other: Timer): boolean {
		return this.at < other.at || (this.at === other.at && this.order < other.order);
	}
}

/**
 * Time, chance and identifiers of a simulated history, in place of the process's own: the same seed gives the same ones.
 * Promises and streams settle by themselves before the clock goes on.
 */
export class VirtualTime {
	/** A heap: the next timer is the first one. */
	private readonly timers: Timer[] = [];

	private orders = 0;

	private chance = 1;

	private ids = 0;

	constructor() {
		const set = (work: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => {
			// As in Node.js, where no timer is shorter than a millisecond.
			const pause = ms >= 1 && ms < 2 ** 31 ? Math.trunc(ms) : 1;
			return this.add(new Timer(now + pause, this.orders++, () => work(...given)));
		};
		const clear = (timer?: unknown) => {
			if (timer instanceof Timer) timer.isOver = true;
		};
		Object.assign(globalThis, { Date: SimulatedDate, setTimeout: set, clearTimeout: clear });
		simulateSignals();
		Math.random = () => this.random();
		crypto.randomUUID = () => `00000000-0000-4000-8000-${String(++this.ids).padStart(12, '0')}`;
	}

	/** Begins a history. */
	begin(seed: number): void {
		this.timers.length = 0;
		this.orders = 0;
		this.chance = seed >>> 0;
		this.ids = 0;
		now = START;
	}

	/** Lets time pass until something holds. @returns whether it came to hold */
	async until(isDone: () => boolean): Promise<boolean> {
		return await new Promise((resolve) => realImmediate(() => resolve(this.pass(isDone))));
	}

	/** Not within a promise: there, others could not go on. */
	private pass(isDone: () => boolean): boolean {
		for (let steps = 0; steps < MOST_STEPS; steps++) {
			settle();
			if (isDone()) return true;
			if (!this.next()) return false;
		}
		return false;
	}

	/** A number from 0 up to 1: the generator "mulberry32". */
	private random(): number {
		this.chance = (this.chance + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(this.chance ^ (this.chance >>> 15), this.chance | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	}

	/** The next timer comes. @returns whether there was one */
	private next(): boolean {
		for (;;) {
			const timer = this.take();
			if (!timer) return false;
			if (timer.isOver) continue;
			now = Math.max(now, timer.at);
			timer.isOver = true;
			timer.work();
			return true;
		}
	}

	private add(timer: Timer): Timer {
		const { timers } = this;
		let place = timers.push(timer) - 1;
		while (place > 0) {
			const above = (place - 1) >> 1;
			if (!timer.isBefore(timers[above])) break;
			timers[place] = timers[above];
			place = above;
		}
		timers[place] = timer;
		return timer;
	}

	private take(): Timer | undefined {
		const { timers } = this;
		const [first] = timers;
		const last = timers.pop();
		if (last === undefined || first === last) return first;
		let place = 0;
		for (;;) {
			const left = 2 * place + 1;
			if (left >= timers.length) break;
			const right = left + 1;
			const below = right < timers.length && timers[right].isBefore(timers[left]) ? right : left;
			if (!timers[below].isBefore(last)) break;
			timers[place] = timers[below];
			place = below;
		}
		timers[place] = last;
		return first;
	}
}

/**
 * Lets every promise and stream go on that can do so without the clock. A turn of Node.js's own loop does the same, and asks
 * the operating system each time.
 */
const settle = (process as unknown as { _tickCallback(): void })._tickCallback;
