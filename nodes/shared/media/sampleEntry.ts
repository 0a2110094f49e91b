import { children, fourLetters, uint } from './boxes';

/** How a track's samples are coded, by its sample description (`stsd`). */
export interface SampleEntry {
	/** The code of the kind of samples, such as `avc1`. */
	codec: string;
	/** Demands on a decoder that the four letters of the codec do not tell. */
	traits: CodecTrait[];
	isEncrypted: boolean;
	/** Pixels as coded; NaN where it does not say. */
	width: number;
	height: number;
}

/** The names of H.264's profiles are those of its standard. */
export type CodecTrait =
	| 'Dolby Vision'
	| 'HDR'
	| '10 bits'
	| 'High 10'
	| 'High 4:2:2'
	| 'High 4:4:4';

/** Where the first entry begins. */
const ENTRY = 8;

/** Bytes of a picture's entry before the boxes in it. */
const VISUAL_LENGTH = 86;

/** `encv` is Common Encryption (ISO/IEC 23001-7), `drmi` is Apple's FairPlay. */
const ENCRYPTED = new Set(['encv', 'drmi']);

const DOLBY_VISION = {
	codecs: new Set(['dvh1', 'dvhe', 'dva1', 'dvav', 'dav1']),
	boxes: ['dvcC', 'dvvC', 'dvwC'],
};

/** The transfer functions of PQ and HLG (ISO/IEC 23091-2). */
const HDR_TRANSFERS = [16, 18];

const H264_PROFILES = new Map<number, CodecTrait>([
	[110, 'High 10'],
	[122, 'High 4:2:2'],
	[244, 'High 4:4:4'],
]);

export function readSampleEntry(stsd: Buffer): SampleEntry {
	const codec = fourLetters(stsd, ENTRY + 4).trim();
	const entries = children(stsd.subarray(ENTRY));
	return {
		codec,
		traits: traitsOf(codec, stsd.subarray(ENTRY + VISUAL_LENGTH, ENTRY + uint(stsd, ENTRY))),
		isEncrypted: entries.some(({ type }) => ENCRYPTED.has(type)),
		width: stsd.length < 44 ? NaN : stsd.readUInt16BE(40),
		height: stsd.length < 44 ? NaN : stsd.readUInt16BE(42),
	};
}

/** @param boxes the boxes in a picture's entry */
function traitsOf(codec: string, boxes: Buffer): CodecTrait[] {
	const found = new Map(children(boxes).map(({ type, body }) => [type, body]));
	const isDolbyVision =
		DOLBY_VISION.codecs.has(codec) || DOLBY_VISION.boxes.some((type) => found.has(type));
	if (isDolbyVision) return ['Dolby Vision'];
	if (isHdr(found.get('colr')) || found.has('mdcv')) return ['HDR'];
	// hvcC has the bits of a sample, less eight, in its 18th byte.
	if (((found.get('hvcC')?.[17] ?? 0) & 7) > 0) return ['10 bits'];
	const profile = H264_PROFILES.get(found.get('avcC')?.[1] ?? 0);
	return profile ? [profile] : [];
}

function isHdr(colr?: Buffer): boolean {
	if (!colr || colr.length < 8 || colr.toString('latin1', 0, 3) !== 'ncl') return false;
	return HDR_TRANSFERS.includes(colr.readUInt16BE(6));
}
