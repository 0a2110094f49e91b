import type { MediaFault } from '../../shared/media/fault';
import { unchecked, wrong, wrongLink } from '../../shared/media/fault';
import { FileView } from '../../shared/media/fileView';
import {
	EMPTY,
	identify,
	isWriting,
	JPEG,
	PNG,
	SIGNATURE_LENGTH,
} from '../../shared/media/signature';
import type { ByteSource } from '../../shared/media/source';

/** The facts of an image file. */
export interface ImageFacts {
	type: 'jpg' | 'png';
	/** Pixels as shown: a camera may have noted that the picture is to be turned. */
	width: number;
	height: number;
	/** Bytes of the file; undefined where its host does not say. */
	size?: number;
}

/** No real file comes near; it only bounds the work that a made-up one can cause. */
const MOST_STEPS = 10_000;

type Pixels = Pick<ImageFacts, 'width' | 'height'>;

/**
 * Reads what JPEG and PNG files say of themselves, in at most three reads and 512 KB.
 * @returns a fault where it is no such file, or cannot be read; it never throws
 */
export async function readImage(source: ByteSource): Promise<ImageFacts | MediaFault> {
	const file = new FileView(source);
	const found = await examine(file);
	source.close?.();
	return { ...found, size: file.size };
}

async function examine(file: FileView): Promise<Omit<ImageFacts, 'size'> | MediaFault> {
	const head = await file.bytes(0, SIGNATURE_LENGTH);
	if (file.fault) return file.fault;
	const type = identify(head);
	if (type === EMPTY) return wrong('is empty');
	if (type !== JPEG && type !== PNG) {
		return (isWriting(type) ? wrongLink : wrong)(`is ${type}, not JPG or PNG`);
	}
	const pixels = type === PNG ? readPng(head) : await readJpeg(file);
	if (!pixels) return file.fault ?? wrong('is incomplete or damaged');
	// Allowed by the JPEG standard, and written by next to nobody.
	if (pixels.height === 0 && type === JPEG) return unchecked('it does not say its height');
	if (!(pixels.width > 0 && pixels.height > 0)) return wrong('is damaged: it has no pixels');
	return { type: type === PNG ? 'png' : 'jpg', ...pixels };
}

function readPng(head: Buffer): Pixels | undefined {
	if (head.length < 24 || head.toString('latin1', 12, 16) !== 'IHDR') return undefined;
	return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
}

/**
 * Goes from segment to segment up to the one that holds the size, as libjpeg does, which browsers and
 * most programs read JPEG with: bytes between two segments are passed over, and a segment that claims
 * to be shorter than its own length field ends with that.
 */
async function readJpeg(file: FileView): Promise<Pixels | undefined> {
	let isTurned: boolean | undefined;
	let at = 2;
	for (let step = 0; step < MOST_STEPS; step++) {
		at = await findMarker(file, at);
		const segment = await file.bytes(at, 8, 3);
		if (segment.length < 3) return undefined;
		const marker = segment[0];
		const length = Math.max(2, segment.readUInt16BE(1));
		if (isStartOfFrame(marker)) {
			const frame = await file.bytes(at, 8);
			if (frame.length < 8) return undefined;
			const [height, width] = [frame.readUInt16BE(4), frame.readUInt16BE(6)];
			return isTurned ? { width: height, height: width } : { width, height };
		}
		if (isDeadEnd(marker)) return undefined;
		if (marker === EXIF) isTurned ??= isQuarterTurn(await file.bytes(at + 3, length - 2));
		at += 1 + (isAlone(marker) ? 0 : length);
	}
	return undefined;
}

/** APP1. */
const EXIF = 0xe1;

const TEM = 0x01;

/** So much is looked through at a time. */
const STRETCH = 4096;

/**
 * A marker is a byte after any number of 0xff; after a zero, that is no marker.
 * @returns where the next one is; behind what is at hand where there is none
 */
async function findMarker(file: FileView, from: number): Promise<number> {
	let at = from;
	for (let step = 0; step < MOST_STEPS; step++) {
		const bytes = await file.bytes(at, STRETCH, 2);
		if (bytes.length < 2) break;
		const prefix = bytes.indexOf(0xff);
		const found =
			prefix < 0 ? -1 : bytes.findIndex((byte, index) => index > prefix && byte !== 0xff);
		if (found > 0 && bytes[found] !== 0) return at + found;
		// The last byte may be the prefix of what follows.
		at += found > 0 ? found : Math.max(1, bytes.length - 1);
	}
	return Infinity;
}

/** Start and end of an image, start of its picture (the size comes before it), and reserved ones. */
function isDeadEnd(marker: number): boolean {
	return (marker >= 0xd8 && marker <= 0xda) || (marker < 0xc0 && marker !== TEM);
}

/** TEM and the restart markers have no length. */
function isAlone(marker: number): boolean {
	return marker === TEM || (marker >= 0xd0 && marker <= 0xd7);
}

/** SOF0 to SOF15, among which DHT, JPG and DAC have their place. */
function isStartOfFrame(marker: number): boolean {
	return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/**
 * @returns whether Exif data ask for the picture to be turned by 90 degrees, either way; undefined
 *  where they say nothing of it
 */
function isQuarterTurn(exif: Buffer): boolean | undefined {
	if (exif.toString('latin1', 0, 6) !== 'Exif\0\0' || exif.length < 14) return undefined;
	const tiff = exif.subarray(6);
	const isLittle = tiff[0] === 0x49;
	const number = (at: number, bytes: 2 | 4) => {
		if (at + bytes > tiff.length) return NaN;
		return isLittle ? tiff.readUIntLE(at, bytes) : tiff.readUIntBE(at, bytes);
	};
	const list = number(4, 4);
	const entries = Math.min(number(list, 2), (tiff.length - list) / 12);
	for (let entry = 0; entry < entries; entry++) {
		const at = list + 2 + entry * 12;
		const orientation = number(at, 2) === 0x0112 ? number(at + 8, 2) : 0;
		if (orientation >= 1 && orientation <= 8) return orientation >= 5;
	}
	return undefined;
}
