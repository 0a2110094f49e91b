import { children, inside, isLong, uint } from '../../../shared/media/boxes';
import type { IndexReader } from './indexReader';
import { LONGEST } from './indexReader';

/** A place where a fragment begins, and about when it is shown. */
export interface Hint {
	at: number;
	seconds: number;
}

/**
 * Reads an index of the fragments behind it.
 * @param end where the `sidx` box ends in the file
 */
export function hintsOfIndex(sidx: Buffer, end: number): Hint[] {
	const long = isLong(sidx);
	const timescale = uint(sidx, 8);
	let ticks = long ? uint(sidx, 12, 8) : uint(sidx, 12);
	let at = end + (long ? uint(sidx, 20, 8) : uint(sidx, 16));
	const hints: Hint[] = [];
	for (let entry = long ? 32 : 24; entry + 12 <= sidx.length; entry += 12) {
		const size = uint(sidx, entry);
		// An entry can be a further index: fragments come behind it all the same.
		if (Number.isSafeInteger(at) && ticks >= 0) hints.push({ at, seconds: ticks / timescale });
		at += size % 0x8000_0000;
		ticks += uint(sidx, entry + 4);
	}
	return hints;
}

/**
 * Reads the index that may be at the end of a file (`mfra`).
 * @param timescales ticks per second, by track
 */
export async function hintsOfTail(
	reader: IndexReader,
	timescales: Map<number, number>,
): Promise<Hint[]> {
	const { size } = reader;
	if (!Number.isFinite(size) || size < 16) return [];
	const mfro = await reader.upTo(size - 16, 16);
	const length = uint(mfro, 12);
	const isThere = mfro.toString('latin1', 4, 8) === 'mfro' && length >= 24;
	if (!isThere || length > Math.min(size, LONGEST)) return [];
	const mfra = inside(await reader.upTo(size - length, length), 'mfra');
	return children(mfra)
		.filter(({ type }) => type === 'tfra')
		.flatMap(({ body }) => hintsOfTrack(body, timescales))
		.sort((one, other) => one.seconds - other.seconds);
}

function hintsOfTrack(tfra: Buffer, timescales: Map<number, number>): Hint[] {
	const timescale = timescales.get(uint(tfra, 4)) ?? NaN;
	const bytes = isLong(tfra) ? 8 : 4;
	const numbers = [4, 2, 0].reduce((sum, shift) => sum + ((uint(tfra, 8) >> shift) & 3) + 1, 0);
	const entryBytes = 2 * bytes + numbers;
	const count = Math.min(uint(tfra, 12), Math.floor((tfra.length - 16) / entryBytes));
	const hints: Hint[] = [];
	for (let entry = 0; entry < count; entry++) {
		const from = 16 + entry * entryBytes;
		const at = uint(tfra, from + bytes, bytes);
		const seconds = uint(tfra, from, bytes) / timescale;
		if (Number.isSafeInteger(at) && seconds >= 0) hints.push({ at, seconds });
	}
	return hints;
}
