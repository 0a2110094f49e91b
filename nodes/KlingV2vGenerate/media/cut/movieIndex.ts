import { flags, fourLetters, inside, isLong, uint } from '../../../shared/media/boxes';
import { unchecked, wrong } from '../../../shared/media/fault';
import type { BoxPlace } from './boxWalk';
import { bodyOf, boxAt, boxesIn } from './boxWalk';
import type { Edit } from './edits';
import { readEdits } from './edits';
import type { IndexReader } from './indexReader';
import type { TrackDefaults } from './fragmentBoxes';
import { readDefaults } from './fragmentBoxes';
import { Table } from './table';
import { damaged, Unfit } from './unfit';

/** A box that goes into the new file as it is. */
export interface KeptBox {
	type: string;
	body: Buffer;
}

/** Where the lists of a track's samples are; those that a file may leave out are undefined there. */
export interface SampleTables {
	durations: Table;
	shifts?: Table;
	sync?: Table;
	/** QuickTime's sync samples whose neighbours may need earlier ones. */
	partialSync?: Table;
	/** `sbgp` of the kind `rap `: the same in MP4. */
	openSync?: Buffer;
	sizes: SampleSizes;
	chunkRuns: Table;
	chunkOffsets: Table;
	offsetBytes: 4 | 8;
}

export interface SampleSizes {
	/** Bits of an entry of the list. */
	bits: number;
	/** As the file has it; 0 where each sample has its own size. */
	constant: number;
	list?: Table;
	count: number;
}

export interface TrackIndex {
	id: number;
	/** `vide` or `soun`; others are left out. */
	handler: string;
	isEnabled: boolean;
	/** Ticks per second of its clock. */
	timescale: number;
	edits: Edit[];
	tkhd: Buffer;
	mdhd: Buffer;
	stsd: Buffer;
	/** Further boxes, by the box that they are in. */
	kept: { trak: KeptBox[]; mdia: KeptBox[]; minf: KeptBox[] };
	tables: SampleTables;
	/** Only where the file has fragments. */
	defaults?: TrackDefaults;
}

/** The content of the `moov` box, as far as a cut needs it. */
export interface MovieIndex {
	/** Content of the `ftyp` box; undefined in QuickTime files from before there was one. */
	ftyp?: Buffer;
	mvhd: Buffer;
	timescale: number;
	tracks: TrackIndex[];
	isFragmented: boolean;
	/** Where the `moov` box ends; fragments come after it. */
	end: number;
}

/** No more tracks than this are looked at. */
const MOST_TRACKS = 32;

/** Bytes of a box that is held for as long as the plan is. */
const MOST_KEPT = 256 * 1024;

/** Boxes that say how a track is shown; what else there may be is left out. */
const KEPT = {
	trak: new Set(['tapt', 'uuid']),
	mdia: new Set(['hdlr', 'elng']),
	minf: new Set(['vmhd', 'smhd', 'gmhd', 'nmhd', 'hdlr', 'dinf']),
};

const PROTECTED = /^(enc[av]|drm[is])$/;

/** Reads the head of a file, down to where the lists of samples are. */
export async function readIndex(reader: IndexReader): Promise<MovieIndex> {
	const { ftyp, moov } = await findMovie(reader);
	// A small index comes in one read.
	await reader.upTo(moov.at, 16, Math.min(moov.end - moov.at, 1024 * 1024));
	const boxes = await boxesIn(reader, moov);
	if (boxes.some(({ type }) => type === 'cmov')) {
		throw new Unfit(unchecked('its index is compressed'));
	}
	const mvhd = await bodyOfType(reader, boxes, 'mvhd');
	const timescale = uint(mvhd, isLong(mvhd) ? 20 : 12);
	if (!(timescale > 0)) throw damaged('its index has no clock');
	const mvex = boxes.find(({ type }) => type === 'mvex');
	const defaults = mvex ? readDefaults(await bodyOf(reader, mvex)) : undefined;
	const tracks: TrackIndex[] = [];
	for (const trak of boxes.filter(({ type }) => type === 'trak').slice(0, MOST_TRACKS)) {
		const track = await readTrack(reader, trak, timescale);
		if (track) tracks.push({ ...track, defaults: defaults?.get(track.id) });
	}
	return { ftyp, mvhd, timescale, tracks, isFragmented: mvex !== undefined, end: moov.end };
}

async function findMovie(reader: IndexReader): Promise<{ ftyp?: Buffer; moov: BoxPlace }> {
	let ftyp: Buffer | undefined;
	for (let at = 0, boxes = 0; ; boxes++) {
		const box = await boxAt(reader, at);
		if (!box || boxes > 1000) break;
		if (box.type === 'ftyp' && !ftyp) ftyp = await bodyOf(reader, box, MOST_KEPT);
		if (box.type === 'moov') {
			return { ftyp, moov: { ...box, end: Math.min(box.end, reader.size) } };
		}
		at = box.end;
	}
	throw new Unfit(wrong('is incomplete or damaged: it has no index (moov)'));
}

async function bodyOfType(reader: IndexReader, boxes: BoxPlace[], type: string): Promise<Buffer> {
	const box = boxes.find((each) => each.type === type);
	return box ? await bodyOf(reader, box, MOST_KEPT) : Buffer.alloc(0);
}

async function kept(
	reader: IndexReader,
	boxes: BoxPlace[],
	types: Set<string>,
): Promise<KeptBox[]> {
	const found: KeptBox[] = [];
	for (const box of boxes.filter(({ type }) => types.has(type)).slice(0, types.size)) {
		found.push({ type: box.type, body: await bodyOf(reader, box, MOST_KEPT) });
	}
	return found;
}

