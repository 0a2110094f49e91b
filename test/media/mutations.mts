/** What a damaged or hostile file may look like: seeded, so that every run is the same. */

export type Random = () => number;

/** Mulberry32: small, quick, and good enough to choose mutations. */
export function seeded(seed: number): Random {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** Where the structure of a file is, as opposed to its pictures and sounds. */
export interface Seed {
	name: string;
	bytes: Buffer;
	/** Headers of boxes or segments. */
	headers: Array<{ at: number; size: number }>;
	/** Where a change is likely to matter. */
	structure: Array<[from: number, to: number]>;
}

const PARENTS = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'edts', 'mvex', 'moof', 'traf', 'mfra'];

export function movieSeed(name: string, bytes: Buffer): Seed {
	const headers: Seed['headers'] = [];
	const structure: Seed['structure'] = [];
	const walk = (from: number, to: number) => {
		for (let at = from; at + 8 <= to; ) {
			const short = bytes.readUInt32BE(at);
			const size = short === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : short || to - at;
			const type = bytes.toString('latin1', at + 4, at + 8);
			headers.push({ at, size });
			if (PARENTS.includes(type)) walk(at + 8, at + size);
			structure.push([at, type === 'mdat' ? at + 16 : at + Math.min(size, 120)]);
			at += size;
		}
	};
	walk(0, bytes.length);
	return { name, bytes, headers, structure };
}

export function imageSeed(name: string, bytes: Buffer): Seed {
	const headers: Seed['headers'] = [];
	for (let at = 2; bytes[at] === 0xff && bytes[at + 1] !== 0xda && at + 4 < bytes.length; ) {
		const size = 2 + bytes.readUInt16BE(at + 2);
		headers.push({ at, size });
		at += size;
	}
	return { name, bytes, headers, structure: [[0, Math.min(bytes.length, 600)]] };
}

const EXTREMES = [
	0, 1, 7, 8, 9, 15, 16, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
];
const TYPES = [
	'moov',
	'trak',
	'mdia',
	'minf',
	'stbl',
	'stts',
	'stsd',
	'elst',
	'moof',
	'traf',
	'trun',
	'sidx',
	'tfra',
	'mfra',
	'mvex',
	'trex',
	'mehd',
	'mdat',
	'free',
	'cmov',
];

type Mutation = (bytes: Buffer, seed: Seed, random: Random) => Buffer;

function pick<T>(list: readonly T[], random: Random): T {
	return list[Math.floor(random() * list.length)];
}

function place({ structure }: Seed, bytes: Buffer, random: Random): number {
	const [from, to] = pick(structure, random);
	return Math.min(Math.floor(from + random() * (to - from)), Math.max(0, bytes.length - 1));
}

function writeNumber(bytes: Buffer, at: number, value: number): void {
	if (at >= 0 && at + 4 <= bytes.length) bytes.writeUInt32BE(value, at);
}

function cutOut(bytes: Buffer, { at, size }: { at: number; size: number }): Buffer {
	return Buffer.from(bytes.subarray(at, at + Math.min(size, 4096)));
}

const mutations: Record<string, Mutation> = {
	bits(bytes, seed, random) {
		for (let flips = 1 + random() * 8; flips > 0; flips--) {
			bytes[place(seed, bytes, random)] ^= 1 << Math.floor(random() * 8);
		}
		return bytes;
	},
	noise(bytes, seed, random) {
		const at = place(seed, bytes, random);
		for (let index = at; index < at + random() * 40 && index < bytes.length; index++) {
			bytes[index] = random() * 256;
		}
		return bytes;
	},
	cut: (bytes, seed, random) =>
		bytes.subarray(0, random() < 0.5 ? random() * bytes.length : place(seed, bytes, random)),
	size(bytes, { headers }, random) {
		if (headers.length === 0) return bytes;
		const { at, size } = pick(headers, random);
		const value =
			random() < 0.5 ? pick(EXTREMES, random) : size + Math.round((random() - 0.5) * 32);
		writeNumber(bytes, at, value >>> 0);
		return bytes;
	},
	longSize(bytes, { headers }, random) {
		if (headers.length === 0) return bytes;
		const { at } = pick(headers, random);
		writeNumber(bytes, at, 1);
		writeNumber(bytes, at + 8, pick(EXTREMES, random));
		writeNumber(bytes, at + 12, pick(EXTREMES, random));
		return bytes;
	},
	number(bytes, seed, random) {
		writeNumber(bytes, place(seed, bytes, random) & ~3, pick(EXTREMES, random));
		return bytes;
	},
	count(bytes, { headers }, random) {
		if (headers.length === 0) return bytes;
		const { at } = pick(headers, random);
		writeNumber(bytes, at + 12 + 4 * Math.floor(random() * 3), pick(EXTREMES, random));
		return bytes;
	},
	rename(bytes, { headers }, random) {
		if (headers.length === 0) return bytes;
		const { at } = pick(headers, random);
		if (at + 8 <= bytes.length) bytes.write(pick(TYPES, random), at + 4, 'latin1');
		return bytes;
	},
	repeat(bytes, { headers }, random) {
		if (headers.length === 0) return bytes;
		const copy = cutOut(bytes, pick(headers, random));
		const to = Math.min(pick(headers, random).at, bytes.length);
		const times = random() < 0.2 ? 50 : 1;
		return Buffer.concat([
			bytes.subarray(0, to),
			...Array.from({ length: times }, () => copy),
			bytes.subarray(to),
		]);
	},
	nest(bytes, { headers }, random) {
		if (headers.length === 0) return bytes;
		const header = pick(headers, random);
		const depth = 1 + Math.floor(random() * (random() < 0.1 ? 3000 : 20));
		const shells = Buffer.alloc(depth * 8);
		for (let level = 0; level < depth; level++) {
			shells.writeUInt32BE(Math.min(header.size + (depth - level) * 8, 0xffffffff), level * 8);
			shells.write(pick(PARENTS, random), level * 8 + 4, 'latin1');
		}
		return Buffer.concat([bytes.subarray(0, header.at), shells, bytes.subarray(header.at)]);
	},
	swap(bytes, { headers }, random) {
		if (headers.length === 0) return bytes;
		const copy = cutOut(bytes, pick(headers, random));
		copy.copy(bytes, Math.min(pick(headers, random).at, bytes.length));
		return bytes;
	},
};

const all = Object.values(mutations);

/** @returns a changed copy */
export function mutate(seed: Seed, random: Random): Buffer {
	let bytes = Buffer.from(seed.bytes);
	for (let changes = 1 + random() * 3; changes > 0; changes--) {
		bytes = Buffer.from(pick(all, random)(bytes, seed, random));
	}
	return bytes;
}
