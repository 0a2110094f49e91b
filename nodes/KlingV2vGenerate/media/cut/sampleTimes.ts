import type { SampleTables } from './movieIndex';
import type { Table } from './table';

/** Samples that follow one another and are alike in their times. */
export interface TimeRun {
	sample: number;
	count: number;
	/** When the first is decoded, in ticks. */
	time: number;
	duration: number;
	shift: number;
}

interface ListPosition {
	entry: number;
	/** Samples of the entry that were taken. */
	taken: number;
}

/** A walk through the times of a track, from any place where one has been. */
export class SampleTimes {
	sample = 0;

	time = 0;

	private durations: ListPosition = { entry: 0, taken: 0 };

	private shifts: ListPosition = { entry: 0, taken: 0 };

	constructor(private readonly tables: SampleTables) {}

	/** A second walk that goes on from the same place. */
	copy(): SampleTimes {
		const copy = new SampleTimes(this.tables);
		copy.sample = this.sample;
		copy.time = this.time;
		copy.durations = { ...this.durations };
		copy.shifts = { ...this.shifts };
		return copy;
	}

	/** @returns the samples that come next; undefined at the end of the track */
	async next(): Promise<TimeRun | undefined> {
		const { durations, shifts } = this.tables;
		const left = enter(durations, this.durations) ?? (await load(durations, this.durations));
		if (left === 0) return undefined;
		const leftShifted = shifts
			? (enter(shifts, this.shifts) ?? (await load(shifts, this.shifts)))
			: 0;
		return {
			sample: this.sample,
			count: leftShifted > 0 ? Math.min(left, leftShifted) : left,
			time: this.time,
			// A step back in time is written as a number beyond 2^31.
			duration: durations.uint(this.durations.entry, 4) | 0,
			shift: shifts && leftShifted > 0 ? shifts.uint(this.shifts.entry, 4) | 0 : 0,
		};
	}

	/** Goes on by some of the samples that `next` returned. */
	skip(count: number, { duration }: TimeRun): void {
		this.sample += count;
		this.time += count * duration;
		this.durations.taken += count;
		this.shifts.taken += count;
	}
}

/**
 * Goes to the entry that has the next sample.
 * @returns samples left in it; 0 at the end of the list, undefined where an entry is not loaded
 */
function enter(list: Table, position: ListPosition): number | undefined {
	for (; position.entry < list.count; position.entry++) {
		if (!list.has(position.entry)) return undefined;
		const left = list.uint(position.entry) - position.taken;
		if (left > 0) return left;
		position.taken = 0;
	}
	return 0;
}

/** The same with entries that are not loaded; an index may be larger than what is held of it. */
async function load(list: Table, position: ListPosition): Promise<number> {
	for (;;) {
		await list.load(position.entry);
		const left = enter(list, position);
		if (left !== undefined) return left;
	}
}
