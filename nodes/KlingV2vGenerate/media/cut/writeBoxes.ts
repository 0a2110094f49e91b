/** Boxes of ISO base media files (ISO/IEC 14496-12), written. */

const UINT32 = 2 ** 32;

export function box(type: string, ...content: Buffer[]): Buffer {
	const head = Buffer.alloc(8);
	const size = content.reduce((sum, { length }) => sum + length, 8);
	head.writeUInt32BE(size);
	head.write(type, 4, 'latin1');
	return Buffer.concat([head, ...content]);
}

/** Numbers of 32 bits; negative ones and those beyond go round. */
export function numbers(...values: number[]): Buffer {
	const bytes = Buffer.alloc(values.length * 4);
	values.forEach((value, at) => bytes.writeUInt32BE(value >>> 0, at * 4));
	return bytes;
}

/** A box that begins with its version and no flags. */
export function versioned(type: string, version: 0 | 1, ...content: Buffer[]): Buffer {
	return box(type, numbers(version * 2 ** 24), ...content);
}

/** A box that is a list: how many entries there are, and their numbers. */
export function listBox(type: string, version: 0 | 1, entries: number[][]): Buffer {
	const content = Buffer.concat(entries.map((entry) => numbers(...entry)));
	return versioned(type, version, numbers(entries.length), content);
}

export function long(value: number): Buffer {
	return numbers(Math.floor(value / UINT32), value % UINT32);
}

export function needsLong(value: number): boolean {
	return value >= UINT32 - 1;
}

/** The header of a box whose content is not held. */
export function headerFor(type: string, contentBytes: number): Buffer {
	if (!needsLong(contentBytes + 8)) {
		return Buffer.concat([numbers(contentBytes + 8), Buffer.from(type, 'latin1')]);
	}
	return Buffer.concat([numbers(1), Buffer.from(type, 'latin1'), long(contentBytes + 16)]);
}

/**
 * A header box (`mvhd`, `tkhd`, `mdhd`) with another duration; it gets 64-bit times where it must.
 * @param between bytes between the two times of creation and the duration
 */
export function withDuration(body: Buffer, between: number, duration: number): Buffer {
	const isLong = body[0] === 1;
	const bytes = isLong ? 8 : 4;
	const at = 4 + 2 * bytes + between;
	const rest = body.subarray(at + bytes);
	if (isLong || !needsLong(duration)) {
		const written = isLong ? long(duration) : numbers(duration);
		return Buffer.concat([body.subarray(0, at), written, rest]);
	}
	const times = [body.readUInt32BE(4), body.readUInt32BE(8)].map(long);
	return Buffer.concat([
		Buffer.from([1]),
		body.subarray(1, 4),
		...times,
		body.subarray(12, 12 + between),
		long(duration),
		rest,
	]);
}