/** @returns undefined where it is neither picture nor sound */
async function readTrack(
	reader: IndexReader,
	trak: BoxPlace,
	movieTimescale: number,
): Promise<TrackIndex | undefined> {
	const inTrak = await boxesIn(reader, trak);
	const inMdia = await childrenOf(reader, inTrak, 'mdia');
	const handler = fourLetters(await bodyOfType(reader, inMdia, 'hdlr'), 8);
	if (handler !== 'vide' && handler !== 'soun') return undefined;
	const inMinf = await childrenOf(reader, inMdia, 'minf');
	const inStbl = await childrenOf(reader, inMinf, 'stbl');
	const tkhd = await bodyOfType(reader, inTrak, 'tkhd');
	const mdhd = await bodyOfType(reader, inMdia, 'mdhd');
	const stsd = await bodyOfType(reader, inStbl, 'stsd');
	const edts = await bodyOfType(reader, inTrak, 'edts');
	const timescale = uint(mdhd, isLong(mdhd) ? 20 : 12);
	const isWhole =
		tkhd.length >= (isLong(tkhd) ? 96 : 84) && mdhd.length >= (isLong(mdhd) ? 36 : 24);
	if (!isWhole || !(timescale > 0)) throw damaged('a track has no clock');
	if (PROTECTED.test(fourLetters(stsd, 12))) {
		throw new Unfit(wrong('is protected against copying'));
	}
	const minf = await kept(reader, inMinf, KEPT.minf);
	if (isElsewhere(minf)) throw new Unfit(wrong('keeps its samples in another file'));
	return {
		id: uint(tkhd, isLong(tkhd) ? 20 : 12),
		handler,
		isEnabled: (flags(tkhd) & 1) === 1,
		timescale,
		edits: readEdits(inside(edts, 'elst'), movieTimescale),
		tkhd,
		mdhd,
		stsd,
		kept: {
			trak: await kept(reader, inTrak, KEPT.trak),
			mdia: await kept(reader, inMdia, KEPT.mdia),
			minf,
		},
		tables: await readTables(reader, inStbl),
	};
}

async function childrenOf(
	reader: IndexReader,
	boxes: BoxPlace[],
	type: string,
): Promise<BoxPlace[]> {
	const box = boxes.find((each) => each.type === type);
	return box ? await boxesIn(reader, box) : [];
}

/** Flag 1 of a data reference says that the samples are in the file itself. */
function isElsewhere(minf: KeptBox[]): boolean {
	const dref = inside(minf.find(({ type }) => type === 'dinf')?.body ?? Buffer.alloc(0), 'dref');
	const first = dref.subarray(8);
	return first.length >= 12 && (flags(first.subarray(8)) & 1) === 0;
}

async function readTables(reader: IndexReader, stbl: BoxPlace[]): Promise<SampleTables> {
	const table = async (type: string, entryBytes: number) => {
		const box = stbl.find((each) => each.type === type);
		if (!box || box.end - box.at < 8) return undefined;
		const count = uint(await reader.bytes(box.at, 8), 4);
		return listIn(reader, box.at + 8, box.end, entryBytes, count);
	};
	const none = new Table(reader, 0, 4, 0);
	const long = await table('co64', 8);
	const rap = await openSyncOf(reader, stbl);
	return {
		durations: (await table('stts', 8)) ?? none,
		shifts: await table('ctts', 8),
		sync: await table('stss', 4),
		partialSync: await table('stps', 4),
		openSync: rap,
		sizes: await readSizes(reader, stbl),
		chunkRuns: (await table('stsc', 12)) ?? none,
		chunkOffsets: long ?? (await table('stco', 4)) ?? none,
		offsetBytes: long ? 8 : 4,
	};
}

/** A list has no more entries than its box has room for, whatever it says. */
function listIn(reader: IndexReader, at: number, end: number, entryBytes: number, count: number) {
	const room = Math.max(0, Math.floor((end - at) / entryBytes));
	return new Table(reader, at, entryBytes, Math.min(count, room));
}

async function openSyncOf(reader: IndexReader, stbl: BoxPlace[]): Promise<Buffer | undefined> {
	for (const box of stbl.filter(({ type }) => type === 'sbgp')) {
		const head = await reader.upTo(box.at, 8);
		if (fourLetters(head, 4) === 'rap ') return await bodyOf(reader, box);
	}
	return undefined;
}

async function readSizes(reader: IndexReader, stbl: BoxPlace[]): Promise<SampleSizes> {
	const box = stbl.find(({ type }) => type === 'stsz' || type === 'stz2');
	if (!box || box.end - box.at < 12) return { bits: 32, constant: 0, count: 0 };
	const head = await reader.bytes(box.at, 12);
	const count = uint(head, 8);
	if (box.type === 'stsz') {
		const constant = uint(head, 4);
		if (constant > 0) return { bits: 32, constant, count };
		return { bits: 32, constant, count, list: listIn(reader, box.at + 12, box.end, 4, count) };
	}
	const bits = head[7];
	if (![4, 8, 16].includes(bits)) throw damaged('its list of sizes cannot be read');
	// Two sizes of 4 bits share a byte.
	const entries = bits === 4 ? Math.ceil(count / 2) : count;
	const list = listIn(reader, box.at + 12, box.end, bits === 16 ? 2 : 1, entries);
	return { bits, constant: 0, count, list };
}
