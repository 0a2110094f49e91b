import type { Clock } from '../n8n/clock';
import { timing } from '../timing';

/**
 * When to look at a task again. The longer it has run, the longer until the next look, so that the
 * delay between "finished" and "noticed" stays about a twentieth of the whole, whether it takes half
 * a minute or most of an hour. Tasks of one run resemble each other: once one has finished, the
 * others are left alone until shortly before their likely end, and then watched more closely.
 */
export class PollSchedule {
	/** Milliseconds that finished tasks took, per kind of task. */
	private readonly taken = new Map<string, number[]>();

	constructor(private readonly clock: Clock) {}

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

	/** @param duration milliseconds from creation until the task was seen finished */
	learn(kind: string, duration: number): void {
		this.taken.set(kind, [...(this.taken.get(kind) ?? []), duration].slice(-MEMORY));
	}

	private adaptive(kind: string, elapsed: number): number {
		const usual = Math.max(timing.poll.shortest, elapsed * timing.poll.growth);
		const taken = this.taken.get(kind);
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
