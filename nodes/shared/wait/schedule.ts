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
	 * @param durations those that are known from before; those that are learned are added
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
	 * The same for a run that sleeps in between. n8n ends a sleep on time from 65 s on, so nothing shorter
	 * is slept. Once the durations of three tasks are known, the run sleeps until shortly before the likely
	 * end, and then looks closely for a while, awake.
	 */
	nextAsleep(kind: string, elapsed: number, fixed?: number): number {
		const { shortest, growth, nearEnd, closeLook } = timing.sleep;
		if (fixed !== undefined) return Math.max(fixed, shortest);
		const usual = Math.max(shortest, elapsed * growth);
		const taken = this.durations[kind] ?? [];
		if (taken.length < ENOUGH || elapsed > Math.max(...taken) * (1 + MARGIN)) return usual;
		const untilEnd = likelyEnd(taken) - elapsed;
		if (untilEnd >= shortest) return untilEnd;
		return untilEnd > nearEnd ? usual : Math.max(closeLook, elapsed * growth);
	}

	/**
	 * A task has finished between two looks, and somewhat before the second one.
	 * @param seen milliseconds from creation until it was seen finished
	 * @param before milliseconds from creation until the look before that one
	 */
	learn(kind: string, seen: number, before: number): void {
		const unseen = Math.min(seen - before, timing.sleep.awakeUpTo);
		const duration = Math.round(seen - unseen / 2);
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
/** `likelyEnd` goes by so many of the newest durations. */
const RECENT = 6;
/** `likelyEnd` is no sooner than this share of their median: a run that looks closely is awake, and holds a worker. */
const EARLIEST = 0.92;

function likelyEnd(taken: number[]): number {
	const recent = taken.slice(-RECENT).sort((one, other) => one - other);
	return Math.max(recent[0], recent[recent.length >> 1] * EARLIEST);
}
