/** The boxes of ISO base media files (ISO/IEC 14496-12), of which MP4 and MOV are made. */

export interface BoxHeader {
	type: string;
	/** Bytes of the header. */
	length: number;
	/** Bytes of the whole box; Infinity where it reaches to the end of what holds it. */
	size: number;
}

export interface Box {
	type: string;
	/** The part of its content that was read, which may be less than there is. */
	body: Buffer;
}

/** No real file comes near; it only bounds the work that a made-up one can cause. */
const MOST_CHILDREN = 2000;

const ABSENT = Buffer.alloc(0);

/** @returns undefined where there is no box, or one that would be shorter than its own header */
export function readHeader(bytes: Buffer, at = 0): BoxHeader | undefined {
	if (at + 8 > bytes.length) return undefined;
	const type = bytes.toString('latin1', at + 4, at + 8);
	const size = bytes.readUInt32BE(at);
	if (size === 0) return { type, length: 8, size: Infinity };
	if (size >= 8) return { type, length: 8, size };
	const longSize = uint(bytes, at + 8, 8);
	return size === 1 && longSize >= 16 ? { type, length: 16, size: longSize } : undefined;
}

/** The boxes one after the other in a body, the last perhaps cut off. */
export function children(body: Buffer): Box[] {
	const found: Box[] = [];
	for (let at = 0; found.length < MOST_CHILDREN; ) {
		const header = readHeader(body, at);
		if (!header) break;
		found.push({
			type: header.type,
			body: body.subarray(at + header.length, at + header.size),
		});
		at += header.size;
	}
	return found;
}

/**
 * The content of a box in a box, by the types on the way to it.
 * @returns nothing at all where there is no such box: numbers read from it are NaN
 */
export function inside(body: Buffer, ...path: string[]): Buffer {
	return path.reduce(
		(parent, type) => children(parent).find((box) => box.type === type)?.body ?? ABSENT,
		body,
	);
}

/**
 * An unsigned number; NaN where the box is too short, so that nothing finite is ever computed from
 * what is not there.
 */
export function uint(body: Buffer, at: number, bytes: 4 | 8 = 4): number {
	if (!(at >= 0 && at + bytes <= body.length)) return NaN;
	return bytes === 4 ? body.readUInt32BE(at) : Number(body.readBigUInt64BE(at));
}

/** The same with a sign. */
export function int(body: Buffer, at: number, bytes: 4 | 8 = 4): number {
	if (!(at >= 0 && at + bytes <= body.length)) return NaN;
	return bytes === 4 ? body.readInt32BE(at) : Number(body.readBigInt64BE(at));
}

/** Version 1 of a box has 64-bit times. */
export function isLong(body: Buffer): boolean {
	return body[0] === 1;
}

/** The 24 bits after the version. */
export function flags(body: Buffer): number {
	return body.length < 4 ? 0 : body.readUIntBE(1, 3);
}

/** A name of four letters, fit to be shown whatever a made-up file has in its place. */
export function fourLetters(body: Buffer, at: number): string {
	return body.toString('latin1', at, at + 4).replace(/[^ -~]/g, '?');
}
