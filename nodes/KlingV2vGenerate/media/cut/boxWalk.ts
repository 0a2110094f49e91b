import { readHeader } from '../../../shared/media/boxes';
import type { IndexReader } from './indexReader';
import { LONGEST } from './indexReader';
import { damaged } from './unfit';

/** Where a box is in the file. */
export interface BoxPlace {
	type: string;
	/** Of its header. */
	start: number;
	/** Of its content. */
	at: number;
	/** Behind its content. */
	end: number;
}

/** No real file has so many boxes in one; it bounds the work that a made-up one can cause. */
const MOST_BOXES = 4000;

/** Bytes to read where a header is asked for: its neighbours are mostly asked for next. */
const AHEAD = 64 * 1024;

/** @returns the box that begins there; undefined at the end of the file, and where there is none */
export async function boxAt(
	reader: IndexReader,
	start: number,
	ahead = AHEAD,
): Promise<BoxPlace | undefined> {
	const header = readHeader(await reader.upTo(start, 16, ahead));
	if (!header) return undefined;
	return {
		type: header.type,
		start,
		at: start + header.length,
		end: start + header.size,
	};
}

/** The boxes between two places of the file; one that claims to be longer than that ends there. */
export async function boxesIn(
	reader: IndexReader,
	{ at: from, end }: Pick<BoxPlace, 'at' | 'end'>,
): Promise<BoxPlace[]> {
	const found: BoxPlace[] = [];
	let at = from;
	while (at + 8 <= end) {
		const box = await boxAt(reader, at, Math.min(AHEAD, end - at));
		if (!box) break;
		if (found.length >= MOST_BOXES) throw damaged('its index has too many parts');
		found.push({ ...box, end: Math.min(box.end, end) });
		at = box.end;
	}
	return found;
}

/**
 * The content of a box, which has to be small enough to be held.
 * @param most bytes that it may have
 */
export async function bodyOf(
	reader: IndexReader,
	{ at, end }: BoxPlace,
	most = LONGEST,
): Promise<Buffer> {
	if (end - at > most) throw damaged('a part of its index is far too large');
	return await reader.bytes(at, Math.max(0, end - at));
}
