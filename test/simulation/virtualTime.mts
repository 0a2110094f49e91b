import { createRequire } from 'node:module';
import type { SimulatedClock } from './fakeTimers.mts';

const require = createRequire(import.meta.url);
const FakeTimers = require('@sinonjs/fake-timers') as typeof import('./fakeTimers.mts');
const crypto = require('node:crypto') as { randomUUID(): string };

/** When every simulated history begins. */
export const START = Date.UTC(2026, 0, 1);

/** Turns of the virtual clock that a history may take: one that takes more does not end. */
const MOST_STEPS = 60_000;

const realImmediate = setImmediate;

/**
 * Time, chance and identifiers of a simulated history: the same seed gives the same ones. Timers and `Date` are those of
 * `@sinonjs/fake-timers`; promises and streams settle by themselves before the clock goes on.
 */
export class VirtualTime {
	private readonly clock: SimulatedClock;

	private state = 1;

	private ids = 0;

	constructor() {
		this.clock = FakeTimers.install({
			now: START,
			toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
			loopLimit: Infinity,
		});
		const { setTimeout: simulated } = globalThis;
		// As in Node.js, where no timer is shorter than a millisecond.
		globalThis.setTimeout = ((work: () => void, ms = 0) =>
			simulated(work, ms >= 1 && ms < 2 ** 31 ? Math.trunc(ms) : 1)) as typeof setTimeout;
		Math.random = () => this.random();
		crypto.randomUUID = () => `00000000-0000-4000-8000-${String(++this.ids).padStart(12, '0')}`;
	}

	/** Begins a history. */
	begin(seed: number): void {
		this.clock.reset();
		this.clock.setSystemTime(START);
		this.state = seed >>> 0;
		this.ids = 0;
	}

	/** A number from 0 up to 1. */
	random(): number {
		this.state = (this.state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	}

	/** Lets time pass until something holds. @returns whether it came to hold */
	async until(isDone: () => boolean): Promise<boolean> {
		for (let steps = 0; steps < MOST_STEPS; steps++) {
			await settled();
			if (isDone()) return true;
			if (this.clock.countTimers() === 0) return false;
			this.clock.next();
		}
		return false;
	}
}

/** Every promise and stream that can go on without the clock has gone on. */
async function settled(): Promise<void> {
	await new Promise<void>((goOn) => realImmediate(goOn));
}
