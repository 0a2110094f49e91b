import { isLong, uint } from '../../../shared/media/boxes';
import type { SampleTables } from './movieIndex';
import type { Table } from './table';

/** Which samples of a track a decoder can begin with. */
export class SyncSamples {
	private readonly lists: Table[];

	private readonly open: Array<{ from: number; to: number }>;

	/** No list means that every sample is one. */
	readonly areAll: boolean;

	constructor({ sync, partialSync, openSync }: SampleTables) {
		this.areAll = sync === undefined;
		this.lists = [sync, partialSync].filter((list) => list !== undefined) as Table[];
		this.open = openSync ? readGroups(openSync) : [];
	}

	/** @returns the first at or after a sample; Infinity where there is none */
	async next(sample: number): Promise<number> {
		if (this.areAll) return sample;
		let nearest = Infinity;
		for (const list of this.lists) nearest = Math.min(nearest, await firstFrom(list, sample));
		const open = this.open[search(this.open.length, (at) => this.open[at].to > sample)];
		return open ? Math.min(nearest, Math.max(open.from, sample)) : nearest;
	}
}

async function firstFrom(list: Table, sample: number): Promise<number> {
	let low = 0;
	let high = list.count;
	while (low < high) {
		const middle = (low + high) >>> 1;
		await list.load(middle);
		// They are counted from 1.
		if (list.uint(middle) - 1 < sample) low = middle + 1;
		else high = middle;
	}
	if (low >= list.count) return Infinity;
	await list.load(low);
	return Math.max(sample, list.uint(low) - 1);
}

/** @returns the first index that fits, by halves; the length where none does */
function search(length: number, fits: (at: number) => boolean): number {
	let low = 0;
	let high = length;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (fits(middle)) high = middle;
		else low = middle + 1;
	}
	return low;
}

/** The samples that `sbgp` puts into a group at all. */
function readGroups(sbgp: Buffer): Array<{ from: number; to: number }> {
	const start = isLong(sbgp) ? 16 : 12;
	const count = Math.min(uint(sbgp, start - 4), Math.floor((sbgp.length - start) / 8));
	const groups: Array<{ from: number; to: number }> = [];
	let sample = 0;
	for (let entry = 0; entry < count; entry++) {
		const samples = uint(sbgp, start + entry * 8);
		const isGrouped = uint(sbgp, start + entry * 8 + 4) > 0;
		if (isGrouped && samples > 0) groups.push({ from: sample, to: sample + samples });
		sample += samples;
	}
	return groups;
}
