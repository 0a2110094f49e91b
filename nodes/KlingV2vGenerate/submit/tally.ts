import { asObject } from '../../shared/util/unknown';

const KEY = 'klingTally';

/** Plain data: n8n stores it with every sleep. */
interface Places {
	/** The highest place that was ever taken. */
	taken: number;
	/** Places up to it that are free again, the lowest first. */
	free: number[];
}

/**
 * How many tasks the node has asked for in its execution: over all its runs, as in a loop or for an agent,
 * and over retries of the execution. Each request takes a numbered place, and gives it back where surely
 * no task came of it. It is kept in n8n's node context, beside the record of the items. Some tallies count
 * no more than the requests of one kind.
 */
export class Tally {
	/**
	 * @param context n8n's node context, which all runs of the node in an execution share
	 * @param key the tally's own, where there are several
	 */
	constructor(
		private readonly context: Record<string, unknown>,
		private readonly key = KEY,
	) {}

	/** The number of the place that is taken next, from 1 on. */
	get next(): number {
		const { taken, free } = this.places;
		return free.at(0) ?? taken + 1;
	}

	/** The tasks that exist, or may. */
	get count(): number {
		const { taken, free } = this.places;
		return taken - free.length;
	}

	/** @returns the sentence for the user where so many more would be too much */
	problem(more: number, most: number): string | undefined {
		const { count } = this;
		if (more === 0 || count + more <= most) return undefined;
		return `This node has created ${count} of its tasks in this execution and would create ${more} more, and Max Tasks per Execution is ${most}`;
	}

	/** @returns whether no place above it was ever taken */
	isNewest(place: number): boolean {
		return place === this.places.taken;
	}

	/** @returns the number of a place, from 1 on */
	take(): number {
		const { next: place } = this;
		const { taken, free } = this.places;
		this.context[this.key] = { taken: Math.max(taken, place), free: free.slice(1) };
		return place;
	}

	/** Gives a place back: no task came of it. */
	release(place: number): void {
		const { taken, free } = this.places;
		this.context[this.key] = { taken, free: [...free, place].sort((a, b) => a - b) };
	}

	/** Looked up each time: calls of an agent share the context. */
	private get places(): Places {
		const { taken = 0, free = [] } = asObject(this.context[this.key]) as Partial<Places>;
		return { taken, free };
	}
}
