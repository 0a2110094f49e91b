/** Lengths this close to each other are one: 16, 17 and 17 ms are 60 frames a second. */
const SAME_LENGTH = 1.08;

/** No real file comes near; it only bounds the work that a made-up one can cause. */
const MOST_LENGTHS = 4096;

/** Counts frames and how long they last, in ticks of the track's own clock. */
export class FrameTally {
	count = 0;

	ticks = 0;

	/** How many frames have each length. */
	private readonly lengths = new Map<number, number>();

	/**
	 * @param count how many frames
	 * @param ticks how long each of them lasts; less than nothing where a writer corrects itself
	 */
	add(count: number, ticks: number): void {
		this.count += count;
		this.ticks += count * ticks;
		this.note(ticks, count);
	}

	/** @returns both together, with neither changed */
	plus(other: FrameTally): FrameTally {
		const sum = new FrameTally();
		for (const tally of [this, other]) {
			sum.count += tally.count;
			sum.ticks += tally.ticks;
			for (const [ticks, count] of tally.lengths) sum.note(ticks, count);
		}
		return sum;
	}

	/** The mean of the lengths that most frames have, in ticks; NaN where there are none. */
	get commonestLength(): number {
		const sorted = [...this.lengths].sort(([one], [other]) => one - other);
		let best = { count: 0, ticks: NaN };
		let [count, ticks, from] = [0, 0, 0];
		for (const [length, times] of sorted) {
			count += times;
			ticks += times * length;
			for (; sorted[from][0] * SAME_LENGTH < length; from++) {
				count -= sorted[from][1];
				ticks -= sorted[from][0] * sorted[from][1];
			}
			if (count > best.count) best = { count, ticks };
		}
		return best.ticks / best.count;
	}

	private note(ticks: number, count: number): void {
		const known = this.lengths.get(ticks);
		if (!(ticks > 0) || (known === undefined && this.lengths.size >= MOST_LENGTHS)) return;
		this.lengths.set(ticks, (known ?? 0) + count);
	}
}
