import type { Clock } from '../n8n/clock';
import { timing } from '../timing';

/** Milliseconds that finished tasks took, by kind of task. Plain data. */
export type Durations = Record<string, number[]>;

/**
 * When to look at a task again. The longer it has run, the longer until the next look, so that the
 * delay between "finished" and "noticed" stays about a twentieth of the whole, whether it takes half
 * a minute or most of an hour. Tasks of one run resemble each other: once one has finished, the
 * others are left alone until shortly before their likely end, and then watched more closely.
 */
export class PollSchedule {
	/**
	 * @param clock gives the jitter
	 * @param durations those that are known from before
	 */
	constructor(
		private readonly clock: Clock,
		readonly durations: Durations = {},
	) {}

	/**
	 * @param kind tasks of one kind take about as long as each other
	 * @param elapsed milliseconds since the task was created
	 * @param fixed the user's own interval in milliseconds, if any
	 * @returns milliseconds until the next look
	 */
	next(kind: string, elapsed: number, fixed?: number): number {
		if (fixed !== undefined) return fixed;
		return this.adaptive(kind, elapsed) * (1 + JITTER * (2 * this.clock.random() - 1));
	}

	/**
	 * The same for a run that sleeps in between: n8n ends a sleep on time from 65 s on, so no look comes
	 * sooner than that after the one before.
	 */
	nextAsleep(kind: string, elapsed: number, fixed?: number): number {
		const { shortest, growth } = timing.sleep;
		if (fixed !== undefined) return Math.max(fixed, shortest);
		const taken = this.durations[kind] ?? [];
		const opens = taken.length < ENOUGH ? 0 : Math.min(...taken) * (1 - MARGIN);
		return Math.max(shortest, elapsed * growth, opens - elapsed);
	}

	/** @param duration milliseconds from creation until the task was seen finished */
	learn(kind: string, duration: number): void {
		this.durations[kind] = [...(this.durations[kind] ?? []), duration].slice(-MEMORY);
	}

	private adaptive(kind: string, elapsed: number): number {
		const usual = Math.max(timing.poll.shortest, elapsed * timing.poll.growth);
		const taken = this.durations[kind];
		if (!taken) return usual;
		const opens = Math.min(...taken) * (1 - MARGIN);
		const closes = Math.max(...taken) * (1 + MARGIN);
		if (elapsed < opens) return Math.max(timing.poll.shortest, opens - elapsed);
		if (elapsed < closes) return Math.max(timing.poll.shortest, elapsed * timing.poll.closeWatch);
		return usual;
	}
}

/** How far around the known durations a task is expected to finish. */
const MARGIN = 0.12;
/** Looks of many workflows should not fall together. */
const JITTER = 0.08;
/** How many finished tasks count. */
const MEMORY = 20;
/** So many durations say when a sleeping run need not look yet. */
const ENOUGH = 3;
