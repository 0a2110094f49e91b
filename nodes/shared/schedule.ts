import type { Clock } from './clock';

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
		const usual = Math.max(pace.shortest, elapsed * pace.growth);
		const taken = this.taken.get(kind);
		if (!taken) return usual;
		const opens = Math.min(...taken) * (1 - MARGIN);
		const closes = Math.max(...taken) * (1 + MARGIN);
		if (elapsed < opens) return Math.max(pace.shortest, opens - elapsed);
		if (elapsed < closes) return Math.max(pace.shortest, elapsed * pace.closeWatch);
		return usual;
	}
}

/** The pace of looking, which tests quicken. */
export const pace = {
	/** Milliseconds. No provider finishes in less than some tens of seconds: nothing is gained below. */
	shortest: 2_800,
	/** The next look comes this share of the elapsed time later; the mean delay is half of it. */
	growth: 0.096,
	/** The share while a task is expected to finish. */
	closeWatch: 0.05,
};
/** How far around the known durations a task is expected to finish. */
const MARGIN = 0.12;
/** Looks of many workflows should not fall together. */
const JITTER = 0.08;
/** How many finished tasks count. */
const MEMORY = 20;
